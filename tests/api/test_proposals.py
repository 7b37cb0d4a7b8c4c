import asyncio
import json
import socket
import uuid

import psycopg
import pytest
from builders import a_body, a_large_body, without_simulation_flag

from cli.http_protocol import LimitingProtocol

CORRELATION = "crm/case:4711+x=y"


async def test_a_proposal_from_202_to_its_detail(api, worker, sample):
    accepted = await api.submit(sample, key="k", **{"X-Correlation-Id": CORRELATION})
    assert accepted.status_code == 202
    body = accepted.json()
    assert list(body) == ["operation_id", "operation_type", "status", "correlation_id", "created_at", "status_url"]
    assert accepted.headers["X-Correlation-Id"] == body["correlation_id"] == CORRELATION
    assert accepted.headers["Location"] == body["status_url"]
    assert accepted.headers["Retry-After"] == "1"
    assert (body["operation_type"], body["status"]) == ("CREATE_PROPOSAL", "PENDING")

    status = await api.finished(body["operation_id"])
    assert list(status) == [
        *("operation_id", "operation_type", "status", "correlation_id", "idempotency_key", "attempt", "proposal_id"),
        *("version_no", "created_by", "created_at", "started_at", "finished_at", "updated_at", "expires_at"),
        *("cancelled_by", "retried_by", "progress", "result", "error", "links"),
    ]
    assert (status["status"], status["error"], status["idempotency_key"], status["attempt"]) == (
        "SUCCEEDED",
        None,
        "k",
        1,
    )
    detail = (await api.http.get(status["links"]["proposal"])).json()
    assert detail["current_version"] == status["result"]["version"]
    assert detail["proposal"] == status["result"]["proposal"]
    assert detail["proposal"]["title"] == sample["metadata"]["title"]
    assert "advisor_notes" not in json.dumps(detail["proposal"])
    version = detail["current_version"]
    assert version["artifact"]["evidence_bundle"] == version["evidence_bundle"]
    assert version["artifact"]["evidence_bundle"]["engine_outputs"]["proposal_result"] == version["proposal_result"]
    assert version["proposal_result"]["lineage"]["idempotency_key"] == "k"
    assert version["artifact"]["created_at"] == status["created_at"] == version["created_at"]
    hidden = (await api.http.get(status["links"]["proposal"], params={"include_evidence": "false"})).json()
    assert hidden["current_version"].pop("evidence_bundle") == {}
    version.pop("evidence_bundle")
    assert hidden["current_version"] == version


async def test_the_first_read_after_a_202_finds_the_operation_without_a_worker(api):
    accepted = (await api.submit(a_body(), **{"X-Correlation-Id": CORRELATION})).json()
    by_id = await api.http.get(accepted["status_url"])
    encoded = "crm%2Fcase%3A4711%2Bx%3Dy"
    by_correlation = await api.http.get(f"/rebalance/proposals/operations/by-correlation/{encoded}")
    assert by_id.json() == by_correlation.json()
    assert by_id.headers["Retry-After"] == "1"
    assert by_id.json()["result"] is None


async def test_a_202_is_committed_before_it_is_answered(api, database_dsn):
    """Over a real socket: a commit after the answer would not be seen here by a client of the test kind."""
    for _ in range(20):
        accepted = (await api.submit(a_body())).json()
        with psycopg.connect(database_dsn) as connection:
            found = connection.execute(
                "SELECT 1 FROM operations WHERE operation_id = %s", [accepted["operation_id"]]
            ).fetchone()
        assert found


async def test_the_newest_operation_of_a_correlation_id_is_found(api):
    operations = [(await api.submit(a_body(), **{"X-Correlation-Id": "same"})).json() for _ in range(3)]
    newest = (await api.http.get("/rebalance/proposals/operations/by-correlation/same")).json()
    assert newest["operation_id"] == operations[-1]["operation_id"]


async def test_replays_carry_their_header_and_the_present_status(api, worker):
    first = await api.submit(a_body(), key='"quoted"')
    await api.finished(first.json()["operation_id"])
    again = await api.submit(a_body(), key="quoted")
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == {**first.json(), "status": "SUCCEEDED"}


async def test_another_spelling_of_a_request_is_the_same_request(api):
    body = a_body()
    first = await api.submit(body, key="k")
    body["simulate_request"]["portfolio_snapshot"]["cash_balances"][0]["amount"] = "1E+3"
    body["simulate_request"]["options"]["auto_funding"] = True
    body["unknown"] = "ignored"
    assert (await api.submit(body, key="k")).json()["operation_id"] == first.json()["operation_id"]
    body["created_by"] = "other"
    conflict = await api.submit(body, key="k")
    assert (conflict.status_code, conflict.json()["code"]) == (409, "IDEMPOTENCY_KEY_CONFLICT")
    assert conflict.json()["detail"] == "IDEMPOTENCY_KEY_CONFLICT: request hash mismatch"


