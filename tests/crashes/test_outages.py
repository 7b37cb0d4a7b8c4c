"""PostgreSQL is reached and does not do its work: what is accepted waits, and then succeeds."""

import asyncio

import httpx2
from broken_postgres import alter, fail_over, take_writes
from builders import a_body
from http_clients import http_client
from temporalio.client import Client, WorkflowExecutionStatus
from waiting import PATIENCE_SECONDS, until

from activities.boundary import UNEXPECTED_ATTEMPTS
from cli.local.postgres import SERVICE_ROLE

LEFT_OPEN = 5


async def accepted_and_not_done(service, clients) -> None:
    service.kill(service.worker)
    for _ in range(LEFT_OPEN):
        await clients.submit()
    unmarked = "SELECT count(*) FROM operations WHERE status = 'PENDING' AND started_workflow_at IS NULL"
    await until(lambda: service.rows(unmarked) == [(0,)])  # without writes none would be started later


async def tried_more_often_than_a_bug(service, clients) -> None:
    client = await Client.connect(service.temporal.address)
    async with asyncio.timeout(PATIENCE_SECONDS):
        for operation_id in list(clients.accepted.values())[:LEFT_OPEN]:
            while True:
                described = await client.get_workflow_handle(operation_id).describe()
                assert described.status is WorkflowExecutionStatus.RUNNING
                pending = described.raw_description.pending_activities
                if pending and pending[0].attempt > UNEXPECTED_ATTEMPTS:
                    break
                await asyncio.sleep(0.2)


async def ready(http) -> httpx2.Response:
    """The first answer of 503, within the seconds that a busy machine may need to see the outage."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (answer := await http.get("/health/ready")).status_code != 503:
            await asyncio.sleep(0.1)
    return answer


async def reason_of_the_outage(http, word: str) -> dict:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while word not in (body := (await ready(http)).json()).get("reason", ""):
            await asyncio.sleep(0.1)
    return body


async def test_a_failover_to_a_server_that_takes_no_writes(service, clients):
    await accepted_and_not_done(service, clients)
    dsn = service.postgres.dsn("proposals")
    fail_over(dsn)
    service.start_worker()
    async with http_client(service.url) as http:
        body = await reason_of_the_outage(http, "read-only")
        assert (body["status"], body["database"]) == ("unavailable", "cannot_write")
        config = (await http.get("/rebalance/proposals/supportability/config")).json()
        assert config["backend_ready"] is False
        assert config["backend_init_error"] == f"PROPOSAL_POSTGRES_CONNECTION_FAILED: {body['reason']}"
        refused = await http.post("/rebalance/proposals/async", json=a_body(), headers={"Idempotency-Key": "refused"})
        assert (refused.status_code, refused.json()["code"]) == (503, "PROPOSAL_POSTGRES_CONNECTION_FAILED")
        assert refused.headers["Retry-After"]
    await tried_more_often_than_a_bug(service, clients)
    take_writes(dsn)
    await clients.submit("refused")
    await clients.all_succeed()
    clients.each_exactly_once()


async def test_a_grant_is_lost_and_given_back(service, clients):
    await accepted_and_not_done(service, clients)
    alter(service.postgres.dsn("proposals"), f"REVOKE UPDATE ON operations FROM {SERVICE_ROLE}")
    service.start_worker()
    async with http_client(service.url) as http:
        body = await reason_of_the_outage(http, "UPDATE operations")
        assert (body["status"], body["database"]) == ("unavailable", "cannot_write")
        operation_id = next(iter(clients.accepted.values()))
        assert (await http.get(f"/rebalance/proposals/operations/{operation_id}")).json()["status"] == "PENDING"
    await tried_more_often_than_a_bug(service, clients)
    alter(service.postgres.dsn("proposals"), f"GRANT UPDATE ON operations TO {SERVICE_ROLE}")
    service.wait_for("ok")
    await clients.submit()
    await clients.all_succeed()
    clients.each_exactly_once()
