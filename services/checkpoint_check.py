"""Verifying checkpoints: their signatures, their chain, the heads that they saw, and one that was kept elsewhere."""

from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from domain.audit import FIRST_PREVIOUS_HASH
from domain.audit_check import MISSING, BrokenRow, gap
from domain.checkpoint import Checkpoint, root_of
from domain.evidence_key import fingerprint
from services.checkpoints import OTHER_ROOT, TABLE, UNSIGNED, added_tree, heads_tree
from storage.checkpoints import CheckpointReader

CHECKPOINTS_A_PAGE: Final = 500
HEADS_TABLE: Final = "checkpoint_heads"


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointDemands:
    """`keys`: fingerprints of those that may have signed, any without one; `kept`: a checkpoint from elsewhere."""

    keys: Collection[str] = ()
    kept: Checkpoint | None = None


NO_DEMANDS: Final = CheckpointDemands()


@dataclass(slots=True)
class CheckpointResult:
    """How many were verified, the last of them, and the fingerprints of the keys that signed them."""

    count: int = 0
    last: Checkpoint | None = None
    signers: set[str] = field(default_factory=set)


async def broken_checkpoints(
    reader: CheckpointReader, demands: CheckpointDemands, result: CheckpointResult
) -> AsyncIterator[BrokenRow]:
    """The checkpoints that were altered or are missing, and those whose heads are not what they signed.

    The heads of each must be those that it was the first to see, which are all that later ones are made of. So the
    tree of all heads is computed for the last one alone.
    """
    for head in await reader.heads_of_none(limit=CHECKPOINTS_A_PAGE):
        yield BrokenRow(
            table=HEADS_TABLE,
            row=f"number {head.checkpoint_no}",
            proposal_id=head.proposal_id,
            reason="is of no checkpoint",
        )
    while page := await reader.after(0 if result.last is None else result.last.checkpoint_no, limit=CHECKPOINTS_A_PAGE):
        for checkpoint in page:
            for broken in _broken(checkpoint, result, demands):
                yield broken
            added = await added_tree(reader, checkpoint.checkpoint_no)
            if (added.size, root_of(added)) != (checkpoint.changed, checkpoint.changed_root):
                yield _row(checkpoint.checkpoint_no, "signed other heads than checkpoint_heads has of it")
            result.count += 1
            result.last = checkpoint
    last_number = 0 if result.last is None else result.last.checkpoint_no
    newest_number = await reader.newest_number()
    if newest_number > last_number:
        yield BrokenRow(table=TABLE, row=gap(last_number + 1, newest_number), reason=MISSING)
    if result.last is not None:
        heads = await heads_tree(reader, last_number)
        if (heads.size, root_of(heads)) != (result.last.proposals, result.last.root):
            yield _row(last_number, OTHER_ROOT)
    if demands.kept is not None and demands.kept.checkpoint_no > last_number:
        yield _row(demands.kept.checkpoint_no, "is missing, but was exported")


def _broken(checkpoint: Checkpoint, result: CheckpointResult, demands: CheckpointDemands) -> Iterator[BrokenRow]:
    number, expected = checkpoint.checkpoint_no, 1 if result.last is None else result.last.checkpoint_no + 1
    if number > expected:
        yield BrokenRow(table=TABLE, row=gap(expected, number - 1), reason=MISSING)
    elif checkpoint.previous_hash != (FIRST_PREVIOUS_HASH if result.last is None else result.last.hash()):
        yield _row(number, "does not follow the checkpoint before it")
    if not checkpoint.is_signed():
        yield _row(number, UNSIGNED)
    else:
        signer = fingerprint(checkpoint.public_key)
        result.signers.add(signer)
        if demands.keys and signer not in demands.keys:
            yield _row(number, f"is signed by another key, {signer}")
    if demands.kept is not None and number == demands.kept.checkpoint_no and checkpoint != demands.kept:
        yield _row(number, "is not the checkpoint that was exported")


def _row(number: int, reason: str) -> BrokenRow:
    return BrokenRow(table=TABLE, row=f"number {number}", reason=reason)
