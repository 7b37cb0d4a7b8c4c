"""Transitions and approvals over HTTP: from DRAFT to EXECUTED, every refusal, and what concurrency makes of it."""

import asyncio
import json

import psycopg
import pytest
from answers import assert_problem

from domain.audit import FIRST_PREVIOUS_HASH
from domain.lifecycle import REVIEW_STEPS, TRANSITIONS
from domain.proposal import ApprovalType, EventType, ProposalState

pytestmark = pytest.mark.shared
HEADERS = {"Idempotency-Key": "k"}


def an_event(event_type="SUBMITTED_FOR_RISK_REVIEW", state="DRAFT", **changes):
    return {"event_type": event_type, "actor_id": "reviewer_1", "expected_state": state} | changes


def a_decision(approval_type="RISK", state="RISK_REVIEW", **changes):
    return {"approval_type": approval_type, "approved": True, "actor_id": "r", "expected_state": state} | changes


@pytest.fixture
async def proposal_id(api, worker_of_module) -> str:
    return (await api.created())["proposal"]["proposal_id"]


async def test_a_proposal_goes_from_draft_to_executed(api, proposal_id):
    submitted = (
        await api.post(f"/{proposal_id}/transitions", an_event(reason={"to": "risk", "n": [1, 1.5, None]}))
    ).json()
    assert list(submitted) == ["proposal_id", "current_state", "latest_workflow_event", "approval"]
    assert (submitted["current_state"], submitted["approval"]) == ("RISK_REVIEW", None)
    event = submitted["latest_workflow_event"]
    assert (event["from_state"], event["to_state"], event["sequence"]) == ("DRAFT", "RISK_REVIEW", 2)
    assert event["reason"] == {"to": "risk", "n": [1, 1.5, None]}
    approved = (
        await api.post(f"/{proposal_id}/approvals", a_decision(details={"limit": "ok"}, related_version_no=1))
    ).json()
    assert approved["current_state"] == "AWAITING_CLIENT_CONSENT"
    approval = approved["approval"]
    assert list(approval) == [
        *("approval_id", "proposal_id", "approval_type", "approved", "actor_id", "occurred_at", "details"),
        "related_version_no",
    ]
    assert (approval["details"], approval["related_version_no"]) == ({"limit": "ok"}, 1)
    assert approval["occurred_at"] == approved["latest_workflow_event"]["occurred_at"]
    assert approved["latest_workflow_event"]["reason"] == {"limit": "ok"}
    consent = a_decision("CLIENT_CONSENT", "AWAITING_CLIENT_CONSENT")
    assert (await api.post(f"/{proposal_id}/approvals", consent)).json()["current_state"] == "EXECUTION_READY"
    executed = await api.post(f"/{proposal_id}/transitions", an_event("EXECUTED", "EXECUTION_READY"))
    assert executed.json()["current_state"] == "EXECUTED"

    trail = (await api.get(f"/{proposal_id}/workflow-events")).json()
    assert (trail["proposal_id"], trail["current_state"]) == (proposal_id, "EXECUTED")
    assert [event["event_type"] for event in trail["events"]] == [
        *("CREATED", "SUBMITTED_FOR_RISK_REVIEW", "RISK_APPROVED", "CLIENT_CONSENT_RECORDED", "EXECUTED")
    ]
    assert [event["sequence"] for event in trail["events"]] == [1, 2, 3, 4, 5]
    hashes = [FIRST_PREVIOUS_HASH, *(event["event_hash"] for event in trail["events"])]
    assert [event["previous_event_hash"] for event in trail["events"]] == hashes[:-1]
    decisions = (await api.get(f"/{proposal_id}/approvals")).json()
    assert decisions["proposal_id"] == proposal_id
    assert [decision["approval_type"] for decision in decisions["approvals"]] == ["RISK", "CLIENT_CONSENT"]
    assert decisions["approvals"][0] == approval
    proposal = (await api.get(f"/{proposal_id}")).json()["proposal"]
    assert (proposal["current_state"], proposal["last_event_at"]) == (
        "EXECUTED",
        trail["events"][-1]["occurred_at"],
    )


