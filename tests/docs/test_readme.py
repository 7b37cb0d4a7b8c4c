"""README and docs say what is true: commands run, promises name tests that exist, links lead somewhere."""

import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = [block.strip() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
DEFAULT_API = "http://127.0.0.1:8000"


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 120


def test_the_readme_names_this_version():
    assert f"version {version('proposals')}," in README


def test_the_two_commands_are_there_and_known_to_make():
    assert COMMANDS[:2] == ["make demo", "make test"]
    for command in COMMANDS[:2]:
        subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.shared
def test_the_curl_commands_print_what_the_readme_shows(service):
    assert len(COMMANDS) == 3
    script = COMMANDS[2].replace(DEFAULT_API, service.url)
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    [shown] = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    assert timeless(ran.stdout) == timeless(shown)


def timeless(text: str) -> str:
    """The text without the digits of ids and times."""
    return re.sub(r"_[0-9a-f]{32}", "_ID", re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+", "TIME", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_module_that_is_named_exists(page):
    for name in re.findall(
        r"`((?:api|services|activities|workflows|storage|runtime|worker|cli|domain)/[\w/]+\.py)`", page.read_text()
    ):
        assert (ROOT / name).exists(), name
