"""What clients get for bad input: the contract's status and body, nothing stored, never a 400, never a 500."""

import asyncio
import json
import re
import selectors
import uuid

import pytest
import structlog
from answers import assert_problem, stored
from builders import a_body
from fastapi import Request
from issuer import bearer
from waiting import PATIENCE_SECONDS

from api.http import body as api_body
from api.http import limits
from api.http.http_errors import RequestRefused
from services.lookup import LookupService

pytestmark = pytest.mark.shared

ASYNC = "/rebalance/proposals/async"
DEEP = "[" * 10_000 + "]" * 10_000


def a_text(**changes) -> str:
    return json.dumps(a_body(**changes))


def with_trade(text: str) -> bytes:
    """The sample with raw JSON text as the quantity of its trade."""
    return a_text().replace('"quantity": "2"', f'"quantity": {text}').encode()


async def post(api, content: bytes | str, **headers):
    sent = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex} | headers
    return await api.http.post(ASYNC, content=content, headers=sent)


@pytest.mark.parametrize(
    ("content", "loc", "kind"),
    [
        (b"{", ["body", 1], "json_invalid"),
        (b"nonsense", ["body", 0], "json_invalid"),
        (a_text()[:-1].encode() + b', "x": NaN}', ["body", 0], "json_invalid"),
        (a_text()[:-1].encode() + b', "x": -Infinity}', ["body", 0], "json_invalid"),
        (DEEP.encode(), ["body", 0], "json_invalid"),
        (b'{"created_by": "\xff\xfe"}', ["body", 16], "json_invalid"),
        (a_text(unknown=0).replace('"unknown": 0', f'"unknown": {"9" * 19}').encode(), ["body"], "json_invalid"),
        (b"", ["body"], "missing"),
        (b"[]", ["body"], "model_attributes_type"),
        (b"{}", ["body", "created_by"], "missing"),
        (a_text(created_by=7).encode(), ["body", "created_by"], "string_type"),
        (a_text(created_by="x" * 256).encode(), ["body", "created_by"], "string_too_long"),
        (a_text(metadata={"title": "x" * 501}).encode(), ["body", "metadata", "title"], "string_too_long"),
        (
            a_text(metadata={"advisor_notes": "x" * 10_001}).encode(),
            ["body", "metadata", "advisor_notes"],
            "string_too_long",
        ),
        (a_text(created_by="nul\x00").encode(), ["body", "created_by"], "string_unicode"),
        (a_text(created_by="\ud800").encode(), ["body", "created_by"], "string_unicode"),
        (a_text(**{"k\x00": 1}).encode(), ["body"], "string_unicode"),
    ],
)
async def test_a_body_that_is_no_request(api, database_dsn, content, loc, kind):
    problem = assert_problem(await post(api, content), 422, "VALIDATION_FAILED")
    assert (loc, kind) in [(item["loc"], item["type"]) for item in problem["detail"]]
    assert stored(database_dsn) == 0


TRADE = ["body", "simulate_request", "proposed_trades", 0]


@pytest.mark.parametrize(
    ("quantity", "kind"),
    [
        ("1.5", "value_error"),
        ("true", "decimal_type"),
        ('"abc"', "decimal_parsing"),
        ('"NaN"', "finite_number"),
        ("-1", "greater_than"),
        ("9" * 19, "decimal_whole_digits"),
        ('"1E-25"', "decimal_max_places"),
    ],
)
async def test_a_decimal_that_is_none(api, database_dsn, quantity, kind):
    problem = assert_problem(await post(api, with_trade(quantity)), 422, "VALIDATION_FAILED")
    assert [(item["loc"], item["type"]) for item in problem["detail"]] == [([*TRADE, "quantity"], kind)]
    if kind == "value_error":
        assert "PROPOSAL_INVALID_TRADE_INPUT" in problem["detail"][0]["msg"]
    assert quantity.strip('"') not in json.dumps(problem["detail"])
    assert stored(database_dsn) == 0


@pytest.mark.shared(False)
async def test_a_long_integer_is_fine_where_it_is_a_decimal(api):
    assert (await post(api, with_trade("1" + "0" * 17))).status_code == 202


