"""What the health checks of containers run."""

import os

import forked_commands

from cli.local.ports import free_port
from cli.local.temporal_server import TemporalDevServer


def health(name: str, environ: dict[str, str]) -> tuple[int, str]:
    ran = forked_commands.run("health", name, env=environ)
    return ran.returncode, (ran.stdout + ran.stderr).strip()


def test_processes_are_judged_and_not_what_they_depend_on(service):
    environ = service.environment() | {"PROPOSAL_API_HOST": "0.0.0.0"}  # noqa: S104 -- only read, never listened on
    assert health("api", environ) == (0, "proposals health api: answers")
    assert health("worker", environ) == (0, "proposals health worker: polls")

    service.postgres.stop()
    service.temporal.stop()
    assert health("api", environ)[0] == 0
    assert health("worker", environ) == (
        0,
        "proposals health worker: Temporal cannot be reached, the worker waits for it",
    )

    service.kill(service.api)
    assert health("api", environ) == (1, "proposals health api: does not answer")


def test_a_worker_that_temporal_has_not_seen_is_not_well(tmp_path):
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "PROPOSAL_"))}
    with TemporalDevServer(None, free_port(), free_port(), log=tmp_path / "log") as server:  # no test had a worker here
        told = health("worker", environ | {"TEMPORAL_ADDRESS": server.address})
    assert told == (1, "proposals health worker: does not poll")
