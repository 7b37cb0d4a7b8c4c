"""Which endpoint needs which scope: one table, without whose row a route cannot be made.

Reviews need one scope of several before their body is read, and the one of their event or decision after that.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

import structlog
from fastapi import Request, Response
from fastapi.routing import APIRoute

from api.authentication import Authenticator
from api.body import JsonBodyRoute
from domain.access import DECISION_SCOPES, Caller, Scope
from domain.proposal import ApprovalType, EventType

DECISIONS: Final = frozenset(DECISION_SCOPES.values())
GUARDED_PREFIX: Final = "/rebalance/"
OPEN: Final[frozenset[Scope]] = frozenset()  # for everyone, also without a token

ACCESS: Final[Mapping[str, frozenset[Scope]]] = {
    "simulate": frozenset({Scope.PROPOSALS_WRITE}),
    "build_artifact": frozenset({Scope.PROPOSALS_WRITE}),
    "create_proposal": frozenset({Scope.PROPOSALS_WRITE}),
    "submit_proposal": frozenset({Scope.PROPOSALS_WRITE}),
    "create_version": frozenset({Scope.PROPOSALS_WRITE}),
    "submit_version": frozenset({Scope.PROPOSALS_WRITE}),
    "list_proposals": frozenset({Scope.PROPOSALS_READ}),
    "read_proposal": frozenset({Scope.PROPOSALS_READ}),
    "read_version": frozenset({Scope.PROPOSALS_READ}),
    "read_artifact": frozenset({Scope.PROPOSALS_READ}),
    "record_transition": DECISIONS | {Scope.PROPOSALS_WRITE},
    "record_approval": DECISIONS,
    "list_approvals": frozenset({Scope.AUDIT_READ}),
    "list_workflow_events": frozenset({Scope.AUDIT_READ}),
    "read_lineage": frozenset({Scope.AUDIT_READ}),
    "read_keyed_proposal": frozenset({Scope.AUDIT_READ}),
    "read_operation": frozenset({Scope.OPERATIONS_READ}),
    "read_newest_operation": frozenset({Scope.OPERATIONS_READ}),
    "list_operations": frozenset({Scope.OPERATIONS_READ}),
    "cancel_operation": frozenset({Scope.OPERATIONS_CANCEL}),
    "retry_operation": frozenset({Scope.OPERATIONS_CANCEL}),
    "read_callbacks": frozenset({Scope.CALLBACKS_MANAGE}),
    "redeliver_callback": frozenset({Scope.CALLBACKS_MANAGE}),
    "read_config": OPEN,
    "refuse_reading_submissions": OPEN,  # answers 405 and nothing else
}
# An event that is not here is the author's: submitting, cancelling, executing, expiring.
EVENT_SCOPES: Final[Mapping[EventType, frozenset[Scope]]] = {
    EventType.RISK_APPROVED: frozenset({Scope.REVIEWS_RISK}),
    EventType.COMPLIANCE_APPROVED: frozenset({Scope.REVIEWS_COMPLIANCE}),
    EventType.CLIENT_CONSENT_RECORDED: frozenset({Scope.CONSENTS_RECORD}),
    EventType.REJECTED: DECISIONS,  # whose decision it is, the locked proposal's state tells (`domain.lifecycle`)
}


def scopes_of_event(event_type: EventType) -> frozenset[Scope]:
    """Scopes of which a transition needs one."""
    return EVENT_SCOPES.get(event_type, frozenset({Scope.PROPOSALS_WRITE}))


def scopes_of_decision(approval_type: ApprovalType) -> frozenset[Scope]:
    return frozenset({DECISION_SCOPES[approval_type]})


def require_guards(routes: Iterable[APIRoute]) -> None:
    """Raises LookupError for a route to what belongs to clients that asks nobody who they are."""
    for route in routes:
        if route.path.startswith(GUARDED_PREFIX) and not isinstance(route, GuardedRoute):
            raise LookupError(f"{route.path} needs a guarded route and a row in the table")


class GuardedRoute(APIRoute):
    """A route that knows its caller before it reads a body, and refuses one without a scope that it needs."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        scopes = ACCESS[self.endpoint.__name__]
        if not scopes:
            return handle

        async def guard_then_handle(request: Request) -> Response:
            authenticator: Authenticator = request.state.authenticator
            caller = await authenticator.caller(request)
            request.state.caller = caller
            caller.require_any(scopes)
            with structlog.contextvars.bound_contextvars(client=caller.client):
                return await handle(request)

        return guard_then_handle


class GuardedJsonRoute(GuardedRoute, JsonBodyRoute):
    """A guarded route with a body: who may not be heard is not read either."""


def caller_of(request: Request) -> Caller:
    """Who sent the request, as its guarded route found out."""
    caller: Caller = request.state.caller
    return caller
