import fcntl
import shutil
import socket
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import typer

from cli.local import data_directory
from cli.local.children import LocalServerError
from cli.local.data_directory import DataDirectory
from cli.local.environment import env


def test_one_run_at_a_time_has_it(tmp_path):
    data = DataDirectory(tmp_path / "data")
    other = DataDirectory(tmp_path / "data")
    with data.claimed(), pytest.raises(LocalServerError, match="in use by another run"), other.claimed():
        pass
    with other.claimed():
        pass


def test_a_path_that_cannot_be_a_directory_is_refused(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(LocalServerError, match="cannot be used: "), DataDirectory(tmp_path / "file").claimed():
        pass


def test_logs_of_the_run_before_are_set_aside(tmp_path):
    data = DataDirectory(tmp_path / "data")
    with data.claimed():
        data.log("api").parent.mkdir()
        data.log("api").write_text("first")
    with data.claimed():
        assert not data.log("api").exists()
        assert data.log("api").with_suffix(".log.previous").read_text() == "first"


def test_the_port_of_postgresql_is_kept_while_it_is_free(tmp_path):
    with DataDirectory(tmp_path / "data").claimed() as data:
        port = data.postgres_port()
        assert data.postgres_port() == port
        with socket.create_server(("127.0.0.1", port)):
            other = data.postgres_port()
        assert other != port
        assert data.postgres_port() == other


def test_the_secret_of_callbacks_is_made_once_and_for_nobody_else_to_read(tmp_path):
    with DataDirectory(tmp_path / "data").claimed() as data:
        secret = data.callback_secret()
        assert len(secret) >= 24
        assert data.callback_secret() == secret
        assert stat.S_IMODE((data.root / "callback-secret").stat().st_mode) == 0o600
    with DataDirectory(tmp_path / "other").claimed() as other:
        assert other.callback_secret() != secret


def test_a_shell_that_sources_the_environment_has_its_settings(tmp_path):
    data = DataDirectory(tmp_path / "data")
    with data.claimed():
        programs = Path("/opt/post gres/bin")
        data.write_environment({"PROPOSAL_CALLBACK_SECRETS": "old"}, postgres_programs=programs)
        data.environment.chmod(0o644)
        data.write_environment(
            {"PROPOSAL_CALLBACK_SECRETS": "a secret of $HOME, 'quoted'", "TEMPORAL_ADDRESS": "127.0.0.1:1"},
            postgres_programs=programs,
        )
    assert stat.S_IMODE(data.environment.stat().st_mode) == 0o600
    shown = '"$PROPOSAL_CALLBACK_SECRETS" "$TEMPORAL_ADDRESS" "$(command -v proposals)" "$PATH"'
    script = f'eval "$(/bin/cat {data.environment})"; printf "%s|" {shown}'
    commands = Path(sys.executable).parent
    for shell in filter(None, map(shutil.which, ("sh", "bash", "zsh", "fish"))):  # whichever this machine has
        alone = {"PATH": "/usr/bin", "HOME": str(tmp_path)}
        ran = subprocess.run([shell, "-c", script], env=alone, check=True, capture_output=True, text=True)
        assert ran.stdout.split("|") == [
            "a secret of $HOME, 'quoted'",
            "127.0.0.1:1",
            str(commands / "proposals"),
            f"{commands}:/opt/post gres/bin:/usr/bin",
            "",
        ]


def test_the_environment_is_shown_only_of_a_run_that_has_the_directory(tmp_path, capsys):
    data = DataDirectory(tmp_path / "data")

    def shown():
        with suppress(typer.Exit):
            env(data_dir=tmp_path / "data")
        return capsys.readouterr()

    refused = (
        f"proposals env: nothing runs in {tmp_path}/data: start it with `proposals dev`, "
        "or name the folder of what runs with --data-dir\n"
    )
    assert shown() == ("", refused)
    with data.claimed():
        assert shown() == ("", refused)  # it has written nothing yet
        data.write_environment({"TEMPORAL_ADDRESS": "127.0.0.1:1"}, postgres_programs=tmp_path)
        assert shown() == (data.environment.read_text(), "")
    assert shown() == ("", refused)
    with data.claimed():
        assert shown() == ("", refused)  # what a former run wrote leads nowhere


def test_a_run_can_start_while_a_shell_asks_what_runs(tmp_path, monkeypatch):
    data = DataDirectory(tmp_path / "data")
    with data.claimed():
        pass
    with (data.root / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        monkeypatch.setattr(data_directory.time, "sleep", lambda _: fcntl.flock(lock, fcntl.LOCK_UN))
        with data.claimed():
            pass
