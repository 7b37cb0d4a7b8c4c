"""What is removed when, and what is never."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from builders import a_body, a_stored_operation, a_submission
from prometheus_client import CollectorRegistry
from purged_rows import DAY, PERIODS, age, purged, purged_after
from storage_rows import InProcess, Steps, a_created_proposal, a_reviewed_proposal, all_the_room, submitting
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.metrics import WorkerMetrics
from activities.purge import PurgeStep
from domain.errors import OperationCancelled, OperationExpired, OperationNotFound
from domain.ids import new_operation_id
from domain.operation import ExpiredOperation, OperationFailure
from services.ending import end_failed
from services.lookup import LookupService
from services.purging import Periods, PurgeRefused
from storage.retention import AGED, BOUND_STATEMENTS, BatchUndone
from storage.unit_of_work import Storage
from workflows.messages import PurgeInput

CANCELLED = OperationFailure.of(OperationCancelled)
EVIDENCE = ("proposals", "proposal_versions", "workflow_events", "approvals")


def rows(dsn: str, statement: str) -> list[tuple]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(statement).fetchall()


async def succeeded(storage: Storage, key: str = "key-1") -> str:
    accepted = await submitting(storage).submit(a_submission(key=key))
    operation_id = accepted.operation.operation_id
    steps = Steps(storage)
    await steps.simulate(operation_id)
    await steps.build(operation_id)
    await steps.persist(operation_id)
    return operation_id


async def failed(storage: Storage, key: str = "key-1", **changes) -> str:
    accepted = await submitting(storage).submit(a_submission(a_body(**changes), key=key))
    await end_failed(storage, accepted.operation.operation_id, CANCELLED)
    return accepted.operation.operation_id


async def test_an_operation_is_kept_for_its_days_and_a_tombstone_for_ninety_more(storage: Storage, database_dsn):
    operation_id = await succeeded(storage)
    assert await purged_after(storage, database_dsn, days=29.9) == Counter()
    assert await purged_after(storage, database_dsn, days=0.2) == Counter(operations=1)
    with pytest.raises(OperationExpired) as gone:
        await LookupService(storage).operation(operation_id, client="local")
    (proposal_id,) = rows(database_dsn, "SELECT proposal_id FROM proposals")[0]
    tombstone = dict(gone.value.tombstone)
    assert tombstone.pop("created_at") < tombstone.pop("finished_at") < tombstone.pop("expired_at")
    assert tombstone == {
        "operation_id": operation_id,
        "operation_type": "CREATE_PROPOSAL",
        "status": "SUCCEEDED",
        "error_code": None,
        "correlation_id": "corr-1",
        "idempotency_key": "key-1",
        "proposal_id": proposal_id,
        "version_no": 1,
    }
    assert (await purged_after(storage, database_dsn, days=89.9))["tombstones"] == 0
    assert (await purged_after(storage, database_dsn, days=0.2))["tombstones"] == 1
    with pytest.raises(OperationNotFound):
        await LookupService(storage).operation(operation_id, client="local")


async def test_evidence_stays_for_ever(storage: Storage, database_dsn):
    await a_reviewed_proposal(storage)
    before = {table: rows(database_dsn, f"SELECT * FROM {table}") for table in (*EVIDENCE, "documents")}
    assert (await purged_after(storage, database_dsn, days=4000))["operations"] == 2
    assert {table: rows(database_dsn, f"SELECT * FROM {table}") for table in before} == before
    assert all(before.values())


async def test_a_failed_operation_takes_its_documents_with_it(storage: Storage, database_dsn):
    operation = await a_stored_operation(storage, a_body(created_by="somebody_else"), is_large=True)
    steps = Steps(storage, pool=InProcess())
    await steps.simulate(operation.operation_id)
    await steps.build(operation.operation_id)
    await end_failed(storage, operation.operation_id, CANCELLED)
    assert await purged_after(storage, database_dsn, days=31) == Counter(operations=1, documents=4)
    assert rows(database_dsn, "SELECT * FROM documents") == []


async def test_a_document_that_something_else_refers_to_stays(storage: Storage, database_dsn):
    await failed(storage, "key-1")
    await succeeded(storage, "key-2")  # the same request
    before = rows(database_dsn, "SELECT sha256 FROM documents ORDER BY 1")
    removed = await purged_after(storage, database_dsn, days=31)
    assert removed["operations"] == 2
    assert rows(database_dsn, "SELECT sha256 FROM documents ORDER BY 1") == before
    assert rows(database_dsn, "SELECT * FROM documents_to_purge") == []


@pytest.mark.parametrize("step", ["simulate", "build"])
async def test_a_step_that_comes_too_late_leaves_nothing_for_good(storage: Storage, database_dsn, step):
    """The operation ends between the step's reading and its writing."""
    operation = await a_stored_operation(storage, is_large=True)
    steps = Steps(storage, pool=InProcess())
    if step == "build":
        await steps.simulate(operation.operation_id)
    ending = asyncio.create_task(getattr(steps, step)(operation.operation_id))
    await end_failed(storage, operation.operation_id, CANCELLED)
    assert (await ending) is not None
    await purged_after(storage, database_dsn, days=31)
    assert rows(database_dsn, "SELECT * FROM documents") == []


