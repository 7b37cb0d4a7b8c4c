"""Nothing that a checkpoint saw can be replaced without its key, however much of the database is rewritten."""

import asyncio
from dataclasses import replace

import psycopg
import pytest
from evidence_keys import a_key
from proposal_rows import insert_proposals
from psycopg import errors
from storage_rows import a_created_proposal, a_created_version, a_reviewed_proposal

from domain.checkpoint import ChainHead, Checkpoint
from domain.pack_verifier import canonical, hex_of, is_signed, root_by_path
from services import checkpoints
from services.audit import AuditVerification
from services.checkpoint_check import CheckpointDemands
from services.checkpoints import sighting_of, take_checkpoint
from storage.checkpoints import ADD_HEADS, SELECT_ADDED_HEADS, SELECT_HEADS_AT, CheckpointTaken
from storage.unit_of_work import Storage

KEY = a_key()


async def found(storage: Storage, **demands) -> list[str]:
    audit = AuditVerification(
        storage, against={}, progress=lambda _: None, demands=CheckpointDemands(**{"keys": {KEY.fingerprint}} | demands)
    )
    return [str(row) async for row in audit.everything()]


def alter(dsn: str, *statements: str) -> None:
    """As only a superuser can."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            connection.execute(statement)


async def three_checkpoints(storage: Storage) -> str:
    """The id of a proposal with two versions, which two checkpoints saw changed; the third one saw nothing new."""
    await a_created_proposal(storage)
    proposal_id = (await a_created_proposal(storage)).proposal_id
    assert proposal_id is not None
    await take_checkpoint(storage, KEY)
    await a_created_version(storage, proposal_id)
    await take_checkpoint(storage, KEY)
    await take_checkpoint(storage, KEY)
    return proposal_id


async def test_a_checkpoint_sees_all_proposals_and_keeps_the_heads_that_are_new(storage: Storage, database_dsn):
    assert (await take_checkpoint(storage, KEY)).proposals == 0
    proposal_id = await three_checkpoints(storage)
    with psycopg.connect(database_dsn) as connection:
        rows = connection.execute(
            "SELECT checkpoint_no, proposals, changed FROM evidence_checkpoints ORDER BY 1"
        ).fetchall()
        heads = connection.execute(
            f"SELECT checkpoint_no, event_count FROM checkpoint_heads WHERE proposal_id = '{proposal_id}' ORDER BY 1"
        ).fetchall()
    assert rows == [(1, 0, 0), (2, 2, 2), (3, 2, 1), (4, 2, 0)]
    assert heads == [(2, 1), (3, 2)]
    assert await found(storage) == []


async def test_a_checkpoint_is_signed_and_names_the_one_before_it(storage: Storage):
    first, second = await take_checkpoint(storage, KEY), await take_checkpoint(storage, KEY)
    assert second.previous_hash == first.hash()
    assert first.previous_hash == f"sha256:{'0' * 64}"
    for checkpoint in (first, second):
        shown = checkpoint.shown()
        signature = bytes.fromhex(shown.pop("signature"))
        assert is_signed(bytes.fromhex(KEY.public_key), canonical(shown), signature)
        assert not replace(checkpoint, proposals=1).is_signed()
        assert not replace(checkpoint, public_key="x").is_signed()


@pytest.mark.parametrize("page", [1, 3, 7, 1000])
async def test_the_root_is_computed_a_page_at_a_time_and_every_proposal_proven(
    storage: Storage, database_dsn, monkeypatch, page
):
    insert_proposals(database_dsn, 20)
    monkeypatch.setattr(checkpoints, "HEADS_A_PAGE", page)
    checkpoint = await take_checkpoint(storage, KEY)
    with psycopg.connect(database_dsn) as connection:
        rows = connection.execute(
            'SELECT proposal_id, event_count, last_event_hash FROM proposals ORDER BY proposal_id COLLATE "C"'
        ).fetchall()
    async with storage.snapshot() as reader:
        sightings = [await sighting_of(reader.checkpoints, row[0]) for row in rows]
        assert await sighting_of(reader.checkpoints, "pp_0") is None
    for index, (sighting, row) in enumerate(zip(sightings, rows, strict=True)):
        assert sighting is not None
        assert (sighting.checkpoint, sighting.index) == (checkpoint, index)
        assert sighting.head.shown() == dict(zip(("proposal_id", "event_count", "last_event_hash"), row, strict=True))
        path = [hex_of(text) for text in sighting.path]
        assert root_by_path(canonical(sighting.head.shown()), index, 20, path) == hex_of(checkpoint.root)


async def test_pages_are_small_however_many_proposals_there_are(storage: Storage, database_dsn, monkeypatch):
    insert_proposals(database_dsn, 2_500)
    sizes: list[int] = []
    grow = checkpoints._grow
    monkeypatch.setattr(
        checkpoints, "_grow", lambda tree, page, wanted: (sizes.append(len(page)), grow(tree, page, wanted))
    )
    assert (await take_checkpoint(storage, KEY)).proposals == 2_500
    assert max(sizes) == checkpoints.HEADS_A_PAGE == 2_000


@pytest.mark.parametrize("statement", [ADD_HEADS, SELECT_HEADS_AT, SELECT_ADDED_HEADS])
async def test_heads_are_found_by_index_also_in_a_table_that_postgresql_believes_to_be_empty(
    storage: Storage, database_dsn, statement
):
    insert_proposals(database_dsn, 2_000)
    async with storage.checkpointing() as taking:
        parameters = {"checkpoint_no": 1, "after": "", "limit": 2_000}
        cursor = await taking._connection.execute(f"EXPLAIN {statement}", parameters)
        plan = "\n".join(line for (line,) in await cursor.fetchall())
    assert "Scan using checkpoint_heads_" in plan
    assert "Seq Scan on checkpoint_heads" not in plan
    assert "Sort" not in plan


async def test_two_at_the_same_time_make_two_or_one_says_so(storage: Storage, database_dsn):
    insert_proposals(database_dsn, 500)
    made = await asyncio.gather(*(take_checkpoint(storage, KEY) for _ in range(3)), return_exceptions=True)
    taken = sorted(one.checkpoint_no for one in made if isinstance(one, Checkpoint))
    assert taken == list(range(1, len(taken) + 1))
    assert all(isinstance(one, Checkpoint | CheckpointTaken) for one in made)
    assert (await take_checkpoint(storage, KEY)).checkpoint_no == len(taken) + 1


async def test_what_is_created_meanwhile_is_in_the_next_one(storage: Storage):
    async def create() -> None:
        for _ in range(20):
            await a_created_proposal(storage)

    creating, made = asyncio.create_task(create()), []
    while not creating.done():
        made += await asyncio.gather(*(take_checkpoint(storage, KEY) for _ in range(3)), return_exceptions=True)
    await creating
    assert all(isinstance(one, Checkpoint | CheckpointTaken) for one in made)
    assert await found(storage) == []
    assert (await take_checkpoint(storage, KEY)).proposals == 20
    assert await found(storage) == []


async def test_another_one_under_way_is_said(storage: Storage):
    await a_created_proposal(storage)
    async with storage.checkpointing() as first:
        assert await first.newest_number() == 0
        await take_checkpoint(storage, KEY)
        with pytest.raises(CheckpointTaken):
            await first.add_heads(1)


CUT = """
DELETE FROM workflow_events WHERE proposal_id = '{0}' AND sequence = 6;
UPDATE proposals p SET event_count = 5, last_event_hash = e.event_hash, current_state = e.to_state,
last_event_at = e.occurred_at FROM workflow_events e
WHERE e.proposal_id = p.proposal_id AND p.proposal_id = '{0}' AND e.sequence = 5
"""


async def test_a_trail_that_was_cut_and_made_consistent_is_named(storage: Storage, database_dsn):
    proposal_id = await a_reviewed_proposal(storage)
    await take_checkpoint(storage, KEY)
    alter(database_dsn, *CUT.format(proposal_id).split(";"))
    named = f"workflow_events number 6 of {proposal_id} is missing, but checkpoint 1 saw it"
    assert await found(storage) == [named]
    audit = AuditVerification(storage, against={}, progress=lambda _: None)
    assert [str(row) async for row in audit.proposal(proposal_id)] == [named]
    await take_checkpoint(storage, KEY)  # it sees what is there, and what the first one saw is missing all the same
    assert await found(storage) == [named]


async def test_a_trail_that_was_cut_and_grew_again_is_named(storage: Storage, database_dsn):
    proposal_id = await a_reviewed_proposal(storage)
    await take_checkpoint(storage, KEY)
    alter(database_dsn, *CUT.format(proposal_id).split(";"))
    await a_created_version(storage, proposal_id)
    (line,) = await found(storage)
    assert line.startswith("workflow_events pwe_")
    assert line.endswith(f" of {proposal_id} is not the event that checkpoint 1 saw")


async def test_a_proposal_that_was_deleted_is_named(storage: Storage, database_dsn):
    proposal_id = await three_checkpoints(storage)
    tables = ("approvals", "workflow_events", "operations", "proposal_versions", "proposals")
    alter(database_dsn, *(f"DELETE FROM {table} WHERE proposal_id = '{proposal_id}'" for table in tables))
    assert await found(storage) == [f"proposals {proposal_id} is missing"]
    assert (await take_checkpoint(storage, KEY)).proposals == 2
    assert await found(storage) == [f"proposals {proposal_id} is missing"]


ALTERED = "evidence_checkpoints number 2 is not what its signature says"
FOLLOWS = "evidence_checkpoints number 3 does not follow the checkpoint before it"
OTHER_HEADS = "evidence_checkpoints number 2 signed other heads than checkpoint_heads has of it"
OTHER_ROOT = "evidence_checkpoints number 3 has another root than the heads up to it"
COPY = """
INSERT INTO evidence_checkpoints
SELECT {}, taken_at, proposals, root, changed, changed_root, previous_hash, public_key, signature
FROM evidence_checkpoints WHERE checkpoint_no = 3
"""
COPY_HEAD = """
INSERT INTO checkpoint_heads
SELECT {}, proposal_id, event_count, last_event_hash FROM checkpoint_heads WHERE checkpoint_no = 2
"""
ALTERATIONS = {
    **{
        column: (f"UPDATE evidence_checkpoints SET {column} = {value} WHERE checkpoint_no = 2", ALTERED)
        for column, value in {
            "taken_at": "taken_at + interval '1 microsecond'",
            "proposals": "proposals + 1",
            "root": "'x'",
            "changed": "0",
            "changed_root": "'x'",
            "previous_hash": "'x'",
            "public_key": f"'{a_key(2).public_key}'",
            "signature": "'x'",
        }.items()
    },
    "a time without end": ("UPDATE evidence_checkpoints SET taken_at = 'infinity' WHERE checkpoint_no = 2", ALTERED),
    "what follows": ("UPDATE evidence_checkpoints SET root = 'x' WHERE checkpoint_no = 2", FOLLOWS),
    "the first": (
        "DELETE FROM evidence_checkpoints WHERE checkpoint_no = 1",
        "evidence_checkpoints number 1 is missing",
    ),
    "one between": (
        "DELETE FROM evidence_checkpoints WHERE checkpoint_no = 2",
        "evidence_checkpoints number 2 is missing",
    ),
    "the last with heads": (
        "DELETE FROM evidence_checkpoints WHERE checkpoint_no > 1",
        "evidence_checkpoints number 2 is missing",
    ),
    "a head's count": ("UPDATE checkpoint_heads SET event_count = 9 WHERE checkpoint_no = 2", OTHER_HEADS),
    "a head's hash": ("UPDATE checkpoint_heads SET last_event_hash = 'x' WHERE checkpoint_no = 2", OTHER_HEADS),
    "a head": ("DELETE FROM checkpoint_heads WHERE checkpoint_no = 2", OTHER_HEADS),
    "a head in the last tree": ("DELETE FROM checkpoint_heads WHERE checkpoint_no = 2", OTHER_ROOT),
    "one more at the end": (COPY.format(4), "evidence_checkpoints number 4 is not what its signature says"),
    "one that follows no other": (
        COPY.format(4),
        "evidence_checkpoints number 4 does not follow the checkpoint before it",
    ),
    "one far behind the last": (COPY.format(9), "evidence_checkpoints numbers 4 to 8 is missing"),
    "a head of no checkpoint": (COPY_HEAD.format(0), " is of no checkpoint"),
    "a head of a checkpoint that never was": (COPY_HEAD.format(4), "evidence_checkpoints number 4 is missing"),
    "a head of a proposal that never was": (
        "INSERT INTO checkpoint_heads VALUES (2, 'pp_0', 1, 'x')",
        "proposals pp_0 is missing",
    ),
}


async def test_an_altered_checkpoint_is_named(storage: Storage, database_dsn):
    await three_checkpoints(storage)
    assert await found(storage) == []
    tables = ("evidence_checkpoints", "checkpoint_heads")
    alter(database_dsn, *(f"CREATE TABLE kept_{table} AS TABLE {table}" for table in tables))
    for name, (statement, line) in ALTERATIONS.items():
        alter(database_dsn, statement)
        lines = await found(storage)
        assert any(named.endswith(line) for named in lines), (name, lines)
        for table in tables:
            alter(database_dsn, f"DELETE FROM {table}", f"INSERT INTO {table} SELECT * FROM kept_{table}")
    assert await found(storage) == []


async def test_checkpoints_that_were_taken_anew_with_another_key_are_named(storage: Storage, database_dsn):
    """What an owner of the database can do, who has everything but the key."""
    proposal_id = await a_reviewed_proposal(storage)
    kept = await take_checkpoint(storage, KEY)
    tables = ("evidence_checkpoints", "checkpoint_heads")
    alter(database_dsn, *CUT.format(proposal_id).split(";"), *(f"DELETE FROM {table}" for table in tables))
    assert await found(storage, kept=kept) == ["evidence_checkpoints number 1 is missing, but was exported"]
    await take_checkpoint(storage, a_key(2))
    other = f"evidence_checkpoints number 1 is signed by another key, {a_key(2).fingerprint}"
    assert await found(storage) == [other]
    assert await found(storage, keys={KEY.fingerprint, a_key(2).fingerprint}) == []
    assert await found(storage, keys=(), kept=kept) == [
        "evidence_checkpoints number 1 is not the checkpoint that was exported"
    ]


async def test_a_kept_checkpoint_is_found_again(storage: Storage):
    await three_checkpoints(storage)
    async with storage.snapshot() as reader:
        kept = await reader.checkpoints.get(2)
    assert await found(storage, kept=kept) == []


async def test_what_was_verified_is_said(storage: Storage):
    await three_checkpoints(storage)
    await take_checkpoint(storage, a_key(2))
    audit = AuditVerification(storage, against={}, progress=lambda _: None)
    assert [row async for row in audit.everything()] == []
    result = audit.verified.checkpoints
    assert (result.count, result.signers) == (4, {KEY.fingerprint, a_key(2).fingerprint})
    assert result.last is not None
    assert result.last.checkpoint_no == 4


@pytest.mark.parametrize("table", ["evidence_checkpoints", "checkpoint_heads"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET checkpoint_no = 9", "DELETE FROM {}", "TRUNCATE {}"])
async def test_checkpoints_cannot_be_changed_not_even_by_a_superuser(
    storage: Storage, database_dsn, service_dsn, table, statement
):
    await a_created_proposal(storage)
    await take_checkpoint(storage, KEY)
    for dsn, refusal in (
        (database_dsn, errors.IntegrityConstraintViolation),
        (service_dsn, errors.InsufficientPrivilege),
    ):
        with psycopg.connect(dsn) as connection, pytest.raises(refusal):
            connection.execute(statement.format(table))


def test_a_leaf_is_canonical_json():
    head = ChainHead(proposal_id="pp_1", event_count=2, last_event_hash="sha256:x")
    assert head.leaf() == b'{"event_count":2,"last_event_hash":"sha256:x","proposal_id":"pp_1"}'