async def test_every_error_is_listed_and_contradictions_only_when_nothing_else_is_wrong(api):
    body = a_body()
    price = {"instrument_id": "A", "price": "51.00", "currency": "SGD"}
    body["simulate_request"]["market_data_snapshot"]["prices"].append(price)
    alone = assert_problem(await post(api, json.dumps(body)), 422, "VALIDATION_FAILED")
    place = ["body", "simulate_request", "market_data_snapshot", "prices", 1]
    assert [(item["loc"], item["type"]) for item in alone["detail"]] == [(place, "value_error")]
    assert alone["detail"][0]["msg"].startswith("PROPOSAL_INVALID_INPUT: ")
    assert "51.00" not in alone["detail"][0]["msg"]
    body.pop("created_by")
    body["metadata"] = {"title": 7}
    several = assert_problem(await post(api, json.dumps(body)), 422, "VALIDATION_FAILED")
    assert [item["loc"] for item in several["detail"]] == [["body", "created_by"], ["body", "metadata", "title"]]


async def test_a_clients_own_keys_are_not_told_back(api):
    body = a_body()
    body["simulate_request"]["shelf_entries"][0]["attributes"] = {"secret_key_of_client": 7}
    problem = assert_problem(await post(api, json.dumps(body)), 422, "VALIDATION_FAILED")
    assert problem["detail"][0]["loc"] == ["body", "simulate_request", "shelf_entries", 0, "attributes"]


