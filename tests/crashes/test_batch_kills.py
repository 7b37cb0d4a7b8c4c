"""A batch ends once, with the runs of an undisturbed one, whatever is killed with -9 in between."""

import asyncio
import json
import uuid
from typing import Any

from batches import a_portfolio, an_analysis
from receiver import Receiver
from running_service import proposals
from waiting import PATIENCE_SECONDS

ITEMS = 600
BODY = an_analysis(*(a_portfolio(number) for number in range(ITEMS)))


class Batches:
    """A client that asks again until it is answered."""

    def __init__(self, http: Any, clients: Any) -> None:
        self._http = http
        self._clients = clients

    async def submit(self, *, key: str | None = None) -> str:
        headers = {"Idempotency-Key": key or uuid.uuid4().hex, "X-Correlation-Id": "cio/2026-11"}
        answer = await self._http.post("/rebalance/proposals/analyze/async", json=BODY, headers=headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["operation_id"])

    async def computed(self, operation_id: str) -> int:
        progress = (await self._clients.status(operation_id))["progress"]
        return int(progress["succeeded"])

    async def ended(self, operation_id: str) -> dict[str, Any]:
        await self._clients.finished(operation_id)
        answer = await self._http.get(f"/rebalance/proposals/operations/{operation_id}")
        status: dict[str, Any] = answer.json()
        return status

    async def lines(self, operation_id: str) -> list[dict[str, Any]]:
        answer = await self._http.get(
            f"/rebalance/proposals/operations/{operation_id}/runs", headers={"Accept": "application/x-ndjson"}
        )
        return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_batch_survives_the_death_of_everything(service, clients):
    batches = Batches(clients._http, clients)
    operation_id = await batches.submit(key="hv")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await batches.computed(operation_id):
            await asyncio.sleep(0.02)
    service.kill(service.worker)
    before = await batches.computed(operation_id)
    assert 0 < before < ITEMS
    service.kill(service.api)
    service.kill(service.postgres.child)
    service.kill(service.temporal.child)
    await asyncio.to_thread(service.postgres.start)
    service.temporal.start()
    service.start_worker()
    service.start_api()
    service.wait_for("ok")
    ended = await batches.ended(operation_id)
    assert ended["progress"] == {"total": ITEMS, "succeeded": ITEMS, "failed": 0, "remaining": 0}
    assert [line["run_no"] for line in await batches.lines(operation_id)] == list(range(ITEMS))
    assert service.rows("SELECT count(*), count(done_at), sum(succeeded) FROM batch_chunks") == [(24, 24, ITEMS)]
    # The same results as of a batch that nothing disturbs: the replay computes all runs anew, from the request alone.
    replayed = await asyncio.to_thread(proposals, service, "audit", "replay", operation_id)
    assert replayed.returncode == 0, replayed.stderr
    shown = await asyncio.to_thread(proposals, service, "operation", operation_id, "--json")
    runs = json.loads(shown.stdout)["runs"]
    assert (runs["succeeded"], runs["failed"], runs["remaining"], runs["chunks"]) == (ITEMS, 0, 0, "24 of 24")
    assert runs["rate"].endswith(" runs/s")
    service.alter(
        f"UPDATE batch_chunks SET engine_version = '1.0.0' WHERE chunk_no = 3 AND operation_id = '{operation_id}'"
    )
    assert (await asyncio.to_thread(proposals, service, "audit", "replay", operation_id)).returncode == 3
    service.alter(
        "UPDATE batch_chunks c SET result_document = d.result_document FROM batch_chunks d "
        f"WHERE c.operation_id = '{operation_id}' AND c.chunk_no = 5 "
        f"AND d.operation_id = '{operation_id}' AND d.chunk_no = 6"
    )
    assert (await asyncio.to_thread(proposals, service, "audit", "replay", operation_id)).returncode == 1
    unknown = await asyncio.to_thread(proposals, service, "audit", "replay", "pop_0")
    assert unknown.returncode == 2


async def test_the_end_of_a_batch_is_called_back_with_its_counts(service, clients):
    with Receiver().serving() as receiver:
        body = an_analysis(a_portfolio(0), a_portfolio(1, shelf_entries=7), callback={"url": receiver.url})
        answer = await clients._http.post(
            "/rebalance/proposals/analyze/async", json=body, headers={"Idempotency-Key": uuid.uuid4().hex}
        )
        assert answer.status_code == 202, answer.text
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not receiver.received:
                await asyncio.sleep(0.1)
        message = receiver.received[0].verified()
    assert message["type"] == "proposal.operation.succeeded"
    assert message["data"]["operation_type"] == "ANALYZE_SCENARIOS"
    assert message["data"]["progress"] == {"total": 2, "succeeded": 1, "failed": 1}
    assert (message["data"]["proposal_id"], message["data"]["error"]) == (None, None)


async def test_a_batch_waits_out_an_outage_of_the_database(service, clients):
    batches = Batches(clients._http, clients)
    operation_id = await batches.submit()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await batches.computed(operation_id):
            await asyncio.sleep(0.02)
    service.kill(service.postgres.child)
    await asyncio.sleep(6)
    await asyncio.to_thread(service.postgres.start)
    ended = await batches.ended(operation_id)
    assert (ended["status"], ended["progress"]["succeeded"]) == ("SUCCEEDED", ITEMS)
