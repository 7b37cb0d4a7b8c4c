"""Texts that attack a system behind the service: queries of Temporal, headers, paths."""

import asyncio
import re
from pathlib import Path

import pytest
from answers import assert_problem
from builders import a_body
from issuer import bearer

from api.http.headers import CORRELATION_ID

pytestmark = pytest.mark.shared

P = "/rebalance/proposals"
ROOT = Path(__file__).parents[2]
QUERIES = [
    "x' OR '1'='1",
    'x" OR CorrelationId != "y',
    "x` OR 1=1",
    "x) OR (1=1",
    "a b",
    "x\\",
    "x;",
    "x%27",
    "x*",
]


@pytest.mark.parametrize("text", QUERIES)
async def test_a_correlation_id_cannot_leave_the_quotes_of_a_query(api, text):
    answer = await api.submit(a_body(), **{"X-Correlation-Id": text})
    assert_problem(answer, 422, "CORRELATION_ID_INVALID")
    found = await api.http.get(f"{P}/operations", params={"correlation_id": text})
    assert (found.status_code, found.json()["items"]) == (200, [])


def test_no_legal_correlation_id_holds_what_ends_a_quoted_text():
    legal = {chr(code) for code in range(0x110000) if CORRELATION_ID.fullmatch(chr(code))}
    assert legal.isdisjoint("'\"`\\;()*% \t\r\n\x00")
    assert all(character.isascii() for character in legal)
    assert CORRELATION_ID.fullmatch("a\n") is None


def test_nobody_here_asks_visibility_by_a_query():
    """Who begins to must not put texts of clients into it; then this test is the place to say how."""
    packages = ("activities", "api", "cli", "domain", "runtime", "services", "storage", "worker", "workflows")
    asking = [
        str(path.relative_to(ROOT))
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"\b(?:list_workflows|count_workflows|list_workflow_executions)\b", path.read_text())
    ]
    assert asking == []


async def raw(port: int, *lines: bytes) -> tuple[int, bytes]:
    """Status and head of an answer to a request that no HTTP library would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\r\n".join((*lines, b"Host: a", b"Connection: close", b"", b"")))
    received = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    head = received.partition(b"\r\n\r\n")[0]
    return (int(head.split()[1]) if head else 0), head


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n ", b"\x00", b"\x0b", b"\xc2\x85"])
async def test_no_header_is_injected_by_a_correlation_id(api, end):
    line = b"X-Correlation-Id: a" + end + b"Set-Cookie: evil=1"
    status, head = await raw(api.port, b"GET /health/live HTTP/1.1", line)
    assert b"evil" not in head.replace(b"\r\n", b"\n").lower()
    assert status in (0, 200, 400, 422)


@pytest.mark.parametrize("text", ["a%0d%0aSet-Cookie:%20evil=1", "a%0aX: y", "%E2%80%A8Set-Cookie: evil"])
async def test_no_header_is_injected_by_a_path_or_a_query(secured, text):
    for path in (f"{P}/{text}", f"{P}/operations/{text}", f"{P}/operations?cursor={text}", f"{P}/idempotency/{text}"):
        answer = await secured.http.get(path, headers=bearer())
        assert answer.status_code in (404, 422), path
        assert "set-cookie" not in answer.headers
        assert "x" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        f"{P}/../proposals",
        f"{P}/%2e%2e/proposals",
        f"{P}/x/%2e%2e/%2e%2e/proposals",
        f"{P}/..%2fproposals",
        "/rebalance//proposals",
        "//rebalance/proposals",
        f"{P}/",
        f"{P}//operations",
        f"/%72ebalance/proposals{'/'}",
        "/REBALANCE/PROPOSALS",
        "/health/../rebalance/proposals",
        "/health/%2e%2e/rebalance/proposals",
        "/docs/assets/../../rebalance/proposals",
        "/docs/assets/%2e%2e/%2e%2e/rebalance/proposals",
        "/docs/assets/..%2f..%2f..%2fpyproject.toml",
        "/docs/assets//etc/passwd",
        f"{P}/%00",
        f"{P}/supportability/config/../../",
        f"{P};x=y",
        f"{P}%20",
        f"{P}/operations/%00/callbacks",
    ],
)
async def test_no_spelling_of_a_path_gets_round_the_guard(secured, path):
    """Without a token: an address that is open, none at all, or 401."""
    status, _ = await raw(secured.port, f"GET {path} HTTP/1.1".encode())
    assert status in (401, 404)


@pytest.mark.parametrize("path", [f"{P}/%00", f"{P}/operations/%00", f"{P}/idempotency/%00", f"{P}/a%2f%2e%2e%2fb"])
async def test_what_cannot_be_an_id_is_not_found(secured, path):
    assert (await secured.http.get(path, headers=bearer())).status_code == 404


@pytest.mark.parametrize("spelt", [b"/%72ebalance/proposals", b"/rebalance/proposal%73"])
async def test_another_spelling_of_an_address_is_guarded_as_well(secured, spelt):
    status, _ = await raw(secured.port, b"GET " + spelt + b" HTTP/1.1")
    assert status == 401


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"])
async def test_no_other_method_gets_round_the_guard(secured, method):
    answer = await secured.http.request(method, P)
    assert answer.status_code == {"HEAD": 401, "OPTIONS": 204}.get(method, 405)
    assert answer.content == b"" or method not in ("HEAD", "OPTIONS")


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix"])
async def test_headers_of_proxies_change_nothing(secured, name):
    answer = await secured.http.get(P, headers={name: "/health/live", "X-Forwarded-For": "127.0.0.1"})
    assert_problem(answer, 401, "UNAUTHENTICATED")
