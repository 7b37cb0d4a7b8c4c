"""Who may do what: every route of the application has a row here, and is refused without its scope."""

import uuid

import pytest
from answers import assert_problem, stored
from builders import a_body, a_version_body
from fastapi.routing import APIRoute
from issuer import EVERY_SCOPE, bearer

from api.app import ROUTERS, create_app
from api.gates import Gate
from api.http.router import GuardedRouter, require_guards
from domain.access import Scope
from domain.proposal import EventType
from runtime.settings import Settings

pytestmark = pytest.mark.shared

P = "/rebalance/proposals"
OPEN = None
WRITE, READ = {"proposals:write"}, {"proposals:read"}
AUDIT, OPERATIONS, CANCEL = {"audit:read"}, {"operations:read"}, {"operations:cancel"}
CALLBACKS = {"callbacks:manage"}
DECISIONS = {"reviews:risk", "reviews:compliance", "consents:record"}

TABLE = {
    ("POST", f"{P}/simulate"): WRITE,
    ("POST", f"{P}/artifact"): WRITE,
    ("POST", f"{P}/simulate/async"): WRITE,
    ("POST", f"{P}/artifact/async"): WRITE,
    ("POST", P): WRITE,
    ("POST", f"{P}/async"): WRITE,
    ("POST", f"{P}/{{proposal_id}}/versions"): WRITE,
    ("POST", f"{P}/{{proposal_id}}/versions/async"): WRITE,
    ("GET", P): READ,
    ("GET", f"{P}/{{proposal_id}}"): READ,
    ("GET", f"{P}/{{proposal_id}}/versions/{{version_no}}"): READ,
    ("GET", f"{P}/{{proposal_id}}/versions/{{version_no}}/artifact"): READ,
    ("POST", f"{P}/{{proposal_id}}/transitions"): DECISIONS | WRITE,
    ("POST", f"{P}/{{proposal_id}}/approvals"): DECISIONS,
    ("GET", f"{P}/{{proposal_id}}/approvals"): AUDIT,
    ("GET", f"{P}/{{proposal_id}}/workflow-events"): AUDIT,
    ("GET", f"{P}/{{proposal_id}}/lineage"): AUDIT,
    ("GET", f"{P}/idempotency/{{idempotency_key:path}}"): AUDIT,
    ("GET", f"{P}/operations"): OPERATIONS,
    ("GET", f"{P}/operations/{{operation_id}}"): OPERATIONS,
    ("GET", f"{P}/operations/by-correlation/{{correlation_id:path}}"): OPERATIONS,
    ("POST", f"{P}/operations/{{operation_id}}/cancel"): CANCEL,
    ("POST", f"{P}/operations/{{operation_id}}/retry"): CANCEL,
    ("GET", f"{P}/operations/{{operation_id}}/callbacks"): CALLBACKS,
    ("POST", f"{P}/operations/{{operation_id}}/callbacks/redeliver"): CALLBACKS,
    ("POST", f"{P}/analyze/async"): WRITE,
    ("GET", f"{P}/operations/{{operation_id}}/runs"): OPERATIONS,
    ("GET", f"{P}/operations/{{operation_id}}/runs/{{run_no}}"): OPERATIONS,
    ("GET", f"{P}/supportability/config"): OPEN,
    ("GET", f"{P}/{{proposal_id}}/versions/async"): OPEN,  # answers 405
    ("GET", "/health/live"): OPEN,
    ("GET", "/health/ready"): OPEN,
    ("GET", "/metrics"): OPEN,
    ("GET", "/docs"): OPEN,
    ("GET", "/docs/errors"): OPEN,
    ("GET", "/openapi.json"): OPEN,
}
GUARDED = [(*row, scopes) for row, scopes in TABLE.items() if scopes is not OPEN]


def routes_of(router) -> set[tuple[str, str]]:
    found = set()
    for route in router.routes:
        if hasattr(route, "methods"):
            found |= {(method, route.path) for method in route.methods if method != "HEAD"}
    return found


