"""Step `simulate`: from the stored request to the stored result."""

from temporalio import activity

from activities.boundary import boundary
from activities.computing import Computing, heartbeating
from activities.document_texts import DocumentTexts
from activities.outcome import load_operation, outcome_of
from domain.errors import SimulationDisabled
from domain.evidence import REQUEST_KINDS, RequestKind, SimulatedDocument, parsed_request, simulate_document
from domain.operation import Operation, Policy
from storage.documents import DocumentKind
from storage.unit_of_work import Storage
from workflows.messages import SimulateInput, SimulateResult


class SimulateStep:
    def __init__(self, storage: Storage, texts: DocumentTexts, computing: Computing) -> None:
        self._storage = storage
        self._texts = texts
        self._computing = computing

    @activity.defn(name="simulate")
    @boundary
    @heartbeating
    async def simulate(self, step: SimulateInput) -> SimulateResult:
        operation = await load_operation(self._storage, step.operation_id)
        if operation.is_terminal:
            return SimulateResult(ended=outcome_of(operation))
        simulated = await self._simulated(operation, is_large=step.is_large)
        document = await self._computing.document(DocumentKind.RESULT, simulated.text)
        async with self._storage.transaction() as transaction:
            await transaction.documents.add(document, at=operation.created_at)
            superseded = await transaction.operations.record_simulation(
                operation.operation_id,
                result_document=document.sha256,
                status=simulated.status,
                simulation_hash=simulated.simulation_hash,
                gate_decision=simulated.gate_decision,
            )
            await transaction.documents.let_go(*([document.sha256] if superseded is None else superseded))
        if superseded is None:
            return SimulateResult(ended=outcome_of(await load_operation(self._storage, step.operation_id)))
        self._texts.remember(document.sha256, simulated.text)
        return SimulateResult(
            result_document=document.sha256,
            simulation_status=simulated.status,
            simulation_hash=simulated.simulation_hash,
        )

    async def _simulated(self, operation: Operation, *, is_large: bool) -> SimulatedDocument:
        return await self._computing.run(
            simulate_request,
            await self._texts.read(operation.request_document),
            operation.policy,
            kind=REQUEST_KINDS[operation.operation_type],
            request_hash=operation.request_hash,
            correlation_id=operation.correlation_id,
            idempotency_key=operation.idempotency_key,
            is_large=is_large,
        )


def simulate_request(
    request_text: str,
    policy_text: str,
    *,
    kind: RequestKind,
    request_hash: str,
    correlation_id: str,
    idempotency_key: str | None,
) -> SimulatedDocument:
    """The simulation of an accepted request. Raises SimulationDisabled when its operation's policy says so."""
    request = parsed_request(request_text, kind=kind)
    if Policy.from_text(policy_text).require_simulation_flag and not request.options.enable_proposal_simulation:
        raise SimulationDisabled
    return simulate_document(
        request_text,
        kind=kind,
        request_hash=request_hash,
        correlation_id=correlation_id,
        idempotency_key=idempotency_key,
    )
