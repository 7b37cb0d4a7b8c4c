import os
import shutil
import signal
import socket

import psycopg
import pytest
from processes.local.process_tree import descendants, is_alive, wait_for
from waiting import PATIENCE_SECONDS

from cli.local import postgres
from cli.local.children import LocalServerError
from cli.local.ports import free_port
from cli.local.postgres import EmbeddedPostgres


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    monkeypatch.setattr(postgres, "STOP_SECONDS", PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A data directory that initdb made once, to copy from."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("template") / "data", free_port())
    server.initialise()
    return server.data_dir


@pytest.fixture
def data_dir(tmp_path, template):
    copied = tmp_path / "data"
    shutil.copytree(template, copied)
    for path in (copied, *copied.rglob("*")):
        shutil.chown(path, template.stat().st_uid, template.stat().st_gid)
    return copied


def setting(server, name):
    with psycopg.connect(server.dsn()) as connection:
        return connection.execute(f"SHOW {name}").fetchone()[0]


def test_from_nothing_to_a_database_and_back(tmp_path):
    server = EmbeddedPostgres(tmp_path / "deep" / "data", free_port())
    with server:
        server.create_database("proposals")
        server.create_database("proposals")
        with psycopg.connect(server.dsn("proposals")) as connection:
            connection.execute("CREATE TABLE kept (id int)")
            encoding, collation = connection.execute(
                "SELECT pg_encoding_to_char(encoding), datlocale FROM pg_database WHERE datname = 'proposals'"
            ).fetchone()
        assert (encoding, collation) == ("UTF8", "C.UTF-8")
        assert [setting(server, name) for name in ("fsync", "synchronous_commit", "full_page_writes")] == ["on"] * 3
        assert server.data_dir.stat().st_mode & 0o777 == 0o700
    assert server.child.exit_code == 0

    with server, psycopg.connect(server.dsn("proposals")) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_without_durability_nothing_waits_for_the_disk(data_dir):
    with EmbeddedPostgres(data_dir, free_port(), durable=False) as server:
        assert [setting(server, name) for name in ("fsync", "synchronous_commit", "full_page_writes")] == ["off"] * 3


def test_clients_do_not_keep_it_from_stopping(data_dir):
    with EmbeddedPostgres(data_dir, free_port()) as server, psycopg.connect(server.dsn()) as connection:
        server.stop()
        assert server.child.exit_code == 0
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_its_log_quotes_nothing_of_a_client(data_dir, tmp_path):
    with (
        EmbeddedPostgres(data_dir, free_port(), log=tmp_path / "pg.log") as server,
        psycopg.connect(server.dsn()) as connection,
    ):
        connection.execute("CREATE TABLE once (id text PRIMARY KEY)")
        connection.execute("INSERT INTO once VALUES ('client-4711')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO once VALUES ('client-4711')")
    assert "duplicate key" in (tmp_path / "pg.log").read_text()
    assert "4711" not in (tmp_path / "pg.log").read_text()


def test_data_of_another_version_is_refused(data_dir):
    (data_dir / "PG_VERSION").write_text("16\n")

    with pytest.raises(LocalServerError, match=r"was made by PostgreSQL 16, this is 18: move it away"):
        EmbeddedPostgres(data_dir, free_port()).start()


def test_a_directory_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").touch()

    with pytest.raises(LocalServerError, match="is not empty and holds no PostgreSQL data"):
        EmbeddedPostgres(tmp_path, free_port()).start()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_initialisation_that_was_killed_is_done_again(tmp_path):
    (tmp_path / "data.unfinished" / "base").mkdir(parents=True)

    with EmbeddedPostgres(tmp_path / "data", free_port()) as server:
        assert server.is_ready()
    assert not (tmp_path / "data.unfinished").exists()


def test_a_taken_port_is_told_by_its_log(data_dir):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = EmbeddedPostgres(data_dir, listening.getsockname()[1])
        with pytest.raises(LocalServerError, match=r"^PostgreSQL ended with exit code 1") as caught:
            server.start()
    assert any("Address already in use" in line for line in caught.value.log_lines)


def test_after_a_crash_it_recovers_though_its_pid_was_given_to_another_process(data_dir):
    server = EmbeddedPostgres(data_dir, free_port())
    server.start()
    with psycopg.connect(server.dsn()) as connection:
        connection.execute("CREATE TABLE kept (id int)")
    pids = {server.child.pid} | descendants(server.child.pid)
    os.kill(server.child.pid, signal.SIGKILL)
    wait_for(lambda: server.child.exit_code == -signal.SIGKILL and not any(map(is_alive, pids)))
    pid_file = data_dir / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(str(server.child.pid), str(os.getpid()), 1))

    with server, psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_data_that_a_living_server_uses_is_left_alone(data_dir):
    with EmbeddedPostgres(data_dir, free_port()) as server:
        with pytest.raises(LocalServerError, match=f"earlier run .pid {server.child.pid}. still uses"):
            EmbeddedPostgres(data_dir, free_port()).start()
        assert server.is_ready()


def test_a_missing_package_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres.importlib.util, "find_spec", lambda _: None)

    with pytest.raises(LocalServerError, match=r"install proposals\[local\]"):
        EmbeddedPostgres(tmp_path / "data", free_port()).start()
