"""Step `simulate`: from the stored request to the result, which only a large operation stores at once."""

from temporalio import activity

from activities.boundary import boundary
from activities.computing import heartbeating
from activities.evidence_making import EvidenceMaking
from activities.outcome import outcome_of
from activities.work_at_hand import WorkAtHand
from storage.unit_of_work import Storage
from workflows.messages import SimulateInput, SimulateResult


class SimulateStep:
    def __init__(self, storage: Storage, work: WorkAtHand, evidence: EvidenceMaking) -> None:
        self._storage = storage
        self._work = work
        self._evidence = evidence

    @activity.defn(name="simulate")
    @boundary
    @heartbeating
    async def simulate(self, step: SimulateInput) -> SimulateResult:
        work = await self._work.read(step.operation_id)
        if work.is_terminal:
            return SimulateResult(ended=outcome_of(work))
        made = await self._evidence.result(work)
        simulated, address = made.simulated, made.document.sha256
        if work.is_large:
            async with self._storage.transaction() as transaction:
                await transaction.documents.add(made.document, at=work.created_at)
                superseded = await transaction.operations.record_simulation(
                    work.operation_id,
                    result_document=address,
                    status=simulated.status,
                    simulation_hash=simulated.simulation_hash,
                    gate_decision=simulated.gate_decision,
                )
                await transaction.documents.let_go(*([address] if superseded is None else superseded))
            if superseded is None:
                return SimulateResult(ended=outcome_of(await self._work.read(step.operation_id)))
        return SimulateResult(
            result_document=address,
            simulation_status=simulated.status,
            simulation_hash=simulated.simulation_hash,
        )
