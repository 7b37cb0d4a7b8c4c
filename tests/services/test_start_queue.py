import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import md5

import psycopg
from broken_postgres import alter
from builders import a_stored_operation
from operation_rows import insert_waiting
from waiting import until

from cli.local.postgres import SERVICE_ROLE
from runtime.background import background
from services.start_queue import StartQueue
from services.start_sources import OperationSource
from services.temporal_workflows import StartOutcome, WorkflowStart
from storage.unit_of_work import Storage


class Temporal:
    """Starts workflows, or is unavailable; counts the calls."""

    def __init__(self) -> None:
        self.is_away = False
        self.started: list[str] = []
        self.asked = 0
        self.probed = 0

    async def is_reachable(self) -> bool:
        self.probed += 1
        return not self.is_away

    async def start(self, start: WorkflowStart) -> StartOutcome:
        self.asked += 1
        if self.is_away:
            return StartOutcome.UNREACHABLE
        self.started.append(start.own.workflow_id)
        return StartOutcome.STARTED


class Queue(StartQueue):
    """The starter of a process that has operations alone."""

    def __init__(self, storage: Storage, temporal: Temporal, *, max_started: int = 300) -> None:
        # It asks no Temporal itself.
        self.operations = OperationSource(storage, None, max_started=max_started, public_url=None)
        super().__init__(storage, temporal, [self.operations])


def marked(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT operation_id FROM operations WHERE started_workflow_at IS NOT NULL"
        ).fetchall()
    return {row[0] for row in rows}


@asynccontextmanager
async def running(queue: Queue) -> AsyncIterator[Queue]:
    async with background(queue.start_round, name="workflow-starter"):
        yield queue
    await queue.drain()


async def test_an_operation_that_nobody_started_is_started_and_marked(storage: Storage, database_dsn):
    operation = await a_stored_operation(storage)
    temporal = Temporal()
    async with running(Queue(storage, temporal)):
        await until(lambda: marked(database_dsn) == {operation.operation_id})
    assert temporal.started == [operation.operation_id]


async def test_the_answer_to_a_request_goes_before_the_start_of_its_operation(storage: Storage):
    operation, temporal = await a_stored_operation(storage), Temporal()
    queue = Queue(storage, temporal)
    queue.start_soon(queue.operations, operation)
    for _ in range(5):  # turns of the loop, in which the answer is sent
        await asyncio.sleep(0)
    assert temporal.asked == 0
    await queue.drain()
    assert temporal.started == [operation.operation_id]


async def test_the_starter_outlives_a_lost_grant(storage: Storage, database_dsn, capsys):
    operation = await a_stored_operation(storage)
    alter(database_dsn, f"REVOKE UPDATE ON operations FROM {SERVICE_ROLE}")
    async with running(Queue(storage, Temporal())):
        await until(lambda: storage.known_problem is not None)
        alter(database_dsn, f"GRANT UPDATE ON operations TO {SERVICE_ROLE}")
        await until(lambda: marked(database_dsn) == {operation.operation_id})
    assert "loop_failed" not in capsys.readouterr().out  # which is for bugs


async def test_operations_wait_for_temporal_to_come_back(storage: Storage, database_dsn):
    operations = [await a_stored_operation(storage) for _ in range(5)]
    temporal = Temporal()
    temporal.is_away = True
    async with running(Queue(storage, temporal)):
        await until(lambda: temporal.asked >= 2)
        assert temporal.asked < 5  # one time-out is enough to know
        temporal.is_away = False
        await until(lambda: marked(database_dsn) == {operation.operation_id for operation in operations})


async def test_a_process_that_finds_nothing_to_start_asks_temporal_before_it_believes_it_back(
    storage: Storage, database_dsn
):
    operation = await a_stored_operation(storage)
    with psycopg.connect(database_dsn) as connection:  # as another process does, and keeps doing
        connection.execute("UPDATE operations SET start_claimed_at = now() + interval '1 hour'")
    temporal = Temporal()
    temporal.is_away = True
    async with running(Queue(storage, temporal)) as queue:
        queue.start_soon(queue.operations, operation)
        await until(lambda: temporal.probed >= 2)
        assert queue.temporal_unavailable.is_set()
        assert temporal.asked == 1
        temporal.is_away = False
        await until(lambda: not queue.temporal_unavailable.is_set())
    assert temporal.started == []


