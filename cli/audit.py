"""The commands `audit verify` and `audit replay`: whether what is stored is what was written, and computes the same."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli import evidence
from cli.audit_files import AuditFileInvalid, Kept, read_kept, write_heads
from cli.command_group import CommandGroup
from cli.database import NotServed
from cli.evidence import (
    EVIDENCE_SECRETS,
    EXIT_ALTERED,
    EXIT_NOT_MADE,
    audit_storage,
    own_fingerprint,
    refuse,
    trusted_key,
)
from cli.output import fail, print_error, print_fields
from cli.settings import settings_or_exit
from domain.engine.codes import ENGINE_VERSION
from domain.errors import RunNotFound, VersionNotFound
from domain.operation import Operation
from runtime.engine_pool import EnginePool
from runtime.settings import Settings
from runtime.signals import exit_process
from runtime.telemetry import configure_logging
from services.audit import AuditVerification, VerificationResult
from services.batch_replay import replay_batch
from services.checkpoint_check import CheckpointDemands
from services.replay import ReplayResult, replay_simulation
from services.replay import replay as replay_version
from storage.unit_of_work import Storage

EXIT_OTHER_ENGINE: Final = 3
SHOWN_ROWS: Final = 50
NOT_COMPUTED: Final = "none, this engine cannot read the request"

commands = CommandGroup(no_args_is_help=True, help="Prove that what is stored is what was written.")
for command in (evidence.pack, evidence.checkpoint, evidence.key):
    commands.command()(command)

ProposalOption = Annotated[str | None, typer.Option("--proposal", metavar="ID", help="Verify this proposal alone.")]
ExportOption = Annotated[
    Path | None,
    typer.Option("--export", metavar="FILE", help="Export chain heads to FILE, to be kept out of operators' reach."),
]
AgainstOption = Annotated[
    Path | None,
    typer.Option(
        "--against", metavar="FILE", help="Compare with chain heads, or a checkpoint, exported earlier: one file."
    ),
]
KeyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="Demand that checkpoints are signed by this key, or by PROPOSAL_EVIDENCE_KEY: a fingerprint, or a public "
        "key in hex. Repeat it for keys of earlier times.",
    ),
]


@commands.command()
def verify(
    proposal: ProposalOption = None,
    export: ExportOption = None,
    against: AgainstOption = None,
    key: KeyOption = None,
) -> None:
    """Compute all hashes again and name every row that was altered, and every safeguard that is not in order.

    All trails must hold what checkpoints saw of them.

    Exits 0 when nothing was altered, 1 when a row was altered or is missing, 2 when it could not be checked.
    """
    configure_logging(level="ERROR", format="auto")
    settings = settings_or_exit(secrets=EVIDENCE_SECRETS)
    try:
        keys = {trusted_key(text) for text in key or ()} | own_fingerprint(settings)
        kept = Kept() if against is None else read_kept(against)
    except (ValueError, AuditFileInvalid) as failure:
        fail("proposals audit verify", str(failure), exit_code=EXIT_NOT_MADE)
    if kept.checkpoint is not None and proposal is not None:
        reason = f"{against} is a checkpoint of all proposals: leave out --proposal"
        fail("proposals audit verify", reason, exit_code=EXIT_NOT_MADE)
    demands = CheckpointDemands(keys=keys, kept=kept.checkpoint)
    exit_process(asyncio.run(_verify(settings, proposal_id=proposal, export=export, kept=kept, demands=demands)))


@commands.command()
def replay(
    made_id: Annotated[str, typer.Argument(metavar="ID", help="A version, ppv_..., or a batch or simulation, pop_...")],
) -> None:
    """Run the engine again on the stored request of a version, simulation, or run of a batch, and compare the hashes.

    Exit code 0: the same; 1: other hashes; 2: it could not be checked; 3: another engine version made it.
    """
    configure_logging(level="ERROR", format="auto")
    replayed = _replay_operation if made_id.startswith("pop_") else _replay
    exit_process(asyncio.run(replayed(settings_or_exit(secrets=("database_url",)), made_id)))


async def _verify(
    settings: Settings, *, proposal_id: str | None, export: Path | None, kept: Kept, demands: CheckpointDemands
) -> int:
    try:
        async with audit_storage(settings) as storage:
            return await _verified(storage, proposal_id=proposal_id, export=export, kept=kept, demands=demands)
    except NotServed as failure:
        return refuse("verify", str(failure))
    except OSError as failure:
        return refuse("verify", f"{export} cannot be written: {failure.strerror}")


async def _verified(
    storage: Storage, *, proposal_id: str | None, export: Path | None, kept: Kept, demands: CheckpointDemands
) -> int:
    with _progress_bar() as bar:
        task = bar.add_task("verifying", total=None)
        audit = AuditVerification(
            storage, against=kept.heads, progress=lambda count: bar.advance(task, count), demands=demands
        )
        found = 0
        if proposal_id is None:
            bar.update(task, total=await audit.size())
        async for row in audit.everything() if proposal_id is None else audit.proposal(proposal_id):
            found += 1
            if found <= SHOWN_ROWS:
                bar.console.file.flush()
                typer.echo(f"ALTERED: {row}")
    verified = audit.verified
    looked_at = (
        f"{len(verified.heads)} proposals, {verified.versions} versions, {verified.events} events, "
        f"{verified.approvals} approvals" + (f", {verified.documents} documents" if proposal_id is None else "")
    )
    if proposal_id is None:
        _print_checkpoints(verified)
    if found:
        line = f"{found} rows or safeguards are not as they were written, of {looked_at}"
        print_error("proposals audit verify", [line])
        return EXIT_ALTERED
    typer.echo(f"nothing was altered: {looked_at}")
    if export is not None:
        write_heads(export, verified.heads)
        typer.echo(f"{len(verified.heads)} chain ends written to {export}")
    return 0


def _print_checkpoints(verified: VerificationResult) -> None:
    found = verified.checkpoints
    if found.last is not None:
        signers = ", ".join(sorted(found.signers))
        typer.echo(f"{found.count} checkpoints, the last of {found.last.taken_at}, signed by {signers}")


async def _replay(settings: Settings, version_id: str) -> int:
    try:
        async with audit_storage(settings) as storage:
            replayed = await replay_version(storage, version_id)
    except VersionNotFound:
        return refuse("replay", f"{version_id} is not known, or its request cannot be read")
    except NotServed as failure:
        return refuse("replay", str(failure))
    return _shown(replayed)


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
        print_error("proposals audit replay", ["another engine version made it: the hashes need not be the same"])
        return EXIT_OTHER_ENGINE
    if not replayed.is_same:
        print_error("proposals audit replay", ["the same engine does not come to the same hashes"])
        return EXIT_ALTERED
    typer.echo("OK: the same hashes")
    return 0


async def _replay_operation(settings: Settings, operation_id: str) -> int:
    try:
        async with audit_storage(settings) as storage:
            replayed = await replay_simulation(storage, operation_id)
    except VersionNotFound:
        return await _replay_batch(settings, operation_id)
    except NotServed as failure:
        return refuse("replay", str(failure))
    return _shown(replayed)


async def _replay_batch(settings: Settings, operation_id: str) -> int:
    """In a process of its own, within the limits of the service: a run may have ended one."""
    engine = EnginePool(1, seconds=settings.compute_seconds, memory_mb=settings.compute_memory_mb)
    try:
        async with audit_storage(settings) as storage, engine.running() as pool:
            replayed = await replay_batch(storage, pool, operation_id)
    except RunNotFound:
        return refuse("replay", f"{operation_id} is not known, has made no simulation, and has no computed run")
    except NotServed as failure:
        return refuse("replay", str(failure))
    fields: dict[str, Any] = {
        "batch": replayed.operation.operation_id,
        "engine now": ENGINE_VERSION,
        "chunks with the same lines": replayed.same,
        "chunks with other lines": ", ".join(map(str, replayed.differing)) or "none",
        "chunks by another engine": ", ".join(map(str, replayed.by_other_engines)) or "none",
    }
    print_fields("Batch", fields)
    if replayed.differing:
        print_error("proposals audit replay", ["the same engine does not come to the same lines"])
        return EXIT_ALTERED
    if replayed.by_other_engines:
        print_error("proposals audit replay", ["another engine version made some: their lines need not be the same"])
        return EXIT_OTHER_ENGINE
    typer.echo("OK: the same hashes")
    return 0


def _progress_bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
