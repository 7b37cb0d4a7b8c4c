import os
import shlex
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.core import TyperOption
from typer.main import get_command
from typer.testing import CliRunner

from cli.main import COMMANDS, application
from domain.engine.codes import ENGINE_VERSION

PROPOSALS = Path(sys.executable).with_name("proposals")


def proposals(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_every_command():
    ran = proposals("--help")

    assert ran.returncode == 0
    assert all(f" {name} " in ran.stdout for name in COMMANDS)


def test_a_command_says_what_it_does_and_not_in_a_clause():
    listed = get_command(application(COMMANDS)).commands
    said = {name: command.get_short_help_str() for name, command in listed.items()}
    assert [name for name, text in said.items() if not text or text.startswith(("Whether", "What", "Who", "How"))] == []


def test_a_command_imports_only_what_it_needs():
    code = (
        "import sys\n"
        "from cli import main\n"
        "main.application(['audit', 'health', 'callback-secret'])\n"
        "assert not {'temporalio', 'jwt'} & set(sys.modules)\n"
        "sys.argv = ['proposals', 'config', 'check']\n"
        "try:\n"
        "    main.main()\n"
        "finally:\n"
        "    assert not {'fastapi', 'sqlalchemy', 'api.app', 'worker.process'} & set(sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], capture_output=True, check=False)

    assert ran.returncode == 0, ran.stderr


def test_an_interrupt_in_the_middle_of_an_import_is_no_traceback():
    code = (
        "import os, signal, sys\n"
        "from cli import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # shells ignore it for what runs in the background
        "main.import_module = lambda _: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.argv = ['proposals', 'health']\n"
        "main.main()\n"
    )
    folder = Path(__file__).parents[3]
    ran = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, check=False)

    assert (ran.returncode, ran.stderr) == (-signal.SIGINT, b"")


def options_of(command, *path):
    """Each option that takes a value, behind the words of its command."""
    for name, member in getattr(command, "commands", {}).items():
        yield from options_of(member, *path, name)
    for parameter in command.params:
        if isinstance(parameter, TyperOption) and not parameter.is_flag:
            yield path, parameter


def test_an_option_that_takes_one_value_is_refused_when_it_is_given_twice(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    app = application(COMMANDS)
    repeated = set()
    for path, option in options_of(get_command(app)):
        if option.multiple:
            repeated.add((*path, option.opts[0]))
            continue
        for first in option.opts:
            ran = CliRunner().invoke(app, [*path, first, "1", option.opts[-1], "1"])
            said = f"{' / '.join(option.opts)} takes one value, but was given 2 times."
            assert (ran.exit_code, said in ran.stderr) == (2, True), (path, first)
    assert repeated == {("audit", "verify", "--key"), ("callback-test", "--header")}


def test_an_unknown_command_is_refused():
    ran = proposals("sumbit")

    assert ran.returncode == 2
    assert "No such command 'sumbit'" in ran.stderr


def test_the_version_is_that_of_the_package_and_of_the_engine():
    ran = proposals("--version")

    assert (ran.returncode, ran.stdout) == (0, f"proposals {version('proposals')}, engine {ENGINE_VERSION}\n")


def asked_by_a_shell(*arguments, **environ):
    command = [PROPOSALS, *arguments]
    ran = subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, check=True)
    return ran.stdout


def test_bash_completes_commands_options_and_names():
    script = asked_by_a_shell("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")

    def completed(*words):
        line = f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}"
        ask = f'{script}\n{line}\n_proposals_completion {PROPOSALS}; printf "%s\n" "${{COMPREPLY[@]}}"'
        ran = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
        assert ran.stderr == ""
        return ran.stdout.split()

    assert set(completed("proposals", "")) == set(COMMANDS)
    assert completed("proposals", "batch", "e") == ["export"]
    assert completed("proposals", "batch", "export", "--ou") == ["--output"]
    assert completed("proposals", "token", "ri") == ["risk_1"]
    assert completed("proposals", "--version", "tok") == ["token"]


@pytest.mark.parametrize(
    ("shell", "line"),
    [("zsh", """_arguments '*: :(("export":"Write all runs"""), ("fish", "export\tWrite all runs")],
)
def test_zsh_and_fish_are_offered_commands_with_what_they_do(shell, line):
    told = asked_by_a_shell(
        _PROPOSALS_COMPLETE=f"complete_{shell}",
        _TYPER_COMPLETE_ARGS="proposals batch e",
        _TYPER_COMPLETE_FISH_ACTION="get-args",
    )

    assert told.startswith(line)
