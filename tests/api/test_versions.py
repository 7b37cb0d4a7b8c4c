"""Versions over HTTP: numbered without a gap, refused as the contract says, found again."""

import asyncio

import pytest
from answers import assert_problem
from builders import a_large_body, a_version_body

pytestmark = pytest.mark.shared
NOT_FOUND = {"code": "ProposalNotFoundError", "message": "PROPOSAL_NOT_FOUND", "problem": "PROPOSAL_NOT_FOUND"}
CANCEL = {"event_type": "CANCELLED", "actor_id": "a", "expected_state": "DRAFT"}


@pytest.fixture
async def proposal_id(api, worker_of_module) -> str:
    return (await api.created())["proposal"]["proposal_id"]


def mismatched():
    body = a_version_body()
    body["simulate_request"]["portfolio_snapshot"]["portfolio_id"] = "pf_2"
    return body


def without_flag():
    body = a_version_body()
    body["simulate_request"]["options"] = {}
    return body


async def test_a_version_follows_the_first(api, proposal_id):
    created = await api.post(f"/{proposal_id}/versions", a_version_body(expected_current_version_no=1))
    assert created.status_code == 200
    body = created.json()
    assert list(body) == ["proposal", "version", "latest_workflow_event"]
    assert (body["proposal"]["current_version_no"], body["proposal"]["title"]) == (2, "Buy A")
    assert body["version"]["version_no"] == 2
    event = body["latest_workflow_event"]
    assert (event["event_type"], event["actor_id"], event["related_version_no"]) == (
        *("NEW_VERSION_CREATED", "advisor_2", 2),
    )
    assert (event["from_state"], event["to_state"]) == ("DRAFT", "DRAFT")
    assert event["reason"] == {"correlation_id": created.headers["x-correlation-id"]}
    second = await api.get(f"/{proposal_id}/versions/2")
    assert second.json() == body["version"]
    hidden = (await api.get(f"/{proposal_id}/versions/2", include_evidence="false")).json()
    assert hidden == body["version"] | {"evidence_bundle": {}}
    assert (await api.get(f"/{proposal_id}/versions/1")).json()["version_no"] == 1
    detail = (await api.get(f"/{proposal_id}")).json()
    assert detail["current_version"] == body["version"]
    lineage = (await api.get(f"/{proposal_id}/lineage")).json()
    assert lineage["proposal"] == detail["proposal"]
    assert [list(version) for version in lineage["versions"]] == [
        [
            *("proposal_version_id", "version_no", "created_at", "status_at_creation", "request_hash"),
            *("simulation_hash", "artifact_hash"),
        ]
    ] * 2
    assert [version["version_no"] for version in lineage["versions"]] == [1, 2]
    assert lineage["versions"][1]["artifact_hash"] == body["version"]["artifact_hash"]


async def test_a_version_is_an_operation(api, proposal_id):
    accepted = await api.post(f"/{proposal_id}/versions/async", a_version_body(), **{"X-Correlation-Id": "v2"})
    assert accepted.status_code == 202
    assert accepted.json()["operation_type"] == "CREATE_PROPOSAL_VERSION"
    pending = (await api.http.get(accepted.json()["status_url"])).json()
    assert pending["proposal_id"] == proposal_id
    status = await api.finished(accepted.json()["operation_id"])
    assert (status["status"], status["version_no"], status["idempotency_key"]) == ("SUCCEEDED", 2, None)
    assert status["result"]["version"] == (await api.get(f"/{proposal_id}/versions/2")).json()
    await api.post(f"/{proposal_id}/versions", a_version_body())
    await api.post(f"/{proposal_id}/transitions", CANCEL)
    assert await api.finished(accepted.json()["operation_id"]) == status  # as it was when it ended


