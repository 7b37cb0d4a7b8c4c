"""The access log: one line for each request under /rebalance, whatever becomes of it, and nothing of what it says."""

import asyncio
import json
import subprocess
import sys
import uuid

import pytest
from builders import a_body
from issuer import EVERY_SCOPE, bearer
from raw_http import answer_to
from structlog.testing import capture_logs
from waiting import PATIENCE_SECONDS

P = "/rebalance/proposals"
SECRET = "s3cret-4711"  # noqa: S105 -- what must not be logged


@pytest.fixture
def logged():
    with capture_logs() as records:
        yield lambda: [record for record in records if record["event"] == "request"]


def told(record: dict) -> dict:
    """The line without what every one has."""
    assert record.pop("log_level") == "info"
    assert record.pop("duration_ms") >= 0
    assert record.pop("event") == "request"
    return record


LOCAL = {"client": "local", "subject": "local"}


async def test_a_line_has_route_ids_status_and_caller(api, logged):
    operation_id = (await api.submit(a_body())).json()["operation_id"]
    await api.get(f"/operations/{operation_id}", include_result="false")
    await api.http.head(f"{P}/operations/{operation_id}")
    await api.get("/pp_1/versions/7")
    await api.get("/operations/by-correlation/crm/case%204711")
    await api.http.get("/health/live")
    one = f"{P}/operations/{{operation_id}}"
    assert [told(record) for record in logged()] == [
        {"method": "POST", "route": f"{P}/async", "status": 202} | LOCAL,
        {"method": "GET", "route": one, "status": 200, "operation_id": operation_id} | LOCAL,
        {"method": "HEAD", "route": one, "status": 200, "operation_id": operation_id} | LOCAL,
        {
            "method": "GET",
            "route": f"{P}/{{proposal_id}}/versions/{{version_no}}",
            "status": 404,
            "proposal_id": "pp_1",
            "version_no": "7",
        }
        | LOCAL,
        {
            "method": "GET",
            "route": f"{P}/operations/by-correlation/{{correlation_id}}",
            "status": 404,
            "correlation_id": "crm/case%204711",
        }
        | LOCAL,
    ]


async def test_a_token_names_client_and_subject_and_one_that_is_missing_nobody(secured, logged):
    headers = bearer("advisor 1", client_id="crm", scope=f"{EVERY_SCOPE} actors:any")
    await secured.http.get(f"{P}/operations", headers=headers)
    await secured.http.get(f"{P}/operations")
    await secured.http.get(f"{P}/operations", headers=bearer("advisor_1", client_id="crm", scope="proposals:read"))
    assert [(line["status"], line["client"], line["subject"]) for line in logged()] == [
        (200, "crm", "advisor%201"),
        (401, None, None),
        (403, "crm", "advisor_1"),
    ]


async def test_refused_requests_have_their_line(settings, serve, logged):
    update = {"max_body_bytes": 1024, "max_open_operations": 1}
    async with serve(settings.model_copy(update=update)) as api:
        small = a_body(simulate_request={})
        await api.post("/async", small, **{"Idempotency-Key": "k"})
        await api.http.post(f"{P}/async", content=b"x" * 2000, headers={"Content-Type": "application/json"})
        await api.http.get("/rebalance/nothing")
        await api.http.get("/rebalance")
        await api.http.delete(f"{P}/operations")
        await api.http.get(f"{P}/operations", headers={"Host": "a b"})
        await api.http.get(f"{P}/operations/pop_7/runs/3", headers={"X-Correlation-Id": "a b"})
        await api.http.get("/rebalances")
    assert [(line["status"], line["route"]) for line in logged()] == [
        (422, f"{P}/async"),
        (413, f"{P}/async"),
        *[(404, "unmatched")] * 2,
        (405, f"{P}/operations"),
        (400, f"{P}/operations"),
        (422, f"{P}/operations/{{operation_id}}/runs/{{run_no}}"),
    ]
    assert (logged()[-1]["operation_id"], logged()[-1]["run_no"]) == ("pop_7", "3")


