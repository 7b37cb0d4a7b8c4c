"""Pages, compose and deployment name only what exists: files, tests, anchors, settings, targets of make, commands.

The names are looked up in the code, without the network: of an address on the web only the form is checked.
"""

import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import markdown
import pytest
from click import Command
from typer.main import get_command

from api.http.error_catalogue import CATALOGUE
from cli.main import COMMANDS, application
from runtime.settings import Settings, variable_name
from runtime.settings_loading import FILE_SUFFIX, OF_WORKER_CONTROLLER, SECRETS
from storage.schema import required_revision

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "client" / "README.md"]
    + [page for folder in ("docs", "examples") for page in (ROOT / folder).rglob("*.md")]
)
# What operators read beside the pages, or start from.
DEPLOYED = [ROOT / name for name in (".env.example", "docker-compose.yml", "Dockerfile", "Makefile")] + sorted(
    path for path in (ROOT / "deploy").rglob("*") if path.is_file()
)
FOLDERS = "|".join(sorted(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")))

LINK = re.compile(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
PATH = re.compile(rf"((?:{FOLDERS})/[\w./-]*)(?:::(\w+))?")
VARIABLE = re.compile(r"\b(?:PROPOSAL|TEMPORAL)_[A-Z][A-Z0-9_]*[A-Z0-9]\b")
CALL = re.compile(
    r"(?:^|[/$(|&;] ?|\b(?:exec|run)\b[^\n|]*? )proposals ((?:[a-z][a-z-]*|--[a-z-]+)(?: (?:[a-z]+|--[a-z-]+))*)(?!\S)"
)
TARGET = re.compile(r"(?:^|[$;&|] ?)make ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)*)")
# The SDK's own variables of connection, which the service's code does not spell out.
ARGUMENTS = {"PROPOSAL_ID"}  # of commands, not variables
OF_THE_SDK = re.compile(r"TEMPORAL_(?:ADDRESS|NAMESPACE|API_KEY|CONFIG_FILE|PROFILE|TLS(?:_[A-Z_]+)?)")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


of_each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def code_of(page: Path) -> list[str]:
    """The lines of a page's blocks of code, and its code spans."""
    text = page.read_text()
    lines = [line.strip() for _, block in FENCE.findall(text) for line in block.splitlines()]
    return lines + SPAN.findall(FENCE.sub("", text))


@cache
def anchors(page: Path) -> frozenset[str]:
    text = page.read_text()
    html = markdown.markdown(text, extensions=["toc", "tables", "attr_list", "fenced_code"])
    return frozenset(re.findall(r"\bid=\"([^\"]+)\"", html + text))


@of_each_page
def test_every_link_leads_somewhere(page):
    wrong = []
    for target in LINK.findall(FENCE.sub("", page.read_text())):
        address = urlsplit(target)
        if address.scheme or address.netloc:
            if address.scheme not in ("http", "https") or not address.hostname:
                wrong.append(target)
            continue
        file = (page.parent / address.path).resolve() if address.path else page
        is_there = file.exists() and ROOT in [file, *file.parents]
        if not is_there or (address.fragment and file.suffix == ".md" and address.fragment not in anchors(file)):
            wrong.append(target)
    assert wrong == []


@of_each_page
def test_every_file_and_test_that_is_named_exists(page):
    wrong = []
    for span in SPAN.findall(FENCE.sub("", page.read_text())):
        if found := PATH.fullmatch(span):
            path, test = ROOT / found[1], found[2]
            if not path.exists() or (test and f"def {test}(" not in path.read_text()):
                wrong.append(span)
    assert wrong == []


@cache
def known_variables() -> frozenset[str]:
    settings = {variable_name(field) for field in Settings.model_fields}
    from_files = {variable_name(field) + FILE_SUFFIX for field in SECRETS}
    engine = {
        code for path in (ROOT / "domain").rglob("*.py") for code in re.findall(r"\"(PROPOSAL_\w+)\"", path.read_text())
    }
    return frozenset(settings | from_files | engine | set(CATALOGUE) | set(OF_WORKER_CONTROLLER))


@pytest.mark.parametrize("page", [*PAGES, *DEPLOYED], ids=name_of)
def test_every_variable_that_is_named_exists(page):
    of_compose = set(VARIABLE.findall("".join(path.read_text() for path in DEPLOYED)))
    of_servers = {name for name in of_compose if name.startswith("TEMPORAL_")}  # of Temporal's own images
    named = set(VARIABLE.findall(page.read_text())) - ARGUMENTS
    assert [name for name in sorted(named - known_variables() - of_servers) if not OF_THE_SDK.fullmatch(name)] == []


@of_each_page
def test_every_target_of_make_that_is_named_exists(page):
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for code in code_of(page) for found in TARGET.findall(code) for word in found.split()}
    assert sorted(named - known) == []


@cache
def command_line() -> Command:
    return get_command(application(COMMANDS))


@of_each_page
def test_every_command_that_is_named_exists_with_its_options(page):
    wrong = []
    for call in {found for code in code_of(page) for found in CALL.findall(code)}:
        command = command_line()
        for word in call.split():
            if word.startswith("--"):
                is_there = word in {option for parameter in command.params for option in (*parameter.opts, "--help")}
            elif hasattr(command, "commands"):
                is_there = word in command.commands
                command = command.commands.get(word, command)
            else:
                continue  # an argument
            if not is_there:
                wrong.append(call)
    assert wrong == []


def test_the_patterns_find_what_pages_name():
    """A pattern that finds nothing would let everything through."""
    code = [line for page in PAGES for line in code_of(page)]
    assert sum(len(CALL.findall(line)) for line in code) > 30
    assert sum(len(TARGET.findall(line)) for line in code) > 30
    assert sum(bool(PATH.fullmatch(line)) for line in code) > 100
    assert sum(len(VARIABLE.findall(page.read_text())) for page in PAGES) > 200


def test_a_migrated_schema_is_shown_with_the_newest_revision():
    shown = {
        revision for page in PAGES for revision in re.findall(r"^schema is at (\d+)$", page.read_text(), re.MULTILINE)
    }
    assert shown == {required_revision()}
