"""Signed checkpoints of all trails, and the heads that each was the first to see; rows are added, never changed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row

from domain.checkpoint import ChainHead, Checkpoint, SeenHead
from domain.errors import StorageUnavailable
from storage.rows import WIRE_TIME, Repository, columns_of, insert_statement, parameters_of

COLUMNS: Final = columns_of(Checkpoint)
# The time as it was signed: as a text it can be read whatever it was altered to.
SHOWN: Final = ", ".join(f"{WIRE_TIME.format(name)} AS {name}" if name == "taken_at" else name for name in COLUMNS)
HEAD: Final = ", ".join(columns_of(ChainHead))

SELECT_NOW: Final = f"SELECT {WIRE_TIME.format('now()')}"
SELECT_LAST: Final = f"SELECT {SHOWN} FROM evidence_checkpoints ORDER BY checkpoint_no DESC LIMIT 1"
SELECT_CHECKPOINT: Final = f"SELECT {SHOWN} FROM evidence_checkpoints WHERE checkpoint_no = %(checkpoint_no)s"
SELECT_AFTER: Final = f"""
SELECT {SHOWN} FROM evidence_checkpoints WHERE checkpoint_no > %(after)s ORDER BY checkpoint_no LIMIT %(limit)s
"""
# Also of heads whose checkpoint was deleted.
SELECT_NEWEST_NUMBER: Final = """
SELECT coalesce(greatest(
    (SELECT max(checkpoint_no) FROM evidence_checkpoints), (SELECT max(checkpoint_no) FROM checkpoint_heads)), 0)
"""
SELECT_HEADS_AT: Final = f"""
SELECT DISTINCT ON (proposal_id) {HEAD} FROM checkpoint_heads
WHERE checkpoint_no <= %(checkpoint_no)s AND proposal_id > %(after)s
ORDER BY proposal_id, checkpoint_no DESC LIMIT %(limit)s
"""
# Said in the order of the primary key, or PostgreSQL may walk through the heads of all checkpoints by proposal.
SELECT_ADDED_HEADS: Final = f"""
SELECT {HEAD} FROM checkpoint_heads
WHERE (checkpoint_no, proposal_id) > (%(checkpoint_no)s, %(after)s) AND checkpoint_no <= %(checkpoint_no)s
ORDER BY checkpoint_no, proposal_id LIMIT %(limit)s
"""
SELECT_SEEN: Final = f"""
SELECT checkpoint_no, {HEAD} FROM checkpoint_heads WHERE proposal_id = ANY(%(proposal_ids)s)
ORDER BY proposal_id, checkpoint_no
"""
SELECT_NEWEST_HEAD: Final = f"""
SELECT checkpoint_no, {HEAD} FROM checkpoint_heads WHERE proposal_id = %(proposal_id)s
ORDER BY checkpoint_no DESC LIMIT 1
"""
# They are in no tree: what is newer of the same proposal hides them.
SELECT_HEADS_OF_NONE: Final = f"""
SELECT checkpoint_no, {HEAD} FROM checkpoint_heads WHERE checkpoint_no < 1
ORDER BY checkpoint_no, proposal_id LIMIT %(limit)s
"""
ADD_HEADS: Final = f"""
INSERT INTO checkpoint_heads (checkpoint_no, {HEAD})
SELECT %(checkpoint_no)s, p.proposal_id, p.event_count, p.last_event_hash
FROM proposals p LEFT JOIN LATERAL (
    SELECT event_count, last_event_hash FROM checkpoint_heads h WHERE h.proposal_id = p.proposal_id
    ORDER BY checkpoint_no DESC LIMIT 1
) AS seen ON true
WHERE (seen.event_count, seen.last_event_hash) IS DISTINCT FROM (p.event_count, p.last_event_hash)
"""
INSERT_CHECKPOINT: Final = insert_statement("evidence_checkpoints", COLUMNS)
CHECKPOINT_ROW: Final = class_row(Checkpoint)
HEAD_ROW: Final = class_row(ChainHead)
SEEN_ROW: Final = class_row(SeenHead)


class CheckpointTaken(StorageUnavailable):
    """Another checkpoint was taken at the same time: the same again works."""


class CheckpointReader(Repository):
    """The caller holds a snapshot."""

    async def last(self) -> Checkpoint | None:
        return await self._one(CHECKPOINT_ROW, SELECT_LAST)

    async def get(self, checkpoint_no: int) -> Checkpoint | None:
        return await self._one(CHECKPOINT_ROW, SELECT_CHECKPOINT, checkpoint_no=checkpoint_no)

    async def after(self, checkpoint_no: int, *, limit: int) -> Sequence[Checkpoint]:
        return await self._all(CHECKPOINT_ROW, SELECT_AFTER, after=checkpoint_no, limit=limit)

    async def newest_number(self) -> int:
        """The largest number of any row, 0 without one."""
        return int(await self._value(SELECT_NEWEST_NUMBER))

    async def heads_at(self, checkpoint_no: int, *, after: str, limit: int) -> Sequence[ChainHead]:
        """The next heads by proposal, each the newest that the checkpoint and those before it saw."""
        return await self._all(HEAD_ROW, SELECT_HEADS_AT, checkpoint_no=checkpoint_no, after=after, limit=limit)

    async def added_heads(self, checkpoint_no: int, *, after: str, limit: int) -> Sequence[ChainHead]:
        """The next heads by proposal that the checkpoint was the first to see."""
        return await self._all(HEAD_ROW, SELECT_ADDED_HEADS, checkpoint_no=checkpoint_no, after=after, limit=limit)

    async def heads_of_none(self, *, limit: int) -> Sequence[SeenHead]:
        """The first heads with a number that no checkpoint has: they begin with 1."""
        return await self._all(SEEN_ROW, SELECT_HEADS_OF_NONE, limit=limit)

    async def seen(self, proposal_ids: Sequence[str]) -> Sequence[SeenHead]:
        """Every head of these proposals that a checkpoint saw, the first one first."""
        return await self._all(SEEN_ROW, SELECT_SEEN, proposal_ids=list(proposal_ids))

    async def newest_head(self, proposal_id: str) -> SeenHead | None:
        return await self._one(SEEN_ROW, SELECT_NEWEST_HEAD, proposal_id=proposal_id)


class Checkpoints(CheckpointReader):
    """Raises CheckpointTaken when another transaction adds the same checkpoint."""

    async def now(self) -> str:
        """The transaction's time in its wire form."""
        return str(await self._value(SELECT_NOW))

    async def add_heads(self, checkpoint_no: int) -> None:
        """Store where each trail ends that ends elsewhere than the last checkpoint saw it."""
        async with _one_at_a_time():
            await self._connection.execute(ADD_HEADS, {"checkpoint_no": checkpoint_no})

    async def add(self, checkpoint: Checkpoint) -> None:
        async with _one_at_a_time():
            await self._connection.execute(INSERT_CHECKPOINT, parameters_of(checkpoint, COLUMNS))


@asynccontextmanager
async def _one_at_a_time() -> AsyncIterator[None]:
    try:
        yield
    except UniqueViolation:
        raise CheckpointTaken from None