async def test_fifty_parallel_requests_with_one_key(api, worker, database_dsn):
    answers = await asyncio.gather(*(api.submit(a_body(), key="one") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {202}
    operations = {answer.json()["operation_id"] for answer in answers}
    assert len(operations) == 1
    await api.finished(operations.pop())
    with psycopg.connect(database_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM proposals").fetchone() == (1,)


async def test_a_failed_operation_frees_its_key(api, worker):
    first = (await api.submit(without_simulation_flag(), key="k")).json()
    failed = await api.finished(first["operation_id"])
    assert failed["status"] == "FAILED"
    assert failed["error"] == {
        "code": "ProposalValidationError",
        "message": "PROPOSAL_SIMULATION_DISABLED: set options.enable_proposal_simulation=true",
        "problem": "PROPOSAL_SIMULATION_DISABLED",
    }
    assert (failed["result"], failed["proposal_id"], failed["links"]["proposal"]) == (None, None, None)
    answers = await asyncio.gather(*(api.submit(a_body(), key="k") for _ in range(50)))
    assert len({answer.json()["operation_id"] for answer in answers}) == 1
    second = await api.finished(answers[0].json()["operation_id"])
    assert (second["status"], second["attempt"]) == ("SUCCEEDED", 2)


async def test_a_large_request_is_computed_in_the_pool(api, worker):
    accepted = (await api.submit(a_large_body())).json()
    status = await api.finished(accepted["operation_id"])
    assert status["status"] == "SUCCEEDED"
    assert len(status["result"]["version"]["proposal_result"]["before"]["positions"]) == 400


async def test_a_large_request_that_a_rule_refuses_fails_with_that_rule(api, worker):
    body = a_large_body()
    body["simulate_request"]["options"] = {}
    status = await api.finished((await api.submit(body)).json()["operation_id"])
    assert status["error"]["message"].startswith("PROPOSAL_SIMULATION_DISABLED")


async def test_a_terminal_body_never_changes_and_its_tag_saves_sending_it(api, worker_later):
    accepted = (await api.submit(a_body())).json()
    url = accepted["status_url"]
    pending_tag = (await api.http.get(url)).headers["ETag"]  # before there is a worker that could end it
    async with worker_later():
        await api.finished(accepted["operation_id"])
    first, second = await api.http.get(url), await api.http.get(url)
    assert first.content == second.content
    assert "Retry-After" not in first.headers
    tag = first.headers["ETag"]
    assert tag == second.headers["ETag"] != pending_tag
    plain = await api.http.get(url, headers={"Accept-Encoding": "identity"})
    assert f"W/{plain.headers['ETag']}" == tag  # strong, until it stands for other bytes: test_compression.py
    short = await api.http.get(url, params={"include_result": "false"})
    assert "result" not in short.json()
    assert short.headers["ETag"] != tag
    unchanged = await api.http.get(url, headers={"If-None-Match": f'"other", {tag}'})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["ETag"]) == (304, b"", tag)
    assert (await api.http.get(url, headers={"If-None-Match": pending_tag})).status_code == 200


async def test_ids_of_any_text_are_accepted_and_come_back(api, worker):
    odd = ["'; DROP TABLE operations; --", "\u202eodd", "line\nbreak\ttab", "\U0001f4c8" * 255, "字" * 255, "**b** <i>"]
    for text in odd:
        body = a_body(created_by=text)
        body["simulate_request"]["portfolio_snapshot"]["portfolio_id"] = text
        status = await api.finished((await api.submit(body)).json()["operation_id"])
        assert (status["status"], status["created_by"]) == ("SUCCEEDED", text)
        assert status["result"]["proposal"]["portfolio_id"] == text


async def test_a_wait_is_answered_when_the_operation_ends(api, worker):
    accepted = (await api.submit(a_body())).json()
    waited = await api.http.get(accepted["status_url"], headers={"Prefer": "wait=20"})
    assert waited.json()["status"] == "SUCCEEDED"
    assert waited.headers["Preference-Applied"] == "wait=20"


async def test_the_policy_in_force_at_acceptance_is_kept(settings, worker, serve):
    async with serve(settings.model_copy(update={"store_evidence_bundle": False})) as api:
        accepted = (await api.submit(a_body())).json()
        status = await api.finished(accepted["operation_id"])
    assert status["result"]["version"]["evidence_bundle"] == {}
    assert status["result"]["version"]["artifact"]["evidence_bundle"]["inputs"]


async def test_without_the_required_flag_any_request_is_simulated(settings, worker, serve):
    async with serve(settings.model_copy(update={"require_simulation_flag": False})) as api:
        accepted = (await api.submit(without_simulation_flag())).json()
        assert (await api.finished(accepted["operation_id"]))["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"workflow_lifecycle_enabled": False}, "PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED"),
        ({"async_operations_enabled": False}, "PROPOSAL_ASYNC_OPERATIONS_DISABLED"),
    ],
)
async def test_a_gate_that_is_off_answers_404_after_the_schema(settings, change, code, serve):
    async with serve(settings.model_copy(update=change)) as api:
        refused = await api.submit(a_body())
        assert (refused.status_code, refused.json()["code"]) == (404, code)
        assert (await api.submit({})).status_code == 422
        assert (await api.http.get(f"/rebalance/proposals/operations/{uuid.uuid4()}")).json()["code"] == code
        detail = await api.http.get("/rebalance/proposals/pp_1")
        is_lifecycle = "workflow_lifecycle_enabled" in change
        assert detail.json()["code"] == (code if is_lifecycle else "PROPOSAL_NOT_FOUND")


async def test_answers_are_not_held_back_by_the_kernel(api, monkeypatch):
    """Nagle's algorithm and a delayed acknowledgement cost 40 ms an answer."""
    connected, made = [], LimitingProtocol.connection_made

    def noted(protocol, transport) -> None:
        connected.append(transport.get_extra_info("socket"))
        made(protocol, transport)

    monkeypatch.setattr(LimitingProtocol, "connection_made", noted)
    await api.http.get("/health/live")
    [accepted] = connected
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


async def test_the_link_to_temporals_page_shows_no_password(settings, serve, temporal_client):
    url = "https://ui:hidden@ui.example/base?hidden#hidden"
    async with serve(settings.model_copy(update={"temporal_ui_url": url})) as api:
        operation_id = (await api.submit(a_body())).json()["operation_id"]
        answer = await api.get(f"/operations/{operation_id}")
    assert answer.json()["links"]["temporal_ui"] == (
        f"https://ui.example/base/namespaces/{temporal_client.namespace}/workflows/{operation_id}"
    )