async def test_twenty_at_once_are_versions_two_to_twenty_one(api, proposal_id):
    answers = await asyncio.gather(*(api.post(f"/{proposal_id}/versions", a_version_body()) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.json()["version"]["version_no"] for answer in answers) == list(range(2, 22))
    trail = (await api.get(f"/{proposal_id}/workflow-events")).json()["events"]
    assert [event["sequence"] for event in trail] == list(range(1, 22))
    assert [event["related_version_no"] for event in trail] == list(range(1, 22))
    times = [event["occurred_at"] for event in trail]
    assert times == sorted(times)
    lineage = (await api.get(f"/{proposal_id}/lineage")).json()
    assert [version["version_no"] for version in lineage["versions"]] == list(range(1, 22))


async def test_of_many_that_expect_the_first_one_follows_it(api, proposal_id):
    body = a_version_body(expected_current_version_no=1)
    answers = await asyncio.gather(*(api.post(f"/{proposal_id}/versions", body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"VERSION_CONFLICT"}


@pytest.mark.parametrize(
    ("body", "is_cancelled", "status", "wire_class", "message"),
    [
        (mismatched(), False, 422, "ProposalValidationError", "PORTFOLIO_CONTEXT_MISMATCH"),
        (a_version_body(), True, 422, "ProposalValidationError", "PROPOSAL_TERMINAL_STATE: cannot create version"),
        (
            *(a_version_body(expected_current_version_no=7), True, 409),
            *("ProposalStateConflictError", "VERSION_CONFLICT"),
        ),
    ],
)
async def test_what_the_commit_refuses(api, proposal_id, body, is_cancelled, status, wire_class, message):
    if is_cancelled:
        await api.post(f"/{proposal_id}/transitions", CANCEL)
    refused = await api.post(f"/{proposal_id}/versions", body)
    problem = assert_problem(refused, status, message.partition(":")[0])
    assert problem["detail"] == message
    accepted = await api.post(f"/{proposal_id}/versions/async", body)
    failed = await api.finished(accepted.json()["operation_id"])
    assert (failed["status"], failed["error"]) == (
        "FAILED",
        {"code": wire_class, "message": message, "problem": message.partition(":")[0]},
    )
    assert (failed["proposal_id"], failed["version_no"], failed["result"]) == (proposal_id, None, None)
    assert len((await api.get(f"/{proposal_id}/lineage")).json()["versions"]) == 1


async def test_a_version_of_an_unknown_proposal_is_accepted_and_fails(api, worker_of_module):
    assert_problem(await api.post("/pp_0/versions", a_version_body()), 404, "PROPOSAL_NOT_FOUND")
    accepted = await api.post("/pp_0/versions/async", a_version_body())
    assert accepted.status_code == 202
    failed = await api.finished(accepted.json()["operation_id"])
    assert failed["error"] == NOT_FOUND
    for impossible in ("%00", "x" * 256):
        for path in ("versions", "versions/async"):
            refused = await api.post(f"/{impossible}/{path}", a_version_body())
            assert_problem(refused, 404, "PROPOSAL_NOT_FOUND")


async def test_a_version_without_the_simulation_option(api, proposal_id):
    refused = await api.post(f"/{proposal_id}/versions", without_flag(), **{"Idempotency-Key": "k"})
    assert_problem(refused, 422, "PROPOSAL_SIMULATION_DISABLED")
    accepted = await api.post(f"/{proposal_id}/versions/async", without_flag(), **{"Idempotency-Key": "k"})
    assert "Idempotent-Replayed" not in accepted.headers
    failed = await api.finished(accepted.json()["operation_id"])
    assert failed["error"]["message"].startswith("PROPOSAL_SIMULATION_DISABLED")


async def test_a_key_names_one_version_of_this_proposal(api, proposal_id):
    key = {"Idempotency-Key": "v"}
    first = await api.post(f"/{proposal_id}/versions", a_version_body(), **key)
    await api.post(f"/{proposal_id}/versions", a_version_body())
    again = await api.post(f"/{proposal_id}/versions", a_version_body(), **key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["version"] == first.json()["version"]
    assert again.json()["proposal"]["current_version_no"] == 3
    assert again.json()["latest_workflow_event"]["sequence"] == 3
    shared = await api.post(f"/{proposal_id}/versions/async", a_version_body(), **key)
    assert (shared.status_code, shared.json()["status"]) == (202, "SUCCEEDED")
    assert shared.headers["Idempotent-Replayed"] == "true"
    other = a_version_body(created_by="somebody else")
    assert_problem(await api.post(f"/{proposal_id}/versions", other, **key), 409, "IDEMPOTENCY_KEY_CONFLICT")
    another = (await api.created())["proposal"]["proposal_id"]
    assert "Idempotent-Replayed" not in (await api.post(f"/{another}/versions", a_version_body(), **key)).headers


async def test_parallel_versions_with_one_key_are_one(api, proposal_id):
    answers = await asyncio.gather(
        *(api.post(f"/{proposal_id}/versions", a_version_body(), **{"Idempotency-Key": "one"}) for _ in range(20))
    )
    assert {answer.json()["version"]["version_no"] for answer in answers} == {2}


async def test_a_large_version_is_computed_in_the_pool(api, proposal_id):
    body = a_version_body(simulate_request=a_large_body()["simulate_request"])
    created = (await api.post(f"/{proposal_id}/versions", body)).json()
    assert len(created["version"]["proposal_result"]["before"]["positions"]) == 400


async def test_a_portfolio_may_change_where_the_flag_says_so(settings_of_module, worker_of_module, serve):
    async with serve(settings_of_module.model_copy(update={"allow_portfolio_change_on_new_version": True})) as api:
        proposal_id = (await api.created())["proposal"]["proposal_id"]
        created = (await api.post(f"/{proposal_id}/versions", mismatched())).json()
        assert created["proposal"]["portfolio_id"] == "pf_2"
        assert [item["proposal_id"] for item in (await api.get("", portfolio_id="pf_2")).json()["items"]] == [
            proposal_id
        ]


@pytest.mark.parametrize("version_no", [2, 2**31 - 1])
async def test_a_version_that_is_not_there(api, proposal_id, version_no):
    assert_problem(await api.get(f"/{proposal_id}/versions/{version_no}"), 404, "PROPOSAL_VERSION_NOT_FOUND")
    assert_problem(await api.get("/pp_0/versions/1"), 404, "PROPOSAL_VERSION_NOT_FOUND")
    assert_problem(await api.get("/%00/versions/1"), 404, "PROPOSAL_VERSION_NOT_FOUND")


@pytest.mark.parametrize("version_no", ["0", "-1", "x", str(2**31), "1.5", "%00", "1_0", "+1", "%201", "1.0", "\uff11"])
async def test_a_version_number_that_is_none(api, version_no):
    problem = assert_problem(await api.get(f"/pp_0/versions/{version_no}"), 422, "VALIDATION_FAILED")
    assert problem["detail"][0]["loc"] == ["path", "version_no"]
