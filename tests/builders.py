"""Values for tests, each valid on its own; a test states only what it is about."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from domain.callback import CallbackSubscription
from domain.canonical import canonical_text
from domain.errors import CallbacksNotConfigured, ProposalError
from domain.ids import new_operation_id
from domain.operation import (
    IdempotencyKey,
    LockedOperation,
    Operation,
    OperationStatus,
    OperationType,
    Policy,
    RecordedEvidence,
)
from domain.proposal import Proposal, ProposalState
from domain.request import CreateRequest, VersionRequest, request_document, request_hash
from services.prepared_request import PreparedRequest
from services.submission import Submission
from storage.documents import Document, DocumentKind
from storage.unit_of_work import ConnectionSource, Storage

NOW = datetime(2026, 2, 22, 12, 0, 0, 123456, tzinfo=UTC)


def a_storage(connections: ConnectionSource) -> Storage:
    """Of which no metrics are kept."""
    return Storage(connections, on_ended=lambda _: None)


def a_body(**changes: Any) -> dict[str, Any]:
    """A small create request that ends READY."""
    body: dict[str, Any] = {
        "created_by": "advisor_1",
        "metadata": {"title": "Buy A"},
        "simulate_request": {
            "portfolio_snapshot": {
                "portfolio_id": "pf_1",
                "base_currency": "SGD",
                "positions": [{"instrument_id": "A", "quantity": "10"}],
                "cash_balances": [{"currency": "SGD", "amount": "1000.00"}],
            },
            "market_data_snapshot": {"prices": [{"instrument_id": "A", "price": "50.00", "currency": "SGD"}]},
            "shelf_entries": [{"instrument_id": "A", "status": "APPROVED", "issuer_id": "I", "liquidity_tier": "L1"}],
            "options": {"enable_proposal_simulation": True},
            "proposed_trades": [{"side": "BUY", "instrument_id": "A", "quantity": "2"}],
        },
    }
    return body | changes


def a_large_body(rows: int = 1200) -> dict[str, Any]:
    """A create request that is computed in the process pool."""
    body = a_body()
    request = body["simulate_request"]
    names = [f"I{number}" for number in range(rows // 3)]
    request["portfolio_snapshot"]["positions"] = [{"instrument_id": name, "quantity": "10"} for name in names]
    request["market_data_snapshot"]["prices"] = [
        {"instrument_id": name, "price": "5.00", "currency": "SGD"} for name in names
    ]
    request["shelf_entries"] = [{"instrument_id": name, "status": "APPROVED"} for name in names]
    request["proposed_trades"] = [{"side": "BUY", "instrument_id": names[0], "quantity": "2"}]
    return body


def without_simulation_flag() -> dict[str, Any]:
    """A create request whose operation ends FAILED by a business rule."""
    body = a_body()
    body["simulate_request"]["options"] = {}
    return body


def a_submission(
    body: dict[str, Any] | None = None, *, key: str = "key-1", correlation_id: str = "corr-1"
) -> Submission:
    return Submission(
        prepared=PreparedRequest.of(CreateRequest.model_validate(body or a_body())),
        client="local",
        key=IdempotencyKey(client="local", scope="proposals", key=key),
        correlation_id=correlation_id,
    )


async def refuse_callbacks(_: CallbackSubscription) -> ProposalError:
    """The judge of a service that makes no callbacks."""
    return CallbacksNotConfigured()


def an_operation(**changes: Any) -> Operation:
    """A create that was just accepted."""
    operation = Operation(
        operation_id="pop_01",
        operation_type=OperationType.CREATE_PROPOSAL,
        status=OperationStatus.PENDING,
        client="local",
        idempotency_key=None,
        attempt=1,
        correlation_id="corr-1",
        request_hash="sha256:request",
        request_document="sha256:request-document",
        portfolio_id="pf_1",
        created_by="advisor_1",
        policy=Policy().as_text(),
        is_large=False,
        proposal_id=None,
        created_at=NOW,
        updated_at=NOW,
        progress_at=NOW,
    )
    return replace(operation, **changes)


def a_locked_operation(*, metadata: str = "{}", gate_decision: str | None = None, **changes: Any) -> LockedOperation:
    """The same, locked by the transaction that is to end it."""
    operation = an_operation(**changes)
    values = {field.name: getattr(operation, field.name) for field in fields(operation)}
    return LockedOperation(**values, metadata=metadata, gate_decision=gate_decision, locked_at=NOW)


def some_evidence(**changes: Any) -> RecordedEvidence:
    evidence = RecordedEvidence(
        **{f"{name}_hash": f"sha256:{name}" for name in ("simulation", "artifact")},
        **{f"{name}_document": f"sha256:{name}-document" for name in ("result", "inputs", "artifact")},
        simulation_status="READY",
        gate_decision=None,
        engine_version="1.0.0",
    )
    return replace(evidence, **changes)


async def a_stored_operation(
    storage: Storage,
    body: dict[str, Any] | None = None,
    *,
    correlation_id: str = "corr-1",
    callback_url: str | None = None,
    proposal_id: str | None = None,
) -> Operation:
    """An accepted operation whose workflow nobody has started; of a version when there is a proposal."""
    request: CreateRequest | VersionRequest = (
        CreateRequest.model_validate(body or a_body())
        if proposal_id is None
        else VersionRequest.model_validate(body or a_version_body())
    )
    document = Document.of(DocumentKind.REQUEST, request_document(request))
    operation = an_operation(
        operation_id=new_operation_id(),
        operation_type=OperationType.CREATE_PROPOSAL if proposal_id is None else OperationType.CREATE_PROPOSAL_VERSION,
        correlation_id=correlation_id,
        request_hash=request_hash(request),
        request_document=document.sha256,
        portfolio_id=request.simulate_request.portfolio_snapshot.portfolio_id,
        created_by=request.created_by,
        has_callback=callback_url is not None,
        proposal_id=proposal_id,
    )
    metadata = canonical_text(request.metadata.model_dump()) if isinstance(request, CreateRequest) else "{}"
    async with storage.transaction() as transaction:
        await transaction.documents.add(document, at=NOW)
        callback = None if callback_url is None else CallbackSubscription(url=callback_url)
        await transaction.operations.add(operation, metadata=metadata, callback=callback)
    return operation


def a_proposal(**changes: Any) -> Proposal:
    """A proposal in DRAFT, as its first event left it."""
    proposal = Proposal(
        proposal_id="pp_01",
        client="local",
        portfolio_id="pf_1",
        mandate_id=None,
        jurisdiction=None,
        title=None,
        advisor_notes=None,
        created_by="advisor_1",
        created_at=NOW,
        current_state=ProposalState.DRAFT,
        current_version_no=1,
        last_event_at=NOW,
        event_count=1,
        last_event_hash=f"sha256:{'1' * 64}",
    )
    return replace(proposal, **changes)


def a_version_body(**changes: Any) -> dict[str, Any]:
    """A version request for the portfolio of `a_body`, with another trade."""
    body = a_body()
    body["simulate_request"]["proposed_trades"][0]["quantity"] = "3"
    return {"created_by": "advisor_2", "simulate_request": body["simulate_request"]} | changes
