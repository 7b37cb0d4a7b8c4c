"""What a problem says besides its code: what to do, where, whether to repeat, and in which media type (R34)."""

import uuid

import httpx2
import pytest
from answers import MEMBERS, assert_problem
from builders import a_body
from issuer import bearer

from domain.lifecycle import TRANSITIONS, allowed_events
from domain.proposal import EventType, ProposalState

P = "/rebalance/proposals"
PROBLEM = "application/problem+json"


async def invalid(api, *accept: str) -> httpx2.Response:
    """The response to a body without its author, for these lines of `Accept`."""
    body = a_body()
    body.pop("created_by")
    lines = [("Idempotency-Key", uuid.uuid4().hex), *(("Accept", line) for line in accept)]
    return await api.http.post(f"{P}/async", json=body, headers=lines)


@pytest.mark.shared
async def test_a_list_stays_in_detail_with_the_same_errors_placed_beside_it(api):
    problem = assert_problem(await invalid(api, "*/*"), 422, "VALIDATION_FAILED")
    assert list(problem) == [*MEMBERS, "errors"]
    assert problem["detail"] == [{"type": "missing", "loc": ["body", "created_by"], "msg": "Field required"}]
    assert problem["errors"] == [{"pointer": "#/created_by", "detail": "Field required", "code": "missing"}]


@pytest.mark.shared
@pytest.mark.parametrize(
    "accept",
    [
        [PROBLEM],
        ["application/json, application/problem+json"],
        ["application/json", PROBLEM],
        ["text/html;q=0.1", "Application/Problem+JSON;q=0.001"],
        [f"{PROBLEM};charset=utf-8;q=0.5, */*;q=0.1"],
    ],
)
async def test_a_client_that_names_problems_gets_a_whole_one(api, accept):
    answer = await invalid(api, *accept)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, PROBLEM)
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert problem["detail"] == "The request is not valid; `errors` lists what is wrong, and where."
    assert problem["errors"] == [{"pointer": "#/created_by", "detail": "Field required", "code": "missing"}]
    assert "Accept" in answer.headers["Vary"].split(", ")


@pytest.mark.shared
@pytest.mark.parametrize(
    "accept",
    [
        ["*/*"],
        ["application/*"],
        ["application/json"],
        [f"{PROBLEM};q=0"],
        [f"{PROBLEM};q=0.000, application/json"],
        ["application/json", f"{PROBLEM};q=0"],
        ["application/problem"],
        ["application/problem+xml"],
    ],
)
async def test_a_client_that_names_no_problems_gets_its_list(api, accept):
    answer = await invalid(api, *accept)
    assert answer.headers["Content-Type"] == "application/json"
    assert isinstance(answer.json()["detail"], list)
    assert "Accept" in answer.headers["Vary"].split(", ")


@pytest.mark.shared
@pytest.mark.parametrize("accept", ["*/*", "application/json", f"{PROBLEM};q=0", PROBLEM])
async def test_any_other_error_has_the_media_type_of_problems(api, accept):
    answer = await api.http.get(f"{P}/pp_0", headers={"Accept": accept})
    assert assert_problem(answer, 404, "PROPOSAL_NOT_FOUND")["detail"] == "PROPOSAL_NOT_FOUND"


@pytest.mark.shared
async def test_every_kind_of_place_has_its_name(api):
    body = a_body()
    body["simulate_request"]["proposed_trades"][0]["quantity"] = "abc"
    answer = await api.http.post(f"{P}/async", json=body, headers={"Idempotency-Key": "a b"})
    assert [{**error, "detail": ""} for error in answer.json()["errors"]] == [
        {"header": "Idempotency-Key", "detail": "", "code": "idempotency_key_invalid"},
        {"pointer": "#/simulate_request/proposed_trades/0/quantity", "detail": "", "code": "decimal_parsing"},
    ]
    of_query = (await api.get("/operations", limit=0)).json()["errors"]
    assert [(error["parameter"], error["code"]) for error in of_query] == [("limit", "greater_than_equal")]
    of_path = (await api.get("/pp_0/versions/x")).json()["errors"]
    assert [(error["parameter"], error["code"]) for error in of_path] == [("version_no", "int_parsing")]


