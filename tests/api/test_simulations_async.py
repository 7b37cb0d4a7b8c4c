"""Simulations as operations over HTTP: one stored result of a key, whichever of four endpoints asked for it."""

import asyncio
import json
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from answers import assert_problem
from builders import a_large_body, without_simulation_flag
from contract.compare import case_differences, load_cases
from issuer import bearer
from pydantic import SecretStr
from receiver import SECRET, Receiver
from simulations import ARTIFACT, SIMULATE, a_simulation
from waiting import PATIENCE_SECONDS, until

CASES = Path(__file__).parents[1] / "contract" / "cases"
ASYNC = (f"{SIMULATE}/async", f"{ARTIFACT}/async")
PATHS = (SIMULATE, ARTIFACT, *ASYNC)
MEMBERS = [
    *("request_hash", "simulation_hash", "artifact_hash", "status"),
    *("proposal_result", "artifact", "gate_decision"),
]


async def post(api: Any, path: str, body: Any, *, key: str = "k", **headers: str) -> Any:
    return await api.http.post(path, json=body, headers={"Idempotency-Key": key, **headers})


async def accepted(api: Any, body: Any, *, path: str = ASYNC[0], key: str | None = None, **headers: str) -> str:
    answer = await post(api, path, body, key=key or uuid.uuid4().hex, **headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["operation_id"])


