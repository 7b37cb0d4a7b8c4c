"""kill -9 of the worker between the steps of a simulation operation: one result of its key, adopted or its own."""

import asyncio
from typing import Any

import psycopg
import pytest
from builders import a_large_body
from held_up import frozen, somebody_waits_for
from running_service import Service, proposals
from simulations import ARTIFACT, SIMULATE, a_simulation
from temporalio.client import Client

LARGE = a_large_body()["simulate_request"]


async def posted(clients: Any, path: str, body: Any, *, key: str = "k") -> Any:
    return await clients._http.post(path, json=body, headers={"Idempotency-Key": key})


async def accepted(clients: Any, body: Any) -> str:
    answer = await posted(clients, f"{SIMULATE}/async", body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["operation_id"])


async def waits_for(service: Service, table: str) -> None:
    with psycopg.connect(service.postgres.dsn("proposals"), autocommit=True) as watching:
        await somebody_waits_for(watching, table)


async def assert_one_result(service: Service, clients: Any, operation_id: str, body: Any) -> None:
    status = await clients.finished(operation_id)
    assert (status["status"], status["attempt"]) == ("SUCCEEDED", 1)
    result, artifact = [await posted(clients, path, body) for path in (SIMULATE, ARTIFACT)]
    answer = await clients._http.get(f"/rebalance/proposals/operations/{operation_id}")
    made = answer.json()["result"]
    assert (made["proposal_result"], made["artifact"]) == (result.json(), artifact.json())
    assert result.content in answer.content
    assert artifact.content in answer.content
    assert service.rows("SELECT count(*), count(result_document) FROM simulations") == [(1, 1)]
    replayed = await asyncio.to_thread(proposals, service, "audit", "replay", operation_id)
    assert replayed.returncode == 0, replayed.stderr


@pytest.mark.parametrize(
    ("body", "table"),
    [
        pytest.param(a_simulation(), "simulations", id="before-the-commit"),
        pytest.param(LARGE, "documents", id="before-the-result-of-a-large-one-is-stored"),
        pytest.param(LARGE, "simulations", id="before-the-commit-of-a-large-one"),
    ],
)
@pytest.mark.parametrize("meanwhile", ["nothing", "filled"])
async def test_the_worker_dies(service: Service, clients: Any, body: Any, table: str, meanwhile: str):
    """Another worker goes on; a request that was answered at once meanwhile has filled the key."""
    service.kill(service.worker)
    operation_id = await accepted(clients, body)
    with psycopg.connect(service.postgres.dsn("proposals")) as connection:
        connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        service.start_worker()
        await waits_for(service, table)
        service.kill(service.worker)
        connection.rollback()
    if meanwhile == "filled":
        answer = await posted(clients, SIMULATE, body)
        assert answer.status_code == 200
        assert "Idempotent-Replayed" not in answer.headers
    service.start_worker()
    await assert_one_result(service, clients, operation_id, body)


async def test_the_worker_dies_after_the_commit_and_before_it_could_report_it(service: Service, clients: Any):
    assert service.temporal.child is not None
    service.kill(service.worker)
    operation_id = await accepted(clients, a_simulation())
    with psycopg.connect(service.postgres.dsn("proposals")) as connection:
        connection.execute("LOCK TABLE simulations IN EXCLUSIVE MODE")
        service.start_worker()
        await waits_for(service, "simulations")
        with frozen(service.temporal.child.pid):
            connection.rollback()
            assert (await clients.finished(operation_id))["status"] == "SUCCEEDED"
            service.kill(service.worker)
    service.start_worker()
    temporal = await Client.connect(service.temporal.address)
    outcome = await asyncio.wait_for(temporal.get_workflow_handle(operation_id).result(), 60)
    assert (outcome["operation_id"], outcome["status"], outcome["proposal_id"]) == (operation_id, "SUCCEEDED", None)
    await assert_one_result(service, clients, operation_id, a_simulation())
