"""Load that never gives up, kills that do not ask, and a verdict from the clients' own notes and from PostgreSQL."""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2
from batches import a_portfolio, an_analysis
from builders import a_body
from http_clients import http_client
from receiver import Receiver
from running_service import Clients, Service

TOGETHER = (1, 1, 2, 2, 3, 4)  # how many processes are killed at a time, drawn from these
CALLBACK_EVERY = 10  # one create in so many asks for a callback, which costs as much as the create itself
BATCH_EVERY = 10  # one request in so many is a batch
A_BATCH = an_analysis(*(a_portfolio(number) for number in range(60)))  # of three chunks


class Load:
    """Creates and batches at an even pace in a thread of its own; each is repeated with its key until its 202."""

    def __init__(self, service: Service, receiver: Receiver, *, a_second: float) -> None:
        self._service = service
        self._receiver = receiver
        self._a_second = a_second
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")
        self._failure: BaseException | None = None
        self._judged = 0
        self.accepted: dict[str, str] = {}
        self.called_back: set[str] = set()
        self.batches: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self.webhook_ids: dict[str, set[str]] = {}
        self.deliveries: Counter[str] = Counter()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begin no more creates, and wait until each that was begun has its 202."""
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def judge_callbacks(self) -> None:
        """Verify what has come since: a signature is only good for some minutes. Raises WebhookVerificationError."""
        received = self._receiver.received
        while self._judged < len(received):
            callback = received[self._judged]
            message = callback.verified()
            operation_id = message["data"]["operation_id"]
            self.webhook_ids.setdefault(operation_id, set()).add(callback.headers["webhook-id"])
            self.deliveries[operation_id] += 1
            self._judged += 1

    def _run(self) -> None:
        try:
            asyncio.run(self._submit_all())
        except BaseException as failure:  # noqa: BLE001 -- handed to the thread that asks for it
            self._failure = failure

    async def _submit_all(self) -> None:
        limits = httpx2.Limits(max_connections=200, max_keepalive_connections=50)
        async with http_client(self._service.url, timeout=10, limits=limits) as http:
            clients = Clients(self._service, http)
            under_way: set[asyncio.Task[str]] = set()
            due, number = time.monotonic(), 0
            while not self._stop.is_set():
                key = f"chaos-{number}"
                wants_callback = number % CALLBACK_EVERY == 0
                body = a_body(callback={"url": self._receiver.url}) if wants_callback else a_body()
                if number % BATCH_EVERY == BATCH_EVERY // 2:
                    self.batches.add(key)
                    task = asyncio.create_task(clients.submit(key, A_BATCH, path="/analyze/async"))
                else:
                    task = asyncio.create_task(clients.submit(key, body))
                number += 1
                if wants_callback:
                    self.called_back.add(key)
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                due += 1 / self._a_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                self.judge_callbacks()
            await asyncio.gather(*under_way)
            self.accepted = clients.accepted
            self.statuses = Counter(clients.statuses)


@dataclass
class Kills:
    """Kills at random moments, of one process or several; each is started again after a random wait."""

    service: Service
    spread: random.Random
    least: int
    least_each: int
    counts: Counter[str] = field(default_factory=Counter)
    back_seconds: list[float] = field(default_factory=list)
    last_restart: float = 0.0  # as the database's clock, which is this machine's

    def _killers(self) -> dict[str, Callable[[], None]]:
        service = self.service
        return {
            "api": lambda: service.kill(service.api),
            "worker": lambda: service.kill(service.worker),
            "temporal": lambda: service.kill(service.temporal.child),
            "postgresql": lambda: service.kill(service.postgres.child),
        }

    def _starters(self) -> dict[str, Callable[[], None]]:
        service = self.service
        return {
            "api": service.start_api,
            "worker": service.start_worker,
            "temporal": service.temporal.start,
            "postgresql": service.postgres.start,
        }

    def rounds(self, seconds: float) -> None:
        """Kill for about so long, and at least as often as is asked."""
        each = seconds / (self.least * len(TOGETHER) / sum(TOGETHER))
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline or not self._are_enough():
            began = time.monotonic()
            time.sleep(self.spread.uniform(0.2, each))
            self._round()
            time.sleep(max(0.0, min(each - (time.monotonic() - began), deadline - time.monotonic())))

    def _are_enough(self) -> bool:
        return sum(self.counts.values()) >= self.least and all(
            self.counts[name] >= self.least_each for name in self._killers()
        )

    def _round(self) -> None:
        killers, starters = self._killers(), self._starters()
        victims = self.spread.sample(sorted(killers), self.spread.choice(TOGETHER))
        rare = min(killers, key=lambda name: self.counts[name])
        if self.counts[rare] < self.least_each and rare not in victims:
            victims[0] = rare
        for name in victims:
            killers[name]()
        self.counts.update(victims)
        time.sleep(self.spread.uniform(0, 2))
        began = time.monotonic()
        for name in self.spread.sample(victims, len(victims)):
            starters[name]()
        self.last_restart = time.time()
        self.service.wait_for("ok")
        self.back_seconds.append(time.monotonic() - began)


OPEN = "SELECT count(*) FROM operations WHERE status NOT IN ('SUCCEEDED', 'FAILED')"
LATEST = """
SELECT extract(epoch FROM max(finished_at - greatest(created_at, to_timestamp({since})))) FROM operations
"""


def longest_until_ended(service: Service, since: float, *, at_most: float) -> float:
    """The longest that an operation took from that moment on, or from its own 202 if that came later; in seconds."""
    deadline = time.monotonic() + at_most
    while service.rows(OPEN) != [(0,)]:
        if time.monotonic() > deadline:
            raise AssertionError(f"{service.rows(OPEN)[0][0]} operations are still open after {at_most:.0f} s")
        time.sleep(0.2)
    ((seconds,),) = service.rows(LATEST.format(since=since))
    return float(seconds)
