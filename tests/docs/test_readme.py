"""The README is short and true: its commands run, its promises name tests that exist."""

import json
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = [block.strip() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)]
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


def in_example_requests() -> list[tuple[int, str, str, str, dict[str, str], str]]:
    """Status, name, method, address, header fields and body of each request of examples/requests.http."""
    found = []
    for part in (ROOT / "examples" / "requests.http").read_text().split("\n### ")[1:]:
        title, _, rest = part.partition("\n")
        name = "".join(re.findall(r"# @name (\w+)\n", rest))
        head, _, body = re.sub(r"^# @name .*\n", "", rest).partition("\n\n")
        request, *fields = head.splitlines()
        method, address = request.split(" ")
        headers = dict(field.split(": ", 1) for field in fields)
        status = int(title.split(": ")[1][:3])
        found.append((status, name, method, address, headers, body.strip()))
    return found


@pytest.mark.shared
def test_the_example_requests_get_the_answers_that_their_titles_name(service):
    requests = in_example_requests()
    assert len(requests) == 8
    answers: dict[str, dict[str, str]] = {}
    variables = {"base": f"{service.url}/rebalance/proposals", "run": "1"}
    with httpx2.Client(timeout=40, trust_env=False) as http:
        for status, name, method, address, headers, body in requests:
            url = re.sub(
                r"\{\{(\w+)\.response\.body\.\$\.(\w+)\}\}", lambda found: answers[found[1]][found[2]], address
            )
            url, *keys = (
                re.sub(r"\{\{(\w+)\}\}", lambda found: variables[found[1]], text) for text in (url, *headers.values())
            )
            content = (ROOT / "examples" / body[2:]).read_bytes() if body.startswith("< ") else body.encode()
            answer = http.request(method, url, headers=dict(zip(headers, keys, strict=True)), content=content)
            assert answer.status_code == status, (address, answer.text)
            if "wait=" in url:
                assert answer.json()["status"] == "SUCCEEDED"
            if name:
                answers[name] = answer.json()
            if status == 422:
                [shown] = re.findall(r"```json\n(.*?)```", (ROOT / "examples" / "README.md").read_text(), re.DOTALL)
                expected, problem = json.loads(shown), answer.json()
                assert {member: problem[member] for member in ("status", "code")} | {
                    "errors": [{key: error[key] for key in ("pointer", "code")} for error in problem["errors"]]
                } == expected
