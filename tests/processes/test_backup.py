"""What docs/guides/back-up-and-restore.md says: a dump goes into an empty server, and nothing is missed."""

import os
import subprocess
import uuid
from pathlib import Path

from running_service import proposals

from cli.local.ports import free_port
from cli.local.postgres import SERVICE_ROLE, EmbeddedPostgres, binary
from cli.local.temporal_server import TemporalDevServer


def told(service, *command: str) -> str:
    """What a command prints that succeeds."""
    ran = proposals(service, *command)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def run(name: str, *arguments: str | Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    subprocess.run([binary(name), *arguments], env=environ, check=True, capture_output=True)


async def test_a_dump_restored_into_an_empty_server_is_whole_and_its_open_operations_go_on(service, clients, tmp_path):
    """The worst case: PostgreSQL is restored, and Temporal starts empty, so it knows nothing of what was open."""
    heads, dump = tmp_path / "heads.jsonl", tmp_path / "proposals.dump"
    ended = [await clients.submit(uuid.uuid4().hex) for _ in range(3)]
    await clients.all_succeed()
    service.kill(service.worker)
    still_open = [await clients.submit(uuid.uuid4().hex) for _ in range(3)]
    told(service, "audit", "verify", "--export", str(heads))
    run("pg_dump", "--format=custom", "--file", dump, service.postgres.dsn("proposals"))

    service.stop()
    service.postgres = EmbeddedPostgres(tmp_path / "restored", free_port(), log=tmp_path / "restored.log")
    service.postgres.start()
    service.postgres.create_database("proposals")
    service.postgres.create_service_role()
    run("pg_restore", "--exit-on-error", "--single-transaction", "--dbname", service.postgres.dsn("proposals"), dump)

    assert "nothing was altered: 3 proposals" in told(service, "audit", "verify", "--against", str(heads))
    assert "schema is at" in told(service, "migrate")

    service.temporal = TemporalDevServer(tmp_path / "empty.db", free_port(), free_port(), log=tmp_path / "empty.log")
    service.temporal.start()
    told(service, "schedules", "apply")
    service.start_worker()
    service.start_api()
    service.wait_for("ok")
    statuses = [await clients.finished(operation_id) for operation_id in [*ended, *still_open]]
    assert {status["status"] for status in statuses} == {"SUCCEEDED"}
    clients.each_exactly_once()
    assert "nothing was altered: 6 proposals" in told(service, "audit", "verify")
    privileges = service.rows(
        f"SELECT has_table_privilege('{SERVICE_ROLE}', 'operations', 'UPDATE'), "
        f"has_table_privilege('{SERVICE_ROLE}', 'workflow_events', 'UPDATE')"
    )
    assert privileges == [(True, False)]
