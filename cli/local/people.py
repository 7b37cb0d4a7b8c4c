"""The four people of `demo --people`: a name as the bank's directory has it, a role, and the scopes of that role."""

from dataclasses import dataclass
from typing import Final

from domain.access import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """`name` is the subject of the person's tokens, so it is what `created_by` and `actor_id` must be."""

    name: str
    role: str
    scopes: tuple[Scope, ...]


ADVISOR: Final = Person(
    name="advisor_1",  # the author of examples/create_proposal.json
    role="a senior advisor, who also reviews the risk of colleagues' proposals",
    scopes=(
        Scope.PROPOSALS_WRITE,
        Scope.PROPOSALS_READ,
        Scope.OPERATIONS_READ,
        Scope.CONSENTS_RECORD,
        Scope.REVIEWS_RISK,
    ),
)
RISK: Final = Person(
    name="risk_1",
    role="a risk reviewer",
    scopes=(Scope.PROPOSALS_READ, Scope.REVIEWS_RISK),
)
COMPLIANCE: Final = Person(
    name="compliance_1",
    role="a compliance reviewer, who reads audit trails",
    scopes=(Scope.PROPOSALS_READ, Scope.REVIEWS_COMPLIANCE, Scope.AUDIT_READ),
)
DESK: Final = Person(
    name="desk_1",
    role="a desk operator, who executes proposals and looks after operations",
    scopes=(
        Scope.PROPOSALS_WRITE,
        Scope.PROPOSALS_READ,
        Scope.OPERATIONS_READ,
        Scope.OPERATIONS_CANCEL,
        Scope.CALLBACKS_MANAGE,
        Scope.AUDIT_READ,
    ),
)
PEOPLE: Final = {person.name: person for person in (ADVISOR, RISK, COMPLIANCE, DESK)}