async def test_a_decision_through_transitions_leaves_its_approval_too(api, proposal_id):
    await api.post(f"/{proposal_id}/transitions", an_event("SUBMITTED_FOR_COMPLIANCE_REVIEW"))
    rejected = await api.post(
        f"/{proposal_id}/transitions", an_event("REJECTED", "COMPLIANCE_REVIEW", reason={"why": "unsuitable"})
    )
    assert (rejected.json()["current_state"], rejected.json()["approval"]) == ("REJECTED", None)
    (approval,) = (await api.get(f"/{proposal_id}/approvals")).json()["approvals"]
    assert (approval["approval_type"], approval["approved"]) == ("COMPLIANCE", False)
    assert approval["details"] == {"why": "unsuitable"}
    assert approval["occurred_at"] == rejected.json()["latest_workflow_event"]["occurred_at"]


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        ("transitions", an_event("EXECUTED"), 422, "INVALID_TRANSITION"),
        ("transitions", an_event("EXECUTION_REQUESTED"), 422, "INVALID_TRANSITION"),
        ("transitions", an_event("CREATED"), 422, "INVALID_TRANSITION"),
        ("transitions", an_event("NEW_VERSION_CREATED"), 422, "INVALID_TRANSITION"),
        ("transitions", an_event(state=None), 409, "STATE_CONFLICT: expected_state is required"),
        ("transitions", an_event(state="EXECUTED"), 409, "STATE_CONFLICT: expected_state mismatch"),
        ("transitions", an_event("EXECUTED", state="EXECUTED"), 409, "STATE_CONFLICT: expected_state mismatch"),
        ("transitions", an_event(related_version_no=2), 422, "PROPOSAL_VERSION_NOT_FOUND"),
        ("approvals", a_decision(state="DRAFT"), 422, "INVALID_APPROVAL_STATE"),
        ("approvals", a_decision(state=None), 409, "STATE_CONFLICT: expected_state is required"),
        ("approvals", a_decision(state="DRAFT", related_version_no=7), 422, "PROPOSAL_VERSION_NOT_FOUND"),
    ],
)
async def test_a_review_that_is_refused_changes_nothing(api, proposal_id, path, body, status, detail):
    before = (await api.get(f"/{proposal_id}/workflow-events")).json()
    problem = assert_problem(await api.post(f"/{proposal_id}/{path}", body), status, detail.partition(":")[0])
    assert problem["detail"] == detail
    assert (await api.get(f"/{proposal_id}/workflow-events")).json() == before
    unknown = await api.post(f"/pp_0/{path}", body)
    assert_problem(unknown, 404, "PROPOSAL_NOT_FOUND")


LONG = {"text": "x" * 65_536}


@pytest.mark.parametrize(
    ("change", "loc", "kind"),
    [
        ({"event_type": "SOMETHING"}, ["body", "event_type"], "enum"),
        ({"event_type": None}, ["body", "event_type"], "enum"),
        ({"actor_id": "x" * 10_000}, ["body", "actor_id"], "string_too_long"),
        ({"actor_id": "\u200b "}, ["body", "actor_id"], "string_too_short"),
        ({"actor_id": 7}, ["body", "actor_id"], "string_type"),
        ({"actor_id": "nul\x00"}, ["body", "actor_id"], "string_unicode"),
        ({"actor_id": "\ud800"}, ["body", "actor_id"], "string_unicode"),
        ({"reason": {"deep": "\ud800"}}, ["body", "reason"], "string_unicode"),
        ({"reason": LONG}, ["body", "reason"], "string_too_long"),
        ({"reason": []}, ["body", "reason"], "dict_type"),
        ({"related_version_no": 0}, ["body", "related_version_no"], "greater_than_equal"),
        ({"related_version_no": 2**31}, ["body", "related_version_no"], "less_than_equal"),
        ({"expected_state": "NOWHERE"}, ["body", "expected_state"], "enum"),
    ],
)
async def test_a_body_that_is_no_review(api, change, loc, kind):
    answer = await api.http.post(
        "/rebalance/proposals/pp_0/transitions",
        content=json.dumps(an_event(**change)),
        headers={"Content-Type": "application/json"},
    )
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert [(item["loc"], item["type"]) for item in problem["detail"]] == [(loc, kind)]


