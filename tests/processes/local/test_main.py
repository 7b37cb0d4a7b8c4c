import subprocess
import sys
from pathlib import Path

from cli.main import COMMANDS


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


def test_a_command_imports_only_what_it_needs():
    code = (
        "import sys\n"
        "from cli import main\n"
        "sys.argv = ['proposals', 'config', 'check']\n"
        "try:\n"
        "    main.main()\n"
        "finally:\n"
        "    assert not {'fastapi', 'sqlalchemy', 'api.app', 'worker.process'} & set(sys.modules)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[3], capture_output=True, check=False, timeout=100
    )

    assert ran.returncode == 0, ran.stderr


def test_an_unknown_command_is_refused():
    ran = proposals("sumbit")

    assert ran.returncode == 2
    assert "No such command 'sumbit'" in ran.stderr
