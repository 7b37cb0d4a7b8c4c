"""Whose a version is, is evidence: what names another client than the version is found, by the service's own role."""

import psycopg
import pytest
from builders import a_submission
from purged_rows import age, purged
from storage_rows import Steps, a_reviewed_proposal, submitting

from domain.proposal import ProposalVersion
from services.audit import AuditVerification
from storage.unit_of_work import Storage

OTHER = "has another client than the version says"


async def found(storage: Storage) -> list[str]:
    audit = AuditVerification(storage, against={}, progress=lambda _: None)
    return [str(row) async for row in audit.everything()]


def run(dsn: str, *statements: str) -> list[tuple]:
    with psycopg.connect(dsn) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


async def a_keyed_proposal(storage: Storage) -> tuple[str, str]:
    """The ids of an operation that has a key, and of its proposal."""
    operation_id = (await submitting(storage).submit(a_submission())).operation.operation_id
    steps = Steps(storage)
    await steps.simulate(operation_id)
    await steps.build(operation_id)
    return operation_id, (await steps.persist(operation_id)).outcome.proposal_id


async def test_a_version_carries_the_client_that_asked_for_it(storage: Storage, database_dsn):
    await a_reviewed_proposal(storage)
    assert run(database_dsn, "SELECT DISTINCT client FROM proposal_versions") == [("local",)]


async def test_a_proposal_that_was_given_to_another_client_is_named(storage: Storage, service_dsn):
    operation_id, proposal_id = await a_keyed_proposal(storage)
    run(
        service_dsn,
        "UPDATE proposals SET client = 'other'",
        "UPDATE operations SET client = 'other'",
        "UPDATE idempotency_keys SET client = 'other'",
    )
    expected = [
        f"proposals {proposal_id} {OTHER}",
        f"operations {operation_id} of {proposal_id} {OTHER}",
        f"idempotency_keys {operation_id} of {proposal_id} {OTHER}",
    ]
    assert await found(storage) == expected
    audit = AuditVerification(storage, against={}, progress=lambda _: None)
    assert [str(row) async for row in audit.proposal(proposal_id)] == expected
    assert [row async for row in audit.proposal(await a_reviewed_proposal(storage))] == []


async def test_a_row_is_named_once_however_many_versions_contradict_it(storage: Storage, service_dsn):
    proposal_id = await a_reviewed_proposal(storage)
    run(service_dsn, "UPDATE proposals SET client = 'other'")
    assert await found(storage) == [f"proposals {proposal_id} {OTHER}"]


async def test_a_tombstone_and_the_key_of_a_review_are_compared_too(storage: Storage, database_dsn):
    operation_id, proposal_id = await a_keyed_proposal(storage)
    age(database_dsn, days=31)
    assert (await purged(storage))["operations"] == 1
    ((event_id,),) = run(
        database_dsn,
        "UPDATE expired_operations SET client = 'other'",
        "INSERT INTO review_keys SELECT 'other', 's', 'k', 'h', event_id, now() FROM workflow_events",
        "SELECT event_id FROM workflow_events",
    )
    assert await found(storage) == [
        f"review_keys {event_id} of {proposal_id} {OTHER}",
        f"expired_operations {operation_id} of {proposal_id} {OTHER}",
    ]


@pytest.mark.parametrize("client", ["'other'", "NULL"])
async def test_a_version_whose_client_was_altered_is_named_and_accuses_nothing_else(
    storage: Storage, database_dsn, client
):
    proposal_id = await a_reviewed_proposal(storage)
    ((version_id,),) = run(
        database_dsn,
        "SET session_replication_role = replica",
        f"UPDATE proposal_versions SET client = {client} WHERE version_no = 1",
        "SELECT proposal_version_id FROM proposal_versions WHERE version_no = 1",
    )
    assert await found(storage) == [f"proposal_versions {version_id} of {proposal_id} is not what its hash says"]


async def test_a_version_of_before_the_column_keeps_its_hash(storage: Storage, database_dsn, monkeypatch):
    """Written by a release that stores no client; none can be added to it later."""

    made = ProposalVersion.__init__
    monkeypatch.setattr(
        ProposalVersion, "__init__", lambda version, **given: made(version, **(given | {"client": None}))
    )
    proposal_id = await a_reviewed_proposal(storage)
    monkeypatch.undo()
    assert run(database_dsn, "SELECT DISTINCT client FROM proposal_versions") == [(None,)]
    assert await found(storage) == []
    run(database_dsn, "SET session_replication_role = replica", "UPDATE proposal_versions SET client = 'local'")
    assert len(await found(storage)) == 2
    run(database_dsn, "SET session_replication_role = replica", "UPDATE proposal_versions SET client = NULL")
    run(database_dsn, "UPDATE proposals SET client = 'other'")  # its operation still says whose it was
    assert await found(storage) == [f"proposals {proposal_id} has another client than the request that made it"]
