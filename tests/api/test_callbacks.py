"""Callbacks over HTTP: delivered by the real worker to a real receiver, looked at, asked for once more."""

import asyncio
import uuid

import pytest
from answers import assert_problem
from builders import a_body, a_version_body, without_simulation_flag
from callback_requests import OPERATIONS, asking, log_of, redeliver, submitted
from receiver import SETTINGS
from waiting import PATIENCE_SECONDS, until

from runtime.settings import Settings

pytestmark = [pytest.mark.shared, pytest.mark.usefixtures("worker_of_module")]


@pytest.fixture(scope="module")
def settings_of_module(settings_of_module: Settings) -> Settings:
    return settings_of_module.model_copy(update=SETTINGS)


async def test_an_operation_that_succeeds_is_told_once_signed_and_logged(api, receiver):
    operation_id = await submitted(api, asking(receiver, Authorization="Bearer 4711"))
    status = await api.finished(operation_id)
    log = await log_of(api, operation_id)
    (received,) = receiver.received
    assert received.verified() == {
        "type": "proposal.operation.succeeded",
        "timestamp": status["finished_at"],
        "data": {
            **{name: status[name] for name in ("operation_id", "operation_type", "status", "correlation_id")},
            "proposal_id": status["proposal_id"],
            "version_no": 1,
            "error": None,
            "status_url": f"{OPERATIONS}/{operation_id}",
        },
    }
    assert list(received.verified()["data"]) == [
        "operation_id",
        "operation_type",
        "status",
        "correlation_id",
        "proposal_id",
        "version_no",
        "error",
        "status_url",
    ]
    assert received.headers["authorization"] == "Bearer 4711"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-id"] == log["webhook_id"] == f"msg_{operation_id.removeprefix('pop_')}"
    assert status["links"]["callbacks"] == f"{OPERATIONS}/{operation_id}/callbacks"
    (attempt,) = log["attempts"]
    assert attempt["attempt_no"] == 1
    assert (attempt["status_code"], attempt["error"]) == (204, None)
    assert (log["host"], log["next_attempt_at"]) == ("127.0.0.1", None)
    assert (await api.http.get(received.verified()["data"]["status_url"])).json() == status


async def test_an_operation_that_fails_is_told_with_its_error(api, receiver):
    operation_id = await submitted(api, asking(receiver, without_simulation_flag()))
    status = await api.finished(operation_id)
    await log_of(api, operation_id)
    message = receiver.received[0].verified()
    assert message["type"] == "proposal.operation.failed"
    assert message["data"]["error"] == status["error"]
    assert (message["data"]["proposal_id"], message["data"]["version_no"]) == (None, None)


async def test_all_four_endpoints_take_a_callback(api, receiver):
    created = (
        await api.http.post(
            "/rebalance/proposals", json=asking(receiver), headers={"Idempotency-Key": uuid.uuid4().hex}
        )
    ).json()
    path = f"/{created['proposal']['proposal_id']}/versions"
    answers = [
        await api.post(path, asking(receiver, a_version_body())),
        await api.post(f"{path}/async", asking(receiver, a_version_body())),
        await api.submit(asking(receiver)),
    ]
    assert [answer.status_code for answer in answers] == [200, 202, 202]
    await until(lambda: len(receiver.received) == 4)
    told = [received.verified()["data"] for received in receiver.received]
    assert sorted((data["operation_type"], data["version_no"]) for data in told) == [
        ("CREATE_PROPOSAL", 1),
        ("CREATE_PROPOSAL", 1),
        ("CREATE_PROPOSAL_VERSION", 2),
        ("CREATE_PROPOSAL_VERSION", 3),
    ]


async def test_a_receiver_that_fails_once_is_told_again_after_five_seconds(api, receiver):
    receiver.answers = [(500, {}), (200, {})]
    operation_id = await submitted(api, asking(receiver))
    log = await log_of(api, operation_id)
    first, second = receiver.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert second.verified()
    assert 5 <= second.at - first.at < 60  # the wait after that is of five minutes
    assert [attempt["status_code"] for attempt in log["attempts"]] == [500, 200]


async def test_a_replay_ignores_its_callback_whatever_it_is(api, receiver):
    key = uuid.uuid4().hex
    first = await api.submit(asking(receiver), key=key)
    for callback in (None, {"url": "https://169.254.169.254/"}, {"url": f"{receiver.url}/other"}):
        replay = await api.submit(a_body() | {"callback": callback}, key=key)
        assert (replay.status_code, replay.headers["Idempotent-Replayed"]) == (202, "true")
        assert replay.json()["operation_id"] == first.json()["operation_id"]
    await log_of(api, first.json()["operation_id"])
    assert [received.path for received in receiver.received] == ["/hook"]


async def test_a_redelivery_is_the_same_message_under_the_same_id_signed_anew(api, receiver):
    operation_id = await submitted(api, asking(receiver))
    await log_of(api, operation_id)
    answer = await redeliver(api, operation_id)
    assert (answer.status_code, answer.json()["status"]) == (202, "PENDING")
    assert (
        answer.headers["Location"] == answer.headers["Operation-Location"] == f"{OPERATIONS}/{operation_id}/callbacks"
    )
    await until(lambda: len(receiver.received) == 2)
    log = await log_of(api, operation_id)
    first, second = receiver.received
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert second.verified()
    assert [attempt["attempt_no"] for attempt in log["attempts"]] == [1, 2]

    soon = await redeliver(api, operation_id)
    assert_problem(soon, 429, "REDELIVERY_TOO_SOON")
    assert 1 <= int(soon.headers["Retry-After"]) <= 60
    assert len(receiver.received) == 2


async def test_a_redelivery_hurries_the_delivery_that_waits(api, receiver):
    receiver.answers = [(503, {"Retry-After": "3600"}), (200, {})]
    operation_id = await submitted(api, asking(receiver))
    await until(lambda: len(receiver.received) == 1)
    log = await log_of(api, operation_id, status="PENDING")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while log["next_attempt_at"] <= log["created_at"]:
            log = await log_of(api, operation_id, status="PENDING")
    assert (await redeliver(api, operation_id)).status_code == 202
    assert [a["status_code"] for a in (await log_of(api, operation_id))["attempts"]] == [503, 200]


async def test_a_receiver_that_is_gone_is_left_alone_until_somebody_asks(api, receiver):
    receiver.answers = [(410, {}), (200, {})]
    operation_id = await submitted(api, asking(receiver))
    assert (await log_of(api, operation_id, status="FAILED"))["attempts"][0]["status_code"] == 410
    assert (await redeliver(api, operation_id)).status_code == 202
    assert len((await log_of(api, operation_id))["attempts"]) == 2


async def test_ten_redeliveries_at_once_are_one(api, receiver):
    operation_id = await submitted(api, asking(receiver))
    await log_of(api, operation_id)
    answers = await asyncio.gather(*(redeliver(api, operation_id) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [202, *[429] * 9]
    await until(lambda: len(receiver.received) == 2)
