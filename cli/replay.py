"""The command `audit replay`: whether the engine computes from a stored request what is stored of it."""

import asyncio
from typing import Annotated, Any, Final

import typer

from cli.database import NotServed
from cli.evidence import EXIT_ALTERED, audit_storage, refuse
from cli.output import print_error, print_fields
from cli.settings import settings_or_exit
from domain.engine.codes import ENGINE_VERSION
from domain.errors import RunNotFound, VersionNotFound
from domain.operation import Operation
from runtime.engine_pool import EnginePool
from runtime.settings import Settings
from runtime.signals import exit_process
from runtime.telemetry import configure_logging
from services.batch_replay import BatchReplay, replay_batch
from services.replay import ReplayResult, replay_simulation
from services.replay import replay as replay_version
from storage.unit_of_work import Storage

COMMAND: Final = "proposals audit replay"
EXIT_OTHER_ENGINE: Final = 3
NOT_COMPUTED: Final = "none, this engine cannot read the request"


def replay(
    made_id: Annotated[str, typer.Argument(metavar="ID", help="A version, ppv_..., or a batch or simulation, pop_...")],
) -> None:
    """Run the engine again on the stored request of a version, simulation, or run of a batch, and compare the hashes.

    Exit code 0: the same; 1: other hashes; 2: it could not be checked; 3: another engine version made it.
    """
    configure_logging(level="ERROR", format="auto")
    exit_process(asyncio.run(_replay(settings_or_exit(secrets=("database_url",)), made_id)))


async def _replay(settings: Settings, made_id: str) -> int:
    try:
        async with audit_storage(settings) as storage:
            if not made_id.startswith("pop_"):
                return _shown(await replay_version(storage, made_id))
            return await _replay_operation(storage, settings, made_id)
    except VersionNotFound:
        return refuse("replay", f"{made_id} is not known, or its request cannot be read")
    except RunNotFound:
        return refuse("replay", f"{made_id} is not known, has made no simulation, and has no computed run")
    except NotServed as failure:
        return refuse("replay", str(failure))


async def _replay_operation(storage: Storage, settings: Settings, operation_id: str) -> int:
    """A batch in a process of its own, within the limits of the service: a run may have ended one."""
    try:
        return _shown(await replay_simulation(storage, operation_id))
    except VersionNotFound:
        engine = EnginePool(1, seconds=settings.compute_seconds, memory_mb=settings.compute_memory_mb)
        async with engine.running() as pool:
            return _shown_batch(await replay_batch(storage, pool, operation_id))


def _shown(replayed: ReplayResult) -> int:
    made = replayed.made
    if isinstance(made, Operation):
        title, names = "Simulation", {"operation": made.operation_id}
    else:
        names = {"version": made.proposal_version_id, "proposal": f"{made.proposal_id}, number {made.version_no}"}
        title = "Version"
    print_fields(
        title,
        {
            **names,
            "engine": f"{replayed.engine_version} then, {ENGINE_VERSION} now",
            "simulation hash then": made.simulation_hash,
            "simulation hash now": replayed.simulation_hash or NOT_COMPUTED,
            "artifact hash then": made.artifact_hash,
            "artifact hash now": replayed.artifact_hash or NOT_COMPUTED,
        },
    )
    if not replayed.is_same_engine:
        print_error(COMMAND, ["another engine version made it: the hashes need not be the same"])
        return EXIT_OTHER_ENGINE
    if not replayed.is_same:
        print_error(COMMAND, ["the same engine does not come to the same hashes"])
        return EXIT_ALTERED
    typer.echo("OK: the same hashes")
    return 0


def _shown_batch(replayed: BatchReplay) -> int:
    fields: dict[str, Any] = {
        "batch": replayed.operation.operation_id,
        "engine now": ENGINE_VERSION,
        "chunks with the same lines": replayed.same,
        "chunks with other lines": ", ".join(map(str, replayed.differing)) or "none",
        "chunks by another engine": ", ".join(map(str, replayed.by_other_engines)) or "none",
    }
    print_fields("Batch", fields)
    if replayed.differing:
        print_error(COMMAND, ["the same engine does not come to the same lines"])
        return EXIT_ALTERED
    if replayed.by_other_engines:
        print_error(COMMAND, ["another engine version made some: their lines need not be the same"])
        return EXIT_OTHER_ENGINE
    typer.echo("OK: the same hashes")
    return 0