@pytest.mark.shared
@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"a": nonsense}'])
async def test_what_is_wrong_with_a_whole_body_points_to_it(api, content):
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
    (error,) = (await api.http.post(f"{P}/async", content=content, headers=headers)).json()["errors"]
    assert error["pointer"] == "#"


@pytest.mark.parametrize(("event_type", "path"), [("EXECUTED", "transitions"), (None, "approvals")])
async def test_a_refused_review_says_what_is_possible(api, worker, event_type, path):
    proposal_id = (await api.created())["proposal"]["proposal_id"]
    body = {"actor_id": "r", "expected_state": "DRAFT"}
    body |= {"approval_type": "RISK", "approved": True} if event_type is None else {"event_type": event_type}
    possible = {
        "current_state": "DRAFT",
        "allowed_events": ["SUBMITTED_FOR_RISK_REVIEW", "SUBMITTED_FOR_COMPLIANCE_REVIEW", "CANCELLED"],
    }
    for change, status, code in (
        ({}, 422, "INVALID_APPROVAL_STATE" if event_type is None else "INVALID_TRANSITION"),
        ({"expected_state": "EXECUTED"}, 409, "STATE_CONFLICT"),
        ({"expected_state": None}, 409, "STATE_CONFLICT"),
    ):
        problem = assert_problem(await api.post(f"/{proposal_id}/{path}", body | change), status, code)
        assert {name: problem[name] for name in list(problem)[len(MEMBERS) :]} == possible
    ended = {"actor_id": "r", "expected_state": "DRAFT", "event_type": "CANCELLED"}
    assert (await api.post(f"/{proposal_id}/transitions", ended)).status_code == 200
    problem = (await api.post(f"/{proposal_id}/{path}", body)).json()
    assert (problem["current_state"], problem["allowed_events"]) == ("CANCELLED", [])


def test_allowed_events_are_those_that_lead_somewhere():
    found = {(state, event) for state in ProposalState for event in allowed_events(state)}
    assert found == set(TRANSITIONS)
    assert all(event not in {EventType.CREATED, EventType.NEW_VERSION_CREATED} for _, event in found)


@pytest.mark.shared
async def test_a_missing_scope_is_named(secured):
    answer = await secured.http.get(P, headers=bearer(scope="operations:read"))
    problem = assert_problem(answer, 403, "INSUFFICIENT_SCOPE")
    assert problem["required_scopes"] == ["proposals:read"]
    either = await secured.http.post(f"{P}/pp_0/approvals", json={}, headers=bearer(scope="operations:read"))
    assert either.json()["required_scopes"] == ["consents:record", "reviews:compliance", "reviews:risk"]
    of_actor = await secured.submit(a_body(created_by="another"), **bearer("a"))
    assert "required_scopes" not in assert_problem(of_actor, 403, "ACTOR_MISMATCH")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [(f"{P}/pp_0", 404, "PROPOSAL_NOT_FOUND"), ("/nowhere", 404, "NOT_FOUND"), (P, 422, "CORRELATION_ID_INVALID")],
)
async def test_without_a_public_url_the_type_is_a_name(api, path, status, code):
    headers = {"X-Correlation-Id": "a b"} if code == "CORRELATION_ID_INVALID" else {}
    problem = assert_problem(await api.http.get(path, headers=headers), status, code)
    assert problem["type"] == f"urn:proposals:problem:{code.lower().replace('_', '-')}"


async def test_a_failed_operation_has_the_code_of_its_problem(api, worker):
    body = a_body()
    body["simulate_request"]["options"]["enable_proposal_simulation"] = False
    operation_id = (await api.submit(body)).json()["operation_id"]
    error = (await api.finished(operation_id))["error"]
    assert list(error) == ["code", "message", "problem"]
    assert (error["code"], error["problem"]) == ("ProposalValidationError", "PROPOSAL_SIMULATION_DISABLED")
    waited_for = await api.http.post(P, json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
    assert waited_for.json()["code"] == error["problem"]