async def test_an_open_operation_and_one_whose_callback_is_owed_are_left(storage: Storage, database_dsn):
    await a_stored_operation(storage)
    owing = await a_stored_operation(storage, callback_url="https://x.example")
    await end_failed(storage, owing.operation_id, CANCELLED)
    assert await purged_after(storage, database_dsn, days=4000) == Counter()


async def test_a_key_is_kept_for_its_days_after_the_end_of_its_operation(storage: Storage, database_dsn):
    await succeeded(storage)
    await purged_after(storage, database_dsn, days=31)
    assert (await purged_after(storage, database_dsn, days=58.9))["keys"] == 0
    replayed = await submitting(storage).submit(a_submission())
    assert replayed.is_replay
    assert isinstance(replayed.operation, ExpiredOperation)
    made = await LookupService(storage).present(replayed.operation, room=all_the_room)
    assert made.proposal.proposal_id == replayed.operation.proposal_id
    assert (await purged_after(storage, database_dsn, days=0.2))["keys"] == 1
    again = await submitting(storage).submit(a_submission())
    assert (again.is_replay, again.operation.status) == (False, "PENDING")


async def test_a_failed_operation_that_was_purged_still_frees_its_key(storage: Storage, database_dsn):
    await failed(storage)
    await purged_after(storage, database_dsn, days=31)
    again = await submitting(storage).submit(a_submission(a_body(created_by="advisor_2")))
    assert (again.is_replay, again.operation.attempt) == (False, 2)  # type: ignore[union-attr]  # it is an Operation


async def test_keys_may_outlive_what_is_said_of_an_operation_by_nothing(storage: Storage):
    """Longer kept keys keep their tombstones: what a key made can always be found."""
    assert Periods(operations=30 * DAY, keys=400 * DAY).tombstones > 370 * DAY
    assert PERIODS.tombstones == 90 * DAY


async def test_keys_of_reviews_and_simulations_are_kept_after_their_use(storage: Storage, database_dsn):
    await a_created_proposal(storage)
    with psycopg.connect(database_dsn) as connection:
        connection.execute(
            "INSERT INTO review_keys SELECT 'local', 'transitions:1', 'k', 'h', event_id, now() FROM workflow_events"
        )
        connection.execute(
            "INSERT INTO simulations SELECT 'local', 'k', 'h', 'c', result_document, inputs_document,"
            " artifact_document, now() FROM proposal_versions"
        )
    assert set(await purged_after(storage, database_dsn, days=89.9)) == {"operations"}
    removed = await purged_after(storage, database_dsn, days=0.2)
    assert (removed["review_keys"], removed["simulations"], removed["documents"]) == (1, 1, 3)
    assert len(rows(database_dsn, "SELECT * FROM documents")) == 4  # the version's


async def test_two_purges_at_once_remove_each_row_once(storage: Storage, database_dsn):
    for number in range(120):
        await failed(storage, f"key-{number}", created_by=f"advisor_{number}")
    age(database_dsn, days=31)
    both = await asyncio.gather(*(purged(storage) for _ in range(2)))
    assert sum(removed["operations"] for removed in both) == 120
    while await purged(storage):
        pass
    assert rows(database_dsn, "SELECT count(*) FROM expired_operations") == [(120,)]
    assert rows(database_dsn, "SELECT * FROM documents") == []


async def test_a_submission_meets_the_purge_of_its_document(storage: Storage, database_dsn):
    """The document is there when the transaction stores it, and gone when it refers to it: it is stored again."""
    await failed(storage)
    for _ in range(20):
        age(database_dsn, days=31)
        results = await asyncio.gather(
            purged(storage),
            *(submitting(storage).submit(a_submission(key=new_operation_id())) for _ in range(4)),
        )
        for accepted in results[1:]:
            await end_failed(storage, accepted.operation.operation_id, CANCELLED)
    missing = "SELECT * FROM operations WHERE request_document NOT IN (SELECT sha256 FROM documents)"
    assert rows(database_dsn, missing) == []


