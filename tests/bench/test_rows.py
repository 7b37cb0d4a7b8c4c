"""The peers write what the service writes, and the growth's rows are such that the service can work with them."""

import json
from datetime import UTC, datetime

import psycopg

from bench import growth, growth_rows
from bench.load import body_of
from bench.peers.rows import Accepted, accepted_rows, built, finished_rows, key_row, run, simulated
from domain.lifecycle import ReviewCommand, ReviewRules
from domain.operation import OperationStatus
from domain.proposal import ApprovalType, EventType, ProposalState
from services.lifecycle import ProposalWorkflowService
from storage.operation_list import OperationFilter
from storage.proposal_list import ProposalFilter

TABLES = ("documents", "idempotency_keys", "operations", "proposals", "proposal_versions", "workflow_events")


async def test_a_peers_create_is_the_rows_that_the_service_reads(database_dsn, storage):
    accepted = Accepted.of(body_of("mark-1"), key="key-1", at=datetime.now(UTC))
    result = simulated(accepted)
    made = built(accepted, result)
    async with await psycopg.AsyncConnection.connect(database_dsn, autocommit=True) as connection:
        await run(connection, key_row(accepted), *accepted_rows(accepted))
        await run(connection, *finished_rows(accepted, result, made))
    async with storage.reading() as reading:
        operation = await reading.operations.get(accepted.operation_id)
        proposal = await reading.proposals.get(operation.proposal_id, client=operation.client)
        version = await reading.proposals.version(proposal.proposal_id, 1)
        texts = await reading.documents.read(version.request_document, version.result_document)
    assert operation.status is OperationStatus.SUCCEEDED
    assert operation.proposal_version_id == version.proposal_version_id
    assert proposal.title == "mark-1"
    assert proposal.current_state is ProposalState.DRAFT
    assert texts[version.request_document] == accepted.text
    assert json.loads(texts[version.result_document])["status"] == version.status_at_creation


def test_filled_rows_are_found_by_every_read_of_the_growth(database_dsn):
    growth_rows.fill(database_dsn, range(150))
    growth_rows.fill(database_dsn, range(150, 300))
    with psycopg.connect(database_dsn) as connection:
        counts = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
    assert counts == {**dict.fromkeys(TABLES, 300), "documents": 303}
    for kind in growth.READS:
        assert "rows=" in growth.plan(database_dsn, kind, 300)[0], kind
        assert 0 < growth.pages_read(database_dsn, kind, 300) < 200, kind


async def test_filled_rows_refer_to_each_other_as_the_service_needs_it(database_dsn, storage):
    growth_rows.fill(database_dsn, range(200))
    draft = next(number for number in range(200) if growth_rows.state(number) == "DRAFT")
    async with storage.reading() as reading:
        operation = await reading.operations.get(growth_rows.operation_id(draft))
        page = await reading.operation_list.page(OperationFilter(), client=growth_rows.CLIENT, cursor=None, limit=50)
        queue = await reading.proposal_list.page(
            ProposalFilter(current_state=(ProposalState.RISK_REVIEW,)), client=growth_rows.CLIENT, cursor=None, limit=50
        )
    assert operation.proposal_id == growth_rows.proposal_id(draft)
    assert len(page.items) == 50
    assert len(queue.items) == 14
    service = ProposalWorkflowService(storage, ReviewRules())
    command = ReviewCommand(
        actor_id="advisor_x",
        decisions=frozenset(ApprovalType),
        expected_state=ProposalState.DRAFT,
        reason="{}",
    )
    done = await service.transition(
        operation.proposal_id,
        EventType.SUBMITTED_FOR_RISK_REVIEW,
        command,
        client=growth_rows.CLIENT,
        keyed=None,
    )
    assert done.event.to_state is ProposalState.RISK_REVIEW


def test_the_smallest_size_fills_a_page_of_each_list():
    in_review = [number for number in range(growth.SIZES[0]) if growth_rows.state(number) == "RISK_REVIEW"]
    assert len(in_review) > growth.PAGE_ROWS


def test_growth_is_the_largest_to_the_smallest():
    assert growth.growth({1_000: 2.0, 100_000: 9.0, 1_000_000: 3.0}) == 1.5


def test_a_read_that_grows_is_shown_with_its_plan():
    measured = growth.Measured(
        times={"poll by id": {1: 1.0, 10: 1.1}, "reviewers' queue": {1: 1.0, 10: 2.0}, "create": {1: 1.0, 10: 9.0}},
        pages={"poll by id": {1: 3, 10: 4}},
        plans={"reviewers' queue": ["Seq Scan"]},
    )
    lines = growth.table(measured)
    assert lines[2] == "| poll by id | 1.0 | 1.1 | 1.10 | met | 3 / 4 |"
    assert lines[3] == "| reviewers' queue | 1.0 | 2.0 | 2.00 | **over 1.2** |  |"
    assert lines[4] == "| create | 1.0 | 9.0 | 9.00 |  |  |"
    assert "Seq Scan" in lines
