"""What the endpoints are given: built once in the lifespan, never at import."""

from dataclasses import dataclass

from api.presentation import OperationPresenter
from domain.errors import AsyncOperationsDisabled, LifecycleDisabled
from services.lookup import Lookup
from services.readiness import ReadinessCheck
from services.simulation import SimulationService
from services.submission import SubmissionService
from services.waiting import Waiting


@dataclass(frozen=True, kw_only=True, slots=True)
class Gates:
    """The feature flags; each `require` raises the code of the gate that is shut."""

    lifecycle_enabled: bool
    async_operations_enabled: bool

    def require_lifecycle(self) -> None:
        if not self.lifecycle_enabled:
            raise LifecycleDisabled

    def require_async_operations(self) -> None:
        self.require_lifecycle()
        if not self.async_operations_enabled:
            raise AsyncOperationsDisabled


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    submission: SubmissionService
    simulation: SimulationService
    lookup: Lookup
    waiting: Waiting
    readiness: ReadinessCheck
    presenter: OperationPresenter
    gates: Gates
