"""The commit of a simulation operation: stored under its key, or adopted from there, once."""

import asyncio
import json
from itertools import product

import psycopg
import pytest
from builders import a_large_body
from releases import RELEASES, release, run_steps
from simulations import a_simulation, accepted, asked, bytes_of, made_by, ran, submitted, whole_artifact
from storage_rows import InProcess, Steps
from temporalio.exceptions import ApplicationError
from waiting import PATIENCE_SECONDS

from activities.evidence_making import EvidenceMaking
from domain.errors import IdempotencyKeyConflict, OperationCancelled, VersionNotFound
from domain.operation import Operation, OperationFailure, OperationStatus
from services.ending import end_failed
from services.replay import replay_simulation
from services.simulation import SimulationAnswer
from services.submission import Accepted
from storage.unit_of_work import Storage

CANCELLED = OperationFailure.of(OperationCancelled)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
BODIES = {"small": a_simulation(), "large": a_large_body()["simulate_request"]}


def rows(dsn: str, statement: str) -> list[tuple]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(statement).fetchall()


def unreferenced(dsn: str) -> int:
    """Documents that nothing refers to and no purge will find."""
    ((count,),) = rows(
        dsn,
        """
        SELECT count(*) FROM documents d
        WHERE NOT EXISTS (SELECT FROM operations o WHERE d.sha256 IN
            (o.request_document, o.result_document, o.inputs_document, o.artifact_document))
        AND NOT EXISTS (SELECT FROM simulations s WHERE d.sha256 IN
            (s.result_document, s.inputs_document, s.artifact_document))
        AND NOT EXISTS (SELECT FROM documents_to_purge p WHERE p.sha256 = d.sha256)""",
    )
    return int(count)


@pytest.mark.parametrize("size", BODIES)
@pytest.mark.parametrize("releases", list(product(RELEASES, repeat=3)), ids=lambda found: "-".join(r[0] for r in found))
async def test_one_engine_version_makes_it_whatever_release_each_step_ran_on(
    storage: Storage, database_dsn, releases, size
):
    operation_id = (await accepted(storage, BODIES[size])).operation_id
    await run_steps(storage, operation_id, releases, persist="persist_simulation")
    made = await made_by(storage, operation_id)
    versions = {
        json.loads(made.result)["lineage"]["engine_version"],
        json.loads(made.artifact)["evidence_bundle"]["engine_version"],
    }
    assert versions == {releases[-1]}
    assert json.loads(made.artifact)["evidence_bundle"]["hashes"]["artifact_hash"] == made.operation.artifact_hash
    assert unreferenced(database_dsn) == 0
    answer = await asked(storage, BODIES[size])
    assert answer.is_replay
    assert (await bytes_of(storage, answer))[0] == made.result


@pytest.mark.parametrize("size", BODIES)
@pytest.mark.parametrize("after", ["accept", "simulate", "build"])
async def test_a_result_that_another_release_computed_at_once_is_adopted_after_any_step(
    storage: Storage, database_dsn, size, after
):
    operation_id = (await accepted(storage, BODIES[size])).operation_id
    steps = Steps(storage, pool=InProcess())
    with release(RELEASES[0]):
        for step in ("simulate", "build")[: ("accept", "simulate", "build").index(after)]:
            await getattr(steps, step)(operation_id)
    with release(RELEASES[1]):
        answer = await asked(storage, BODIES[size])
    with release(RELEASES[0]):
        outcome = (await steps.persist_simulation(operation_id)).outcome
    assert (outcome.status, outcome.simulation_status) == ("SUCCEEDED", "READY")
    made = await made_by(storage, operation_id)
    stored = await bytes_of(storage, answer)
    assert (made.result, whole_artifact(made.result, made.inputs, made.artifact)) == stored
    assert json.loads(made.result)["lineage"]["engine_version"] == RELEASES[1]
    assert made.operation.artifact_hash == outcome.artifact_hash
    assert unreferenced(database_dsn) == 0


async def test_a_result_that_comes_after_the_step_has_looked_is_read_and_adopted(storage: Storage, monkeypatch):
    operation_id = (await accepted(storage)).operation_id
    evidence = EvidenceMaking.evidence

    async def slow(making: EvidenceMaking, work: object) -> object:
        made = await evidence(making, work)  # type: ignore[arg-type]  # passed on
        await asked(storage)
        return made

    monkeypatch.setattr(EvidenceMaking, "evidence", slow)
    ended = await ran(storage, operation_id)
    stored = (await asked(storage)).stored
    assert (ended.result_document, ended.inputs_document, ended.artifact_document) == stored


async def test_committed_twice_is_committed_once(storage: Storage, database_dsn):
    operation_id = (await accepted(storage)).operation_id
    outcomes = await asyncio.gather(
        *(Steps(storage, pool=InProcess()).persist_simulation(operation_id) for _ in range(5))
    )
    assert len({one.outcome.model_dump_json() for one in outcomes}) == 1
    before = rows(database_dsn, "SELECT * FROM operations")
    await Steps(storage, pool=InProcess()).persist_simulation(operation_id)
    assert rows(database_dsn, "SELECT * FROM operations") == before
    assert rows(database_dsn, "SELECT count(*) FROM documents") == [(4,)]


async def test_its_times_are_in_order_and_tell_when_a_worker_began(storage: Storage):
    ended = await ran(storage, (await accepted(storage)).operation_id)
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert ended.created_at <= ended.started_at < ended.finished_at == ended.updated_at


