"""The feature flags that endpoints are behind."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from domain.errors import AsyncOperationsDisabled, LifecycleDisabled, ProposalError, SupportApisDisabled
from runtime.settings import Settings


class Gate(Enum):
    """The feature flags that an endpoint is behind."""

    NONE = auto()
    LIFECYCLE = auto()
    SUPPORT = auto()
    ASYNC = auto()

    @property
    def errors(self) -> tuple[type[ProposalError], ...]:
        """The errors of these flags, in the order in which the flags are checked."""
        return GATE_ERRORS[self]


# Not the members' values: Python 3.11 makes an object of an empty tuple.
GATE_ERRORS: Final[Mapping[Gate, tuple[type[ProposalError], ...]]] = {
    Gate.NONE: (),
    Gate.LIFECYCLE: (LifecycleDisabled,),
    Gate.SUPPORT: (LifecycleDisabled, SupportApisDisabled),
    Gate.ASYNC: (LifecycleDisabled, AsyncOperationsDisabled),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Gates:
    """The feature flags that are off."""

    off: frozenset[type[ProposalError]]

    @classmethod
    def of(cls, settings: Settings) -> "Gates":
        is_on = {
            LifecycleDisabled: settings.workflow_lifecycle_enabled,
            SupportApisDisabled: settings.support_apis_enabled,
            AsyncOperationsDisabled: settings.async_operations_enabled,
        }
        return cls(off=frozenset(error for error, on in is_on.items() if not on))

    def is_open(self, gate: Gate) -> bool:
        return self.off.isdisjoint(gate.errors)

    def require(self, gate: Gate) -> None:
        """Raises the error of the first flag that is off."""
        for error in gate.errors:
            if error in self.off:
                raise error
