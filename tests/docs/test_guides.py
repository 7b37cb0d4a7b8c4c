"""The guides of docs/guides name commands, options, settings and files that exist."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from api.http.error_catalogue import CATALOGUE
from cli.main import COMMANDS, application
from runtime.settings import Settings, variable_name
from runtime.settings_loading import SECRETS

ROOT = Path(__file__).parents[2]
GUIDES = {path.name: path.read_text() for path in sorted((ROOT / "docs" / "guides").glob("*.md"))}
CALL = re.compile(r"(?:^|[`$ ])proposals ((?:[a-z-]+)(?: (?:[a-z]+|--[a-z-]+))*)", re.MULTILINE)
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
OF_OTHERS = {
    "PROPOSALS_TOKEN",
    "PROPOSALS_STOP_GRACE_PERIOD",
    "PROPOSALS_IMAGE",
}  # of the command, and of compose itself


def calls() -> list[tuple[str, str]]:
    found = set()
    for name, text in GUIDES.items():
        for code in CODE.findall(text):
            found |= {(name, call) for call in CALL.findall(code) if call.split()[0] in COMMANDS}
    return sorted(found)


@pytest.mark.parametrize(("guide", "call"), calls())
def test_a_command_of_a_guide_exists_with_its_options(guide, call):
    command = get_command(application(COMMANDS))
    for word in call.split():
        if word.startswith("--"):
            options = {option for parameter in command.params for option in parameter.opts}
            assert word in options, call
        elif hasattr(command, "commands"):
            assert word in command.commands, call
            command = command.commands[word]


@pytest.mark.parametrize("guide", GUIDES)
def test_a_setting_of_a_guide_exists(guide):
    known = {variable_name(field) for field in Settings.model_fields}
    known |= {f"{variable_name(field)}_FILE" for field in SECRETS} | set(CATALOGUE) | OF_OTHERS
    named = set(re.findall(r"\bPROPOSALS?_[A-Z_]+[A-Z]\b", GUIDES[guide]))
    assert named - known == set()


@pytest.mark.parametrize("guide", GUIDES)
def test_a_file_of_a_guide_exists(guide):
    named = set(re.findall(r"`((?:deploy|tests|docs|examples|requirements)/[\w./-]+)`", GUIDES[guide]))
    own = {"deploy/authorities"}  # the reader's
    assert [name for name in sorted(named - own) if not (ROOT / name).exists()] == []
