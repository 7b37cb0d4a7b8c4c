"""What the health check of a worker says before Temporal has seen one: test_commands.py has the rest."""

import os

import forked_commands

from cli.local.ports import free_port
from cli.local.temporal_server import TemporalDevServer


def test_a_worker_that_temporal_has_not_seen_is_not_well(tmp_path):
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "PROPOSAL_"))}
    with TemporalDevServer(None, free_port(), free_port(), log=tmp_path / "log") as server:  # no test had a worker here
        ran = forked_commands.run("health", "worker", env=environ | {"TEMPORAL_ADDRESS": server.address})
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "proposals health worker: does not poll\n")
