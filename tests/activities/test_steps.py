import json

import psycopg
import pytest
from builders import a_stored_operation, without_simulation_flag
from storage_rows import Steps, all_the_room
from temporalio.exceptions import ApplicationError

from domain.audit import event_hash, subject_hash
from domain.errors import OperationCancelled
from domain.ids import derived_id
from domain.operation import OperationFailure
from services.ending import end_failed
from services.lookup import LookupService
from storage.unit_of_work import Storage


def everything(dsn: str) -> list[tuple]:
    """All rows that a repeated step must not change, and how many documents there are."""
    with psycopg.connect(dsn) as connection:
        return [
            *connection.execute("SELECT * FROM proposals").fetchall(),
            *connection.execute("SELECT * FROM proposal_versions").fetchall(),
            *connection.execute("SELECT * FROM workflow_events").fetchall(),
            *connection.execute("SELECT sha256, kind, size FROM documents ORDER BY sha256").fetchall(),
        ]


async def test_every_step_repeats_to_the_same_bytes(storage: Storage, database_dsn):
    operation = await a_stored_operation(storage)
    for _ in range(2):
        steps = Steps(storage)  # another worker: nothing remembered
        simulated = [await steps.simulate(operation.operation_id) for _ in range(2)]
        built = [await steps.build(operation.operation_id) for _ in range(2)]
        assert simulated[0] == simulated[1]
        assert built[0] == built[1]
        if simulated[0].ended is not None:
            break
        persisted = [await steps.persist(operation.operation_id) for _ in range(2)]
        assert persisted[0] == persisted[1]
        stored = everything(database_dsn)
    assert everything(database_dsn) == stored
    assert len(stored) == 3 + 4


async def test_what_persist_commits_belongs_together(storage: Storage):
    operation = await a_stored_operation(storage)
    steps = Steps(storage)
    await steps.simulate(operation.operation_id)
    await steps.build(operation.operation_id)
    outcome = (await steps.persist(operation.operation_id)).outcome
    assert outcome.proposal_id == derived_id("pp", operation.operation_id)
    found = await LookupService(storage).operation(operation.operation_id, client="local")
    assert (found.status, found.proposal_id, found.version_no) == ("SUCCEEDED", outcome.proposal_id, 1)
    created = await LookupService(storage).result(found, room=all_the_room)
    assert created is not None
    version, event, proposal = created.version.version, created.event, created.proposal
    assert version.created_at == operation.created_at == proposal.created_at == event.occurred_at
    assert event.event_hash == event_hash(event) == proposal.last_event_hash
    assert event.subject_hash == subject_hash(version)
    assert (event.sequence, proposal.event_count, proposal.current_state) == (1, 1, "DRAFT")
    assert json.loads(created.version.result)["status"] == version.status_at_creation == "READY"


@pytest.mark.parametrize("step", ["simulate", "build", "persist"])
async def test_a_step_that_comes_after_the_end_changes_nothing_and_says_how_it_ended(
    storage: Storage, database_dsn, step
):
    operation = await a_stored_operation(storage)
    steps = Steps(storage)
    if step != "simulate":
        await steps.simulate(operation.operation_id)
    if step == "persist":
        await steps.build(operation.operation_id)
    if step == "build":
        steps = Steps(storage)  # one that remembers the operation asks no more before the commit
    await end_failed(storage, operation.operation_id, OperationFailure.of(OperationCancelled))
    before = everything(database_dsn)
    result = await getattr(steps, step)(operation.operation_id)
    ended = result.outcome if step == "persist" else result.ended
    assert (ended.status, ended.error_message) == ("FAILED", "OPERATION_CANCELLED")
    assert everything(database_dsn) == before


async def test_finish_never_overwrites_an_end(storage: Storage):
    operation = await a_stored_operation(storage)
    steps = Steps(storage)
    await steps.simulate(operation.operation_id)
    await steps.build(operation.operation_id)
    await steps.persist(operation.operation_id)
    finished = await steps.finish(operation.operation_id, error_code="X", error_message="Y")
    assert finished.outcome.status == "SUCCEEDED"


async def test_a_request_without_the_flag_is_refused_for_good_with_the_contracts_words(storage: Storage):
    operation = await a_stored_operation(storage, without_simulation_flag())
    with pytest.raises(ApplicationError) as refused:
        await Steps(storage).simulate(operation.operation_id)
    assert refused.value.non_retryable
    assert refused.value.type == "ProposalValidationError"
    assert refused.value.message == "PROPOSAL_SIMULATION_DISABLED: set options.enable_proposal_simulation=true"
    assert refused.value.__cause__ is None


async def test_a_cancel_that_comes_after_the_simulation_wins_over_all_that_was_made(storage: Storage, database_dsn):
    operation = await a_stored_operation(storage, callback_url="https://example.org/hook")
    steps = Steps(storage)
    await steps.simulate(operation.operation_id)
    await end_failed(storage, operation.operation_id, OperationFailure.of(OperationCancelled))
    before = everything(database_dsn)
    assert (await steps.build(operation.operation_id)).ended is None
    outcome = (await steps.persist(operation.operation_id)).outcome
    assert (outcome.status, outcome.error_message) == ("FAILED", "OPERATION_CANCELLED")
    assert everything(database_dsn) == before


async def test_a_callback_is_owed_by_the_transaction_that_ends_the_operation(storage: Storage):
    succeeded = await a_stored_operation(storage, callback_url="https://example.org/hook")
    failed = await a_stored_operation(storage, callback_url="https://example.org/hook")
    silent = await a_stored_operation(storage)
    steps = Steps(storage)
    for operation in (succeeded, silent):
        await steps.simulate(operation.operation_id)
        await steps.build(operation.operation_id)
        await steps.persist(operation.operation_id)
    await end_failed(storage, failed.operation_id, OperationFailure.of(OperationCancelled))
    async with storage.reading() as reading:
        owed = [await reading.deliveries.get(o.operation_id) for o in (succeeded, failed, silent)]
    assert [delivery and delivery.status for delivery in owed] == ["PENDING", "PENDING", None]
