"""Stand-ins for the steps, by their names; each test says what goes wrong and when."""

import asyncio
from collections import Counter
from collections.abc import Callable

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from workflows.messages import (
    BuildArtifactInput,
    BuildArtifactResult,
    FinishInput,
    FinishResult,
    OperationOutcome,
    PersistInput,
    PersistResult,
    SimulateInput,
    SimulateResult,
)

Failure = Callable[[int], Exception | None]  # from the number of the call, beginning at 1


def outage_for(calls: int) -> Failure:
    return lambda call: (
        ApplicationError("the database cannot be reached", type="StorageUnavailable") if call <= calls else None
    )


def refusal(_: int) -> Exception:
    return ApplicationError(
        "PROPOSAL_SIMULATION_DISABLED: set options.enable_proposal_simulation=true",
        type="ProposalValidationError",
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )


class FakeSteps:
    """Counts calls, remembers where they ran and how the operation ended."""

    def __init__(self, *, has_callback: bool = False, **failures: Failure) -> None:
        self._failures = failures
        self._has_callback = has_callback
        self.calls: Counter[str] = Counter()
        self.local: list[tuple[str, bool]] = []
        self.outcome: OperationOutcome | None = None
        self.hang: asyncio.Event | None = None

    def registered(self) -> list[Callable]:
        return [
            self.simulate,
            self.build_artifact,
            self.persist,
            self.persist_version,
            self.persist_simulation,
            self.finish,
        ]

    def _enter(self, name: str) -> None:
        self.calls[name] += 1
        self.local.append((name, activity.info().is_local))
        failure = self._failures.get(name, lambda _: None)(self.calls[name])
        if failure is not None:
            raise failure

    @activity.defn(name="simulate")
    async def simulate(self, step: SimulateInput) -> SimulateResult:
        self._enter("simulate")
        if self.hang is not None:
            await self.hang.wait()
        return SimulateResult(ended=self.outcome, simulation_status="READY")

    @activity.defn(name="build_artifact")
    async def build_artifact(self, step: BuildArtifactInput) -> BuildArtifactResult:
        self._enter("build_artifact")
        return BuildArtifactResult(artifact_hash="sha256:0")

    @activity.defn(name="persist")
    async def persist(self, step: PersistInput) -> PersistResult:
        self._enter("persist")
        self.outcome = OperationOutcome(
            operation_id=step.operation_id,
            status="SUCCEEDED",
            proposal_id="pp_1",
            version_no=1,
            has_callback=self._has_callback,
        )
        return PersistResult(outcome=self.outcome)

    @activity.defn(name="persist_version")
    async def persist_version(self, step: PersistInput) -> PersistResult:
        self._enter("persist_version")
        self.outcome = OperationOutcome(
            operation_id=step.operation_id, status="SUCCEEDED", proposal_id="pp_1", version_no=2
        )
        return PersistResult(outcome=self.outcome)

    @activity.defn(name="persist_simulation")
    async def persist_simulation(self, step: PersistInput) -> PersistResult:
        self._enter("persist_simulation")
        self.outcome = OperationOutcome(
            operation_id=step.operation_id,
            status="SUCCEEDED",
            simulation_status="READY",
            artifact_hash="sha256:0",
        )
        return PersistResult(outcome=self.outcome)

    @activity.defn(name="finish")
    async def finish(self, step: FinishInput) -> FinishResult:
        self._enter("finish")
        if self.outcome is None:
            self.outcome = OperationOutcome(
                operation_id=step.operation_id,
                status="FAILED",
                error_code=step.error_code,
                error_message=step.error_message,
                has_callback=self._has_callback,
            )
        return FinishResult(outcome=self.outcome)
