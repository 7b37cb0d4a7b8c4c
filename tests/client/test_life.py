"""The whole life of proposals through the Python client, against the service as processes."""

import asyncio
import uuid
from decimal import Decimal

import pytest
from builders import a_body, a_version_body, without_simulation_flag
from proposals_client import (
    AsyncProposals,
    InvalidTransition,
    KeyConflict,
    KeyNotFound,
    NoCallback,
    OperationEnded,
    OperationFailed,
    OperationNotFailed,
    ProposalNotFound,
    RateLimited,
    StateConflict,
    models,
    verify_callback,
)
from receiver import SECRET, Receiver
from waiting import PATIENCE_SECONDS, until

from domain.callback import host_key, shown_key

pytestmark = pytest.mark.shared


@pytest.fixture
def desk(service, desk_of):
    return desk_of(service.url, actor="reviewer_1")


def test_a_proposal_from_its_request_to_its_execution(desk):
    correlation_id = f"crm/case/{uuid.uuid4().hex}"
    operation = desk.submit(a_body(), correlation_id=correlation_id)
    created = operation.wait()
    result = created.result
    assert (created.version_no, result.version.status_at_creation) == (1, "READY")
    assert result.proposal.proposal_id == created.proposal_id
    assert operation.state().model().status == "SUCCEEDED"

    found = desk.find_operation(correlation_id)
    assert (found.id, found.key, desk.operation(operation.id).id) == (operation.id, operation.key, operation.id)
    replay = desk.submit(a_body(), key=operation.key)
    assert (replay.id, replay.is_replay, operation.is_replay) == (operation.id, True, False)
    assert desk.proposal_of_key(operation.key).proposal_id == created.proposal_id
    with pytest.raises(KeyConflict):
        desk.submit(a_body(created_by="advisor_2"), key=operation.key)

    second = desk.submit_version(
        created.proposal_id, models.CreateVersionRequest.model_validate(a_version_body())
    ).wait()
    assert (second.proposal_id, second.version_no) == (created.proposal_id, 2)
    assert [version.version_no for version in desk.lineage(created.proposal_id).versions] == [1, 2]
    assert desk.version(created.proposal_id, 1).artifact_hash == result.version.artifact_hash
    without = desk.version(created.proposal_id, 2, include_evidence=False).evidence_bundle
    assert not without.model_fields_set
    assert desk.version_artifact(created.proposal_id, 2).status == "READY"
    assert desk.version_page(created.proposal_id, 2).lower().startswith("<!doctype html>")

    about = {"version": 2}
    desk.transition(created.proposal_id, "SUBMITTED_FOR_RISK_REVIEW", expected_state="DRAFT", **about)
    with pytest.raises(StateConflict):
        desk.transition(created.proposal_id, "SUBMITTED_FOR_RISK_REVIEW", expected_state="DRAFT", **about)
    with pytest.raises(InvalidTransition):
        desk.transition(created.proposal_id, "EXECUTED", expected_state="RISK_REVIEW", **about)
    decided = desk.approve(created.proposal_id, "RISK", expected_state="RISK_REVIEW", key="decision-1", **about)
    again = desk.approve(created.proposal_id, "RISK", expected_state="RISK_REVIEW", key="decision-1", **about)
    assert again == decided
    desk.approve(
        created.proposal_id, "CLIENT_CONSENT", expected_state="AWAITING_CLIENT_CONSENT", details={"by": "mail"}, **about
    )
    assert desk.transition(
        created.proposal_id, "EXECUTED", expected_state="EXECUTION_READY", **about
    ).current_state == ("EXECUTED")
    approvals = desk.approvals(created.proposal_id).approvals
    assert [(one.approval_type, one.actor_id) for one in approvals] == [
        ("RISK", "reviewer_1"),
        ("CLIENT_CONSENT", "reviewer_1"),
    ]
    assert approvals[1].details == {"by": "mail"}
    assert [event.to_state for event in desk.events(created.proposal_id).events][-1] == "EXECUTED"
    assert desk.proposal(created.proposal_id).proposal.current_state == "EXECUTED"


def test_a_simulation_as_an_operation_and_at_once_are_one_result(desk):
    request = a_body()["simulate_request"]
    operation = desk.simulate_async(request)
    made = operation.wait()
    assert (made.status, made.proposal_result.status) == ("READY", "READY")
    assert desk.simulate(request, key=operation.key) == made.proposal_result
    assert desk.artifact(request, key=operation.key) == made.artifact
    assert desk.simulate_async(request, key=operation.key).is_replay
    with pytest.raises(OperationFailed) as failed:
        desk.simulate_async(without_simulation_flag()["simulate_request"]).wait()
    assert failed.value.code == "PROPOSAL_SIMULATION_DISABLED"


