"""What is sent again, with the same key and bytes, and what is not."""

import logging
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import httpx2
import pytest
from proposals_client import (
    ApiError,
    AsyncProposals,
    RateLimited,
    ServerError,
    ServiceUnreachable,
    Unauthenticated,
    Unavailable,
    repeats,
)
from proposals_client._sync import transport
from proposals_client.repeats import jittered_pause, retry_after_seconds
from scripted_service import GONE, Answer, ScriptedService

from cli.local.ports import free_port

ACCEPTED = Answer(202, {"operation_id": "pop_1", "correlation_id": "corr_1", "status": "PENDING"})
OUTAGE = Answer(503, {"code": "PROPOSAL_POSTGRES_CONNECTION_FAILED", "detail": "PROPOSAL_POSTGRES_CONNECTION_FAILED"})
FULL = Answer(429, {"code": "TOO_MANY_OPEN_OPERATIONS", "detail": "TOO_MANY_OPEN_OPERATIONS"})
REQUEST = {"created_by": "a", "simulate_request": {"note": "ü"}}
TRANSITION = {"proposal_id": "pp_1", "current_state": "DRAFT", "latest_workflow_event": None, "approval": None}

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def own_clock(monkeypatch):
    """Time that passes in pauses between repeats alone, however long the machine takes for the rest."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(transport, "time", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(repeats, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return lambda: now[0]


@pytest.mark.parametrize("first", [GONE, OUTAGE, FULL, Answer(502, b"<html>"), Answer(504, b""), Answer(408, {})])
def test_a_submission_is_sent_again_with_the_key_that_was_made_and_the_same_bytes(played, desk_of, first):
    played.answers = [first, first, ACCEPTED]

    operation = desk_of(played.url).submit(REQUEST, correlation_id="crm/1")

    assert len(played.asked) == 3
    assert {asked.headers["Idempotency-Key"] for asked in played.asked} == {operation.key}
    assert {asked.headers["X-Correlation-Id"] for asked in played.asked} == {"crm/1"}
    assert {asked.body for asked in played.asked} == {'{"created_by":"a","simulate_request":{"note":"ü"}}'.encode()}
    assert {asked.headers["User-Agent"] for asked in played.asked} == {"proposals-client/0.1.0"}


def test_each_submission_has_a_key_of_its_own_and_a_given_one_stays(played, desk_of):
    played.answers = [ACCEPTED]
    desk = desk_of(played.url)

    keys = [desk.submit(REQUEST).key, desk.submit(REQUEST).key, desk.submit(REQUEST, key="crm-4711").key]

    assert len(set(keys)) == 3
    assert keys[2] == "crm-4711"
    assert [asked.headers["Idempotency-Key"] for asked in played.asked] == keys


async def test_the_client_for_asyncio_repeats_alike(played):
    played.answers = [GONE, OUTAGE, ACCEPTED]

    async with AsyncProposals(played.url) as desk:
        operation = await desk.submit(REQUEST)

    assert {asked.headers["Idempotency-Key"] for asked in played.asked} == {operation.key}
    assert len({asked.body for asked in played.asked}) == 1
    assert len(played.asked) == 3


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500])
def test_what_will_not_change_is_not_sent_again(played, desk_of, status):
    played.answers = [Answer(status, {"detail": "NO"}), ACCEPTED]

    with pytest.raises(ApiError) as refused:
        desk_of(played.url).submit(REQUEST)

    assert (refused.value.status, len(played.asked)) == (status, 1)


def test_what_the_service_says_is_not_worth_a_repeat_is_not_sent_again(played, desk_of):
    played.answers = [Answer(503, {"code": "AUTHENTICATION_UNAVAILABLE", "detail": "-", "retryable": False}), ACCEPTED]

    with pytest.raises(Unavailable):
        desk_of(played.url).submit(REQUEST)

    assert len(played.asked) == 1


@pytest.mark.parametrize("first", [GONE, OUTAGE])
def test_a_decision_is_sent_again_because_it_has_a_key(played, desk_of, first):
    event = {"event_id": "pwe_1", "proposal_id": "pp_1", "event_type": "CANCELLED", "from_state": "DRAFT"}
    event |= {"to_state": "CANCELLED", "actor_id": "a", "occurred_at": "2026-02-22T12:00:00.000000+00:00", "reason": {}}
    event |= {
        "related_version_no": 1,
        "sequence": 2,
        "subject_hash": None,
        "previous_event_hash": "-",
        "event_hash": "-",
    }
    played.answers = [first, Answer(200, TRANSITION | {"latest_workflow_event": event})]

    desk_of(played.url, actor="a").transition("pp_1", "CANCELLED", version=1, expected_state="DRAFT")

    assert len({asked.headers["Idempotency-Key"] for asked in played.asked}) == 1
    assert len(played.asked) == 2


@pytest.mark.parametrize("action", ["cancel", "redeliver"])
def test_a_write_without_key_is_not_sent_again_when_its_outcome_is_not_known(played, desk_of, action):
    played.answers = [ACCEPTED]
    operation = desk_of(played.url).submit(REQUEST)
    for unknown, error in ((GONE, ServiceUnreachable), (OUTAGE, ServerError)):
        played.asked.clear()
        played.answers = [unknown, ACCEPTED]
        with pytest.raises(error):
            getattr(operation, action)()
        assert len(played.asked) == 1


def test_a_write_without_key_is_sent_again_when_nothing_was_done(played, desk_of):
    played.answers = [ACCEPTED]
    operation = desk_of(played.url).submit(REQUEST)
    played.answers = [FULL, Answer(202, ACCEPTED.body | {"status": "FAILED"})]

    assert operation.cancel().has_ended


def test_a_write_without_key_that_never_left_is_sent_again(desk_of, caplog, own_clock):
    caplog.set_level(logging.INFO, logger="proposals_client")
    with ScriptedService(free_port()).serving() as stopped:
        stopped.answers = [Answer(202, ACCEPTED.body, {"Connection": "close"})]
        operation = desk_of(stopped.url, repeat_seconds=1).submit(REQUEST)
    with pytest.raises(ServiceUnreachable) as unreachable:
        operation.cancel()
    assert not unreachable.value.was_sent
    assert len(caplog.records) > 1
    assert 0.4 < own_clock() < 1


def test_a_retry_of_an_operation_is_safe_to_repeat(played, desk_of):
    played.answers = [ACCEPTED]
    operation = desk_of(played.url).submit(REQUEST)
    played.answers = [GONE, OUTAGE, Answer(202, ACCEPTED.body | {"operation_id": "pop_2"})]

    assert operation.retry().id == "pop_2"


def test_retry_after_is_a_floor_and_what_takes_too_long_is_raised_at_once(played, desk_of):
    played.answers = [Answer(503, {}, {"Retry-After": "1"}), ACCEPTED]
    began = time.monotonic()
    desk_of(played.url).submit(REQUEST)
    assert time.monotonic() - began >= 1

    played.answers = [Answer(429, {"code": "REDELIVERY_TOO_SOON"}, {"Retry-After": "3600"})]
    began = time.monotonic()
    with pytest.raises(RateLimited) as limited:
        desk_of(played.url).submit(REQUEST)
    assert time.monotonic() - began < 30
    assert limited.value.retry_after == 3600


def test_repeats_end_with_the_last_error_and_its_key(played, desk_of, own_clock):
    played.answers = [OUTAGE]
    with pytest.raises(Unavailable) as down:
        desk_of(played.url, repeat_seconds=1).submit(REQUEST, key="k")
    assert (down.value.key, down.value.retryable) == ("k", True)
    assert len(played.asked) > 1
    assert 0.4 < own_clock() < 1

    played.answers = [GONE]
    with pytest.raises(ServiceUnreachable) as gone:
        desk_of(played.url, repeat_seconds=1).submit(REQUEST, key="k")
    assert (gone.value.key, gone.value.was_sent) == ("k", True)
    assert isinstance(gone.value, ConnectionError)


def test_an_answer_that_does_not_come_in_time_is_unreachable(desk_of):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ServiceUnreachable, match="did not answer"):
            desk_of(url, timeout=0.2, repeat_seconds=0).proposal("pp_1")


def test_pauses_grow_up_to_a_bound_and_are_spread_upward():
    for made, least in ((0, 0.001), (3, 0.008), (40, 1.024)):
        assert all(least <= jittered_pause(made, floor=0.0) <= least * 1.25 for _ in range(50))
    assert len({jittered_pause(0, floor=2.0) for _ in range(20)}) > 1
    assert all(2.0 <= jittered_pause(0, floor=2.0) <= 2.5 for _ in range(50))


@pytest.mark.parametrize(("given", "seconds"), [("7", 7), ("0", 0), ("-1", None), ("soon", None), (None, None)])
def test_retry_after_as_seconds(given, seconds):
    assert retry_after_seconds(httpx2.Response(503, headers={} if given is None else {"Retry-After": given})) == seconds


def test_retry_after_as_a_date():
    at = datetime.now(UTC) + timedelta(seconds=100)
    for moment, between in ((at, (60, 100)), (at - timedelta(days=1), (0, 0))):
        given = httpx2.Response(503, headers={"Retry-After": format_datetime(moment, usegmt=True)})
        assert between[0] <= retry_after_seconds(given) <= between[1]


def test_a_token_is_fetched_again_once_after_a_401(played, desk_of):
    tokens = iter(["first", "second", "third"])
    desk = desk_of(played.url, token=lambda: next(tokens))
    played.answers = [Answer(401, {"code": "UNAUTHENTICATED"}), ACCEPTED]
    desk.submit(REQUEST)
    assert [asked.headers["Authorization"] for asked in played.asked] == ["Bearer first", "Bearer second"]
    assert len({asked.headers["Idempotency-Key"] for asked in played.asked}) == 1

    played.asked.clear()
    played.answers = [Answer(401, {"code": "UNAUTHENTICATED"})]
    with pytest.raises(Unauthenticated):
        desk.submit(REQUEST)
    assert [asked.headers["Authorization"] for asked in played.asked] == ["Bearer second", "Bearer third"]


async def test_a_token_is_fetched_by_a_coroutine(played):
    tokens = iter(["first", "second"])

    async def fetch() -> str:
        return next(tokens)

    played.answers = [Answer(401, {"code": "UNAUTHENTICATED"}), ACCEPTED]
    async with AsyncProposals(played.url, token=fetch) as desk:
        await desk.submit(REQUEST)
    assert [asked.headers["Authorization"] for asked in played.asked] == ["Bearer first", "Bearer second"]


def test_a_fixed_token_is_not_sent_twice(played, desk_of):
    played.answers = [Answer(401, {"code": "UNAUTHENTICATED"})]
    options = {"token": "fixed"}
    with pytest.raises(Unauthenticated):
        desk_of(played.url, **options).submit(REQUEST)
    assert [asked.headers["Authorization"] for asked in played.asked] == ["Bearer fixed"]


def test_nothing_of_a_request_is_logged_or_shown(played, desk_of, caplog):
    caplog.set_level(logging.DEBUG)
    hidden = "nobody-may-read-this"
    played.answers = [OUTAGE, Answer(422, {"detail": "VALIDATION_FAILED"})]
    desk = desk_of(played.url, token=hidden)
    with pytest.raises(ApiError) as refused:
        desk.submit({"created_by": hidden})
    played.answers = [OUTAGE, Answer(422, {"detail": "VALIDATION_FAILED"})]
    with pytest.raises(ApiError):
        list(desk.proposals(portfolio_id="nobody-may-log-this"))
    ours = [record for record in caplog.records if record.name == "proposals_client"]
    assert [record.getMessage().split(" again ")[0] for record in ours] == [
        "POST /rebalance/proposals/async",
        "GET /rebalance/proposals",
    ]
    assert hidden not in caplog.text + repr(refused.value) + repr(desk) + str(refused.value)
    assert not any("nobody-may" in record.getMessage() for record in ours)