@pytest.mark.parametrize(("number", "kind"), [("1e999", "finite_number"), ("9" * 19, "json_invalid")])
async def test_a_number_that_json_values_cannot_keep(api, number, kind):
    text = json.dumps(an_event(reason={"n": "N"})).replace('"N"', number)
    answer = await api.http.post(
        "/rebalance/proposals/pp_0/transitions", content=text, headers={"Content-Type": "application/json"}
    )
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert [item["type"] for item in problem["detail"]] == [kind]


async def test_a_path_that_is_no_proposal(api):
    for unknown in ("pp_0", "%00", "x" * 300, "%ED%A0%80"):
        for path in ("transitions", "approvals"):
            body = an_event() if path == "transitions" else a_decision()
            assert_problem(await api.post(f"/{unknown}/{path}", body), 404, "PROPOSAL_NOT_FOUND")
        for path in ("approvals", "workflow-events", "lineage"):
            assert_problem(await api.get(f"/{unknown}/{path}"), 404, "PROPOSAL_NOT_FOUND")


async def test_of_sixteen_identical_transitions_one_wins(api, proposal_id):
    answers = await asyncio.gather(*(api.post(f"/{proposal_id}/transitions", an_event()) for _ in range(16)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 15
    assert {answer.json()["detail"] for answer in answers if answer.status_code == 409} == {
        "STATE_CONFLICT: expected_state mismatch"
    }
    assert len((await api.get(f"/{proposal_id}/workflow-events")).json()["events"]) == 2


async def test_approvals_and_transitions_that_race_have_one_winner(api, proposal_id):
    await api.post(f"/{proposal_id}/transitions", an_event())
    answers = await asyncio.gather(
        *(api.post(f"/{proposal_id}/approvals", a_decision(approved=number % 2 == 0)) for number in range(8)),
        *(api.post(f"/{proposal_id}/transitions", an_event("CANCELLED", "RISK_REVIEW")) for _ in range(8)),
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 15
    assert len((await api.get(f"/{proposal_id}/workflow-events")).json()["events"]) == 3


async def test_a_key_makes_a_review_repeatable(api, proposal_id):
    path = f"/{proposal_id}/transitions"
    first = await api.post(path, an_event(), **HEADERS)
    await api.post(f"/{proposal_id}/approvals", a_decision(), **HEADERS)  # another endpoint, another key
    again = await api.post(path, an_event(), **HEADERS)
    assert "Idempotent-Replayed" not in first.headers
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.content == first.content
    assert_problem(await api.post(path, an_event(actor_id="other"), **HEADERS), 409, "IDEMPOTENCY_KEY_CONFLICT")
    assert_problem(await api.post(path, an_event(), **{"Idempotency-Key": '""'}), 422, "VALIDATION_FAILED")
    assert len((await api.get(f"/{proposal_id}/workflow-events")).json()["events"]) == 3


async def test_a_replayed_approval_shows_its_approval(api, proposal_id):
    await api.post(f"/{proposal_id}/transitions", an_event())
    answers = await asyncio.gather(*(api.post(f"/{proposal_id}/approvals", a_decision(), **HEADERS) for _ in range(10)))
    assert len({answer.content for answer in answers}) == 1
    assert ["Idempotent-Replayed" in answer.headers for answer in answers].count(False) == 1
    assert answers[0].json()["approval"]["approval_type"] == "RISK"


async def test_a_refused_review_leaves_its_key_free(api, proposal_id):
    path = f"/{proposal_id}/transitions"
    assert (await api.post(path, an_event("EXECUTED"), **HEADERS)).status_code == 422
    assert (await api.post(path, an_event(), **HEADERS)).status_code == 200


async def test_without_the_flag_the_expected_state_may_be_left_out(settings_of_module, worker_of_module, serve):
    async with serve(settings_of_module.model_copy(update={"require_expected_state": False})) as api:
        path = f"/{(await api.created())['proposal']['proposal_id']}/transitions"
        assert (await api.post(path, an_event(state="EXECUTED"))).status_code == 409
        assert (await api.post(path, an_event(state=None))).status_code == 200


async def test_strict_binding_reviews_one_version(settings_of_module, worker_of_module, serve):
    async with serve(settings_of_module.model_copy(update={"strict_version_binding": True})) as api:
        created = await api.created()
        proposal_id = created["proposal"]["proposal_id"]
        path = f"/{proposal_id}/transitions"
        for wrong in (None, 2):
            assert_problem(await api.post(path, an_event(related_version_no=wrong)), 409, "VERSION_CONFLICT")
        assert (await api.post(path, an_event(related_version_no=1))).status_code == 200
        request = {"created_by": "a", "simulate_request": created["version"]["artifact"]["evidence_bundle"]["inputs"]}
        version = (await api.post(f"/{proposal_id}/versions", request)).json()
        assert version["proposal"]["current_state"] == "DRAFT"
        event = version["latest_workflow_event"]
        assert (event["event_type"], event["from_state"], event["to_state"]) == (
            *("NEW_VERSION_CREATED", "RISK_REVIEW", "DRAFT"),
        )
        assert_problem(await api.post(path, an_event(related_version_no=1)), 409, "VERSION_CONFLICT")
        assert (await api.post(path, an_event(related_version_no=2))).status_code == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"workflow_lifecycle_enabled": False}, "PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED"),
        ({"support_apis_enabled": False}, "PROPOSAL_SUPPORT_APIS_DISABLED"),
    ],
)
async def test_a_gate_that_is_off(settings, serve, change, code):
    async with serve(settings.model_copy(update=change)) as api:
        for path in ("/pp_0/approvals", "/pp_0/workflow-events", "/pp_0/lineage", "/idempotency/k"):
            assert_problem(await api.get(path), 404, code)
        is_lifecycle = "workflow_lifecycle_enabled" in change
        review = await api.post("/pp_0/transitions", an_event())
        assert review.json()["code"] == (code if is_lifecycle else "PROPOSAL_NOT_FOUND")
        assert (await api.post("/pp_0/transitions", {})).status_code == 422
        config = (await api.get("/supportability/config")).json()
        assert config["lifecycle_enabled"] is not is_lifecycle
        assert config["support_apis_enabled"] is is_lifecycle