def test_every_route_of_the_application_has_a_row():
    found = routes_of(create_app(Settings())).union(*(routes_of(router) for router in ROUTERS))
    assert found - TABLE.keys() == set()
    assert TABLE.keys() - found <= {("GET", "/metrics")}


def test_the_routes_say_the_same():
    for router in ROUTERS:
        for route in router.routes:
            for method in route.methods:
                assert getattr(route, "scopes", frozenset()) == (TABLE[method, route.path] or frozenset())
    asked = {scope for router in ROUTERS for route in router.routes for scope in getattr(route, "scopes", ())}
    assert asked == set(Scope) - {Scope.ACTORS_ANY}


def test_a_route_without_guard_or_scopes_is_never_served():
    async def unknown() -> None: ...

    with pytest.raises(TypeError, match="needs a GuardedRouter"):
        require_guards([APIRoute(f"{P}/unknown", unknown)])
    with pytest.raises(TypeError, match="scopes"):
        GuardedRouter(P, tag="Unknown", gate=Gate.NONE).get("/unknown")(unknown)


def asked_path(path: str) -> str:
    given = {"proposal_id": "pp_0", "version_no": "1", "operation_id": "pop_0", "run_no": "0"}
    return path.replace("{idempotency_key:path}", "k").replace("{correlation_id:path}", "c").format(**given)


async def test_without_a_token_every_guarded_route_is_shut(secured):
    for method, path, _ in GUARDED:
        answer = await secured.http.request(method, asked_path(path))
        assert_problem(answer, 401, "UNAUTHENTICATED")


async def test_without_its_scope_every_guarded_route_is_shut(secured):
    """Before its body is read: there is none here, and it is not missed."""
    for method, path, scopes in GUARDED:
        others = " ".join(set(Scope) - scopes)
        answer = await secured.http.request(method, asked_path(path), headers=bearer(scope=others))
        assert_problem(answer, 403, "INSUFFICIENT_SCOPE")
        named = answer.headers["WWW-Authenticate"].partition('scope="')[2].strip('"').split()
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="proposals", error="insufficient_scope"')
        assert set(named) == scopes


async def test_with_one_of_its_scopes_every_guarded_route_answers(secured):
    for method, path, scopes in GUARDED:
        for scope in scopes:
            answer = await secured.http.request(method, asked_path(path), headers=bearer(scope=scope))
            assert answer.status_code in (200, 404, 415), (method, path, answer.text)


async def test_what_is_open_needs_no_token(secured):
    for method, path in [row for row, scopes in TABLE.items() if scopes is OPEN and row[1] != "/metrics"]:
        answer = await secured.http.request(method, asked_path(path))
        assert answer.status_code == (405 if path.endswith("/versions/async") else 200), path


async def test_scopes_are_whole_words(secured):
    for scope in (
        "",
        "proposals",
        "proposals:reader",
        "PROPOSALS:READ",
        "proposals:read,proposals:write",
        "proposals:read\u00a0x",
        "x\nproposals:read",
        "*",
        "admin",
    ):
        assert_problem(await secured.http.get(P, headers=bearer(scope=scope)), 403, "INSUFFICIENT_SCOPE")
    for scope in (["proposals:read x"], {"proposals:read": True}, 7, True):
        assert_problem(await secured.http.get(P, headers=bearer(scope=scope)), 403, "INSUFFICIENT_SCOPE")


EVENTS = {
    "RISK_APPROVED": {"reviews:risk"},
    "COMPLIANCE_APPROVED": {"reviews:compliance"},
    "CLIENT_CONSENT_RECORDED": {"consents:record"},
    "REJECTED": DECISIONS,
}


@pytest.mark.parametrize("event_type", EventType)
async def test_a_transition_needs_the_scope_of_its_event(secured, event_type):
    body = {"event_type": event_type, "actor_id": "advisor_1", "expected_state": "DRAFT"}
    needed = EVENTS.get(event_type, WRITE)
    for scope in (DECISIONS | WRITE) - needed:
        answer = await secured.post("/pp_0/transitions", body, **bearer(scope=scope))
        assert_problem(answer, 403, "INSUFFICIENT_SCOPE")
    for scope in needed:
        answer = await secured.post("/pp_0/transitions", body, **bearer(scope=scope))
        assert_problem(answer, 404, "PROPOSAL_NOT_FOUND")


