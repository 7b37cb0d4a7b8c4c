"""Closed-loop clients: each has one create in flight, and begins the next when that has ended."""

import asyncio
import json
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, Self

import httpx2

PREFIX: Final = "/rebalance/proposals"
SAMPLE: Final = json.loads((Path(__file__).parent.parent / "examples" / "create_proposal.json").read_text())
WAIT_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Create:
    """Seconds from the request to the promise, and to the end; `answered_at` is Unix time."""

    mark: str
    submit: float
    done: float
    answered_at: float


class Client(Protocol):
    """One in a closed loop. `mark` names a create once and for all; it is its key, too."""

    async def submit(self, mark: str) -> Any: ...

    async def finish(self, accepted: Any) -> None: ...


Connect = Callable[[int], AbstractAsyncContextManager[Client]]


class HttpClient:
    """With one connection, as a program of a client's has it."""

    def __init__(self, url: str, *, sample: Mapping[str, Any] = SAMPLE) -> None:
        self._sample = sample
        limits = httpx2.Limits(max_connections=1, max_keepalive_connections=1)
        self._http = httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False, limits=limits)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def submit(self, mark: str) -> str:
        """The URL of the operation."""
        headers = {"Idempotency-Key": mark, "Content-Type": "application/json"}
        accepted = await self._http.post(f"{PREFIX}/async", content=body_of(mark, self._sample), headers=headers)
        accepted.raise_for_status()
        url: str = accepted.json()["status_url"]
        return url

    async def finish(self, accepted: str) -> None:
        while True:
            answer = await self._http.get(accepted, params={"wait": WAIT_SECONDS, "include_result": "false"})
            answer.raise_for_status()
            status = answer.json()["status"]
            if status == "SUCCEEDED":
                return
            if status == "FAILED":
                raise RuntimeError(f"{accepted} FAILED")


def body_of(mark: str, sample: Mapping[str, Any] = SAMPLE) -> bytes:
    """Every create has a document of its own, as clients' requests do; the mark is its proposal's title."""
    return json.dumps({**sample, "metadata": sample["metadata"] | {"title": mark}}).encode()


def marks(count: int) -> Iterator[str]:
    return (uuid.uuid4().hex for _ in range(count))


async def closed_loop(connect: Connect, *, clients: int, count: int) -> list[Create]:
    """`count` creates in all, by so many clients at once."""
    waiting, made = marks(count), []

    async def one(client: Client) -> None:
        for mark in waiting:
            began = time.perf_counter()
            accepted = await client.submit(mark)
            submitted = time.perf_counter()
            await client.finish(accepted)
            made.append(Create(mark, submitted - began, time.perf_counter() - began, time.time()))

    await with_clients(connect, clients, one)
    return made


async def with_clients(connect: Connect, clients: int, work: Callable[[Client], Awaitable[None]]) -> None:
    async def connected(number: int) -> None:
        async with connect(number) as client:
            await work(client)

    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(connected(number))


@dataclass(slots=True)
class Promises:
    """What clients of a service that crashes were promised, and what they never heard of."""

    accepted: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)


async def submit_until_killed(
    connect: Connect, *, clients: int, count: int, kill_after: int, kill: Callable[[], Awaitable[None]]
) -> Promises:
    """Submit without waiting for ends; after so many promises everything is killed, in the midst of the others."""
    promises, waiting, killed = Promises(), marks(count), asyncio.Event()

    async def one(client: Client) -> None:
        for mark in waiting:
            try:
                await client.submit(mark)
            except Exception:  # noqa: BLE001 -- whatever a dead server is to this client
                promises.unanswered.append(mark)
            else:
                promises.accepted.append(mark)
            if len(promises.accepted) >= kill_after and not killed.is_set():
                killed.set()
                await kill()
            if killed.is_set():
                return

    await with_clients(connect, clients, one)
    return promises


def milliseconds(seconds: list[float], *, percentile: int = 50) -> float:
    if len(seconds) == 1:
        return seconds[0] * 1000
    return statistics.quantiles(seconds, n=100, method="inclusive")[percentile - 1] * 1000
