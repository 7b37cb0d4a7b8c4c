"""The job on DBOS, written from its documentation (https://docs.dbos.dev/python): workflow, steps, FastAPI in front.

Fair: `start_workflow_async` returns once the workflow is durable, so the 202 is as good a promise as the service's. The
key is the workflow's id, which is how DBOS makes a submission idempotent. The three steps are the service's; DBOS keeps
the texts of the first two as their outputs, so that all rows of the create (the key's and the operation's among them)
are written once, by the last, in one transaction that a repeat finds done. The client waits on the workflow's handle
in the process that runs it, which costs no poll. Steps are `async`, which spares them a thread, and DBOS logs errors
alone. With several processes each has an executor id, and clients are spread evenly over them.

    python -m uvicorn --factory bench.peers.durable:app   (PEER_DATABASE, PEER_EXECUTOR)
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowHandleAsync
from fastapi import FastAPI, Header, Request

from bench.peers.rows import Accepted, accepted_rows, built, finished_rows, key_row, pool_of, run, simulated
from domain.evidence import ArtifactDocuments, SimulatedDocument

DATABASE = os.environ["PEER_DATABASE"]
POOL = pool_of(DATABASE)
CONFIG: DBOSConfig = {
    "name": "bench-peer",
    "system_database_url": DATABASE.replace("postgresql://", "postgresql+psycopg://"),
    "executor_id": os.environ["PEER_EXECUTOR"],
    "log_level": "ERROR",
}
DBOS(config=CONFIG)


@DBOS.step()
async def simulate(accepted: dict[str, str]) -> dict[str, Any]:
    return asdict(simulated(Accepted(**accepted)))


@DBOS.step()
async def build_artifact(accepted: dict[str, str], result: dict[str, Any]) -> dict[str, Any]:
    return asdict(built(Accepted(**accepted), SimulatedDocument(**result)))


@DBOS.step(retries_allowed=True)
async def persist(given: dict[str, str], result: dict[str, Any], made: dict[str, Any]) -> None:
    accepted = Accepted(**given)
    statements = [
        *accepted_rows(accepted),
        *finished_rows(accepted, SimulatedDocument(**result), ArtifactDocuments(**made)),
    ]
    async with POOL.connection() as connection, connection.transaction():
        claimed = await connection.execute(*key_row(accepted))
        if claimed.rowcount:  # else this step has committed before a crash
            await run(connection, *statements)


@DBOS.workflow()
async def create(accepted: dict[str, str]) -> None:
    result = await simulate(accepted)
    made = await build_artifact(accepted, result)
    await persist(accepted, result, made)


def app() -> FastAPI:
    under_way: dict[str, WorkflowHandleAsync[None]] = {}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with POOL:
            DBOS.launch()
            yield
            DBOS.destroy()

    service = FastAPI(lifespan=lifespan)

    @service.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ok"}

    @service.post("/rebalance/proposals/async", status_code=202)
    async def submit(request: Request, idempotency_key: Annotated[str, Header()]) -> dict[str, str]:
        accepted = Accepted.of(await request.body(), key=idempotency_key, at=datetime.now(UTC))
        with SetWorkflowID(idempotency_key):
            under_way[idempotency_key] = await DBOS.start_workflow_async(create, asdict(accepted))
        return {
            "operation_id": idempotency_key,
            "status_url": f"/rebalance/proposals/operations/{idempotency_key}",
        }

    @service.get("/rebalance/proposals/operations/{operation_id}")
    async def status(operation_id: str, wait: float = 0) -> dict[str, Any]:
        handle = under_way.get(operation_id)
        if handle is not None and wait:
            with suppress(TimeoutError):
                await asyncio.wait_for(handle.get_result(), wait)
                under_way.pop(operation_id, None)
                return {"operation_id": operation_id, "status": "SUCCEEDED"}
        found = await DBOS.get_workflow_status_async(operation_id)
        is_done = found is not None and found.status == "SUCCESS"
        return {"operation_id": operation_id, "status": "SUCCEEDED" if is_done else "RUNNING"}

    return service
