"""The steps of a batch: chunks computed once, whatever happens, and one end."""

import asyncio
import json
from typing import Any

import psycopg
import pytest
from batches import IDENTITY, BatchSteps, InThisProcess, a_portfolio, an_analysis, computed, submitted, submitted_again
from ending_runs import dying_at, hanging_at
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage_rows import retrying
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from waiting import PATIENCE_SECONDS

from domain.batch.metrics import results_hash
from domain.callback import callback_body
from domain.engine import codes
from domain.errors import IdempotencyKeyConflict, OperationCancelled, OperationTooExpensive, RunNotFound
from domain.operation import OperationFailure
from runtime.engine_pool import EnginePool
from services.batch_reads import BatchReadService, RunFilter
from services.batch_replay import BatchReplay, replay_batch
from services.ending import end_failed
from services.lookup import LookupService
from storage.documents import decompressed
from storage.unit_of_work import Storage
from workflows.messages import AnalyzeChunksInput, ConcludeBatchInput

MANY = [a_portfolio(number) for number in range(60)]  # three chunks
CANCELLED = OperationFailure.of(OperationCancelled)


def rows(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(statement).fetchall()


async def operation_of(storage: Storage, operation_id: str) -> Any:
    async with storage.reading() as reading:
        return await reading.operations.get(operation_id)


async def lines_of(storage: Storage, operation_id: str) -> list[dict[str, Any]]:
    batches = BatchReadService(storage, LookupService(storage))
    file = await batches.file(operation_id, client="local")
    return [json.loads(line) async for part in batches.lines(file, after=-1) for line in part.splitlines()]


def assert_counters_are_sums(dsn: str) -> None:
    (sums,) = rows(dsn, "SELECT coalesce(sum(succeeded), 0), coalesce(sum(failed), 0) FROM batch_chunks")
    assert rows(dsn, "SELECT runs_succeeded, runs_failed FROM operations") == [sums]


async def test_a_batch_is_computed_chunk_by_chunk_and_added_up(storage: Storage, database_dsn: str) -> None:
    body = an_analysis(*MANY, a_portfolio(60, shelf_entries=7), scenarios={"a": {}, "b": {"proposed_trades": []}})
    operation = await submitted(storage, body)
    assert (operation.runs_total, operation.runs_succeeded, operation.chunk_count) == (122, 0, 6)
    assert (operation.scenario_count, operation.portfolio_id, operation.is_large) == (2, None, True)
    steps = BatchSteps(storage)
    assert (await steps.analyze(operation.operation_id)).is_done
    assert_counters_are_sums(database_dsn)
    running = await operation_of(storage, operation.operation_id)
    assert (running.status, running.runs_succeeded, running.runs_failed) == ("RUNNING", 120, 2)
    assert running.started_at is not None
    concluded = (await steps.conclude(operation.operation_id)).outcome
    assert concluded is not None
    assert concluded.runs is not None
    assert concluded.runs.model_dump() == {
        "total": 122,
        "succeeded": 120,
        "failed": 2,
        "failures": {"VALIDATION_FAILED": 2},
    }
    ended = await operation_of(storage, operation.operation_id)
    assert ended.status == "SUCCEEDED"
    made = await LookupService(storage).result(ended, room=lambda _: asyncio.sleep(0))
    result = json.loads(made.text)
    addresses = [row[0] for row in rows(database_dsn, "SELECT result_document FROM batch_chunks ORDER BY chunk_no")]
    assert result["results_hash"] == results_hash(addresses)
    assert result["counts"] == {"total": 122, "succeeded": 120, "failed": 2}
    assert result["engine_version"] == codes.ENGINE_VERSION
    assert await lines_of(storage, operation.operation_id) == computed(body)
    sample = steps.registry.get_sample_value
    assert sample("proposals_runs_total", {"outcome": "SUCCEEDED"}) == 120
    assert sample("proposals_runs_total", {"outcome": "FAILED"}) == 2
    assert sample("proposals_chunk_seconds_count") == 6


async def test_four_lanes_in_two_workers_do_each_chunk_once(storage: Storage, database_dsn: str) -> None:
    operation = await submitted(storage, an_analysis(*MANY, scenarios={"a": {}, "b": {}}))
    calls: list[int] = []
    workers = [BatchSteps(storage, InThisProcess(lambda: calls.append(1))) for _ in range(2)]
    turns = [workers[lane % 2].analyze(operation.operation_id, lane=lane, lanes=4) for lane in range(4)]
    assert all(turn.is_done for turn in await asyncio.gather(*turns))
    assert len(calls) == 5
    assert_counters_are_sums(database_dsn)


async def test_a_chunk_that_two_workers_compute_counts_once(storage: Storage, database_dsn: str) -> None:
    operation = await submitted(storage, an_analysis(*MANY))
    workers = [BatchSteps(storage) for _ in range(3)]
    await asyncio.gather(*(worker.analyze(operation.operation_id) for worker in workers))
    assert_counters_are_sums(database_dsn)
    assert rows(database_dsn, "SELECT runs_succeeded FROM operations") == [(60,)]
    counted = [worker.registry.get_sample_value("proposals_runs_total", {"outcome": "SUCCEEDED"}) for worker in workers]
    assert sum(filter(None, counted)) == 60


async def test_a_turn_ends_after_its_seconds_and_the_next_goes_on(storage: Storage) -> None:
    operation = await submitted(storage, an_analysis(*MANY))
    steps = BatchSteps(storage)
    turns = [(await steps.analyze(operation.operation_id, seconds=0)).is_done for _ in range(4)]
    assert turns == [False, False, False, True]


async def test_no_batch_is_concluded_while_chunks_are_open(storage: Storage) -> None:
    operation = await submitted(storage, an_analysis(*MANY))
    steps = BatchSteps(storage)
    await steps.analyze(operation.operation_id, lane=1, lanes=2)
    assert (await steps.conclude(operation.operation_id)).outcome is None
    assert (await operation_of(storage, operation.operation_id)).status == "RUNNING"
    await steps.analyze(operation.operation_id)
    first = await steps.conclude(operation.operation_id)
    assert first.outcome is not None
    again = await BatchSteps(storage).conclude(operation.operation_id)
    assert again.outcome is not None
    assert (again.outcome.status, again.outcome.has_callback) == (first.outcome.status, first.outcome.has_callback)


async def test_a_batch_of_which_every_run_failed_has_failed_and_can_be_read(storage: Storage) -> None:
    operation = await submitted(storage, an_analysis(a_portfolio(0, shelf_entries=7)))
    steps = BatchSteps(storage)
    await steps.analyze(operation.operation_id)
    outcome = (await steps.conclude(operation.operation_id)).outcome
    assert outcome is not None
    assert (outcome.status, outcome.error_code) == ("FAILED", "ProposalValidationError")
    assert outcome.error_message == "ANALYSIS_ALL_RUNS_FAILED"
    assert [line["status"] for line in await lines_of(storage, operation.operation_id)] == ["FAILED"]


@pytest.mark.parametrize(
    ("ends", "seconds", "code"),
    [(dying_at, PATIENCE_SECONDS, "OPERATION_INTERNAL_ERROR"), (hanging_at, 1, "OPERATION_TOO_EXPENSIVE")],
)
async def test_a_run_that_ends_its_process_fails_alone(storage: Storage, ends: Any, seconds: float, code: str) -> None:
    class Pools:
        """One for calls that end their process, of the whole chunk and of pf_1; one that waits for all others."""

        def __init__(self, ending: EnginePool, other: EnginePool) -> None:
            self._ending, self._other = ending, other

        async def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
            pool = self._ending if kwargs.get("only") in (None, 2, 3) else self._other
            return await pool.run(ends, "pf_1", function, *args, **kwargs)

    operation = await submitted(storage, an_analysis(scenarios={"a": {}, "b": {}}))
    async with (
        EnginePool(1, seconds=seconds, memory_mb=512).running() as ending,
        EnginePool(1, seconds=PATIENCE_SECONDS, memory_mb=512).running() as other,
    ):
        steps = BatchSteps(storage, Pools(ending, other))
        assert (await steps.analyze(operation.operation_id)).is_done
    outcome = (await steps.conclude(operation.operation_id)).outcome
    assert outcome is not None
    assert outcome.status == "SUCCEEDED"
    lines = await lines_of(storage, operation.operation_id)
    assert [line["status"] for line in lines] == [*["SUCCEEDED"] * 2, *["FAILED"] * 2, *["SUCCEEDED"] * 2]
    assert lines[2]["error"] == lines[3]["error"] == {"code": code, "message": code}
    assert (lines[2]["run_no"], lines[2]["item_id"], lines[3]["scenario"]) == (2, "pf_1", "b")
    assert outcome.runs is not None
    assert outcome.runs.failures == {code: 2}


async def test_a_retry_goes_on_where_a_cancelled_batch_stopped(storage: Storage, database_dsn: str) -> None:
    body = an_analysis(*MANY, a_portfolio(60, shelf_entries=7))
    operation = await submitted(storage, body)
    await BatchSteps(storage).analyze(operation.operation_id, seconds=0)
    await BatchSteps(storage).analyze(operation.operation_id, lane=2, lanes=3)  # the chunk with a failed run
    await end_failed(storage, operation.operation_id, CANCELLED)
    done = rows(database_dsn, "SELECT chunk_no, result_document FROM batch_chunks WHERE done_at IS NOT NULL")
    assert len(done) == 2
    retried = (await retrying(storage).retry(operation.operation_id, client="local", by="local")).operation
    assert (retried.attempt, retried.runs_succeeded, retried.runs_failed) == (2, 25, 0)
    assert retried.runs_total == 61
    calls: list[int] = []
    steps = BatchSteps(storage, InThisProcess(lambda: calls.append(1)))
    await steps.analyze(retried.operation_id)
    assert len(calls) == 2
    outcome = (await steps.conclude(retried.operation_id)).outcome
    assert outcome is not None
    assert outcome.runs is not None
    assert (outcome.status, outcome.runs.succeeded, outcome.runs.failed) == ("SUCCEEDED", 60, 1)
    assert await lines_of(storage, retried.operation_id) == computed(body)
    again = rows(
        database_dsn,
        f"SELECT chunk_no, result_document FROM batch_chunks WHERE operation_id = '{retried.operation_id}'",
    )
    assert set(done) <= set(again)  # the same bytes have the same address


async def test_chunks_of_another_engine_version_are_not_carried_over(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = await submitted(storage, an_analysis(*MANY))
    await BatchSteps(storage).analyze(operation.operation_id)
    await end_failed(storage, operation.operation_id, CANCELLED)
    monkeypatch.setattr(codes, "ENGINE_VERSION", "2.0.1")
    retried = (await retrying(storage).retry(operation.operation_id, client="local", by="local")).operation
    assert retried.runs_succeeded == 0


async def test_a_batch_that_two_releases_compute_names_no_engine_and_says_so(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = await submitted(storage, an_analysis(*MANY))
    await BatchSteps(storage).analyze(operation.operation_id, seconds=0)
    monkeypatch.setattr(codes, "ENGINE_VERSION", "2.0.1")
    steps = BatchSteps(storage)
    await steps.analyze(operation.operation_id)
    await steps.conclude(operation.operation_id)
    ended = await operation_of(storage, operation.operation_id)
    made = await LookupService(storage).result(ended, room=lambda _: asyncio.sleep(0))
    result = json.loads(made.text)
    assert (result["engine_version"], result["warnings"]) == (None, ["MIXED_ENGINE_VERSIONS"])
    versions = [line["result"]["lineage"]["engine_version"] for line in await lines_of(storage, operation.operation_id)]
    assert versions == [*["2.0.0"] * 25, *["2.0.1"] * 35]


async def test_what_a_later_release_makes_of_a_done_chunk_is_left_to_the_purge(
    storage: Storage, database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = await submitted(storage, an_analysis())

    class OfALaterRelease(InThisProcess):
        async def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
            await BatchSteps(storage).analyze(operation.operation_id)
            monkeypatch.setattr(codes, "ENGINE_VERSION", "2.0.1")
            return function(*args, **kwargs)

    await BatchSteps(storage, OfALaterRelease()).analyze(operation.operation_id)
    ((result, version),) = rows(database_dsn, "SELECT result_document, engine_version FROM batch_chunks")
    assert version == "2.0.0"
    ((loose,),) = rows(database_dsn, "SELECT sha256 FROM documents_to_purge")
    assert loose != result
    assert_counters_are_sums(database_dsn)


async def test_no_chunk_is_committed_after_the_end(storage: Storage, database_dsn: str) -> None:
    operation = await submitted(storage, an_analysis(*MANY))
    steps = BatchSteps(storage)
    await steps.analyze(operation.operation_id, seconds=0)

    class CancelledMeanwhile(InThisProcess):
        async def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
            await end_failed(storage, operation.operation_id, CANCELLED)
            return function(*args, **kwargs)

    late = BatchSteps(storage, CancelledMeanwhile())
    assert (await late.analyze(operation.operation_id)).is_done
    assert rows(database_dsn, "SELECT count(*) FROM batch_chunks WHERE done_at IS NOT NULL") == [(1,)]
    outcome = (await steps.conclude(operation.operation_id)).outcome
    assert outcome is not None
    assert (outcome.status, outcome.error_message) == ("FAILED", "OPERATION_CANCELLED")
    assert len(await lines_of(storage, operation.operation_id)) == 25
    assert_counters_are_sums(database_dsn)


async def test_a_cancel_and_the_last_commit_make_exactly_one_end(storage: Storage) -> None:
    for number in range(10):
        operation = await submitted(storage, an_analysis(), key=f"race-{number}")
        steps = BatchSteps(storage)
        await steps.analyze(operation.operation_id)
        concluded, cancelled = await asyncio.gather(
            steps.conclude(operation.operation_id), end_failed(storage, operation.operation_id, CANCELLED)
        )
        ended = await operation_of(storage, operation.operation_id)
        assert concluded.outcome is not None
        assert ended.status == cancelled.status == concluded.outcome.status


async def test_the_end_of_a_batch_adds_its_callback(storage: Storage, database_dsn: str) -> None:
    operation = await submitted(storage, an_analysis(a_portfolio(0), a_portfolio(1, shelf_entries=7)))
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE operations SET callback_url = 'https://example.org/hook'")
    steps = BatchSteps(storage)
    await steps.analyze(operation.operation_id)
    outcome = (await steps.conclude(operation.operation_id)).outcome
    assert outcome is not None
    assert outcome.has_callback
    assert rows(database_dsn, "SELECT operation_id, status FROM callback_deliveries") == [
        (operation.operation_id, "PENDING")
    ]
    message = json.loads(callback_body(await operation_of(storage, operation.operation_id), public_url=None))
    assert message["type"] == "proposal.operation.succeeded"
    assert message["data"]["progress"] == {"total": 2, "succeeded": 1, "failed": 1}


def same(replayed: BatchReplay) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    return replayed.same, replayed.differing, replayed.by_other_engines


async def test_a_batch_is_replayed_chunk_by_chunk(
    storage: Storage, database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = await submitted(storage, an_analysis(*MANY))
    with pytest.raises(RunNotFound):
        await replay_batch(storage, InThisProcess(), operation.operation_id)  # nothing is computed yet
    with pytest.raises(RunNotFound):
        await replay_batch(storage, InThisProcess(), "pop_0")
    steps = BatchSteps(storage)
    await steps.analyze(operation.operation_id, lane=0, lanes=2)
    assert same(await replay_batch(storage, InThisProcess(), operation.operation_id)) == (2, (), ())
    await steps.analyze(operation.operation_id)
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE batch_chunks SET engine_version = '1.0.0' WHERE chunk_no = 2")
        connection.execute(
            "UPDATE batch_chunks SET result_document = (SELECT result_document FROM batch_chunks WHERE chunk_no = 0) "
            "WHERE chunk_no = 1"
        )
    assert same(await replay_batch(storage, InThisProcess(), operation.operation_id)) == (1, (1,), (2,))


async def test_what_ended_a_process_then_need_not_end_it_at_the_replay(storage: Storage, database_dsn: str) -> None:
    operation = await submitted(storage, an_analysis())

    class Refusing(InThisProcess):
        async def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
            if kwargs.get("only") in (None, 1):
                raise OperationTooExpensive("time")
            return function(*args, **kwargs)

    await BatchSteps(storage, Refusing()).analyze(operation.operation_id)
    assert rows(database_dsn, "SELECT succeeded, failed FROM batch_chunks") == [(2, 1)]
    assert same(await replay_batch(storage, InThisProcess(), operation.operation_id)) == (1, (), ())


async def test_a_workflow_that_is_not_the_batchs_own_computes_nothing(storage: Storage, database_dsn: str) -> None:
    operation = await submitted(storage, an_analysis())
    steps = BatchSteps(storage)
    orders = [
        (steps.analyzing, AnalyzeChunksInput(operation_id=operation.operation_id, lane=0, lanes=1)),
        (steps.concluding, ConcludeBatchInput(operation_id=operation.operation_id)),
    ]
    for step, order in orders:
        with pytest.raises(ApplicationError) as refused:
            await ActivityEnvironment().run(step, order)
        assert refused.value.type == "ForeignWorkflow"
    assert rows(database_dsn, "SELECT count(*) FROM batch_chunks WHERE done_at IS NOT NULL") == [(0,)]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from([0.0, 600.0])), min_size=1, max_size=8))
async def test_counters_are_sums_over_chunks_whatever_runs_twice(
    storage: Storage, database_dsn: str, turns: list[tuple[int, int, float]]
) -> None:
    with psycopg.connect(database_dsn) as connection:
        connection.execute("DELETE FROM batch_chunks")
        connection.execute("DELETE FROM operations")
        connection.execute("DELETE FROM idempotency_keys")
    operation = await submitted(storage, an_analysis(*MANY[:51], scenarios={"a": {}}))
    workers = [BatchSteps(storage), BatchSteps(storage)]
    for pair in zip(turns[::2], turns[1::2], strict=False):
        await asyncio.gather(
            *(
                worker.analyze(operation.operation_id, lane=lane % lanes, lanes=lanes, seconds=seconds)
                for worker, (lane, lanes, seconds) in zip(workers, pair, strict=True)
            )
        )
        assert_counters_are_sums(database_dsn)


async def test_equal_submissions_make_one_batch(storage: Storage, database_dsn: str) -> None:
    body = an_analysis(*MANY)
    accepted = await asyncio.gather(*(submitted_again(storage, body) for _ in range(20)))
    assert len({each.operation.operation_id for each in accepted}) == 1
    assert rows(database_dsn, "SELECT count(*) FROM operations") == [(1,)]
    assert rows(database_dsn, "SELECT count(*) FROM batch_chunks") == [(3,)]
    with pytest.raises(IdempotencyKeyConflict):
        await submitted_again(storage, an_analysis(*MANY[:-1]))


async def test_a_failed_key_is_free_for_another_batch(storage: Storage) -> None:
    first = await submitted(storage, an_analysis())
    await end_failed(storage, first.operation_id, CANCELLED)
    second = await submitted(storage, an_analysis(*MANY))
    assert (second.attempt, second.chunk_count) == (2, 3)


async def test_pages_of_runs_are_filtered_and_go_on_after_their_cursor(storage: Storage) -> None:
    model = {"portfolio_snapshot": a_portfolio(5)["portfolio_snapshot"] | {"positions": []}}
    items = [*MANY[:40], a_portfolio(40, shelf_entries=7), a_portfolio(41, **model)]
    operation = await submitted(storage, an_analysis(*items, scenarios={"buy": {}, "hold": {"proposed_trades": []}}))
    await BatchSteps(storage).analyze(operation.operation_id)
    batches = BatchReadService(storage, LookupService(storage))

    async def numbers(*, limit: int = 500, **narrowed: Any) -> list[int]:
        found: list[int] = []
        cursor = None
        while True:
            page = await batches.page(
                operation.operation_id, RunFilter(**narrowed), client="local", cursor=cursor, limit=limit
            )
            assert len(page.items) <= limit
            found += [run.run_no for run in page.items]
            if page.next_cursor is None:
                return found
            assert page.next_cursor == str(found[-1])
            cursor = page.next_cursor

    lines = await lines_of(storage, operation.operation_id)
    for limit in (1, 7, 25, 500):
        assert await numbers(limit=limit) == list(range(84))
    assert await numbers(scenario="hold") == list(range(1, 84, 2))
    assert await numbers(item_id="pf_4") == [8, 9]  # and not pf_40
    assert await numbers(status={"FAILED"}) == [80, 81]
    assert await numbers(status={"FAILED"}, scenario="buy") == [80]
    assert await numbers(status={"FAILED", "SUCCEEDED"}) == list(range(84))
    gates = {line["metrics"]["gate"] for line in lines if line["metrics"]}
    for gate in gates:
        expected = [line["run_no"] for line in lines if line["metrics"] and line["metrics"]["gate"] == gate]
        assert await numbers(gate=gate, limit=10) == expected
    statuses = {line["metrics"]["status"] for line in lines if line["metrics"]}
    for status in statuses:
        expected = [line["run_no"] for line in lines if line["metrics"] and line["metrics"]["status"] == status]
        assert await numbers(simulation_status=status) == expected
    assert await numbers(gate="NO_SUCH_GATE") == []


async def test_documents_are_the_lines_themselves(storage: Storage, database_dsn: str) -> None:
    operation = await submitted(storage, an_analysis(*MANY))
    await BatchSteps(storage).analyze(operation.operation_id)
    contents = rows(
        database_dsn,
        "SELECT d.content FROM batch_chunks c JOIN documents d ON d.sha256 = c.result_document ORDER BY c.chunk_no",
    )
    whole = b"".join(decompressed(content) for (content,) in contents)
    assert [json.loads(line) for line in whole.splitlines()] == computed(an_analysis(*MANY))
    assert IDENTITY.correlation_id in whole.decode()
