"""Routers of guarded endpoints: who may call each, behind which feature flag, with which body and which errors.

    router = GuardedRouter("/rebalance/proposals/operations", gate=Gate.ASYNC, tag="Operations")

    @router.get("/{operation_id}", scopes={Scope.OPERATIONS_READ}, raises=(OperationNotFound, OperationExpired))
    async def read_operation(operation_id: OperationIdInPath, context: Context) -> Response: ...

A request is checked in the contract's order: the caller's scopes (401, 403) before a byte of its body is received; then
the body's type, size and JSON; then path, query, headers and body in one list (422); then the flag (404); and then it
is the endpoint's.
"""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial, wraps
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Final, TypeVar

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from api.gates import Gate
from api.http.answers import until_gone
from api.http.error_catalogue import STATUS
from api.http.headers import CorrelationIdHeader, PreferHeader, described_header, preferences
from api.http.limits import AnswerRoom
from api.http.parameters import refused_parameters
from api.http.problem_schemas import ExpiredOperationProblem, Problem, ValidationProblem
from api.http.problems import PROBLEM_TYPE
from api.http.request_state import state_of
from api.http.schemas import REFERENCE
from api.services import Services
from domain.access import Caller, Scope
from domain.errors import ProposalError, StorageUnavailable
from domain.public_links import GUARDED_PREFIX
from services.prepared_request import PreparedRequest
from services.race import race

OPEN: Final[frozenset[Scope]] = frozenset()  # for everyone, also without a token
ONLY_WITH_TOKENS: Final = "only with `PROPOSAL_AUTH_MODE=jwt`"
PROBLEM_SCHEMA: Final = {"$ref": REFERENCE.format(model=Problem.__name__)}
WITH_CHALLENGE: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
WITH_RETRY_AFTER: Final = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)

Endpoint = Callable[..., Awaitable[Response]]
Handler = Callable[[Request], Awaitable[Response]]
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointContext:
    """What an endpoint is given besides what its client sent."""

    request: Request
    services: Services
    correlation_id: str

    @property
    def caller(self) -> Caller:
        """Who sent the request, as its guarded route found out."""
        return state_of(self.request.scope)["caller"]

    @property
    def client(self) -> str:
        return self.caller.client

    async def let_next_of_key_in(self) -> None:
        """Give up the slot of this request's key, before a wait that others with the key may do beside it."""
        await state_of(self.request.scope)["turn"].aclose()

    async def while_connected(self, work: Coroutine[Any, Any, Result], *, waits: bool) -> Result:
        """The work's result. Raises ClientDisconnect when the client disconnects first; its body is read by then.

        `waits` when the work includes a wait for an operation's end; metrics count such requests apart.
        """
        state_of(self.request.scope)["waits"] = waits
        result = await race(work, until_gone(self.request.receive))
        if result is None:
            raise ClientDisconnect
        return result

    async def room(self, size: int) -> None:
        """Waits for room for documents of this size; the request holds it until its answer has been sent.

        Raises ServerBusy, ClientDisconnect when the client disconnects first.
        """
        room = state_of(self.request.scope)["room"]
        if await race(room.take(size), until_gone(self.request.receive)) is None:
            raise ClientDisconnect


# Dependencies are `async`: FastAPI runs any other in a thread, which takes longer than they do.
async def _services(request: Request) -> Services:
    services: Services = request.state.services
    return services


async def _context(request: Request, _: CorrelationIdHeader = None) -> EndpointContext:
    return EndpointContext(
        request=request, services=request.state.services, correlation_id=state_of(request.scope)["correlation_id"]
    )


async def body_of(request: Request, _: PreferHeader = None) -> Any:
    """The body as `api.http.body` has read it; the endpoint is not called while that is a list of errors."""
    return state_of(request.scope)["body"]


ServicesOfProcess = Annotated[Services, Depends(_services)]
Context = Annotated[EndpointContext, Depends(_context)]
Prepared = Annotated[PreparedRequest, Depends(body_of)]


class GuardedRoute(APIRoute):
    """A route that knows its caller before it reads a body. Each has a class of its own, with its scopes and body."""

    scopes: ClassVar[frozenset[Scope]]
    body: ClassVar[type[BaseModel] | None]
    only_refuses: ClassVar[bool]  # a method that the address does not take (`api.http.methods`)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        listing = partial(self._listing, handle=handle, parameters=frozenset(_query_parameters(self.dependant)))

        async def guard_then_handle(request: Request) -> Response:
            if not self.scopes:
                return await listing(request)
            services, state = await _services(request), state_of(request.scope)
            caller = state["caller"] = await services.authenticator.caller(request)
            caller.require_any(self.scopes)
            state["is_strict"] = preferences(request.headers.get("prefer")).is_strict
            state["room"] = AnswerRoom(services.answers)
            with structlog.contextvars.bound_contextvars(client=caller.client):
                if self.body is None:
                    return await listing(request)
                return await self._read_then_handle(request, self.body, listing)

        return guard_then_handle

    async def _read_then_handle(self, request: Request, model: type[BaseModel], listing: Handler) -> Response:
        async with AsyncExitStack() as turn:
            services, state = await _services(request), state_of(request.scope)
            state["turn"] = turn
            state["body"] = await services.bodies.read(
                request, model, caller=state["caller"], turn=turn, is_strict=state["is_strict"]
            )
            return await listing(request)

    async def _listing(self, request: Request, *, handle: Handler, parameters: frozenset[str]) -> Response:
        """The response, or one list of what is wrong: with values outside of the body, with names of parameters, with
        the body.
        """
        state = state_of(request.scope)
        body = state.get("body")
        named = [] if self.only_refuses else refused_parameters(request.query_params.multi_items(), parameters)
        errors = [*named, *(body if isinstance(body, list) else ())]
        state["is_invalid"] = bool(errors)
        try:
            return await handle(request)
        except RequestValidationError as invalid:
            raise RequestValidationError([*map(_of_parameter, invalid.errors()), *errors]) from None


