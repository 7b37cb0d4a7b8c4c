"""The commands `audit ...`, and of them `audit verify`: whether what is stored is what was written."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.audit_files import AuditFileInvalid, Kept, read_kept, write_heads
from cli.command_group import CommandGroup
from cli.database import NotServed
from cli.evidence import (
    EVIDENCE_SECRETS,
    EXIT_ALTERED,
    EXIT_NOT_MADE,
    audit_storage,
    checkpoint,
    key,
    pack,
    refuse,
)
from cli.output import fail, print_error
from cli.replay import replay
from cli.settings import settings_or_exit
from domain.evidence_key import fingerprint
from runtime.settings import Settings
from runtime.signals import exit_process
from runtime.telemetry import configure_logging
from services.audit import AuditVerification, VerificationResult
from services.checkpoint_check import CheckpointDemands
from storage.unit_of_work import Storage

SHOWN_ROWS: Final = 50
PUBLIC_KEY_BYTES: Final = 32

commands = CommandGroup(no_args_is_help=True, help="Prove that what is stored is what was written.")

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


def verify(
    proposal: ProposalOption = None,
    export: ExportOption = None,
    against: AgainstOption = None,
    trusted: KeyOption = None,
) -> None:
    """Compute all hashes again and name every row that was altered, and every safeguard that is not in order.

    All trails must hold what checkpoints saw of them.

    Exits 0 when nothing was altered, 1 when a row was altered or is missing, 2 when it could not be checked.
    """
    configure_logging(level="ERROR", format="auto")
    settings = settings_or_exit(secrets=EVIDENCE_SECRETS)
    try:
        keys = {_trusted_key(text) for text in trusted or ()} | _own_fingerprint(settings)
        kept = Kept() if against is None else read_kept(against)
    except (ValueError, AuditFileInvalid) as failure:
        fail("proposals audit verify", str(failure), exit_code=EXIT_NOT_MADE)
    if kept.checkpoint is not None and proposal is not None:
        reason = f"{against} is a checkpoint of all proposals: leave out --proposal"
        fail("proposals audit verify", reason, exit_code=EXIT_NOT_MADE)
    demands = CheckpointDemands(keys=keys, kept=kept.checkpoint)
    exit_process(asyncio.run(_verify(settings, proposal_id=proposal, export=export, kept=kept, demands=demands)))


def _own_fingerprint(settings: Settings) -> set[str]:
    """That of the key that is configured, if one is."""
    return set() if settings.signing_key is None else {settings.signing_key.fingerprint}


def _trusted_key(text: str) -> str:
    """The fingerprint of a key that was given by it, or as a public key in hex. Raises ValueError."""
    digits = text.removeprefix("sha256:").lower()
    try:
        is_key = len(bytes.fromhex(digits)) == PUBLIC_KEY_BYTES
    except ValueError:
        is_key = False
    if not is_key:
        raise ValueError(f"{text} is no key: give a fingerprint, sha256:..., or a public key of 64 hex digits")
    return f"sha256:{digits}" if text.startswith("sha256:") else fingerprint(digits)


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


def _progress_bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


for command in (pack, checkpoint, key, verify, replay):
    commands.command()(command)