async def test_a_full_house_is_a_line_with_429(settings, serve, logged):
    async with serve(settings.model_copy(update={"max_open_operations": 1})) as api:
        await asyncio.gather(*(api.submit(a_body()) for _ in range(3)))
    assert sorted(line["status"] for line in logged()) == [202, 429, 429]


async def test_a_client_that_disconnects_has_its_line(api, logged):
    operation_id = (await api.submit(a_body())).json()["operation_id"]
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(f"GET {P}/operations/{operation_id}?wait=60 HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    await writer.drain()
    await asyncio.sleep(0.5)
    writer.close()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(logged()) < 2:
            await asyncio.sleep(0.05)
    assert (logged()[1]["status"], logged()[1]["operation_id"]) == (499, operation_id)
    reader.feed_eof()


async def test_nothing_of_a_body_a_query_or_a_header_is_in_a_line(api, logged):
    await api.post("/async", a_body(created_by=SECRET), **{"Idempotency-Key": SECRET, "X-Correlation-Id": SECRET})
    await api.get("", portfolio_id=SECRET, created_by=SECRET)
    await api.get(f"/idempotency/{SECRET}")
    await api.http.get(f"{P}/{SECRET}/nothing/here", headers={"Authorization": f"Bearer {SECRET}"})
    assert len(logged()) == 4
    assert SECRET not in json.dumps(logged())


async def test_it_can_be_turned_off(settings, serve, logged):
    async with serve(settings.model_copy(update={"access_log": False})) as api:
        assert (await api.submit(a_body())).status_code == 202
    assert logged() == []


HOSTILE = '"}\n{"event":"forged"}\r\x1b[31m\u2028\x85 status=200 subject=admin\udc80'
SCRIPT = f"""
from api.http.access_log import log_access
from domain.access import Caller
from runtime.telemetry import configure_logging
configure_logging(level="INFO", format=__import__("sys").argv[1])
caller = Caller(client={HOSTILE!r}, subject={HOSTILE!r} * 50, scopes=frozenset())
scope = {{"path": "/rebalance/x", "state": {{"caller": caller}}, "path_params": {{"proposal_id": {HOSTILE!r}}}}}
log_access(scope, method="GET", route="/rebalance/{{proposal_id}}", status=404, seconds=0.001)
"""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_id_and_no_subject_can_forge_a_line_or_a_field(log_format):
    ran = subprocess.run([sys.executable, "-c", SCRIPT, log_format], capture_output=True, text=True, check=True)
    (line,) = ran.stderr.splitlines()
    assert "\x1b[31m\u2028" not in line
    assert "status=200" not in line
    assert "subject=admin" not in line
    assert len(line) < 5000
    if log_format == "json":
        record = json.loads(line)
        assert record["event"] == "request"
        assert record["subject"].startswith("%22%7D%0A%7B%22event%22:%22forged%22%7D%0D%1B%5B31m")


async def test_each_request_has_one_line_however_many_come_at_once(api, logged):
    ids = [f"pop_{uuid.uuid4().hex}" for _ in range(20)]
    await asyncio.gather(*(api.get(f"/operations/{one}") for one in ids))
    assert sorted(line["operation_id"] for line in logged()) == sorted(ids)


@pytest.mark.parametrize(
    ("sent", "route"),
    [
        (f"GET {P} HTTP/1.1\r\nHost: x\r\n{SECRET}\r\n\r\n", P),
        (f"G@T {P}/{SECRET} HTTP/1.1\r\nHost: x\r\n\r\n", "unmatched"),
        ("\x16\x03\x01\x02\x00\x01\x00", "unmatched"),  # how a client of TLS begins
    ],
)
async def test_what_the_parser_refuses_has_a_line_too(api, logged, sent, route):
    assert (await answer_to(api, sent)).status_code == 400
    [record] = logged()
    assert told(record) == {"method": "OTHER", "route": route, "status": 400, "client": None, "subject": None}
