"""Checkpoints of all trails: taking one, computing one again from the stored heads, and proving what it saw."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from domain.audit import FIRST_PREVIOUS_HASH
from domain.audit_check import MISSING, BrokenRow
from domain.checkpoint import ChainHead, Checkpoint, SeenHead, Sighting, hash_text, root_of
from domain.evidence_key import EvidenceKey
from domain.merkle import MerkleTree
from storage.checkpoints import CheckpointReader
from storage.unit_of_work import Storage

TABLE: Final = "evidence_checkpoints"
UNSIGNED: Final = "is not what its signature says"
OTHER_ROOT: Final = "has another root than the heads up to it"
HEADS_A_PAGE: Final = 2_000  # some 10 ms of hashing, in a thread


class CheckpointAltered(Exception):
    """A checkpoint that does not follow from the stored heads."""

    def __init__(self, broken: BrokenRow) -> None:
        super().__init__(str(broken))
        self.broken = broken


async def take_checkpoint(storage: Storage, key: EvidenceKey) -> Checkpoint:
    """Store a signed checkpoint of all trails as they are now.

    Raises StorageUnavailable, also when another one is taken at the same time: then the same again works.
    """
    async with storage.checkpointing() as checkpoints:
        last = await checkpoints.last()
        number = await checkpoints.newest_number() + 1
        await checkpoints.add_heads(number)
        heads, added = await heads_tree(checkpoints, number), await added_tree(checkpoints, number)
        checkpoint = Checkpoint(
            checkpoint_no=number,
            taken_at=await checkpoints.now(),
            proposals=heads.size,
            root=root_of(heads),
            changed=added.size,
            changed_root=root_of(added),
            previous_hash=FIRST_PREVIOUS_HASH if last is None else last.hash(),
            public_key="",
            signature="",
        ).signed(key)
        await checkpoints.add(checkpoint)
    return checkpoint


async def sighting_of(reader: CheckpointReader, proposal_id: str) -> Sighting | None:
    """The first checkpoint that saw the proposal's newest head of any checkpoint, with the proof; None without one.

    The first, so that a proposal that does not change keeps its proof. Raises CheckpointAltered.
    """
    seen = await reader.newest_head(proposal_id)
    if seen is None:
        return None
    tree = await heads_tree(reader, seen.checkpoint_no, wanted=proposal_id)
    checkpoint = await reader.get(seen.checkpoint_no)
    if checkpoint is None:
        raise _altered(seen, MISSING)
    if not checkpoint.is_signed():
        raise _altered(seen, UNSIGNED)
    if tree.wanted is None or root_of(tree) != checkpoint.root:
        raise _altered(seen, OTHER_ROOT)
    path = tuple(hash_text(digest) for digest in tree.path())
    return Sighting(checkpoint=checkpoint, head=seen, index=tree.wanted, path=path)


def _altered(seen: SeenHead, reason: str) -> CheckpointAltered:
    return CheckpointAltered(BrokenRow(table=TABLE, row=f"number {seen.checkpoint_no}", reason=reason))


async def heads_tree(reader: CheckpointReader, checkpoint_no: int, *, wanted: str | None = None) -> MerkleTree:
    """The tree over the newest head of each proposal that was seen by then; `wanted` is the proposal to prove."""
    return await _tree(partial(reader.heads_at, checkpoint_no), wanted=wanted)


async def added_tree(reader: CheckpointReader, checkpoint_no: int) -> MerkleTree:
    """The tree over the heads that the checkpoint was the first to see."""
    return await _tree(partial(reader.added_heads, checkpoint_no))


async def _tree(read: Callable[..., Awaitable[Sequence[ChainHead]]], *, wanted: str | None = None) -> MerkleTree:
    tree, after = MerkleTree(), ""
    while page := await read(after=after, limit=HEADS_A_PAGE):
        await asyncio.to_thread(_grow, tree, page, wanted)
        after = page[-1].proposal_id
    return tree


def _grow(tree: MerkleTree, page: Sequence[ChainHead], wanted: str | None) -> None:
    for head in page:
        tree.add(head.leaf(), is_wanted=head.proposal_id == wanted)