def _of_parameter(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """An error of one of a filter's values has the place of the filter, as that of a single value has."""
    return {**error, "loc": error["loc"][:2]} if error["loc"][0] == "query" else error


def _query_parameters(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for dependency in dependant.dependencies:
        yield from _query_parameters(dependency)


class GuardedRouter(APIRouter):
    """A router whose endpoints cannot be made without saying who may call them."""

    def __init__(self, prefix: str, *, tag: str, gate: Gate) -> None:
        super().__init__(prefix=prefix, tags=[tag])
        self._gate = gate

    def get(self, path: str, **described: Any) -> Callable[[Endpoint], Endpoint]:  # type: ignore[override]  # fewer options than FastAPI's
        """Register a GET; see `endpoint`."""
        return self.endpoint("GET", path, **described)

    def post(self, path: str, **described: Any) -> Callable[[Endpoint], Endpoint]:  # type: ignore[override]  # fewer options than FastAPI's
        """Register a POST; see `endpoint`."""
        return self.endpoint("POST", path, **described)

    def endpoint(
        self,
        method: str,
        path: str,
        *,
        scopes: Collection[Scope],
        gate: Gate | None = None,
        raises: Sequence[type[ProposalError]] = (),
        body: type[BaseModel] | None = None,
        statuses: Sequence[int] = (),
        responses: Mapping[int | str, dict[str, Any]] | None = None,
        **described: Any,
    ) -> Callable[[Endpoint], Endpoint]:
        """Register an endpoint; the rest is FastAPI's.

        `scopes` are those of which a caller needs one; OPEN for an endpoint that is for everyone. `gate` replaces the
        router's. `raises` are the errors of this endpoint, `statuses` further ones that have no code of their own; the
        errors of every endpoint are added.
        """
        behind = gate or self._gate
        of_all = (*behind.errors, StorageUnavailable) if scopes else behind.errors
        errors = dict.fromkeys((*raises, *of_all))
        of_body = () if body is None else (408, 413, 415)
        # What is in no document is no endpoint: it answers 405 where another route would misread the path.
        is_shown = described.get("include_in_schema", True)
        traits = {"scopes": frozenset(scopes), "body": body, "only_refuses": not is_shown}
        route = type("Route", (GuardedRoute,), traits)

        def register(endpoint: Endpoint) -> Endpoint:
            self.add_api_route(
                path,
                _checked(endpoint, behind),
                methods=[method],
                operation_id=endpoint.__name__,
                responses={
                    **(responses or {}),
                    **problems(*errors, statuses=(*statuses, *of_body, 422, 500), scopes=scopes),
                },
                route_class_override=route,
                **described,
            )
            return endpoint

        return register


def _checked(endpoint: Endpoint, gate: Gate) -> Endpoint:
    """The endpoint behind what is checked once FastAPI has validated path, query and headers."""

    @wraps(endpoint)
    async def checked(*, context: EndpointContext, **given: Any) -> Response:
        if state_of(context.request.scope)["is_invalid"]:
            raise RequestValidationError([])  # the route adds them
        context.services.gates.require(gate)
        return await endpoint(context=context, **given)

    return checked


def require_guards(routes: Iterable[APIRoute]) -> None:
    """Raises TypeError for a route under /rebalance/ that does not say who may call it."""
    for route in routes:
        if route.path.startswith(GUARDED_PREFIX) and not isinstance(route, GuardedRoute):
            raise TypeError(f"{route.path} needs a GuardedRouter")


def problems(
    *errors: type[ProposalError], statuses: Sequence[int] = (), scopes: Collection[Scope] = ()
) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of an endpoint: the errors that it can answer, with what HTTP adds to every one."""
    documented: dict[int, list[str]] = {status: [] for status in statuses}
    if scopes:
        needed = " or ".join(f"`{scope}`" for scope in sorted(scopes))
        documented[401] = [f"`UNAUTHENTICATED` with the reason; {ONLY_WITH_TOKENS}"]
        documented[403] = [f"`INSUFFICIENT_SCOPE` for a token without {needed}; {ONLY_WITH_TOKENS}"]
    for error in errors:
        documented.setdefault(STATUS[error.kind], []).append(f"`{error.detail()}`")
    return {status: _documented(status, details) for status, details in sorted(documented.items())}


def _documented(status: int, details: Sequence[str]) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    answer: dict[str, Any] = {
        "model": ExpiredOperationProblem if status == HTTPStatus.GONE else Problem,
        "description": f"{phrase}: {'; '.join(details)}" if details else phrase,
    }
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        answer["description"] += (
            "; `CORRELATION_ID_INVALID`; `VALIDATION_FAILED`, a list in `detail` unless `Accept` names "
            f"`{PROBLEM_TYPE}`"
        )
        answer |= {"model": ValidationProblem, "content": {PROBLEM_TYPE: {"schema": PROBLEM_SCHEMA}}}
    if status in WITH_CHALLENGE:
        described = "With `PROPOSAL_AUTH_MODE=jwt`: the token that is needed (RFC 6750)."
        answer["headers"] = {"WWW-Authenticate": described_header(described)}
    if status in WITH_RETRY_AFTER:
        described = "Seconds to wait before the next try."
        answer["headers"] = {"Retry-After": described_header(described, kind="integer")}
    return answer
