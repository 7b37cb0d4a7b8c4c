import socket

import pytest

from cli.local import ports
from cli.local.children import LocalServerError
from cli.local.ports import free_port, is_free, require_free


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(ports, "RELEASE_SECONDS", 0.2)


def test_a_free_port_can_be_listened_on():
    with socket.create_server(("127.0.0.1", free_port())):
        pass


def test_a_taken_port_is_named_with_its_option():
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        with pytest.raises(LocalServerError, match=f"^port {port} is taken: choose another one with --ui-port$"):
            require_free({"--api-port": free_port(), "--ui-port": port})
    require_free({"--ui-port": port})


def test_a_port_that_is_let_go_in_a_moment_is_waited_for(monkeypatch):
    monkeypatch.setattr(ports, "RELEASE_SECONDS", 10)
    listening = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(ports.time, "sleep", lambda _: listening.close())

    require_free({"--api-port": listening.getsockname()[1]})


def test_two_options_need_two_ports():
    with pytest.raises(LocalServerError, match=r"^--api-port and --ui-port are both 8000$"):
        require_free({"--api-port": 8000, "--ui-port": 8000})