async def test_a_process_with_all_that_it_may_start_under_way_notices_that_temporal_is_away(
    storage: Storage, database_dsn
):
    for _ in range(3):
        await a_stored_operation(storage)
    temporal = Temporal()
    async with running(Queue(storage, temporal, max_started=2)) as queue:
        await until(lambda: len(marked(database_dsn)) == 2)
        temporal.is_away = True
        await until(queue.temporal_unavailable.is_set)
        temporal.is_away = False
        await until(lambda: not queue.temporal_unavailable.is_set())
    assert len(temporal.started) == temporal.asked == 2


async def test_what_waits_for_a_slot_is_not_sent_to_a_temporal_that_has_gone_away(storage: Storage):
    operations = [await a_stored_operation(storage) for _ in range(20)]
    temporal = Temporal()
    temporal.is_away = True
    queue = Queue(storage, temporal)
    async with running(queue):
        for operation in operations:
            queue.start_soon(queue.operations, operation)
        await until(queue.temporal_unavailable.is_set)
    assert temporal.asked < 20


async def test_two_processes_share_the_work(storage: Storage, database_dsn):
    operations = {(await a_stored_operation(storage)).operation_id for _ in range(30)}
    first, second = Temporal(), Temporal()
    async with running(Queue(storage, first)), running(Queue(storage, second)):
        await until(lambda: marked(database_dsn) == operations)
    assert sorted(first.started + second.started) == sorted(operations)


async def test_a_fresh_operation_is_started_at_once_and_marked_later(storage: Storage, database_dsn):
    operation = await a_stored_operation(storage)
    temporal = Temporal()
    async with running(Queue(storage, temporal)) as queue:
        queue.start_soon(queue.operations, operation)
        await until(lambda: bool(temporal.started))
        await until(lambda: marked(database_dsn) == {operation.operation_id})


async def test_only_so_many_are_started_at_a_time_and_the_oldest_first(storage: Storage, database_dsn):
    operations = [(await a_stored_operation(storage)).operation_id for _ in range(9)]
    fresh = await a_stored_operation(storage)
    temporal = Temporal()
    queue = Queue(storage, temporal, max_started=4)
    async with running(queue):
        await until(lambda: len(marked(database_dsn)) == 4)
        queue.start_soon(queue.operations, fresh)
        await asyncio.sleep(1.5)
        assert len(temporal.started) == 4  # nor does a fresh one jump the queue
        with psycopg.connect(database_dsn) as connection:
            connection.execute(
                "UPDATE operations SET status = 'FAILED', error_code = 'c', error_message = 'm', finished_at = now()"
                " WHERE started_workflow_at IS NOT NULL"
            )
        await until(lambda: len(temporal.started) == 8)
    assert set(temporal.started) <= {*operations, fresh.operation_id}


END = """
UPDATE operations SET status = 'FAILED', finished_at = now(), error_code = 'ProposalInternalError',
    error_message = 'OPERATION_INTERNAL_ERROR' WHERE started_workflow_at IS NOT NULL
"""


async def test_one_operation_is_started_before_the_five_thousand_of_another_client(storage: Storage, database_dsn):
    insert_waiting(database_dsn, "b", 5000)
    temporal = Temporal()
    async with running(Queue(storage, temporal, max_started=10)):
        await until(lambda: len(marked(database_dsn)) == 10)
        insert_waiting(database_dsn, "c", 1)
        with psycopg.connect(database_dsn) as connection:  # as their ends do
            connection.execute(END)
        await until(lambda: len(temporal.started) >= 12)
    assert f"pop_{md5(b'c_1').hexdigest()}" in temporal.started[10:12]  # noqa: S324 -- an id, as the row has it