@pytest.mark.parametrize(
    ("approval_type", "needed"),
    [("RISK", "reviews:risk"), ("COMPLIANCE", "reviews:compliance"), ("CLIENT_CONSENT", "consents:record")],
)
@pytest.mark.parametrize("approved", [True, False])
async def test_a_decision_needs_its_scope(secured, approval_type, needed, approved):
    body = {"approval_type": approval_type, "approved": approved, "actor_id": "advisor_1", "expected_state": "DRAFT"}
    for scope in DECISIONS - {needed}:
        answer = await secured.post("/pp_0/approvals", body, **bearer(scope=scope))
        assert_problem(answer, 403, "INSUFFICIENT_SCOPE")
    assert_problem(await secured.post("/pp_0/approvals", body, **bearer(scope=needed)), 404, "PROPOSAL_NOT_FOUND")


@pytest.mark.parametrize(
    ("submit", "state", "needed"),
    [
        ("SUBMITTED_FOR_RISK_REVIEW", "RISK_REVIEW", "reviews:risk"),
        ("SUBMITTED_FOR_COMPLIANCE_REVIEW", "COMPLIANCE_REVIEW", "reviews:compliance"),
    ],
)
async def test_a_rejection_needs_the_scope_of_the_review_that_the_proposal_is_in(
    secured, worker, submit, state, needed
):
    proposal_id = (await secured.created(**bearer()))["proposal"]["proposal_id"]
    path = f"/{proposal_id}/transitions"
    body = {"event_type": submit, "actor_id": "advisor_1", "expected_state": "DRAFT"}
    assert (await secured.post(path, body, **bearer())).status_code == 200
    body = {"event_type": "REJECTED", "actor_id": "reviewer_1", "expected_state": state}
    for scope in DECISIONS - {needed}:
        answer = await secured.post(path, body, **bearer("reviewer_1", scope))
        assert_problem(answer, 403, "INSUFFICIENT_SCOPE")
        assert f'scope="{needed}"' in answer.headers["WWW-Authenticate"]
    assert (await secured.post(path, body, **bearer("reviewer_1", needed))).status_code == 200


BODIES = {
    "": a_body(created_by="advisor_2"),
    "/async": a_body(created_by="advisor_2"),
    "/pp_0/versions": a_version_body(),
    "/pp_0/versions/async": a_version_body(),
    "/pp_0/transitions": {"event_type": "CANCELLED", "actor_id": "advisor_2", "expected_state": "DRAFT"},
    "/pp_0/approvals": {
        "approval_type": "RISK",
        "approved": True,
        "actor_id": "advisor_2",
        "expected_state": "RISK_REVIEW",
    },
}


@pytest.mark.shared(False)
@pytest.mark.parametrize("path", BODIES)
async def test_a_body_names_the_person_of_its_token(secured, database_dsn, path):
    """After its schema, before its key: a key that is known would be answered otherwise."""
    key = {"Idempotency-Key": uuid.uuid4().hex}
    for subject in ("advisor_1", "advisor_2 ", "ADVISOR_2", "advisor_20"):
        answer = await secured.post(path, BODIES[path], **bearer(subject), **key)
        assert_problem(answer, 403, "ACTOR_MISMATCH")
        assert 'error="insufficient_scope", scope="actors:any"' in answer.headers["WWW-Authenticate"]
    assert stored(database_dsn) == 0
    assert_problem(await secured.post(path, {}, **bearer(), **key), 422, "VALIDATION_FAILED")
    for token in (bearer("advisor_2"), bearer("crm", f"{EVERY_SCOPE} actors:any")):
        answer = await secured.post(path, BODIES[path], **token, **key, Prefer="respond-async")
        assert answer.json().get("code") in (None, "PROPOSAL_NOT_FOUND")
