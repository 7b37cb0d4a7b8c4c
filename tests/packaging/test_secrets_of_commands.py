"""Processes share their variables, but not every mounted file: a command looks at the secrets that it uses."""

import pytest
from typer.testing import CliRunner

from cli.main import COMMANDS, application
from cli.setting_readers import readers
from runtime.settings import Settings, variable_name
from runtime.settings_loading import SECRETS

WRONG = "PROPOSAL_API_PORT: must be a valid integer"  # so that every command that reads settings ends there
API = {"database_url", "callback_secrets", "egress_proxy"}
USED = {
    "api": API,
    "worker": API | {"evidence_key"},
    "migrate": {"database_url", "owner_database_url"},
    "schedules apply": set(),
    "health api": set(),
    "health worker": set(),
    "views": set(),
    "operation pop_0": {"database_url"},
    "callback-secret orchestrator.example": {"callback_secrets"},
    "callback-test https://orchestrator.example": {"callback_secrets", "egress_proxy"},
    "audit replay ppv_0": {"database_url"},
    "audit verify": {"database_url", "evidence_key"},
    "audit pack pp_0 -o none.zip": {"database_url", "evidence_key"},
    "audit checkpoint": {"database_url", "evidence_key"},
    "audit key": {"evidence_key"},
    "config check": set(SECRETS),
    "dev": set(SECRETS),
}


@pytest.mark.parametrize("command", USED)
def test_a_command_names_the_missing_files_of_its_own_secrets_and_no_others(command, tmp_path, monkeypatch):
    missing = {f"{variable_name(field)}_FILE": str(tmp_path / field) for field in SECRETS}
    for name, value in (missing | {"PROPOSAL_API_PORT": "x"}).items():
        monkeypatch.setenv(name, value)
    words = command.split()

    ran = CliRunner().invoke(application([words[0]]), words)

    expected = {
        f"proposals: {variable_name(field)}_FILE: the file cannot be read (No such file or directory)"
        for field in USED[command]
    }
    assert ran.exit_code == 2
    assert {line for line in ran.stderr.splitlines() if WRONG not in line} == expected
    assert WRONG in ran.stderr


def test_the_page_of_settings_names_the_processes_that_read_each_secret():
    read_by = readers()
    assert [field for field in Settings.model_fields if not read_by[field]] == []
    for process, command in {"API": "api", "worker": "worker", "migrate": "migrate"}.items():
        assert {field for field in SECRETS if process in read_by[field]} == USED[command]
    of_commands = set().union(*(USED[command] for command in USED if command.split()[0] in ("operation", "audit")))
    assert {field for field in SECRETS if "commands" in read_by[field]} == of_commands | {
        "callback_secrets",
        "egress_proxy",
    }
    assert read_by["temporal_ui_url"] == ("API", "commands")


def test_every_command_that_reads_settings_is_among_these():
    without = {"demo", "env", "token", "submit", "batch", "openapi", "errors", "cli"}  # `demo` begins as `dev` does
    assert {command.split()[0] for command in USED} == set(COMMANDS) - without
