import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cli.local.children import LocalServerError
from cli.local.data_directory import DataDirectory


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
        data.write_environment({"PROPOSAL_CALLBACK_SECRETS": "old"})
        data.environment.chmod(0o644)
        data.write_environment(
            {"PROPOSAL_CALLBACK_SECRETS": "a secret of $HOME, 'quoted'", "TEMPORAL_ADDRESS": "127.0.0.1:1"}
        )
    assert stat.S_IMODE(data.environment.stat().st_mode) == 0o600
    shown = '"$PROPOSAL_CALLBACK_SECRETS" "$TEMPORAL_ADDRESS" "$(command -v proposals)" "$PATH"'
    script = f'. {data.environment}; printf "%s|" {shown}'
    ran = subprocess.run(["sh", "-c", script], env={"PATH": "/usr/bin"}, check=True, capture_output=True, text=True)
    commands = Path(sys.executable).parent
    assert ran.stdout.split("|") == [
        "a secret of $HOME, 'quoted'",
        "127.0.0.1:1",
        str(commands / "proposals"),
        f"{commands}:/usr/bin",
        "",
    ]
