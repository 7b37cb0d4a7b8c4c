"""Bodies of eight megabytes, and as much beside a body, cost the API no more than it has."""

import asyncio
import json
import re
import uuid
from pathlib import Path

import httpx2
import pytest
from builders import a_body
from http_clients import http_client
from processes.local.process_tree import descendants

pytestmark = pytest.mark.shared

SIZE = 8 * 1024 * 1024 - 64
MEMORY_MB = 500


def hostile_bodies() -> dict[str, bytes]:
    head, _, tail = json.dumps(a_body()).partition('"positions": [')
    return {
        "valid": json.dumps(a_body() | {"padding": "x" * (SIZE - 1000)}).encode(),
        "numbered": ("{" + ",".join(f'"{number}":{{}}' for number in range(600_000)) + "}").encode(),
        "empty": b"[" + b"{}," * (SIZE // 3) + b"{}]",
        "members": b"[" + b'{"":0},' * (SIZE // 7) + b"{}]",
        "rows": f'{head}"positions": ['.encode() + b"{}," * (SIZE // 3 - 1000) + tail.encode(),
        "deep": b"[" * SIZE,
    }


def high_water_mb(pid: int) -> int:
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) // 1024


async def test_large_bodies_at_once_leave_the_api_small_and_healthy(service):
    kinds = hostile_bodies()
    # One of each kind is read for a second; the others only fill what bodies may take while they wait.
    bodies = [*kinds.values(), *(kinds[name] for name in ("valid", "deep") for _ in range(3))]
    async with http_client(service.url) as http:

        async def post(body: bytes) -> httpx2.Response:
            headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
            return await http.post("/rebalance/proposals/async", content=body, headers=headers)

        attack = asyncio.gather(*(post(body) for body in bodies))
        while not attack.done():
            assert (await http.get("/health/ready")).status_code == 200
            await asyncio.sleep(0.1)
        answers = await attack
        # 408 is for a sender that stood still for five seconds: this process on a busy machine.
        assert {answer.status_code for answer in answers} <= {202, 408, 422, 503}
        assert {answer.status_code for answer in answers} & {202, 422}
        assert {answer.json()["code"] for answer in answers if answer.status_code == 503} <= {"SERVER_BUSY"}
        assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 503)
        assert (await post(json.dumps(a_body()).encode())).status_code == 202
    processes = [service.api.pid, *descendants(service.api.pid)]
    assert [high for high in map(high_water_mb, processes) if high >= MEMORY_MB] == []


async def test_trailers_without_end_leave_the_api_small_and_healthy(service):
    head = b"POST /rebalance/proposals/async HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    trailers = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + b"a:\r\n" * (SIZE // 2)
    async with http_client(service.url) as http:
        for number in range(4):
            reader, writer = await asyncio.open_connection("127.0.0.1", httpx2.URL(service.url).port)
            writer.write(head + f"Idempotency-Key: {number}\r\n".encode() + trailers)
            assert (await asyncio.wait_for(reader.readline(), 30)).startswith(b"HTTP/1.1 431 ")
            writer.transport.abort()
        assert (await http.get("/health/ready")).status_code == 200
    assert high_water_mb(service.api.pid) < MEMORY_MB
