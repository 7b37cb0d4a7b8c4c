"""The job with FastAPI's background tasks: what most teams start with, and what the service is to be measured against.

Fair: FastAPI 0.165 with the service's HTTP parser, psycopg with its pool, the engine of `domain`, the service's own
tables. An accepted create is one transaction (key, document, operation), as in the service; the rest runs after the
response, as https://fastapi.tiangolo.com/tutorial/background-tasks/ has it, and is one transaction. The client waits on
an event in the process, which is the cheapest wait there is. There is no recovery, because a background task has none.

    python -m uvicorn --factory bench.peers.background:app   (PEER_DATABASE names the database)
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import BackgroundTasks, FastAPI, Header, Request

from bench.peers.rows import Accepted, accepted_rows, built, finished_rows, key_row, pool_of, run, simulated

STATUS: Final = "SELECT status FROM operations WHERE operation_id = %s"
HOLDER: Final = "SELECT operation_id FROM idempotency_keys WHERE client = 'local' AND scope = 'proposals' AND key = %s"


def app() -> FastAPI:
    pool = pool_of(os.environ["PEER_DATABASE"])
    open_operations: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    service = FastAPI(lifespan=lifespan)

    @service.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ok"}

    @service.post("/rebalance/proposals/async", status_code=202)
    async def submit(
        request: Request, background: BackgroundTasks, idempotency_key: Annotated[str, Header()]
    ) -> dict[str, str]:
        accepted = Accepted.of(await request.body(), key=idempotency_key, at=datetime.now(UTC))
        async with pool.connection() as connection, connection.transaction():
            claimed = await connection.execute(*key_row(accepted))
            if claimed.rowcount:
                await run(connection, *accepted_rows(accepted))
                operation_id = accepted.operation_id
            else:
                (operation_id,) = await (await connection.execute(HOLDER, [idempotency_key])).fetchone()
        if operation_id == accepted.operation_id:
            open_operations[operation_id] = asyncio.Event()
            background.add_task(create, accepted)
        return {"operation_id": operation_id, "status_url": f"/rebalance/proposals/operations/{operation_id}"}

    async def create(accepted: Accepted) -> None:
        result = simulated(accepted)
        made = built(accepted, result)
        async with pool.connection() as connection:
            await run(connection, *finished_rows(accepted, result, made))
        open_operations.pop(accepted.operation_id).set()

    @service.get("/rebalance/proposals/operations/{operation_id}")
    async def status(operation_id: str, wait: float = 0) -> dict[str, Any]:
        is_done = open_operations.get(operation_id)
        if is_done is not None and wait:
            await asyncio.wait([asyncio.ensure_future(is_done.wait())], timeout=wait)
        async with pool.connection() as connection:
            row = await (await connection.execute(STATUS, [operation_id])).fetchone()
        return {"operation_id": operation_id, "status": row[0]}

    return service
