"""One engine version makes a version, whatever release each step ran on (R48)."""

import json
from itertools import product

import psycopg
import pytest
from builders import a_stored_operation
from releases import RELEASES, release, run_steps
from storage_rows import InProcess, Steps, a_created_proposal, all_the_room

from activities import evidence_making
from domain.engine import codes
from domain.evidence import _RECENT_RESULTS
from services.lookup import LookupService
from services.replay import replay
from storage.unit_of_work import Storage


async def assert_one_engine_made(storage: Storage, operation_id: str, engine_version: str) -> None:
    operation = await LookupService(storage).operation(operation_id, client="local")
    created = await LookupService(storage).result(operation, room=all_the_room)
    assert created is not None
    version = created.version.version
    async with storage.reading() as reading:
        texts = await reading.documents.read(version.result_document, version.artifact_document)
    made_by = {
        version.engine_version,
        json.loads(texts[version.result_document])["lineage"]["engine_version"],
        json.loads(texts[version.artifact_document])["evidence_bundle"]["engine_version"],
    }
    assert made_by == {engine_version}
    with release(engine_version):
        replayed = await replay(storage, version.proposal_version_id)
        assert replayed.is_same_engine
    assert replayed.is_same


def loose_documents(dsn: str) -> int:
    """Documents that nothing refers to and no purge will find."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute("""
            SELECT count(*) FROM documents d
            WHERE NOT EXISTS (SELECT FROM operations o WHERE d.sha256 IN
                (o.request_document, o.result_document, o.inputs_document, o.artifact_document))
            AND NOT EXISTS (SELECT FROM proposal_versions v WHERE d.sha256 IN
                (v.result_document, v.inputs_document, v.artifact_document))
            AND NOT EXISTS (SELECT FROM documents_to_purge p WHERE p.sha256 = d.sha256)""").fetchone()
        assert row is not None
        return int(row[0])


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize("releases", list(product(RELEASES, repeat=3)), ids=lambda found: "-".join(r[0] for r in found))
async def test_whatever_release_each_step_ran_on(storage: Storage, database_dsn, releases, is_large):
    operation_id = (await a_stored_operation(storage, is_large=is_large)).operation_id
    await run_steps(storage, operation_id, releases)
    await assert_one_engine_made(storage, operation_id, releases[-1])
    assert loose_documents(database_dsn) == 0


async def test_versions_too(storage: Storage):
    before, after = RELEASES
    proposal_id = (await a_created_proposal(storage)).proposal_id
    operation = await a_stored_operation(storage, proposal_id=proposal_id)
    await run_steps(storage, operation.operation_id, (before, after, before), persist="persist_version")
    await assert_one_engine_made(storage, operation.operation_id, before)


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
async def test_a_step_of_the_other_release_that_comes_late_changes_nothing_of_that(
    storage: Storage, database_dsn, is_large
):
    before, after = RELEASES
    operation_id = (await a_stored_operation(storage, is_large=is_large)).operation_id
    workers = {before: Steps(storage, pool=InProcess()), after: Steps(storage, pool=InProcess())}
    for name, engine_version in (
        *(("simulate", before), ("build", after), ("simulate", before), ("build", before), ("build", after)),
        *(("simulate", before), ("persist", after)),
    ):
        _RECENT_RESULTS._entries.clear()
        with release(engine_version):
            await getattr(workers[engine_version], name)(operation_id)
    await assert_one_engine_made(storage, operation_id, after)
    assert loose_documents(database_dsn) == 0


async def test_evidence_without_a_seal_is_made_again(storage: Storage, database_dsn):
    operation_id = (await a_stored_operation(storage, is_large=True)).operation_id
    await run_steps(storage, operation_id, (codes.ENGINE_VERSION,) * 2)
    with psycopg.connect(database_dsn) as connection:  # as a worker of the version before leaves it
        connection.execute("UPDATE operations SET evidence_seal = NULL, artifact_hash = 'sha256:other'")
    outcome = (await Steps(storage, pool=InProcess()).persist(operation_id)).outcome
    assert outcome.artifact_hash != "sha256:other"
    await assert_one_engine_made(storage, operation_id, codes.ENGINE_VERSION)


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
async def test_what_one_engine_version_made_is_not_made_again(storage: Storage, monkeypatch, is_large):
    operation_id = (await a_stored_operation(storage, is_large=is_large)).operation_id
    made = []

    def counting(function):
        def counted(*args, **kwargs):
            made.append(function.__name__)
            return function(*args, **kwargs)

        return counted

    for name in ("simulate_document", "evidence_of"):
        monkeypatch.setattr(evidence_making, name, counting(getattr(evidence_making, name)))
    steps = Steps(storage, pool=InProcess())
    await steps.simulate(operation_id)
    await steps.build(operation_id)
    if is_large:
        steps = Steps(storage, pool=InProcess())  # what a large operation's steps have stored is for every worker
    await steps.persist(operation_id)
    assert made == ["simulate_document", "evidence_of"]