async def ended(api: Any, operation_id: str) -> Any:
    """The answer about an operation that has ended, however busy the machine is."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer = await api.http.get(f"/rebalance/proposals/operations/{operation_id}", params={"wait": 20})
            if answer.json()["status"] in ("SUCCEEDED", "FAILED"):
                return answer


async def assert_same_bytes(api: Any, operation_id: str, body: Any, *, key: str) -> None:
    """The result holds, byte for byte, what the synchronous endpoints answer for the key."""
    answer = await ended(api, operation_id)
    result = await post(api, SIMULATE, body, key=key)
    artifact = await post(api, ARTIFACT, body, key=key)
    assert (result.status_code, artifact.status_code) == (200, 200)
    assert result.headers["Idempotent-Replayed"] == artifact.headers["Idempotent-Replayed"] == "true"
    made = answer.json()["result"]
    assert list(made) == MEMBERS
    shown = (
        f'"result":{{"request_hash":"{made["request_hash"]}","simulation_hash":"{made["simulation_hash"]}",'
        f'"artifact_hash":"{made["artifact_hash"]}","status":"{made["status"]}","proposal_result":'
    )
    between = shown.encode() + result.content + b',"artifact":' + artifact.content + b',"gate_decision":'
    assert between in answer.content
    gate = json.dumps(made["gate_decision"], separators=(",", ":"), ensure_ascii=False).encode()
    assert between + gate + b"}" in answer.content
    assert made["gate_decision"] == result.json()["gate_decision"]
    assert made["status"] == result.json()["status"]
    assert made["artifact_hash"] == artifact.json()["evidence_bundle"]["hashes"]["artifact_hash"]
    assert made["request_hash"] == result.json()["lineage"]["request_hash"]


@pytest.mark.parametrize("path", ASYNC)
async def test_a_simulation_from_its_submission_to_its_result(api, worker, path):
    answer = await post(api, path, a_simulation(), key="k", **{"X-Correlation-Id": "crm/case/4711"})
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert (body["operation_type"], body["status"], body["correlation_id"]) == (
        *("SIMULATE_PROPOSAL", "PENDING"),
        "crm/case/4711",
    )
    assert answer.headers["Location"] == body["status_url"]
    assert answer.headers["Retry-After"] == "1"
    assert "Idempotent-Replayed" not in answer.headers
    status = (await ended(api, body["operation_id"])).json()
    assert (status["status"], status["attempt"], status["created_by"]) == ("SUCCEEDED", 1, "local")
    assert (status["proposal_id"], status["version_no"], status["progress"], status["error"]) == (None,) * 4
    assert (status["links"]["proposal"], status["links"]["runs"], status["links"]["callbacks"]) == (None,) * 3
    assert status["idempotency_key"] == "k"
    assert status["created_at"] <= status["started_at"] < status["finished_at"]
    await assert_same_bytes(api, body["operation_id"], a_simulation(), key="k")
    for other in ASYNC:
        again = await post(api, other, a_simulation(), key="k")
        assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
        assert (again.json()["operation_id"], again.json()["status"]) == (body["operation_id"], "SUCCEEDED")


async def test_a_large_simulation_ends_with_the_same_bytes_too(api, worker):
    body = a_large_body()["simulate_request"]
    await assert_same_bytes(api, await accepted(api, body, key="large"), body, key="large")


async def test_every_case_of_the_contract_is_computed_as_the_contract_says(api, worker):
    cases = list(load_cases(CASES / "cases.jsonl.gz"))[::4]
    for case in cases:
        headers = {"X-Correlation-Id": case["context"]["correlation_id"]}
        operation_id = await accepted(api, case["request"], key=case["case_id"], **headers)
        made = (await ended(api, operation_id)).json()["result"]
        case["artifact"]["created_at"] = made["artifact"]["created_at"]
        case["result"]["lineage"]["idempotency_key"] = case["case_id"]
        assert case_differences(case, made["proposal_result"], made["artifact"]) == [], case["case_id"]


async def test_a_key_that_has_a_result_is_answered_with_an_operation_that_has_succeeded(api):
    """Without any worker: what was computed at once is there."""
    first = await post(api, ARTIFACT, a_simulation())
    answer = await post(api, ASYNC[1], a_simulation(), **{"X-Correlation-Id": "later"})
    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (202, "true")
    assert answer.json()["status"] == "SUCCEEDED"
    operation_id = answer.json()["operation_id"]
    await assert_same_bytes(api, operation_id, a_simulation(), key="k")
    assert first.content == (await post(api, ARTIFACT, a_simulation())).content
    found = await api.get("/operations/by-correlation/later")
    assert found.json()["operation_id"] == operation_id


async def test_without_temporal_and_worker_a_simulation_at_once_fills_the_key_of_an_open_operation(api, worker_later):
    operation_id = await accepted(api, a_simulation(), key="k")
    answer = await post(api, SIMULATE, a_simulation(), **{"X-Correlation-Id": "sync"})
    assert answer.status_code == 200
    assert "Idempotent-Replayed" not in answer.headers
    assert (await api.get(f"/operations/{operation_id}")).json()["status"] == "PENDING"
    async with worker_later():
        made = (await ended(api, operation_id)).json()["result"]
        assert made["proposal_result"] == answer.json()
        assert made["proposal_result"]["correlation_id"] == "sync"
        await assert_same_bytes(api, operation_id, a_simulation(), key="k")


async def test_another_request_under_the_key_is_a_conflict_on_all_four_endpoints(api):
    await accepted(api, a_simulation(), key="open")
    await post(api, SIMULATE, a_simulation(), key="stored")
    for key in ("open", "stored"):
        for path in PATHS:
            conflict = await post(api, path, a_simulation(quantity="3"), key=key)
            assert_problem(conflict, 409, "IDEMPOTENCY_KEY_CONFLICT")


async def test_sixty_four_mixed_requests_over_four_endpoints_have_one_result(settings, serve, worker, database_dsn):
    """By two API processes' worth of services, while a worker ends the operation."""
    body = a_simulation()
    async with serve(settings) as one, serve(settings) as other:
        answers = await asyncio.gather(
            *(post((one, other)[number % 2], PATHS[number // 2 % 4], body) for number in range(64))
        )
        assert {answer.status_code for answer in answers} == {200, 202}
        by_path = [[answer for answer in answers if answer.request.url.path == path] for path in PATHS]
        assert [len(found) for found in by_path] == [16] * 4
        results, artifacts = ({answer.content for answer in found} for found in by_path[:2])
        operations = {answer.json()["operation_id"] for found in by_path[2:] for answer in found}
        assert (len(results), len(artifacts), len(operations)) == (1, 1, 1)
        await assert_same_bytes(one, operations.pop(), body, key="k")
    with psycopg.connect(database_dsn) as connection:
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM simulations), (SELECT count(*) FROM operations),"
            " (SELECT count(*) FROM documents)"
        ).fetchone()
    assert counts == (1, 1, 4)


async def test_a_missing_option_fails_the_operation_and_frees_the_key_whatever_the_flags_say(settings, serve, worker):
    async with serve(settings.model_copy(update={"require_simulation_flag": False})) as api:
        body = without_simulation_flag()["simulate_request"]
        failed = (await ended(api, await accepted(api, body, key="k"))).json()
        assert (failed["status"], failed["result"]) == ("FAILED", None)
        assert failed["error"] == {
            "code": "ProposalValidationError",
            "message": "PROPOSAL_SIMULATION_DISABLED: set options.enable_proposal_simulation=true",
            "problem": "PROPOSAL_SIMULATION_DISABLED",
        }
        assert_problem(await post(api, SIMULATE, body), 422, "PROPOSAL_SIMULATION_DISABLED")
        answer = await post(api, ASYNC[1], a_simulation())
        assert "Idempotent-Replayed" not in answer.headers
        status = (await ended(api, answer.json()["operation_id"])).json()
        assert (status["status"], status["attempt"]) == ("SUCCEEDED", 2)


async def test_cancelled_and_retried(api, worker_later):
    operation_id = await accepted(api, a_simulation(), key="k")
    cancelled = (await api.post(f"/operations/{operation_id}/cancel", None)).json()
    assert (cancelled["status"], cancelled["error"]["problem"]) == ("FAILED", "OPERATION_CANCELLED")
    retried = await api.post(f"/operations/{operation_id}/retry", None)
    assert (retried.status_code, "Idempotent-Replayed" in retried.headers) == (202, False)
    twin = await api.post(f"/operations/{operation_id}/retry", None)
    assert twin.json()["operation_id"] == retried.json()["operation_id"]
    async with worker_later():
        status = (await ended(api, retried.json()["operation_id"])).json()
        assert (status["status"], status["attempt"], status["retried_by"]) == ("SUCCEEDED", 2, "local")
        await assert_same_bytes(api, status["operation_id"], a_simulation(), key="k")


async def test_waited_for_tagged_and_listed(api, worker):
    created = await api.created()
    operation_id = await accepted(api, a_simulation())
    answer = await ended(api, operation_id)
    path = f"/rebalance/proposals/operations/{operation_id}"
    assert (await api.http.get(path, headers={"If-None-Match": answer.headers["ETag"]})).status_code == 304
    assert "result" not in (await api.http.get(path, params={"include_result": "false"})).json()
    listed = (await api.get("/operations", operation_type="SIMULATE_PROPOSAL")).json()["items"]
    assert [item["operation_id"] for item in listed] == [operation_id]
    others = (await api.get("/operations", proposal_id=created["proposal"]["proposal_id"])).json()["items"]
    assert operation_id not in [item["operation_id"] for item in others]


async def test_its_end_is_called_back(settings, serve, worker_later):
    with Receiver().serving() as receiver:
        calling = settings.model_copy(
            update={"callback_secrets": SecretStr(SECRET), "callback_allowed_hosts": ("127.0.0.1", "localhost")}
        )
        async with serve(calling) as api, worker_later(calling):
            body = a_simulation() | {"callback": {"url": receiver.url}}
            operation_id = await accepted(api, body, key="k")
            await ended(api, operation_id)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not receiver.received:
                    await asyncio.sleep(0.05)
            message = json.loads(receiver.received[0].body)
            assert message["type"] == "proposal.operation.succeeded"
            assert message["data"]["operation_type"] == "SIMULATE_PROPOSAL"
            assert (message["data"]["operation_id"], message["data"]["proposal_id"]) == (operation_id, None)
            # The callback is no part of what the key stands for.
            assert (await post(api, SIMULATE, a_simulation())).headers["Idempotent-Replayed"] == "true"
            await post(api, SIMULATE, a_simulation(), key="at-once")
            adopted = await accepted(api, body, key="at-once")
            # The first may come again, where its answer was late.
            await until(
                lambda: adopted in {json.loads(each.body)["data"]["operation_id"] for each in receiver.received}
            )


@pytest.mark.parametrize("name", ["async_operations_enabled", "workflow_lifecycle_enabled"])
async def test_it_is_behind_the_gates_of_operations_and_at_once_it_is_not(settings, serve, name):
    async with serve(settings.model_copy(update={name: False})) as api:
        for path in ASYNC:
            answer = await post(api, path, a_simulation())
            assert answer.status_code == 404
            assert answer.json()["code"].endswith("_DISABLED")
        assert (await post(api, SIMULATE, a_simulation())).status_code == 200


@pytest.mark.parametrize("path", ASYNC)
async def test_what_is_wrong_is_refused_and_nothing_is_stored(api, database_dsn, path):
    assert (await api.http.post(path, json=a_simulation())).status_code == 422  # without a key
    assert (await post(api, path, a_simulation(proposed_trades=7))).status_code == 422
    assert (await post(api, path, a_simulation(callback={"url": "ftp://x"}))).status_code == 422
    with psycopg.connect(database_dsn) as connection:
        for table in ("operations", "simulations", "documents"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


async def test_its_author_is_the_tokens_subject_and_its_key_the_clients(secured):
    own = bearer("desk_1", "proposals:write operations:read")
    answer = await post(secured, ASYNC[0], a_simulation(), **own)
    assert answer.status_code == 202, answer.text
    path = answer.json()["status_url"]
    assert (await secured.http.get(path, headers=own)).json()["created_by"] == "desk_1"
    foreign = bearer("desk_2", "proposals:write operations:read", client_id="other")
    refused = await secured.http.get(path, headers=foreign)
    assert (refused.status_code, refused.json()["code"]) == (404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND")
    other = await post(secured, ASYNC[0], a_simulation(quantity="3"), **foreign)
    assert other.status_code == 202
    assert "Idempotent-Replayed" not in other.headers
