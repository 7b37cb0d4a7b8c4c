"""The files of the audit commands: chain ends and checkpoints that are kept elsewhere."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cli.whole_file import write_whole
from domain.canonical import canonical_text
from domain.checkpoint import ChainHead, Checkpoint
from domain.pack_verifier import CHECKPOINT_FORMAT
from domain.timestamps import wire_timestamp

HEADS_FORMAT: Final = "proposals-audit-heads/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What a file holds: chain ends by proposal, or a checkpoint."""

    heads: Mapping[str, ChainHead] = field(default_factory=dict)
    checkpoint: Checkpoint | None = None


class AuditFileInvalid(Exception):
    """A file that no audit command wrote, or that is not whole."""


def read_kept(file: Path) -> Kept:
    """Raises AuditFileInvalid."""
    try:
        return _kept(file.read_text().splitlines())
    except (OSError, ValueError, TypeError, LookupError, RecursionError) as failure:
        raise AuditFileInvalid(
            f"{file} is no export of an audit command, or not whole: {type(failure).__name__}"
        ) from None


def _kept(lines: Sequence[str]) -> Kept:
    described = json.loads(lines[0])
    if described["format"] == CHECKPOINT_FORMAT:
        return Kept(checkpoint=_checkpoint(described, lines[1:]))
    heads = [ChainHead(**json.loads(line)) for line in lines[1:]]
    if described["format"] != HEADS_FORMAT or described["proposals"] != len(heads):
        raise ValueError("not whole")
    return Kept(heads={head.proposal_id: head for head in heads})


def _checkpoint(described: Mapping[str, Any], further_lines: Sequence[str]) -> Checkpoint:
    checkpoint = Checkpoint(**{name: value for name, value in described.items() if name != "format"})
    if further_lines or not checkpoint.is_signed():
        raise ValueError("not as it was signed")
    return checkpoint


def write_heads(file: Path, heads: Sequence[ChainHead]) -> None:
    """A half-written file would accuse the proposals that it lacks."""
    header = {"format": HEADS_FORMAT, "exported_at": wire_timestamp(datetime.now(UTC)), "proposals": len(heads)}
    lines = [json.dumps(header), *(json.dumps(asdict(head)) for head in heads)]
    write_whole(file, ("\n".join(lines) + "\n").encode())


def write_checkpoint(file: Path, checkpoint: Checkpoint) -> None:
    write_whole(file, f"{canonical_text(checkpoint.shown())}\n".encode())