@pytest.mark.parametrize("size", BODIES)
async def test_a_cancel_and_the_commit_come_to_exactly_one_end(storage: Storage, database_dsn, size):
    ends = []
    for number in range(0, 20, 1 if size == "small" else 4):
        key = f"key-{number}"
        operation_id = (await accepted(storage, BODIES[size], key=key)).operation_id
        steps = Steps(storage, pool=InProcess())
        await steps.simulate(operation_id)
        await steps.build(operation_id)

        async def cancel(operation_id: str = operation_id, number: int = number) -> Operation:
            await asyncio.sleep(number / 2_000)
            return await end_failed(storage, operation_id, CANCELLED)

        persisted, cancelled = await asyncio.gather(steps.persist_simulation(operation_id), cancel())
        assert persisted.outcome.status == cancelled.status
        ends.append(cancelled.status)
        (row,) = rows(database_dsn, f"SELECT result_document FROM simulations WHERE key = '{key}'")
        assert (row[0] is not None) == (cancelled.status is OperationStatus.SUCCEEDED)
        again = await submitted(storage, BODIES[size], key=key)
        assert again.is_replay == (cancelled.status is OperationStatus.SUCCEEDED)
    assert set(ends) <= {"SUCCEEDED", "FAILED"}
    assert unreferenced(database_dsn) == 0


@pytest.mark.parametrize("first", ["cancel", "commit"])
async def test_whoever_locks_the_operation_first_ends_it(storage: Storage, database_dsn, first):
    """The other waits for that lock, and then finds the end."""
    operation_id = (await accepted(storage)).operation_id
    steps = Steps(storage, pool=InProcess())
    ends = {
        "cancel": lambda: end_failed(storage, operation_id, CANCELLED),
        "commit": lambda: steps.persist_simulation(operation_id),
    }
    with psycopg.connect(database_dsn) as connection:
        connection.execute("SELECT FROM operations FOR UPDATE")
        for count, name in enumerate((first, *(ends.keys() - {first})), 1):
            ends[name] = asyncio.ensure_future(ends[name]())  # type: ignore[assignment]  # from how to whether
            async with asyncio.timeout(PATIENCE_SECONDS):
                while rows(database_dsn, WAITING) != [(count,)]:
                    await asyncio.sleep(0.01)
        connection.rollback()
    await asyncio.gather(*ends.values())  # type: ignore[arg-type]  # they are futures now
    assert rows(
        database_dsn,
        "SELECT o.status, s.result_document IS NOT NULL FROM simulations s JOIN operations o USING (operation_id)",
    ) == [("FAILED", False) if first == "cancel" else ("SUCCEEDED", True)]


async def test_an_operation_that_lost_its_key_is_not_ended_well(storage: Storage, database_dsn):
    """As after a restore that lost rows: the worker says so, and changes nothing."""
    operation_id = (await accepted(storage)).operation_id
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE simulations SET operation_id = 'pop_other'")
    with pytest.raises(ApplicationError, match="UnexpectedError"):
        await Steps(storage, pool=InProcess()).persist_simulation(operation_id)
    assert rows(database_dsn, "SELECT status FROM operations") == [("PENDING",)]
    assert rows(database_dsn, "SELECT result_document FROM simulations") == [(None,)]


async def test_the_audit_computes_it_again_whoever_computed_it(storage: Storage, database_dsn):
    computed = await ran(storage, (await accepted(storage, key="async")).operation_id)
    await asked(storage, key="sync")
    adopted = await accepted(storage, key="sync")
    for operation in (computed, adopted):
        replayed = await replay_simulation(storage, operation.operation_id)
        assert (replayed.is_same_engine, replayed.is_same) == (True, True)
        with release(RELEASES[1]):
            assert not (await replay_simulation(storage, operation.operation_id)).is_same_engine
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE operations SET artifact_hash = 'sha256:other'")
    assert not (await replay_simulation(storage, computed.operation_id)).is_same
    for operation_id in ("pop_0", (await accepted(storage, key="open")).operation_id):
        with pytest.raises(VersionNotFound):
            await replay_simulation(storage, operation_id)


async def test_sixty_four_mixed_requests_while_workers_run_come_to_one_result(storage: Storage, database_dsn):
    """Half of them at once, half as operations, whose steps two workers run meanwhile."""

    async def one(number: int) -> SimulationAnswer | Accepted:
        if number % 2:
            return await asked(storage, correlation_id=f"sync-{number}")
        answer = await submitted(storage, correlation_id=f"async-{number}")
        if number % 8 == 0:
            await Steps(storage, pool=InProcess()).persist_simulation(answer.operation.operation_id)
        return answer

    answers = await asyncio.gather(*(one(number) for number in range(64)))
    operations = {answer.operation.operation_id for answer in answers if isinstance(answer, Accepted)}
    stored = {answer.stored for answer in answers if isinstance(answer, SimulationAnswer)}
    assert (len(operations), len(stored)) == (1, 1)
    (operation_id,), (documents,) = operations, stored
    assert rows(
        database_dsn,
        "SELECT operation_id, attempt, result_document, inputs_document, artifact_document FROM simulations",
    ) == [(operation_id, 1, *documents)]
    assert rows(database_dsn, "SELECT status, result_document, inputs_document, artifact_document FROM operations") == [
        ("SUCCEEDED", *documents)
    ]
    assert rows(database_dsn, "SELECT count(*) FROM documents") == [(4,)]


async def test_two_requests_that_race_for_a_key_both_ways_have_one_winner(storage: Storage, database_dsn):
    other = a_simulation(quantity="3")
    answers = await asyncio.gather(
        *(way(storage, body) for way in (asked, submitted) for body in (None, other) * 5), return_exceptions=True
    )
    lost = [answer for answer in answers if isinstance(answer, IdempotencyKeyConflict)]
    assert len(lost) == 10
    assert len({type(answer) for answer in answers} - {IdempotencyKeyConflict, SimulationAnswer, Accepted}) == 0
    assert rows(database_dsn, "SELECT count(*) FROM simulations") == [(1,)]
