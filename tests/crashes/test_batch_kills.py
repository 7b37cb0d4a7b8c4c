"""A batch ends once, with the runs of an undisturbed one, whatever is killed with -9 in between."""

import asyncio
import json
from contextlib import closing
from typing import Any

import psycopg
from batches import a_portfolio, an_analysis
from held_up import frozen
from receiver import Receiver
from running_service import Clients, Service, proposals, replayed_in_here
from waiting import PATIENCE_SECONDS

ITEMS = 200  # of eight chunks
BODY = an_analysis(*(a_portfolio(number) for number in range(ITEMS)))


async def under_way(service: Service, clients: Clients, held: psycopg.Connection) -> str:
    """A batch of which some chunks are done, and the last one cannot be while `held` is open."""
    assert service.worker is not None
    with frozen(service.worker.pid):
        operation_id = await clients.submit(body=BODY, path="/analyze/async")
        held.execute("SELECT FROM batch_chunks WHERE operation_id = %s AND chunk_no = 7 FOR UPDATE", [operation_id])
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await computed(clients, operation_id):
            await asyncio.sleep(0.05)
    return operation_id


async def computed(clients: Clients, operation_id: str) -> int:
    progress = (await clients.status(operation_id))["progress"]
    return int(progress["succeeded"])


async def lines(clients: Clients, operation_id: str) -> list[dict[str, Any]]:
    answer = await clients._http.get(
        f"/rebalance/proposals/operations/{operation_id}/runs", headers={"Accept": "application/x-ndjson"}
    )
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_batch_survives_the_death_of_everything(service, clients):
    with closing(psycopg.connect(service.postgres.dsn("proposals"))) as held:
        operation_id = await under_way(service, clients, held)
        service.kill(service.worker)
        before = await computed(clients, operation_id)
        assert 0 < before < ITEMS
    service.kill(service.api)
    service.kill(service.postgres.child)
    service.kill(service.temporal.child)
    service.start_what_is_dead()
    ended = await clients.finished(operation_id)
    assert ended["progress"] == {"total": ITEMS, "succeeded": ITEMS, "failed": 0, "remaining": 0}
    assert [line["run_no"] for line in await lines(clients, operation_id)] == list(range(ITEMS))
    counted = f"SELECT count(*), count(done_at), sum(succeeded) FROM batch_chunks WHERE operation_id = '{operation_id}'"
    assert service.rows(counted) == [(8, 8, ITEMS)]
    # The same results as of a batch that nothing disturbs: the replay computes all runs anew, from the request alone.
    replayed = await asyncio.to_thread(proposals, service, "audit", "replay", operation_id)
    assert replayed.returncode == 0, replayed.stderr
    shown = await asyncio.to_thread(proposals, service, "operation", operation_id, "--json")
    runs = json.loads(shown.stdout)["runs"]
    assert (runs["succeeded"], runs["failed"], runs["remaining"], runs["chunks"]) == (ITEMS, 0, 0, "8 of 8")
    assert runs["rate"].endswith(" runs/s")
    service.alter(
        f"UPDATE batch_chunks SET engine_version = '1.0.0' WHERE chunk_no = 3 AND operation_id = '{operation_id}'"
    )
    assert await replayed_in_here(service, operation_id) == 3
    service.alter(
        "UPDATE batch_chunks c SET result_document = d.result_document FROM batch_chunks d "
        f"WHERE c.operation_id = '{operation_id}' AND c.chunk_no = 5 "
        f"AND d.operation_id = '{operation_id}' AND d.chunk_no = 6"
    )
    assert await replayed_in_here(service, operation_id) == 1
    assert await replayed_in_here(service, "pop_0") == 2


async def test_the_end_of_a_batch_is_called_back_with_its_counts(service, clients):
    with Receiver().serving() as receiver:
        body = an_analysis(a_portfolio(0), a_portfolio(1, shelf_entries=7), callback={"url": receiver.url})
        await clients.submit(body=body, path="/analyze/async")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not receiver.received:
                await asyncio.sleep(0.1)
        message = receiver.received[0].verified()
    assert message["type"] == "proposal.operation.succeeded"
    assert message["data"]["operation_type"] == "ANALYZE_SCENARIOS"
    assert message["data"]["progress"] == {"total": 2, "succeeded": 1, "failed": 1}
    assert (message["data"]["proposal_id"], message["data"]["error"]) == (None, None)


async def test_a_batch_waits_out_an_outage_of_the_database(service, clients):
    with closing(psycopg.connect(service.postgres.dsn("proposals"))) as held:
        operation_id = await under_way(service, clients, held)
        service.kill(service.postgres.child)
    await asyncio.sleep(6)
    service.postgres.start()
    ended = await clients.finished(operation_id)
    assert (ended["status"], ended["progress"]["succeeded"]) == ("SUCCEEDED", ITEMS)
