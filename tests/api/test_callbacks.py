"""Callbacks over HTTP: asked for, delivered by the real worker to a real receiver, looked at, asked for once more."""

import asyncio
import json
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from answers import assert_problem, stored
from builders import a_body, a_version_body, without_simulation_flag
from pydantic import SecretStr
from receiver import OLD_SECRET, SECRET, SETTINGS, Receiver
from standardwebhooks.webhooks import WebhookVerificationError
from waiting import PATIENCE_SECONDS, until

from domain.errors import OperationCancelled
from domain.operation import OperationFailure
from runtime.settings import Settings
from services.ending import end_failed
from storage.unit_of_work import Storage

NEVER_IN_FORCE = "a-secret-that-was-never-in-force"
OPERATIONS = "/rebalance/proposals/operations"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update=SETTINGS)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().serving() as receiver:
        yield receiver


def asking(receiver: Receiver, body: dict | None = None, **headers: str) -> dict:
    return (body or a_body()) | {"callback": {"url": receiver.url, "headers": headers}}


async def log_of(api, operation_id: str, *, status: str = "DELIVERED") -> dict:
    """The log once the delivery has this status."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            log = (await api.get(f"/operations/{operation_id}/callbacks")).json()
            if log["status"] == status:
                return log
            await asyncio.sleep(0.05)


async def redeliver(api, operation_id: str):
    return await api.http.post(f"{OPERATIONS}/{operation_id}/callbacks/redeliver")


async def submitted(api, body: dict) -> str:
    answer = await api.submit(body)
    assert answer.status_code == 202, answer.text
    return answer.json()["operation_id"]


async def test_an_operation_that_succeeds_is_told_once_signed_and_logged(api, worker, receiver):
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


async def test_an_operation_that_fails_is_told_with_its_error(api, worker, receiver):
    operation_id = await submitted(api, asking(receiver, without_simulation_flag()))
    status = await api.finished(operation_id)
    await log_of(api, operation_id)
    message = receiver.received[0].verified()
    assert message["type"] == "proposal.operation.failed"
    assert message["data"]["error"] == status["error"]
    assert (message["data"]["proposal_id"], message["data"]["version_no"]) == (None, None)


async def test_an_operation_that_ends_without_its_workflow_is_told_by_the_starter(api, worker, receiver, storage):
    """As a cancel does it: the row and the outbox alone."""
    operation_id = await submitted(api, asking(receiver))
    await end_failed(storage, operation_id, OperationFailure.of(OperationCancelled))
    await log_of(api, operation_id)
    assert {received.headers["webhook-id"] for received in receiver.received} == {f"msg_{operation_id[4:]}"}


async def test_an_end_while_no_worker_lives_is_told_when_one_does(api, receiver, storage, worker_later):
    operation_id = await submitted(api, asking(receiver))
    assert (await log_of(api, operation_id, status="NOT_DUE"))["attempts"] == []
    await end_failed(storage, operation_id, OperationFailure.of(OperationCancelled))
    assert (await log_of(api, operation_id, status="PENDING"))["next_attempt_at"] is not None
    async with worker_later():
        await log_of(api, operation_id)
    assert receiver.received[0].verified()["data"]["error"]["message"] == "OPERATION_CANCELLED"


async def test_all_four_endpoints_take_a_callback(api, worker, receiver):
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


async def test_a_receiver_that_fails_once_is_told_again_after_five_seconds(api, worker, receiver):
    receiver.answers = [(500, {}), (200, {})]
    operation_id = await submitted(api, asking(receiver))
    log = await log_of(api, operation_id)
    first, second = receiver.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert second.verified()
    assert 5 <= second.at - first.at < 10
    assert [attempt["status_code"] for attempt in log["attempts"]] == [500, 200]


async def test_while_secrets_rotate_old_and_new_receivers_can_verify(serve, settings, receiver, worker_later):
    rotating = settings.model_copy(update={"callback_secrets": SecretStr(f"{SECRET}, {OLD_SECRET}")})
    async with serve(rotating) as api, worker_later(rotating):
        await log_of(api, await submitted(api, asking(receiver)))
    (received,) = receiver.received
    assert received.verified(secret=SECRET) == received.verified(secret=OLD_SECRET)
    with pytest.raises(WebhookVerificationError):
        received.verified(secret=NEVER_IN_FORCE)
    with pytest.raises(WebhookVerificationError):
        received.verified(host="localhost")


async def test_a_replay_ignores_its_callback_whatever_it_is(api, worker, receiver):
    key = uuid.uuid4().hex
    first = await api.submit(asking(receiver), key=key)
    for callback in (None, {"url": "https://169.254.169.254/"}, {"url": f"{receiver.url}/other"}):
        replay = await api.submit(a_body() | {"callback": callback}, key=key)
        assert (replay.status_code, replay.headers["Idempotent-Replayed"]) == (202, "true")
        assert replay.json()["operation_id"] == first.json()["operation_id"]
    await log_of(api, first.json()["operation_id"])
    assert [received.path for received in receiver.received] == ["/hook"]


async def test_a_callback_changes_neither_hash_nor_document(api, receiver, database_dsn):
    await api.submit(a_body())
    await api.submit(asking(receiver, Authorization="hidden-1"))
    with psycopg.connect(database_dsn) as connection:
        rows = connection.execute("SELECT DISTINCT request_hash, request_document FROM operations").fetchall()
    assert len(rows) == 1


REFUSED = [
    "https://127.0.0.2/",
    "https://10.1.2.3/",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/",
    "https://[::ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://0x7f.1/",
    "https://user@127.0.0.1/",
    "https://127.0.0.1#@example.org/",
    "http://example.org/",
    "ftp://127.0.0.1/",
    "https://",
    "//127.0.0.1/",
    "callback",
]


@pytest.mark.parametrize("url", REFUSED)
async def test_a_url_that_is_not_allowed_is_refused_and_nothing_is_stored(api, database_dsn, url):
    before = stored(database_dsn)
    answers = [
        await api.submit(a_body(callback={"url": url})),
        await api.http.post(
            "/rebalance/proposals", json=a_body(callback={"url": url}), headers={"Idempotency-Key": "key-1"}
        ),
        await api.post("/pp_0/versions", a_version_body(callback={"url": url})),
        await api.post("/pp_0/versions/async", a_version_body(callback={"url": url})),
    ]
    for answer in answers:
        problem = assert_problem(answer, 422, "CALLBACK_URL_NOT_ALLOWED")
        assert url not in problem["detail"]
        assert "user information or fragment; it" in problem["detail"]  # and then the rule that is broken
    assert stored(database_dsn) == before


async def test_a_name_that_does_not_resolve_is_accepted(api):
    answer = await api.submit(a_body(callback={"url": "https://receiver.invalid/hook"}))
    assert answer.status_code == 202


async def test_without_a_secret_callbacks_are_refused_and_it_is_said_why(serve, settings):
    async with serve(settings.model_copy(update={"callback_secrets": None})) as api:
        answer = await api.submit(a_body(callback={"url": "https://receiver.invalid/hook"}))
    assert assert_problem(answer, 422, "CALLBACKS_NOT_CONFIGURED")["detail"].endswith(
        "this service has no secret to sign callbacks with"
    )


URL = "https://receiver.invalid/hook"
MALFORMED = [
    ({}, ["body", "callback", "url"]),
    ({"url": 7}, ["body", "callback", "url"]),
    ({"url": ""}, ["body", "callback", "url"]),
    ({"url": f"https://receiver.invalid/{'x' * 2000}"}, ["body", "callback", "url"]),
    ("hidden", ["body", "callback"]),
    *(
        ({"url": URL, "headers": headers}, ["body", "callback", "headers"])
        for headers in (
            ["hidden"],
            {f"X-{number}": "hidden" for number in range(11)},
            {"X hidden": "1"},
            {"": "hidden"},
            {"X" * 257: "hidden"},
            {"X-One": "hidden\r\nX-Two: 2"},
            {"X-One": "hidden\u00e9"},
            {"X-One": "h" * 2001},
            {"X-One": 7},
            {"X-One": None},
            {"X-One": "hidden", "x-one": "hidden"},
            {"Host": "hidden"},
            {"content-type": "hidden"},
            {"Webhook-Signature": "hidden"},
            {"Transfer-Encoding": "hidden"},
            {"X-Forwarded-For": "hidden"},
            {"webhook_id": "hidden"},
            {"x_forwarded_for": "hidden"},
            {"X-HTTP-Method-Override": "hidden"},
            {"X-One": "hidden", "x_one": "hidden"},
            {"Proxy-Authorization": "hidden"},
        )
    ),
]


@pytest.mark.parametrize(("callback", "loc"), MALFORMED)
async def test_a_malformed_callback_is_a_list_without_a_value(api, database_dsn, callback, loc):
    before = stored(database_dsn)
    answer = await api.submit(a_body(callback=callback))
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert problem["detail"][0]["loc"] == loc
    assert "hidden" not in json.dumps(problem)
    assert "hhhh" not in json.dumps(problem)
    assert stored(database_dsn) == before


async def test_a_redelivery_is_the_same_message_under_the_same_id_signed_anew(api, worker, receiver):
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


async def test_a_redelivery_hurries_the_delivery_that_waits(api, worker, receiver):
    receiver.answers = [(503, {"Retry-After": "3600"}), (200, {})]
    operation_id = await submitted(api, asking(receiver))
    await until(lambda: len(receiver.received) == 1)
    log = await log_of(api, operation_id, status="PENDING")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while log["next_attempt_at"] <= log["created_at"]:
            log = await log_of(api, operation_id, status="PENDING")
    assert (await redeliver(api, operation_id)).status_code == 202
    assert [a["status_code"] for a in (await log_of(api, operation_id))["attempts"]] == [503, 200]


async def test_a_receiver_that_is_gone_is_left_alone_until_somebody_asks(api, worker, receiver):
    receiver.answers = [(410, {}), (200, {})]
    operation_id = await submitted(api, asking(receiver))
    assert (await log_of(api, operation_id, status="FAILED"))["attempts"][0]["status_code"] == 410
    assert (await redeliver(api, operation_id)).status_code == 202
    assert len((await log_of(api, operation_id))["attempts"]) == 2


async def test_what_cannot_be_delivered_again_is_said(api, receiver, storage: Storage):
    assert_problem(await redeliver(api, "pop_0"), 404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND")
    assert_problem(await api.get("/operations/pop_0/callbacks"), 404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND")
    silent = await submitted(api, a_body())
    assert_problem(await redeliver(api, silent), 409, "OPERATION_HAS_NO_CALLBACK")
    assert_problem(await api.get(f"/operations/{silent}/callbacks"), 404, "OPERATION_HAS_NO_CALLBACK")
    assert (await api.get(f"/operations/{silent}")).json()["links"]["callbacks"] is None
    open_one = await submitted(api, asking(receiver))
    assert_problem(await redeliver(api, open_one), 409, "OPERATION_NOT_TERMINAL")


async def test_ten_redeliveries_at_once_are_one(api, worker, receiver):
    operation_id = await submitted(api, asking(receiver))
    await log_of(api, operation_id)
    answers = await asyncio.gather(*(redeliver(api, operation_id) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [202, *[429] * 9]
    await until(lambda: len(receiver.received) == 2)


@pytest.mark.parametrize(
    ("flag", "code"),
    [
        ("workflow_lifecycle_enabled", "PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED"),
        ("async_operations_enabled", "PROPOSAL_ASYNC_OPERATIONS_DISABLED"),
    ],
)
async def test_the_gates_of_operations_shut_their_callbacks(serve, settings, flag, code):
    async with serve(settings.model_copy(update={flag: False})) as api:
        assert_problem(await api.get("/operations/pop_0/callbacks"), 404, code)
        assert_problem(await redeliver(api, "pop_0"), 404, code)


async def test_the_document_shows_what_a_receiver_has_to_serve(api):
    document = (await api.http.get("/openapi.json")).json()
    prefix = "/rebalance/proposals"
    for path in ("", "/async", "/{proposal_id}/versions", "/{proposal_id}/versions/async"):
        callbacks = document["paths"][f"{prefix}{path}"]["post"]["callbacks"]
        told = callbacks["operation_ended"]["{$request.body#/callback/url}"]["post"]
        names = {parameter["name"] for parameter in told["parameters"]}
        assert names == {"webhook-id", "webhook-timestamp", "webhook-signature"}
        assert told["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/CallbackMessage")
