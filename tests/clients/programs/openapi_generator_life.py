"""The whole life of a proposal, by the client that openapi-generator makes for Python. Called with a service's URL."""

import sys
import uuid

import openapi_client
from openapi_client import (
    ApprovalRequest,
    ApprovalType,
    CashBalance,
    CreateProposalRequest,
    DecimalInput,
    EngineOptions,
    FxRate,
    MarketDataSnapshot,
    OperationStatus,
    PortfolioSnapshot,
    Position,
    Price,
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
                positions=[Position(instrument_id="EQ_US_TECH", quantity=DecimalInput("120"))],
                cash_balances=[CashBalance(currency="SGD", amount=DecimalInput(50000))],
            ),
            market_data_snapshot=MarketDataSnapshot(
                prices=[Price(instrument_id="EQ_US_TECH", price=DecimalInput("250.00"), currency="USD")],
                fx_rates=[FxRate(pair="USD/SGD", rate=DecimalInput("1.35"))],
            ),
            shelf_entries=[ShelfEntry(instrument_id="EQ_US_TECH", status=ShelfStatus.APPROVED)],
            options=EngineOptions(enable_proposal_simulation=True),
            proposed_trades=[
                ProposedTrade(side=TradeSide.BUY, instrument_id="EQ_US_TECH", quantity=DecimalInput("10"))
            ],
        ),
    )


def refused(call, *arguments) -> openapi_client.ApiException:
    try:
        call(*arguments)
    except openapi_client.ApiException as refusal:
        return refusal
    raise AssertionError(call)


def main() -> None:
    client = openapi_client.ApiClient(openapi_client.Configuration(host=sys.argv[1]))
    proposals = openapi_client.ProposalsApi(client)
    operations = openapi_client.OperationsApi(client)
    reviews = openapi_client.ReviewsApi(client)

    accepted = proposals.submit_proposal_with_http_info(uuid.uuid4().hex, a_request())
    assert accepted.status_code == 202
    status = operations.read_operation(accepted.data.operation_id, wait=20)
    while status.status in (OperationStatus.PENDING, OperationStatus.RUNNING):
        status = operations.read_operation(accepted.data.operation_id, wait=20)
    assert status.status == OperationStatus.SUCCEEDED, status
    proposal_id = status.proposal_id
    assert status.result.proposal.proposal_id == proposal_id

    version = proposals.read_proposal(proposal_id).current_version
    intents = [intent.actual_instance for intent in version.proposal_result.intents]
    (trade,) = [intent for intent in intents if isinstance(intent, SecurityTradeIntent)]
    assert (trade.quantity, trade.side) == ("10", TradeSide.BUY)
    assert version.evidence_bundle.inputs.portfolio_snapshot.cash_balances[0].amount == "50000"

    def move(event: TransitionEvent, seen: ProposalState) -> ProposalState:
        body = TransitionRequest(actor_id="advisor_1", event_type=event, expected_state=seen)
        return reviews.record_transition(proposal_id, body).current_state

    def decide(decision: ApprovalType, seen: ProposalState) -> ProposalState:
        body = ApprovalRequest(actor_id="reviewer_1", approval_type=decision, approved=True, expected_state=seen)
        decided = reviews.record_approval(proposal_id, body)
        assert decided.approval.approval_type == decision
        return decided.current_state

    state = move(TransitionEvent.SUBMITTED_FOR_RISK_REVIEW, ProposalState.DRAFT)
    state = decide(ApprovalType.RISK, state)
    state = decide(ApprovalType.CLIENT_CONSENT, state)
    assert move(TransitionEvent.EXECUTED, state) == ProposalState.EXECUTED
    listed = proposals.list_proposals(portfolio_id=PORTFOLIO)
    assert [(item.proposal_id, item.current_state) for item in listed.items] == [(proposal_id, ProposalState.EXECUTED)]
    assert len(openapi_client.SupportApi(client).list_workflow_events(proposal_id).events) == 5

    unknown = refused(proposals.read_proposal, "pp_0")
    assert (unknown.status, unknown.data.code) == (404, "PROPOSAL_NOT_FOUND")
    assert refused(move, TransitionEvent.CANCELLED, ProposalState.DRAFT).data.code == "STATE_CONFLICT"
    invalid = refused(proposals.create_proposal, uuid.uuid4().hex, a_request(" "))
    assert invalid.status == 422
    assert "created_by" in invalid.body


main()