def test_a_decision_against_a_proposal(desk):
    proposal_id = desk.submit(a_body()).wait().proposal_id
    desk.transition(proposal_id, "SUBMITTED_FOR_COMPLIANCE_REVIEW", version=1, expected_state="DRAFT")
    rejected = desk.reject(
        proposal_id, "COMPLIANCE", version=1, expected_state="COMPLIANCE_REVIEW", details={"why": "mandate"}
    )
    assert (rejected.current_state, rejected.approval.approved) == ("REJECTED", False)


async def test_the_same_with_asyncio(service):
    async with AsyncProposals(service.url, actor="reviewer_1") as desk:
        operation = await desk.submit(a_body())
        created = await operation.wait()
        await desk.transition(created.proposal_id, "SUBMITTED_FOR_RISK_REVIEW", version=1, expected_state="DRAFT")
        decided = await desk.approve(created.proposal_id, "RISK", version=1, expected_state="RISK_REVIEW")
        assert decided.current_state == "AWAITING_CLIENT_CONSENT"
        assert [one.proposal_id async for one in desk.proposals(portfolio_id="pf_1", limit=100)].count(
            created.proposal_id
        ) == 1
        assert "<html" in await desk.version_page(created.proposal_id, 1)
        with pytest.raises(ProposalNotFound):
            await desk.proposal("pp_0")
        with pytest.raises(OperationEnded):
            await operation.cancel()


def test_lists_go_over_all_pages(desk):
    portfolio = f"pf_{uuid.uuid4().hex}"
    body = a_body()
    body["simulate_request"]["portfolio_snapshot"]["portfolio_id"] = portfolio
    correlation_id = f"c-{uuid.uuid4().hex}"
    operations = [desk.submit(body, correlation_id=correlation_id) for _ in range(5)]
    made = [operation.wait().proposal_id for operation in operations]
    listed = [proposal.proposal_id for proposal in desk.proposals(portfolio_id=portfolio, limit=2)]
    assert sorted(listed) == sorted(made)
    assert len(listed) == 5
    states = list(desk.operations(correlation_id=correlation_id, limit=2, status="SUCCEEDED"))
    assert sorted(state.operation_id for state in states) == sorted(operation.id for operation in operations)
    assert {state.model().status for state in states} == {"SUCCEEDED"}
    assert list(desk.proposals(portfolio_id=portfolio, state="REJECTED")) == []


def test_a_simulation_and_an_artifact_without_a_proposal(desk):
    request = a_body()["simulate_request"]
    request["proposed_trades"][0]["quantity"] = Decimal(2)
    assert desk.simulate(request).status == "READY"
    first, second = (desk.artifact(models.SimulateRequest.model_validate(request), key="a-key") for _ in range(2))
    assert first == second


def test_a_failed_operation_is_retried_and_an_ended_one_is_not_cancelled(desk):
    operation = desk.submit(without_simulation_flag())
    with pytest.raises(OperationFailed) as failed:
        operation.wait()
    assert (failed.value.code, failed.value.retryable) == ("PROPOSAL_SIMULATION_DISABLED", False)
    with pytest.raises(KeyNotFound):
        desk.proposal_of_key(operation.key)
    retried = operation.retry()
    assert (retried.id != operation.id, retried.key) == (True, operation.key)
    with pytest.raises(OperationFailed):
        retried.wait()
    succeeded = desk.submit(a_body())
    succeeded.wait()
    with pytest.raises(OperationNotFailed):
        succeeded.retry()
    with pytest.raises(OperationEnded):
        succeeded.cancel()
    with pytest.raises(NoCallback):
        succeeded.callback()


async def test_a_real_delivery_is_verified_and_delivered_again(service):
    with Receiver().serving() as receiver:
        async with AsyncProposals(service.url) as desk:
            operation = await desk.submit(a_body(callback={"url": receiver.url}))
            created = await operation.wait()
            await until(lambda: len(receiver.received) == 1)
            (received,) = receiver.received
            secret = shown_key(host_key(SECRET, "127.0.0.1"))
            event = verify_callback(secret, received.headers, received.body)
            assert (event.operation_id, event.proposal_id) == (operation.id, created.proposal_id)
            assert (event.is_success, event.model().data.version_no) == (True, 1)

            async with asyncio.timeout(PATIENCE_SECONDS):
                while (await operation.callback()).status != "DELIVERED":
                    await asyncio.sleep(0.05)
            await operation.redeliver()
            await until(lambda: len(receiver.received) == 2)
            assert verify_callback(secret, receiver.received[1].headers, receiver.received[1].body).webhook_id == (
                event.webhook_id
            )
            with pytest.raises(RateLimited) as limited:
                await operation.redeliver()
            assert (limited.value.code, limited.value.retry_after is not None) == ("REDELIVERY_TOO_SOON", True)