async def test_the_config_is_answered_whatever_is_away(settings, api, serve):
    config = (await api.get("/supportability/config")).json()
    assert config == {
        "store_backend": "POSTGRES",
        "backend_ready": True,
        "backend_init_error": None,
        "lifecycle_enabled": True,
        "support_apis_enabled": True,
        "async_operations_enabled": True,
        "store_evidence_bundle": True,
        "require_expected_state": True,
        "allow_portfolio_id_change_on_new_version": False,
        "require_proposal_simulation_flag": True,
    }
    nowhere = type(settings.database_url)("postgresql://postgres@127.0.0.1:1/nowhere")
    async with serve(settings.model_copy(update={"database_url": nowhere})) as alone:
        answer = await alone.get("/supportability/config")
    assert answer.status_code == 200
    assert (answer.json()["backend_ready"], answer.json()["backend_init_error"]) == (
        *(False, "PROPOSAL_POSTGRES_CONNECTION_FAILED"),
    )


LEGAL = {(state.value, event.value) for state, event in TRANSITIONS}
DECIDED = {(state.value, step.approval_type.value) for state, step in REVIEW_STEPS.items()}


async def test_every_illegal_pair_is_refused_and_changes_nothing(api, proposal_id, database_dsn):
    def put(state: str) -> None:
        with psycopg.connect(database_dsn) as connection:
            connection.execute("UPDATE proposals SET current_state = %s WHERE proposal_id = %s", [state, proposal_id])

    for state in ProposalState:
        await asyncio.to_thread(put, state)
        for event_type in EventType:
            if (state.value, event_type.value) not in LEGAL:
                answer = await api.post(f"/{proposal_id}/transitions", an_event(event_type, state))
                assert_problem(answer, 422, "INVALID_TRANSITION")
        for approval_type in ApprovalType:
            for approved in (True, False):
                if (state.value, approval_type.value) not in DECIDED:
                    body = a_decision(approval_type, state, approved=approved)
                    assert_problem(await api.post(f"/{proposal_id}/approvals", body), 422, "INVALID_APPROVAL_STATE")
    assert len((await api.get(f"/{proposal_id}/workflow-events")).json()["events"]) == 1
    assert (await api.get(f"/{proposal_id}/approvals")).json()["approvals"] == []
