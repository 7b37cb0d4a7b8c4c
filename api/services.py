"""What the endpoints are given: built once in the lifespan, never at import."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.operation_presentation import OperationPresenter
from domain.errors import AsyncOperationsDisabled, LifecycleDisabled, SupportApisDisabled
from services.cancellation import Cancellation
from services.lifecycle import ProposalWorkflowService
from services.lookup import Lookup
from services.process_pool import ProcessPool
from services.proposal_reads import ProposalReads
from services.readiness import ReadinessCheck
from services.redelivery import Redelivery
from services.retrying import Retrying
from services.simulation import SimulationService
from services.submission import SubmissionService
from services.synchronous import SynchronousWait
from services.waiting import Waiting


@dataclass(frozen=True, kw_only=True, slots=True)
class Gates:
    """The feature flags; each `require` raises the code of the gate that is shut."""

    lifecycle_enabled: bool
    support_apis_enabled: bool
    async_operations_enabled: bool

    def require_lifecycle(self) -> None:
        if not self.lifecycle_enabled:
            raise LifecycleDisabled

    def require_support_apis(self) -> None:
        self.require_lifecycle()
        if not self.support_apis_enabled:
            raise SupportApisDisabled

    def require_async_operations(self) -> None:
        self.require_lifecycle()
        if not self.async_operations_enabled:
            raise AsyncOperationsDisabled


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    submission: SubmissionService
    pool: ProcessPool
    simulation: SimulationService
    synchronous: SynchronousWait
    reviews: ProposalWorkflowService
    proposals: ProposalReads
    lookup: Lookup
    cancellation: Cancellation
    retrying: Retrying
    waiting: Waiting
    redelivery: Redelivery
    readiness: ReadinessCheck
    presenter: OperationPresenter
    gates: Gates
    flags: Mapping[str, bool]
