"""Simulate and artifact over HTTP: the contract's cases, one key space, the same bytes for ever."""

import asyncio
import threading
from pathlib import Path

import pytest
from answers import assert_problem, stored
from builders import a_body, a_large_body, without_simulation_flag
from contract.compare import artifact_hash, case_differences, load_cases, load_invalid, refusal_differences
from waiting import PATIENCE_SECONDS

from domain.errors import OperationTooExpensive, StorageUnavailable
from runtime.engine_pool import EnginePool
from runtime.engine_process import ComputationEnded, EngineProcess
from storage.simulations import Simulations

CASES = Path(__file__).parents[1] / "contract" / "cases"
REFUSED = {case["case_id"]: case for case in load_invalid(CASES / "invalid.jsonl")}
ANSWERED = {case["case_id"]: case for case in load_cases(CASES / "cases.jsonl.gz")}
SIMULATE, ARTIFACT = "/rebalance/proposals/simulate", "/rebalance/proposals/artifact"


async def post(api, path, request, *, key="k", **headers):
    return await api.http.post(path, json=request, headers={"Idempotency-Key": key, **headers})


async def test_every_case_is_answered_as_the_contract_says(api):
    for case in ANSWERED.values():
        context = case["context"]
        headers = {"X-Correlation-Id": context["correlation_id"]}
        key = context["idempotency_key"] or case["case_id"]
        result = await post(api, SIMULATE, case["request"], key=key, **headers)
        artifact = await post(api, ARTIFACT, case["request"], key=key, **headers)
        assert (result.status_code, artifact.status_code) == (200, 200), case["case_id"]
        # What a caller cannot choose: when it was, and that there is always a key.
        case["artifact"]["created_at"] = artifact.json()["created_at"]
        case["result"]["lineage"]["idempotency_key"] = key
        assert case_differences(case, result.json(), artifact.json()) == [], case["case_id"]
        assert artifact_hash(artifact.json()) == artifact.json()["evidence_bundle"]["hashes"]["artifact_hash"]


@pytest.mark.shared
@pytest.mark.parametrize("path", [SIMULATE, ARTIFACT])
@pytest.mark.parametrize("case_id", REFUSED)
async def test_every_refusal_is_the_contracts(api, database_dsn, path, case_id):
    answer = await post(api, path, REFUSED[case_id]["request"])
    assert refusal_differences(REFUSED[case_id], answer.status_code, answer.json()) == []
    assert stored(database_dsn) == 0


async def test_both_endpoints_share_one_key_and_one_stored_result(api):
    request = a_body()["simulate_request"]
    result = await post(api, SIMULATE, request)
    artifact = await post(api, ARTIFACT, request)
    assert "Idempotent-Replayed" not in result.headers
    assert artifact.headers["Idempotent-Replayed"] == "true"
    assert artifact.json()["evidence_bundle"]["engine_outputs"]["proposal_result"] == result.json()
    assert artifact.json()["proposal_run_id"] == result.json()["proposal_run_id"]
    request["proposed_trades"][0]["quantity"] = "3"
    for path in (SIMULATE, ARTIFACT):
        conflict = assert_problem(await post(api, path, request), 409, "IDEMPOTENCY_KEY_CONFLICT")
        assert conflict["detail"] == "IDEMPOTENCY_KEY_CONFLICT: request hash mismatch"


async def test_a_replay_answers_the_same_bytes_after_a_restart(settings, serve):
    request = a_body()["simulate_request"]
    answers = []
    for correlation_id in ("first", "second"):
        async with serve(settings) as api:
            answers += [
                await post(api, path, request, **{"X-Correlation-Id": correlation_id}) for path in (SIMULATE, ARTIFACT)
            ]
    assert [answer.headers["X-Correlation-Id"] for answer in answers] == ["first", "first", "second", "second"]
    assert (answers[0].content, answers[1].content) == (answers[2].content, answers[3].content)
    assert answers[2].json()["correlation_id"] == "first"


async def test_it_is_no_operation_and_no_key_of_a_proposal(api, database_dsn):
    await post(api, SIMULATE, a_body()["simulate_request"])
    accepted = await api.submit(a_body(), key="k")
    assert "Idempotent-Replayed" not in accepted.headers


