"""Callbacks as they are asked for: what is refused, what is stored, and ends without a worker or without a workflow."""

import json

import psycopg
import pytest
from answers import assert_problem, stored
from builders import a_body, a_version_body
from callback_requests import asking, log_of, redeliver, submitted
from pydantic import SecretStr
from receiver import OLD_SECRET, SECRET, SETTINGS
from standardwebhooks.webhooks import WebhookVerificationError
from waiting import PATIENCE_SECONDS

from domain.errors import OperationCancelled
from domain.operation import OperationFailure
from runtime.settings import Settings
from services import callback_target
from services.ending import end_failed
from storage.unit_of_work import Storage

NEVER_IN_FORCE = "a-secret-that-was-never-in-force"

pytestmark = pytest.mark.shared


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update=SETTINGS)


@pytest.fixture(scope="module")
def settings_of_module(settings_of_module: Settings) -> Settings:
    return settings_of_module.model_copy(update=SETTINGS)


async def test_an_operation_that_ends_without_its_workflow_is_told_by_the_starter(api, worker, receiver, storage):
    """As a cancel does it: the row and the outbox alone."""
    operation_id = await submitted(api, asking(receiver))
    await end_failed(storage, operation_id, OperationFailure.of(OperationCancelled))
    await log_of(api, operation_id)
    assert {received.headers["webhook-id"] for received in receiver.received} == {f"msg_{operation_id[4:]}"}


async def test_an_end_while_no_worker_lives_is_told_when_one_does(api, receiver, storage, settings, worker_later):
    operation_id = await submitted(api, asking(receiver))
    assert (await log_of(api, operation_id, status="NOT_DUE"))["attempts"] == []
    await end_failed(storage, operation_id, OperationFailure.of(OperationCancelled))
    assert (await log_of(api, operation_id, status="PENDING"))["next_attempt_at"] is not None
    async with worker_later(settings):
        await log_of(api, operation_id)
    assert receiver.received[0].verified()["data"]["error"]["message"] == "OPERATION_CANCELLED"


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


@pytest.mark.shared(False)
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
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(callback_target, "SUBMISSION_SECONDS", PATIENCE_SECONDS)  # one not resolved by then is accepted
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


async def test_what_cannot_be_delivered_again_is_said(api, receiver, storage: Storage):
    assert_problem(await redeliver(api, "pop_0"), 404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND")
    assert_problem(await api.get("/operations/pop_0/callbacks"), 404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND")
    silent = await submitted(api, a_body())
    assert_problem(await redeliver(api, silent), 409, "OPERATION_HAS_NO_CALLBACK")
    assert_problem(await api.get(f"/operations/{silent}/callbacks"), 404, "OPERATION_HAS_NO_CALLBACK")
    assert (await api.get(f"/operations/{silent}")).json()["links"]["callbacks"] is None
    open_one = await submitted(api, asking(receiver))
    assert_problem(await redeliver(api, open_one), 409, "OPERATION_NOT_TERMINAL")


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
