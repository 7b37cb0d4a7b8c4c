"""The caller of a request: client, person and scopes, as a verified bearer token names them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.errors import ActorMismatch, InsufficientScope
from domain.proposal import ApprovalType

LOCAL_CLIENT: Final = "local"  # without authentication there is one client; its name is in every key and row


class Scope(StrEnum):
    """The scopes of this service, a closed list; other scopes of a token are ignored."""

    PROPOSALS_READ = "proposals:read"
    PROPOSALS_WRITE = "proposals:write"
    REVIEWS_RISK = "reviews:risk"
    REVIEWS_COMPLIANCE = "reviews:compliance"
    CONSENTS_RECORD = "consents:record"
    OPERATIONS_READ = "operations:read"
    OPERATIONS_CANCEL = "operations:cancel"
    CALLBACKS_MANAGE = "callbacks:manage"
    AUDIT_READ = "audit:read"
    ACTORS_ANY = "actors:any"


DECISION_SCOPES: Final[Mapping[ApprovalType, Scope]] = {
    ApprovalType.RISK: Scope.REVIEWS_RISK,
    ApprovalType.COMPLIANCE: Scope.REVIEWS_COMPLIANCE,
    ApprovalType.CLIENT_CONSENT: Scope.CONSENTS_RECORD,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """`client` owns what is written and sees nothing of others; `subject` is the person, or the client itself."""

    client: str
    subject: str
    scopes: frozenset[Scope]

    @property
    def decisions(self) -> frozenset[ApprovalType]:
        """The review and consent decisions that the caller may record."""
        return frozenset(decision for decision, scope in DECISION_SCOPES.items() if scope in self.scopes)

    @property
    def actor(self) -> str:
        """The name that is recorded beside what the caller does: `local` without authentication."""
        return self.subject or LOCAL_CLIENT

    def require_any(self, scopes: frozenset[Scope]) -> None:
        """Raises InsufficientScope unless the caller has one of these."""
        if self.scopes.isdisjoint(scopes):
            raise InsufficientScope(sorted(scopes))

    def require_actor(self, actor_id: str) -> None:
        """Raises ActorMismatch for another person's name, unless the caller may act in any name."""
        if actor_id != self.subject and Scope.ACTORS_ANY not in self.scopes:
            raise ActorMismatch


# The caller of every request to a service without authentication.
LOCAL_CALLER: Final = Caller(client=LOCAL_CLIENT, subject="", scopes=frozenset(Scope))
