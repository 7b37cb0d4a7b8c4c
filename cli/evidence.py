"""The commands `audit pack`, `audit checkpoint` and `audit key`: evidence for people without access to PostgreSQL."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.audit_files import write_checkpoint
from cli.database import NotServed, connected_storage
from cli.output import fail, print_error, print_fields
from cli.settings import settings_or_exit
from cli.whole_file import OWNER_ONLY, write_whole
from domain.canonical import sha256_of
from domain.errors import ProposalNotFound
from domain.evidence_key import EvidenceKey
from domain.evidence_pack import PackTooLarge, verifier
from runtime.settings import Settings
from runtime.signals import exit_process
from runtime.telemetry import configure_logging
from services.checkpoints import take_checkpoint
from services.evidence_pack import EvidenceAltered, pack_of
from storage.checkpoints import CheckpointTaken
from storage.unit_of_work import Storage

EXIT_ALTERED: Final = 1
EXIT_NOT_MADE: Final = 2
EVIDENCE_SECRETS: Final = ("database_url", "evidence_key")
NO_KEY: Final = (
    "no key is configured: let PROPOSAL_EVIDENCE_KEY_FILE name a file that "
    "`openssl genpkey -algorithm ed25519` has written"
)

OutputOption = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The zip to write.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")]
ExportOption = Annotated[
    Path | None, typer.Option("--export", metavar="FILE", help="Write the checkpoint, to be kept elsewhere.")
]


def pack(
    proposal_id: Annotated[str, typer.Argument(metavar="PROPOSAL_ID", help="The proposal, pp_...")],
    output: OutputOption,
    *,
    force: ForceOption = False,
) -> None:
    """Write all evidence about a proposal into a zip, with a script that verifies it anywhere.

    The same evidence makes the same bytes. It is signed if PROPOSAL_EVIDENCE_KEY is set.

    Exit code 0: written; 1: the evidence was altered; 2: it could not be written.
    """
    configure_logging(level="ERROR", format="auto")
    settings = settings_or_exit(secrets=EVIDENCE_SECRETS)
    if output.exists() and not (force and output.is_file()):
        reason = "is there already: give --force to replace it" if output.is_file() else "is no file"
        fail("proposals audit pack", f"{output} {reason}", exit_code=EXIT_NOT_MADE)
    exit_process(asyncio.run(_pack(settings, proposal_id, output)))


async def _pack(settings: Settings, proposal_id: str, output: Path) -> int:
    key = settings.signing_key
    try:
        async with audit_storage(settings) as storage:
            content = await pack_of(storage, proposal_id, key=key)
        write_whole(output, content, mode=OWNER_ONLY)
    except ProposalNotFound:
        return refuse("pack", f"{proposal_id} is not known")
    except EvidenceAltered as altered:
        for row in altered.broken:
            typer.echo(f"ALTERED: {row}")
        print_error("proposals audit pack", ["the evidence is not as it was written: no pack was made"])
        return EXIT_ALTERED
    except PackTooLarge:
        return refuse("pack", f"{proposal_id} has more evidence than a zip can hold: 65,535 parts, or 4 GiB")
    except NotServed as failure:
        return refuse("pack", str(failure))
    except OSError as failure:
        return refuse("pack", f"{output} cannot be written: {failure.strerror}")
    print_fields(
        "Evidence pack",
        {
            "proposal": proposal_id,
            "file": output,
            "bytes": len(content),
            "hash": sha256_of(content),
            "signed by": "none: no PROPOSAL_EVIDENCE_KEY is set" if key is None else key.fingerprint,
        },
    )
    return 0


def checkpoint(export: ExportOption = None) -> None:
    """Sign where the trails of all proposals end now, and store that: later ends must follow from these.

    Exit code 0: stored; 2: it could not be.
    """
    configure_logging(level="ERROR", format="auto")
    settings = settings_or_exit(secrets=EVIDENCE_SECRETS)
    signing_key = settings.signing_key
    if signing_key is None:
        fail("proposals audit checkpoint", NO_KEY, exit_code=EXIT_NOT_MADE)
    exit_process(asyncio.run(_checkpoint(settings, signing_key, export)))


async def _checkpoint(settings: Settings, signing_key: EvidenceKey, export: Path | None) -> int:
    try:
        async with audit_storage(settings, must_write=True) as storage:
            try:
                taken = await take_checkpoint(storage, signing_key)
            except CheckpointTaken:  # not further out, where PostgreSQL would pass for down
                return refuse("checkpoint", "another checkpoint was taken at the same time: try again")
    except NotServed as failure:
        return refuse("checkpoint", str(failure))
    print_fields(
        "Checkpoint",
        {
            "number": taken.checkpoint_no,
            "taken at": taken.taken_at,
            "proposals": taken.proposals,
            "of them changed": taken.changed,
            "root": taken.root,
            "signed by": signing_key.fingerprint,
        },
    )
    if export is not None:
        try:
            write_checkpoint(export, taken)
        except OSError as failure:
            return refuse("checkpoint", f"it is stored, but {export} cannot be written: {failure.strerror}")
    return 0


def key() -> None:
    """Print the public half of PROPOSAL_EVIDENCE_KEY, its fingerprint, and the SHA-256 of this release's `verify.py`.

    Auditors get these by another way than packs.

    Exit code 0: printed; 2: there is none.
    """
    signing_key = settings_or_exit(secrets=("evidence_key",)).signing_key
    if signing_key is None:
        fail("proposals audit key", NO_KEY, exit_code=EXIT_NOT_MADE)
    print_fields(
        "Evidence key",
        {
            "public key": signing_key.public_key,
            "fingerprint": signing_key.fingerprint,
            "verify.py": sha256_of(verifier()),
        },
    )


def audit_storage(settings: Settings, *, must_write: bool = False) -> AbstractAsyncContextManager[Storage]:
    return connected_storage(settings, application_name="proposals-audit", pool_size=2, must_write=must_write)


def refuse(command: str, reason: str) -> int:
    print_error(f"proposals audit {command}", [reason])
    return EXIT_NOT_MADE
