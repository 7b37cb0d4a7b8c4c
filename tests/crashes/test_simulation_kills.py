"""kill -9 of the worker between the steps of a simulation operation: one result of its key, adopted or its own."""

import asyncio
import uuid
from typing import Any

import psycopg
import pytest
from builders import a_large_body
from held_up import frozen, somebody_waits_for
from running_service import Service, proposals, replayed_in_here
from simulations import ARTIFACT, SIMULATE, a_simulation
from temporalio.client import Client
from waiting import PATIENCE_SECONDS

LARGE = a_large_body()["simulate_request"]


async def posted(clients: Any, path: str, body: Any, *, key: str) -> Any:
    return await clients._http.post(path, json=body, headers={"Idempotency-Key": key})


async def accepted(clients: Any, body: Any) -> list[str]:
    """Keys of two operations."""
    keys = [uuid.uuid4().hex, uuid.uuid4().hex]
    for key in keys:
        await clients.submit(key, body, path="/simulate/async")
    return keys


async def waits_for(service: Service, table: str) -> None:
    """Until the steps of both do."""
    with psycopg.connect(service.postgres.dsn("proposals"), autocommit=True) as watching:
        await somebody_waits_for(watching, table, least=2)


async def assert_one_result(service: Service, clients: Any, key: str, body: Any) -> None:
    operation_id = clients.accepted[key]
    status = await clients.finished(operation_id)
    assert (status["status"], status["attempt"]) == ("SUCCEEDED", 1)
    result, artifact = [await posted(clients, path, body, key=key) for path in (SIMULATE, ARTIFACT)]
    answer = await clients._http.get(f"/rebalance/proposals/operations/{operation_id}")
    made = answer.json()["result"]
    assert (made["proposal_result"], made["artifact"]) == (result.json(), artifact.json())
    assert result.content in answer.content
    assert artifact.content in answer.content
    stored = f"SELECT count(*), count(result_document) FROM simulations WHERE key = '{key}'"
    assert service.rows(stored) == [(1, 1)]
    assert await replayed_in_here(service, operation_id) == 0


@pytest.mark.parametrize(
    ("body", "table"),
    [
        pytest.param(a_simulation(), "simulations", id="before-the-commit"),
        pytest.param(LARGE, "documents", id="before-the-result-of-a-large-one-is-stored"),
        pytest.param(LARGE, "simulations", id="before-the-commit-of-a-large-one"),
    ],
)
async def test_the_worker_dies(service: Service, clients: Any, body: Any, table: str):
    """Another worker goes on; of one key a request that was answered at once meanwhile has filled it."""
    with psycopg.connect(service.postgres.dsn("proposals")) as connection:
        assert service.worker is not None
        with frozen(service.worker.pid):
            filled, other = await accepted(clients, body)
            connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        await waits_for(service, table)
        service.kill(service.worker)
        connection.rollback()
    answer = await posted(clients, SIMULATE, body, key=filled)
    assert answer.status_code == 200
    assert "Idempotent-Replayed" not in answer.headers
    service.start_worker()
    for key in (filled, other):
        await assert_one_result(service, clients, key, body)


async def test_the_worker_dies_after_the_commit_and_before_it_could_report_it(service: Service, clients: Any):
    assert service.temporal.child is not None
    assert service.worker is not None
    with psycopg.connect(service.postgres.dsn("proposals")) as connection:
        with frozen(service.worker.pid):
            keys = await accepted(clients, a_simulation())
            operation_ids = [clients.accepted[key] for key in keys]
            connection.execute("LOCK TABLE simulations IN EXCLUSIVE MODE")
        await waits_for(service, "simulations")
        with frozen(service.temporal.child.pid):
            connection.rollback()
            for operation_id in operation_ids:
                assert (await clients.finished(operation_id))["status"] == "SUCCEEDED"
            service.kill(service.worker)
    service.start_worker()
    temporal = await Client.connect(service.temporal.address)
    for key, operation_id in zip(keys, operation_ids, strict=True):
        outcome = await asyncio.wait_for(temporal.get_workflow_handle(operation_id).result(), PATIENCE_SECONDS)
        assert (outcome["operation_id"], outcome["status"], outcome["proposal_id"]) == (operation_id, "SUCCEEDED", None)
        await assert_one_result(service, clients, key, a_simulation())
    replayed = await asyncio.to_thread(proposals, service, "audit", "replay", operation_ids[0])
    assert replayed.returncode == 0, replayed.stderr
