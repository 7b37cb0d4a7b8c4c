"""What other transactions do while the one statement of a submission runs: each test holds one of them open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import psycopg
import pytest
from builders import NOW, a_body, a_submission
from storage_rows import submitting

from domain.errors import IdempotencyKeyConflict
from domain.operation import Operation
from services.submission import Submission
from storage.unit_of_work import Storage

End = Callable[[psycopg.Connection], None]
ENDS = [psycopg.Connection.commit, psycopg.Connection.rollback]
# The names of triggers order them: this one comes before those of foreign keys.
WAIT_BEFORE_FOREIGN_KEYS = """
CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_lock_shared(1); PERFORM pg_advisory_unlock_shared(1); RETURN NULL; END $$;
CREATE TRIGGER "A_wait" AFTER INSERT ON operations FOR EACH ROW EXECUTE FUNCTION wait_for_test();
"""
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'proposals-test' AND wait_event_type = 'Lock'
"""


class Undone(Exception):
    pass


def rows(dsn: str, statement: str) -> list[tuple]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(statement).fetchall()


def counts(dsn: str) -> list[int]:
    return [rows(dsn, f"SELECT count(*) FROM {table}")[0][0] for table in ("operations", "idempotency_keys")]


async def held_up(storage: Storage, submission: Submission, dsn: str) -> asyncio.Task:
    """The submission, once a lock keeps it waiting."""
    task = asyncio.create_task(submitting(storage).submit(submission))
    while not rows(dsn, WAITING)[0][0]:
        assert not task.done()
        await asyncio.sleep(0.01)
    return task


@pytest.fixture
def other(database_dsn: str):
    with psycopg.connect(database_dsn) as connection:
        yield connection


@asynccontextmanager
async def accepted_elsewhere(storage: Storage, *, is_undone: bool = False) -> AsyncIterator[Operation]:
    """What another process accepts under `key-1`, and commits or undoes when the block ends."""
    with suppress(Undone):
        async with storage.transaction() as transaction:
            submission = a_submission()
            assert submission.key is not None
            new = submitting(storage)._new_operation(submission)
            accepted = await transaction.submissions.add_with_new_key(new, submission.key)
            assert accepted is not None
            yield accepted
            if is_undone:
                raise Undone


async def test_a_key_that_is_claimed_meanwhile_is_a_replay(storage: Storage, database_dsn):
    async with accepted_elsewhere(storage) as first:
        again = await held_up(storage, a_submission(correlation_id="another"), database_dsn)
    accepted = await again
    assert (accepted.is_replay, accepted.operation) == (True, first)
    assert counts(database_dsn) == [1, 1]


async def test_a_key_that_is_claimed_meanwhile_for_another_request_is_a_conflict(storage: Storage, database_dsn):
    async with accepted_elsewhere(storage):
        again = await held_up(storage, a_submission(a_body(created_by="advisor_2")), database_dsn)
    with pytest.raises(IdempotencyKeyConflict):
        await again
    assert counts(database_dsn) == [1, 1]
    assert len(rows(database_dsn, "SELECT FROM documents")) == 1


async def test_a_claim_that_is_undone_leaves_the_key_free(storage: Storage, database_dsn):
    async with accepted_elsewhere(storage, is_undone=True) as first:
        again = await held_up(storage, a_submission(), database_dsn)
    accepted = await again
    assert not accepted.is_replay
    assert accepted.operation.operation_id != first.operation_id
    assert counts(database_dsn) == [1, 1]


@pytest.mark.parametrize("end", ENDS)
async def test_a_key_that_the_purge_removes_meanwhile_is_free_once_it_is_removed(
    storage: Storage, database_dsn, other, end: End
):
    first = await submitting(storage).submit(a_submission())
    other.execute("DELETE FROM idempotency_keys")
    again = await held_up(storage, a_submission(), database_dsn)
    end(other)
    accepted = await again
    is_replay = end is psycopg.Connection.rollback
    assert (accepted.is_replay, accepted.operation == first.operation) == (is_replay, is_replay)
    assert accepted.operation.attempt == 1
    assert counts(database_dsn) == [1 if is_replay else 2, 1]


@pytest.mark.parametrize("is_undone", [False, True])
async def test_a_document_that_another_request_stores_meanwhile_is_there(storage: Storage, database_dsn, is_undone):
    async with accepted_elsewhere(storage, is_undone=is_undone):
        again = await held_up(storage, a_submission(key="key-2"), database_dsn)
    accepted = (await again).operation
    assert rows(database_dsn, "SELECT sha256 FROM documents") == [(accepted.request_document,)]


@pytest.mark.parametrize("end", ENDS)
async def test_a_document_that_the_purge_removes_meanwhile_is_there(storage: Storage, database_dsn, other, end: End):
    async with storage.transaction() as transaction:
        await transaction.documents.add(a_submission().prepared.document, at=NOW)
    other.execute("DELETE FROM documents")
    again = await held_up(storage, a_submission(), database_dsn)
    end(other)
    accepted = (await again).operation
    assert rows(database_dsn, "SELECT sha256 FROM documents") == [(accepted.request_document,)]


async def test_a_document_that_is_gone_when_the_operation_refers_to_it_is_stored_again(
    storage: Storage, database_dsn, other
):
    """Between the statement's ON CONFLICT, which finds the document, and its foreign keys."""
    async with storage.transaction() as transaction:
        await transaction.documents.add(a_submission().prepared.document, at=NOW)
    other.execute(WAIT_BEFORE_FOREIGN_KEYS)
    other.commit()
    other.execute("SELECT pg_advisory_lock(1)")
    other.commit()
    again = await held_up(storage, a_submission(), database_dsn)
    other.execute("DELETE FROM documents")
    other.commit()
    assert rows(database_dsn, "SELECT FROM documents") == []
    other.execute("SELECT pg_advisory_unlock(1)")
    other.commit()
    accepted = await again
    assert not accepted.is_replay
    assert rows(database_dsn, "SELECT sha256 FROM documents") == [(accepted.operation.request_document,)]
    assert counts(database_dsn) == [1, 1]
