"""Hostile clients, in a process of their own: what they cost the others is not to be what they cost the measuring."""

import asyncio
import json
import os
import statistics
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx2

from bench.load import PREFIX, SAMPLE

BODY_BYTES = 8 * 1024 * 1024 - 1024
ROWS = 13_000
AT_LEAST_SECONDS = 12.0  # an attack of one second leaves the others no hundred answers to take a p99 of


def client_of(url: str, connections: int = 10) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx2.AsyncClient(base_url=url, timeout=120, trust_env=False, limits=limits)


async def submit(http: httpx2.AsyncClient, content: bytes | None = None, **headers: str) -> httpx2.Response:
    headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"} | headers
    return await http.post(f"{PREFIX}/async", content=content or json.dumps(SAMPLE).encode(), headers=headers)


def filled(part: str, *, before: str = "", after: str = "") -> bytes:
    count = (BODY_BYTES - len(before) - len(after)) // len(part)
    return f"{before}{part * count}".encode().rstrip(b",") + after.encode()


def valid_rows() -> bytes:
    body = json.loads(json.dumps(SAMPLE))
    names = [f"I{number:06}" for number in range(ROWS)]
    request = body["simulate_request"]
    for rows, extra in (
        (request["portfolio_snapshot"]["positions"], {"quantity": "10"}),
        (request["market_data_snapshot"]["prices"], {"price": "5.00", "currency": "SGD"}),
        (request["shelf_entries"], {"status": "APPROVED", "asset_class": "EQUITY", "attributes": {"note": "x" * 400}}),
    ):
        rows += [{"instrument_id": name, **extra} for name in names]
    return json.dumps(body).encode()


def rows_without_fields() -> bytes:
    head, _, tail = json.dumps(SAMPLE).partition('"positions": [')
    return f'{head}"positions": ['.encode() + filled("{},", after="," + tail)


def numbered_members() -> bytes:
    return ("{" + ",".join(f'"{number}":{{}}' for number in range(640_000)) + "}").encode()


LARGE_BODIES: dict[str, Callable[[], bytes]] = {
    "50 x 8 MiB: valid, 39,000 rows": valid_rows,
    "50 x 8 MiB: valid, padded": lambda: json.dumps(SAMPLE | {"padding": "x" * (BODY_BYTES - 10_000)}).encode(),
    "50 x 8 MiB: no JSON": lambda: os.urandom(BODY_BYTES),
    "50 x 8 MiB: nested without end": lambda: b"[" * BODY_BYTES,
    "50 x 8 MiB: a text without an end": lambda: b"[" * 65 + b'"' + b'\\"' * (BODY_BYTES // 2 - 100),
    "50 x 8 MiB: empty objects": lambda: filled("{},", before="[", after="]"),
    "50 x 8 MiB: numbered members": numbered_members,
    "50 x 8 MiB: one-member objects": lambda: filled('{"":0},', before="[", after="]"),
    "50 x 8 MiB: rows without fields": rows_without_fields,
}


async def fifty_large(url: str, name: str) -> str:
    body = LARGE_BODIES[name]()
    answers: list[httpx2.Response] = []
    rounds, began = 0, time.perf_counter()
    async with client_of(url, 50) as http:
        while (took := time.perf_counter() - began) < AT_LEAST_SECONDS:
            answers += await asyncio.gather(*(submit(http, body) for _ in range(50)))
            rounds += 1
    return f"{rounds} times: {statuses(answers)} in {took:.0f} s"


async def one_key(url: str, _: str) -> str:
    answers: list[httpx2.Response] = []
    keys, began = 0, time.perf_counter()
    async with client_of(url, 200) as http:
        while (took := time.perf_counter() - began) < AT_LEAST_SECONDS:
            key = uuid.uuid4().hex
            answers += await asyncio.gather(*(submit(http, **{"Idempotency-Key": key}) for _ in range(1000)))
            keys += 1
    operations = {answer.json().get("operation_id") for answer in answers}
    return f"{keys} keys: {statuses(answers)}, {len(operations)} operations, {took:.1f} s"


async def shared_correlation(url: str, _: str) -> str:
    correlation_id = uuid.uuid4().hex
    slots = asyncio.Semaphore(10)
    async with client_of(url) as http:

        async def one() -> httpx2.Response:
            async with slots:
                return await submit(http, **{"X-Correlation-Id": correlation_id})

        await asyncio.gather(*(one() for _ in range(1000)))
        newest = await one()
        took = []
        for _ in range(50):
            began = time.perf_counter()
            found = await http.get(f"{PREFIX}/operations/by-correlation/{correlation_id}?include_result=false")
            took.append((time.perf_counter() - began) * 1000)
    is_newest = found.json()["operation_id"] == newest.json()["operation_id"]
    return f"by-correlation answers the newest: {is_newest}, p50 {statistics.median(took):.1f} ms"


async def unread(url: str, name: str) -> str:
    """Connections that send so much and then neither send nor read anything."""
    count, sent = RAW[name]
    port = int(url.rsplit(":", 1)[1])
    connections = [await asyncio.open_connection("127.0.0.1", port, limit=UNREAD_LIMIT) for _ in range(count)]
    for _, writer in connections:
        writer.write(sent)
        writer.transport.pause_reading()
    await asyncio.sleep(UNREAD_SECONDS)
    for _, writer in connections:
        writer.transport.resume_reading()
    ends = await asyncio.gather(
        *(asyncio.wait_for(reader.read(), 1) for reader, _ in connections), return_exceptions=True
    )
    left = sum(isinstance(end, TimeoutError) for end in ends)
    for _, writer in connections:
        writer.transport.abort()
    return f"{count} connections, {left} left after {UNREAD_SECONDS:.0f} s"


def statuses(answers: list[httpx2.Response]) -> dict[int, int]:
    return dict(sorted(Counter(answer.status_code for answer in answers).items()))


UNREAD_SECONDS = 36.0
UNREAD_LIMIT = 1 << 30
POST = f"POST {PREFIX}/async HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = f"{POST}Transfer-Encoding: chunked\r\n\r\n"
WAIT = f"GET {PREFIX}/operations/by-correlation/nobody?wait=1 HTTP/1.1\r\nHost: x\r\n\r\n"
RAW = {
    "trailers without end": (8, f"{CHUNKED}0\r\n".encode() + b"a:\r\n" * 1_600_000),
    "chunks of one byte": (8, CHUNKED.encode() + b"1\r\nx\r\n" * 1_000_000),
    "fields without end": (200, b"GET /health/live HTTP/1.1\r\n" + b"a:\r\n" * 16_000),
    "bodies that are only declared": (70, f"{POST}Content-Length: 8000000\r\n\r\n".encode()),
    "slow heads": (200, b"GET /health/live HT"),
    "slow bodies": (50, f"{POST}Content-Length: 8000000\r\n\r\n{{".encode()),
    "waits that never read": (50, (WAIT * 3000).encode()),
}
ATTACKS: dict[str, Callable[[str, str], Awaitable[str]]] = {
    **dict.fromkeys(LARGE_BODIES, fifty_large),
    "1,000 submissions with one key": one_key,
    "one correlation id for 1,000 operations": shared_correlation,
    **dict.fromkeys(RAW, unread),
}


def attack(url: str, name: str) -> str:
    """What the attackers got; made for a process of its own."""
    return asyncio.run(ATTACKS[name](url, name))
