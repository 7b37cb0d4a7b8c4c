"""The whole life of a proposal, by the client that openapi-python-client generates. Called with a service's URL."""

import sys
import uuid
from http import HTTPStatus

from proposals_client import Client
from proposals_client.api.operations import list_operations, read_operation
from proposals_client.api.proposals import create_proposal, list_proposals, read_proposal, submit_proposal
from proposals_client.api.reviews import record_approval, record_transition
from proposals_client.api.support import list_workflow_events
from proposals_client.models import (
    ApprovalRequest,
    ApprovalType,
    CashBalance,
    CreateProposalRequest,
    EngineOptions,
    FxRate,
    MarketDataSnapshot,
    OperationStatus,
    PortfolioSnapshot,
    Position,
    Price,
    Problem,
    ProposalState,
    ProposedTrade,
    SecurityTradeIntent,
    ShelfEntry,
    ShelfStatus,
    SimulateRequest,
    TradeSide,
    TransitionEvent,
    TransitionRequest,
)

PORTFOLIO = f"pf_{uuid.uuid4().hex}"


def a_request(created_by: str = "advisor_1") -> CreateProposalRequest:
    return CreateProposalRequest(
        created_by=created_by,
        simulate_request=SimulateRequest(
            portfolio_snapshot=PortfolioSnapshot(
                portfolio_id=PORTFOLIO,
                base_currency="SGD",
                positions=[Position(instrument_id="EQ_US_TECH", quantity="120")],
                cash_balances=[CashBalance(currency="SGD", amount=50000)],
            ),
            market_data_snapshot=MarketDataSnapshot(
                prices=[Price(instrument_id="EQ_US_TECH", price="250.00", currency="USD")],
                fx_rates=[FxRate(pair="USD/SGD", rate="1.35")],
            ),
            shelf_entries=[ShelfEntry(instrument_id="EQ_US_TECH", status=ShelfStatus.APPROVED)],
            options=EngineOptions(enable_proposal_simulation=True),
            proposed_trades=[ProposedTrade(side=TradeSide.BUY, instrument_id="EQ_US_TECH", quantity="10")],
        ),
    )


def submitted(client: Client) -> str:
    """The id of a proposal whose operation was accepted and waited for."""
    answer = submit_proposal.sync_detailed(client=client, body=a_request(), idempotency_key=uuid.uuid4().hex)
    assert answer.status_code is HTTPStatus.ACCEPTED
    operation_id = answer.parsed.operation_id
    status = read_operation.sync(operation_id, client=client, wait=20)
    while status.status in (OperationStatus.PENDING, OperationStatus.RUNNING):
        status = read_operation.sync(operation_id, client=client, wait=20)
    assert status.status is OperationStatus.SUCCEEDED, status
    assert status.result.proposal.proposal_id == status.proposal_id
    listed = list_operations.sync(client=client, proposal_id=status.proposal_id)
    assert [item.operation_id for item in listed.items] == [operation_id]
    return status.proposal_id


def reviewed(client: Client, proposal_id: str) -> None:
    """Through review and consent to execution."""
    moved = record_transition.sync(
        proposal_id,
        client=client,
        body=TransitionRequest(
            actor_id="advisor_1",
            event_type=TransitionEvent.SUBMITTED_FOR_RISK_REVIEW,
            expected_state=ProposalState.DRAFT,
        ),
    )
    assert moved.current_state is ProposalState.RISK_REVIEW
    for decision, seen, then in (
        (ApprovalType.RISK, ProposalState.RISK_REVIEW, ProposalState.AWAITING_CLIENT_CONSENT),
        (ApprovalType.CLIENT_CONSENT, ProposalState.AWAITING_CLIENT_CONSENT, ProposalState.EXECUTION_READY),
    ):
        body = ApprovalRequest(actor_id="reviewer_1", approval_type=decision, approved=True, expected_state=seen)
        decided = record_approval.sync(proposal_id, client=client, body=body)
        assert decided.current_state is then
        assert decided.approval.approval_type is decision
    executed = record_transition.sync(
        proposal_id,
        client=client,
        body=TransitionRequest(
            actor_id="advisor_1", event_type=TransitionEvent.EXECUTED, expected_state=ProposalState.EXECUTION_READY
        ),
    )
    assert executed.current_state is ProposalState.EXECUTED


def main() -> None:
    client = Client(base_url=sys.argv[1], timeout=60)
    proposal_id = submitted(client)
    found = read_proposal.sync(proposal_id, client=client)
    result = found.current_version.proposal_result
    (trade,) = [intent for intent in result.intents if isinstance(intent, SecurityTradeIntent)]
    assert trade.quantity == "10"
    assert trade.side is TradeSide.BUY
    sent = found.current_version.artifact.evidence_bundle.inputs.portfolio_snapshot
    assert sent.cash_balances[0].amount == "50000"
    reviewed(client, proposal_id)
    listed = list_proposals.sync(client=client, portfolio_id=PORTFOLIO)
    assert [(item.proposal_id, item.current_state) for item in listed.items] == [(proposal_id, ProposalState.EXECUTED)]
    assert len(list_workflow_events.sync(proposal_id, client=client).events) == 5

    unknown = read_proposal.sync("pp_0", client=client)
    assert isinstance(unknown, Problem)
    assert unknown.code == "PROPOSAL_NOT_FOUND"
    late = TransitionRequest(
        actor_id="advisor_1", event_type=TransitionEvent.CANCELLED, expected_state=ProposalState.DRAFT
    )
    assert record_transition.sync(proposal_id, client=client, body=late).code == "STATE_CONFLICT"
    invalid = create_proposal.sync_detailed(client=client, body=a_request(""), idempotency_key=uuid.uuid4().hex)
    assert invalid.status_code is HTTPStatus.UNPROCESSABLE_ENTITY
    assert invalid.parsed.code == "VALIDATION_FAILED"
    assert invalid.parsed.errors[0].pointer == "#/created_by"


main()