async def test_a_body_that_is_too_large(api, database_dsn):
    assert_problem(await post(api, b" " * (10 * 1024 * 1024)), 413, "REQUEST_ENTITY_TOO_LARGE")

    async def endless():
        for _ in range(640):
            yield b" " * 16_384

    assert_problem(await post(api, endless()), 413, "REQUEST_ENTITY_TOO_LARGE")
    assert stored(database_dsn) == 0


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", "application/json; charset=latin-1"])
async def test_a_body_of_another_type(api, content_type):
    assert_problem(await post(api, a_text(), **{"Content-Type": content_type}), 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(("limit", "seconds"), [("RECEIVE_SECONDS", 0.3), ("PACE_SECONDS", 0.3)])
async def test_a_body_that_does_not_come(api, monkeypatch, limit, seconds):
    monkeypatch.setattr(api_body, limit, seconds)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(
        f"POST {ASYNC} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n"
        "Content-Length: 100\r\n\r\n{".encode()
    )
    answer = (await asyncio.wait_for(reader.read(), 20)).decode()
    assert answer.startswith("HTTP/1.1 408 ")
    assert '"code": "REQUEST_TIMEOUT"' in answer
    writer.close()


class Clock(selectors.DefaultSelector):
    """Jumps to the next timer of its event loop instead of waiting for it: no pause of the machine moves it."""

    now = 0.0

    def select(self, timeout=None):
        self.now += timeout or 0.0
        return super().select(0)


@pytest.mark.parametrize(
    ("size", "seconds", "is_received"),
    [
        (100, api_body.PACE_SECONDS * 1.5, False),
        (8_000, api_body.PACE_SECONDS * 1.5, True),
        (8_000, api_body.RECEIVE_SECONDS * 1.5, False),
    ],
)
def test_a_body_that_comes_slowly(size, seconds, is_received):
    """Twice a second a piece: one or eighty thousand bytes in five seconds, where five thousand are asked for."""
    pieces = int(seconds * 2)
    left = iter(range(pieces, -1, -1))

    async def receive():
        await asyncio.sleep(0.5)
        return {"type": "http.request", "body": b" " * size, "more_body": next(left) > 0}

    async def received() -> bytes:
        with api_body.UnreadBodies().reserved(None) as reservation:
            return await api_body._received(Request({"type": "http"}, receive), 1_000_000, reservation)

    loop = asyncio.SelectorEventLoop(clock := Clock())
    loop.time = lambda: clock.now
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        if is_received:
            assert len(runner.run(received())) == size * (pieces + 1)
        else:
            with pytest.raises(RequestRefused, match="REQUEST_TIMEOUT"):
                runner.run(received())


@pytest.fixture
def patient_door(monkeypatch):
    """Bodies that a test holds back may come as late as they like."""
    for limit in ("RECEIVE_SECONDS", "PACE_SECONDS"):
        monkeypatch.setattr(api_body, limit, PATIENCE_SECONDS)


async def until_unread(api, least: int) -> None:
    """Until so many bytes of bodies have arrived."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            page = (await api.http.get("/metrics")).text
            (unread,) = re.findall(r"^proposals_unread_body_bytes (.*)$", page, re.MULTILINE)
            if float(unread) >= least:
                return
            await asyncio.sleep(0.02)


async def test_room_for_bodies_is_what_has_arrived(api, patient_door, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNREAD_BYTES", 10_000)
    head = f"POST {ASYNC} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(f"{head}Idempotency-Key: k\r\nContent-Length: 9999\r\n\r\n{{".encode())
    await until_unread(api, 1)
    assert (await post(api, a_text())).status_code == 202
    writer.write(b" " * 9_900)
    await until_unread(api, 9_901)
    refused = await post(api, a_text())
    assert_problem(refused, 503, "SERVER_BUSY")
    assert refused.headers["Retry-After"] == "1"

    async def undeclared():
        yield a_text().encode()

    assert_problem(await post(api, undeclared()), 503, "SERVER_BUSY")
    writer.close()


async def test_one_client_has_half_of_the_room(secured, patient_door, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNREAD_BYTES", 20_000)
    mine, others = (bearer(client_id=client) for client in ("greedy", "modest"))
    fields = "".join(f"{name}: {value}\r\n" for name, value in mine.items())
    head = f"POST {ASYNC} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{fields}"
    _, writer = await asyncio.open_connection("127.0.0.1", secured.port)
    writer.write(f"{head}Idempotency-Key: k\r\nContent-Length: 9900\r\n\r\n{{".encode() + b" " * 9_800)
    await until_unread(secured, 9_801)
    assert_problem(await post(secured, a_text(), **mine), 503, "SERVER_BUSY")
    assert (await post(secured, a_text(created_by="advisor_1"), **others)).status_code == 202
    writer.close()


async def test_bodies_of_undeclared_size_take_only_the_room_they_need(api, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNREAD_BYTES", 8_000)

    async def in_pieces():
        yield a_text().encode()

    answers = await asyncio.gather(*(post(api, in_pieces()) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {202}


PLACED = [
    ('"created_by": "a", "created_by": "b"', ["body", "created_by"]),
    ('"\\u0063reated_by": "a", "created_by": "b"', ["body", "created_by"]),
    ('"metadata": {"title": "a", "jurisdiction": "b", "title": "a"}', ["body", "metadata", "title"]),
    ('"secret": {"of": [{"client": 1, "client": 1}]}', ["body"]),
    ('"metadata": {"secret": 1, "secret": 2}', ["body", "metadata"]),
    ('"metadata": {"a": {"b": 1, "b": 2}}, "metadata": {}', ["body", "metadata"]),
]


@pytest.mark.parametrize("size", [0, 300_000])
@pytest.mark.parametrize(("members", "loc"), PLACED)
async def test_a_member_that_stands_twice(api, database_dsn, members, loc, size):
    content = "{" + members + ", " + json.dumps({"simulate_request": {}})[1:] + " " * size
    problem = assert_problem(await post(api, content), 422, "VALIDATION_FAILED")
    assert [(item["loc"], item["type"]) for item in problem["detail"]] == [(loc, "json_invalid")]
    assert "secret" not in json.dumps(problem)
    assert stored(database_dsn) == 0


async def test_a_member_that_stands_twice_decides_nothing(api, worker):
    created = await api.created()
    path = f"/rebalance/proposals/{created['proposal']['proposal_id']}/approvals"
    decision = (
        '{"approval_type": "RISK", "approved": false, "actor_id": "r", "details": {"a": {"b": 1, "b": 1}},'
        ' "\\u0061pproved": true}'
    )
    answer = await api.http.post(path, content=decision, headers={"Content-Type": "application/json"})
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert [item["loc"] for item in problem["detail"]] == [["body", "approved"], ["body", "details"]]
    assert (await api.http.get(path)).json()["approvals"] == []


async def test_a_text_without_an_end_is_looked_at_once(api):
    """From each of its quotes on again, this would take hours."""
    text = "[" * 65 + '"' + '\\"' * 120_000
    async with asyncio.timeout(20):
        assert_problem(await post(api, text), 422, "VALIDATION_FAILED")


@pytest.mark.parametrize("key", [None, '""', "with space", "ä", "x" * 256])
async def test_an_idempotency_key_that_is_none(api, database_dsn, key):
    headers = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": key.encode()})
    answer = await api.http.post(ASYNC, content=a_text(), headers=headers)
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert problem["detail"][0]["loc"] == ["header", "Idempotency-Key"]
    assert stored(database_dsn) == 0


@pytest.mark.parametrize("correlation_id", ["it's", "a b", "x" * 129, "a,b", "<x>"])
async def test_a_correlation_id_that_is_none(api, database_dsn, correlation_id):
    answer = await post(api, a_text(), **{"X-Correlation-Id": correlation_id})
    problem = assert_problem(answer, 422, "CORRELATION_ID_INVALID")
    assert problem["correlation_id"].startswith("corr_")
    assert problem["detail"].startswith("CORRELATION_ID_INVALID: X-Correlation-Id must be ")
    assert stored(database_dsn) == 0


@pytest.mark.parametrize("path", ["/health/live", "/nowhere", "/rebalance/proposals/operations/x"])
async def test_every_answer_echoes_or_makes_a_correlation_id(api, path):
    assert (await api.http.get(path, headers={"X-Correlation-Id": "mine"})).headers["X-Correlation-Id"] == "mine"
    assert (await api.http.get(path)).headers["X-Correlation-Id"].startswith("corr_")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/rebalance/proposals/operations/pop_0", "PROPOSAL_ASYNC_OPERATION_NOT_FOUND"),
        ("/rebalance/proposals/operations/pop_%00", "PROPOSAL_ASYNC_OPERATION_NOT_FOUND"),
        ("/rebalance/proposals/operations/%27%20OR%201=1", "PROPOSAL_ASYNC_OPERATION_NOT_FOUND"),
        ("/rebalance/proposals/operations/by-correlation/c'%20OR%20'1'='1", "PROPOSAL_ASYNC_OPERATION_NOT_FOUND"),
        ("/rebalance/proposals/operations/by-correlation/%00", "PROPOSAL_ASYNC_OPERATION_NOT_FOUND"),
        ("/rebalance/proposals/operations/by-correlation/%ED%A0%80", "PROPOSAL_ASYNC_OPERATION_NOT_FOUND"),
        ("/rebalance/proposals/pp_0", "PROPOSAL_NOT_FOUND"),
        ("/rebalance/proposals/%00", "PROPOSAL_NOT_FOUND"),
        ("/nowhere", "NOT_FOUND"),
        ("/health/live/", "NOT_FOUND"),
    ],
)
async def test_what_is_not_there(api, path, code):
    problem = assert_problem(await api.http.get(path), 404, code)
    assert problem["instance"] == path


async def test_a_method_that_is_not_allowed_says_which_is(api):
    answer = await api.http.delete(ASYNC)
    assert_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "OPTIONS, POST"  # of every address: test_methods.py
    reading = await api.http.get("/rebalance/proposals/pp_0/versions/async")
    assert_problem(reading, 405, "METHOD_NOT_ALLOWED")
    assert reading.headers["Allow"] == "OPTIONS, POST"


@pytest.mark.parametrize("query", ["wait=-1", "wait=abc", "wait=inf", "wait=1_0", "include_result=perhaps"])
async def test_a_query_that_is_none(api, query):
    answer = await api.http.get(f"/rebalance/proposals/operations/pop_0?{query}")
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert problem["detail"][0]["loc"] == ["query", query.partition("=")[0]]


@pytest.mark.parametrize("path", ["", "/operations"])
async def test_an_invalid_query_parameter_is_listed_once(api, path):
    answer = await api.get(path, limit=0, created_from="x")
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert [item["loc"] for item in problem["detail"]] == [["query", "created_from"], ["query", "limit"]]


async def test_errors_of_a_clients_own_keys_are_one(api):
    body = a_body()
    body["simulate_request"]["shelf_entries"][0]["attributes"] = {"a": 1, "b": 2, "c": 3}
    for content in (json.dumps(body), '{"metadata": {"a": 1, "a": 1, "b": 2, "b": 2}}'):
        assert len(assert_problem(await post(api, content), 422, "VALIDATION_FAILED")["detail"]) == 1


async def test_errors_of_header_and_body_are_listed_once_each(api):
    problem = assert_problem(await post(api, "{}", **{"Idempotency-Key": "a b"}), 422, "VALIDATION_FAILED")
    assert [item["loc"] for item in problem["detail"]] == [
        ["header", "Idempotency-Key"],
        ["body", "created_by"],
        ["body", "simulate_request"],
    ]


async def test_a_bug_is_answered_without_its_words(api, monkeypatch):
    async def fails(*_, **__):
        raise KeyError("secret of a client")

    monkeypatch.setattr(LookupService, "operation", fails)
    with structlog.testing.capture_logs() as logged:
        answer = await api.http.get("/rebalance/proposals/operations/pop_0")
    problem = assert_problem(answer, 500, "INTERNAL_SERVER_ERROR")
    assert problem["detail"].endswith("report the correlation id.")
    assert "secret" not in answer.text
    assert [record["event"] for record in logged] == ["request_failed", "request"]  # how it is written: tests/runtime