async def test_parallel_requests_answer_the_same_bytes(api):
    request = a_body()["simulate_request"]
    answers = await asyncio.gather(*(post(api, ARTIFACT, request) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


async def test_a_missing_option_is_refused_whatever_the_flags_say(settings, serve):
    flags = {"require_simulation_flag": False, "workflow_lifecycle_enabled": False, "async_operations_enabled": False}
    async with serve(settings.model_copy(update=flags)) as api:
        refused = await post(api, SIMULATE, without_simulation_flag()["simulate_request"])
        problem = assert_problem(refused, 422, "PROPOSAL_SIMULATION_DISABLED")
        assert problem["detail"] == "PROPOSAL_SIMULATION_DISABLED: set options.enable_proposal_simulation=true"
        assert (await post(api, SIMULATE, a_body()["simulate_request"])).status_code == 200


async def test_the_loop_goes_on_while_a_large_request_is_computed(api):
    large = asyncio.create_task(post(api, ARTIFACT, a_large_body(9_000)["simulate_request"]))
    answered = 0
    while not large.done():
        assert (await api.http.get("/health/live")).status_code == 200
        answered += 1
        await asyncio.sleep(0.01)
    answer = await large
    assert len(answer.json()["evidence_bundle"]["inputs"]["portfolio_snapshot"]["positions"]) == 3_000
    assert answered > 10


async def test_a_save_that_fails_is_503_and_the_key_stays_free(api, database_dsn, monkeypatch):
    async def away(*_):
        raise StorageUnavailable

    with monkeypatch.context() as broken:
        broken.setattr(Simulations, "add_or_get", away)
        answer = await post(api, SIMULATE, a_body()["simulate_request"])
    assert_problem(answer, 503, "PROPOSAL_IDEMPOTENCY_STORE_WRITE_FAILED")
    assert answer.headers["Retry-After"]
    assert stored(database_dsn) == 0
    assert (await post(api, SIMULATE, a_body()["simulate_request"])).status_code == 200


@pytest.mark.parametrize("path", ["/simulate", "/artifact"])
async def test_a_caller_that_leaves_ends_its_computation(api, monkeypatch, path):
    began, given_up = asyncio.Event(), asyncio.Event()

    async def endless(*_, **__):
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    monkeypatch.setattr(EnginePool, "run", endless)
    headers = {"Idempotency-Key": "left"}
    calling = asyncio.create_task(api.post(path, a_large_body()["simulate_request"], **headers))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await began.wait()
        calling.cancel()
        await given_up.wait()


async def test_what_is_too_expensive_is_refused(api, monkeypatch):
    async def expensive(*_, **__):
        raise OperationTooExpensive

    monkeypatch.setattr(EnginePool, "run", expensive)
    refused = await api.post("/simulate", a_large_body()["simulate_request"], **{"Idempotency-Key": "much"})
    assert (refused.status_code, refused.json()["code"]) == (422, "OPERATION_TOO_EXPENSIVE")


@pytest.mark.parametrize("path", [SIMULATE, ARTIFACT])
async def test_a_large_request_waits_for_its_turn_and_is_then_told_to_come_again(settings, serve, monkeypatch, path):
    begun, over = threading.Event(), threading.Event()

    def compute(*_):
        begun.set()
        over.wait(60)
        raise ComputationEnded("time")

    monkeypatch.setattr("api.services.SLOT_WAIT_SECONDS", 0.3)
    monkeypatch.setattr(EngineProcess, "compute", compute)
    async with serve(settings) as api:
        request = a_large_body()["simulate_request"]
        computed = asyncio.create_task(post(api, path, request, key="computed"))
        assert await asyncio.to_thread(begun.wait, 20)
        try:
            busy = await post(api, path, request, key="busy")
        finally:
            over.set()
        assert_problem(busy, 503, "SERVER_BUSY")
        assert busy.headers["Retry-After"] == "1"
        assert_problem(await computed, 422, "OPERATION_TOO_EXPENSIVE")