NONSENSE = Periods(operations=timedelta(minutes=30), keys=timedelta(minutes=30))


async def test_what_was_written_within_the_last_hour_is_refused_and_stays(storage: Storage, database_dsn):
    """Also beside older rows, which a first batch alone would consist of."""
    for number in range(3):
        await failed(storage, f"key-{number}", created_by=f"advisor_{number}")
    age(database_dsn, days=100)
    await failed(storage, "key-4")
    age(database_dsn, days=40 / 24 / 60)
    with pytest.raises(PurgeRefused, match="operations of the last hour"):
        await purged(storage, periods=NONSENSE)
    assert rows(database_dsn, "SELECT count(*) FROM operations") == [(4,)]
    age(database_dsn, days=1 / 24)
    assert (await purged(storage, periods=NONSENSE))["operations"] == 4


@pytest.mark.parametrize("kind", AGED)
async def test_each_kind_is_refused_by_its_own_time(storage: Storage, database_dsn, kind):
    await a_created_proposal(storage)
    with psycopg.connect(database_dsn) as connection:
        connection.execute(RECENT_ROWS[AGED[kind][0]])
    async with storage.purging() as retention:
        due = await retention.due(kind, kept=timedelta(minutes=30), recent=timedelta(hours=1))
    assert due is not None
    assert due.is_recent
    assert due.oldest == due.newest


LATELY = "now() - interval '40 minutes'"
RECENT_ROWS = {
    "operations": f"UPDATE operations SET finished_at = {LATELY}",
    "idempotency_keys": f"INSERT INTO idempotency_keys VALUES ('local', 's', 'k', 'h', 'pop_0', 1, {LATELY})",
    "review_keys": f"INSERT INTO review_keys SELECT 'local', 's', 'k', 'h', event_id, {LATELY} FROM workflow_events",
    "simulations": (
        "INSERT INTO simulations SELECT 'local', 'k', 'h', 'c', result_document, inputs_document, artifact_document,"
        f" {LATELY} FROM proposal_versions"
    ),
    "operation_correlation_ids": (
        f"INSERT INTO operation_correlation_ids VALUES ('pop_0', 'c', 'local', {LATELY}, now())"
    ),
    "expired_operations": (
        "INSERT INTO expired_operations (operation_id, operation_type, status, client, correlation_id, created_at,"
        f" finished_at, expired_at) VALUES ('pop_0', 'CREATE_PROPOSAL', 'FAILED', 'local', 'c', now(), now(), {LATELY})"
    ),
}


async def test_a_database_whose_clock_jumped_ahead_is_refused(storage: Storage, database_dsn):
    """Every row looks old then; Temporal's time is the witness."""
    await failed(storage)
    age(database_dsn, days=100)
    with pytest.raises(PurgeRefused, match="clock"):
        await purged(storage, witness=datetime.now(UTC) - timedelta(days=100))
    assert rows(database_dsn, "SELECT count(*) FROM operations") == [(1,)]


async def test_an_operator_reads_in_temporal_why_the_purge_failed(storage: Storage, database_dsn):
    await failed(storage)
    age(database_dsn, days=40 / 24 / 60)
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, started_time=datetime.now(UTC))
    with pytest.raises(ApplicationError) as refused:
        await environment.run(
            PurgeStep(storage, NONSENSE, WorkerMetrics(CollectorRegistry())).purge, PurgeInput(seconds=10)
        )
    assert (refused.value.type, refused.value.non_retryable) == ("PurgeRefused", True)
    assert refused.value.message == (
        "operations of the last hour would be removed: see docs/guides/runbook.md, The purge refuses"
    )


async def test_a_batch_that_would_hold_its_locks_too_long_is_undone(storage: Storage, database_dsn, monkeypatch):
    monkeypatch.setattr("storage.retention.BOUND_STATEMENTS", BOUND_STATEMENTS)  # the service's own
    operation_id = await failed(storage)
    with psycopg.connect(database_dsn) as connection:
        connection.execute("LOCK TABLE expired_operations IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BatchUndone):
            async with storage.purging() as retention:
                await retention.purge("operations", kept=-DAY, limit=50)
    assert (await LookupService(storage).operation(operation_id, client="local")).status == "FAILED"
