"""A small operation's evidence is written once: by the statement that ends the operation."""

import asyncio
from collections import Counter

import psycopg
import pytest
from builders import a_stored_operation
from psycopg import AsyncConnection
from storage_rows import Steps, a_created_proposal, all_the_room
from waiting import PATIENCE_SECONDS

from runtime.database import READ_ONLY_STATE, Database
from services.lookup import LookupService
from services.replay import replay
from storage.unit_of_work import Storage

COUNT_UPDATES = """
CREATE TABLE updates (operation_id text);
GRANT INSERT ON updates TO public;
CREATE FUNCTION count_update() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO updates VALUES (NEW.operation_id); RETURN NEW; END $$;
CREATE TRIGGER counted AFTER UPDATE ON operations FOR EACH ROW EXECUTE FUNCTION count_update();
"""
OPEN = "SELECT status, started_at, progress_at, result_document, artifact_hash, xmin::text FROM operations"


def rows(dsn: str, statement: str) -> list[tuple]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(statement).fetchall()


class Asked:
    """What the steps ask of PostgreSQL: connections that they take, statements that they send, except the probe's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._counted: Counter[str] = Counter()
        take, send = Database.connection, psycopg.AsyncCursor.execute

        def taking(database):
            self._counted["connections"] += 1
            return take(database)

        async def sending(cursor, query, *args, **kwargs):
            self._counted["statements"] += query != READ_ONLY_STATE
            return await send(cursor, query, *args, **kwargs)

        monkeypatch.setattr(Database, "connection", taking)
        monkeypatch.setattr(psycopg.AsyncCursor, "execute", sending)

    async def by(self, step) -> tuple[int, int]:
        self._counted.clear()
        await step
        return self._counted["connections"], self._counted["statements"]


async def test_the_steps_before_the_commit_write_nothing(storage: Storage, database_dsn):
    operation_id = (await a_stored_operation(storage)).operation_id
    before = rows(database_dsn, OPEN), rows(database_dsn, "SELECT sha256 FROM documents")
    steps = Steps(storage)
    await steps.simulate(operation_id)
    await steps.build(operation_id)
    assert (rows(database_dsn, OPEN), rows(database_dsn, "SELECT sha256 FROM documents")) == before


async def test_a_create_asks_postgresql_for_two_statements(storage: Storage, monkeypatch):
    operation_id = (await a_stored_operation(storage, callback_url="https://example.org/hook")).operation_id
    steps = Steps(storage)
    await steps.workflow_type_of(operation_id)
    asked = Asked(monkeypatch)
    assert await asked.by(steps.simulate(operation_id)) == (1, 1)
    assert await asked.by(steps.build(operation_id)) == (0, 0)
    assert await asked.by(steps.persist(operation_id)) == (1, 1)


async def test_a_version_asks_for_its_locks_besides(storage: Storage, monkeypatch):
    proposal_id = (await a_created_proposal(storage)).proposal_id
    operation_id = (await a_stored_operation(storage, proposal_id=proposal_id)).operation_id
    steps = Steps(storage)
    await steps.workflow_type_of(operation_id)
    asked = Asked(monkeypatch)
    assert await asked.by(steps.simulate(operation_id)) == (1, 1)
    assert await asked.by(steps.build(operation_id)) == (0, 0)
    assert await asked.by(steps.persist_version(operation_id)) == (1, 4)  # two locks, the proposal's row, the commit


async def test_a_create_updates_its_row_once(storage: Storage, database_dsn):
    """The starter marks what it has started once a second: by then the commit has said so."""
    operation_id = (await a_stored_operation(storage)).operation_id
    with psycopg.connect(database_dsn) as connection:
        connection.execute(COUNT_UPDATES)
    steps = Steps(storage)
    await steps.simulate(operation_id)
    await steps.build(operation_id)
    await steps.persist(operation_id)
    async with storage.transaction() as transaction:
        await transaction.operation_starts.mark_started([operation_id])
    assert rows(database_dsn, "SELECT * FROM updates") == [(operation_id,)]


@pytest.mark.parametrize("known", ["nothing", "simulate", "build"])
async def test_a_worker_that_lacks_the_texts_makes_the_same_again(storage: Storage, known):
    operation_id = (await a_stored_operation(storage)).operation_id
    first = Steps(storage)
    simulated, built = await first.simulate(operation_id), await first.build(operation_id)
    other = Steps(storage)
    if known != "nothing":
        await getattr(other, known)(operation_id)
    outcome = (await other.persist(operation_id)).outcome
    assert outcome.artifact_hash == built.artifact_hash
    created = await LookupService(storage).result(
        await LookupService(storage).operation(operation_id, client="local"), room=all_the_room
    )
    assert created is not None
    version = created.version.version
    assert (version.result_document, version.simulation_hash) == (simulated.result_document, simulated.simulation_hash)
    assert (version.inputs_document, version.artifact_document) == (built.inputs_document, built.artifact_document)
    assert (await replay(storage, version.proposal_version_id)).is_same


async def test_a_step_that_commits_late_and_its_repeat_make_one_proposal(storage: Storage, database_dsn):
    """Both wait for the row: the one that a time-out has given up, and the one that was begun in its place."""
    operation_id = (await a_stored_operation(storage)).operation_id
    steps = Steps(storage)
    await steps.simulate(operation_id)
    async with await AsyncConnection.connect(database_dsn) as holding:
        await holding.execute("SELECT FROM operations FOR UPDATE")
        commits = [asyncio.create_task(worker.persist(operation_id)) for worker in (steps, steps, Steps(storage))]
        await waiting_for_locks(database_dsn, len(commits))
        await holding.rollback()
    outcomes = [result.outcome for result in await asyncio.gather(*commits)]
    assert outcomes == [outcomes[0]] * 3
    assert outcomes[0].status == "SUCCEEDED"
    for table in ("proposals", "proposal_versions", "workflow_events"):
        assert rows(database_dsn, f"SELECT count(*) FROM {table}") == [(1,)]


async def test_a_cancel_that_the_commit_waits_for_wins(storage: Storage, database_dsn):
    operation_id = (await a_stored_operation(storage)).operation_id
    steps = Steps(storage)
    await steps.simulate(operation_id)
    documents = rows(database_dsn, "SELECT sha256 FROM documents")
    async with await AsyncConnection.connect(database_dsn) as cancelling:
        await cancelling.execute(
            "UPDATE operations SET status = 'FAILED', error_code = 'C', error_message = 'M', finished_at = now()"
        )
        commit = asyncio.create_task(steps.persist(operation_id))
        await waiting_for_locks(database_dsn, 1)
        await cancelling.commit()
    assert (await commit).outcome.status == "FAILED"
    assert rows(database_dsn, "SELECT proposal_id FROM proposals") == []
    assert rows(database_dsn, "SELECT sha256 FROM documents") == documents


async def waiting_for_locks(dsn: str, count: int) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while rows(dsn, waiting) != [(count,)]:
            await asyncio.sleep(0.01)
