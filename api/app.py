"""The API's process: resources in order, services from them, routes over these."""

import gc
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TypedDict

from fastapi import FastAPI

from api.body import UnreadBodies
from api.docs_page import add_docs_page
from api.openapi import describe_problems
from api.presentation import OperationPresenter
from api.problems import add_problem_handlers
from api.request_context import RequestContext
from api.routes import health, operations, proposals, simulations
from api.services import Gates, Services
from domain.operation import Policy
from runtime.database import Database
from runtime.engine_pool import EnginePool
from runtime.settings import Settings
from runtime.temporal import connect
from services.lookup import Lookup
from services.readiness import ReadinessCheck
from services.simulation import SimulationService
from services.start_queue import StartQueue
from services.starting import WorkflowStarter
from services.submission import SubmissionService
from services.waiting import Waiting
from storage.listener import TerminalListener
from storage.unit_of_work import Storage

VERSION = "0.1.0"
DESCRIPTION = """Advisory portfolio proposals: submitted, simulated, stored as evidence, and found again.

Creating a proposal is a durable operation. A 202 is a promise: the operation is committed before it is answered, and it
ends, whatever dies in between. Find it by its id or by your correlation id, poll it, or wait for it."""


class State(TypedDict):
    services: Services


def create_app(settings: Settings) -> FastAPI:
    """The application for these settings; nothing is opened before its lifespan begins."""
    app = FastAPI(
        title="Proposals",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=_lifespan(settings),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.max_body_bytes = settings.max_body_bytes
    app.state.unread_bodies = UnreadBodies()
    app.add_middleware(RequestContext)
    add_problem_handlers(app)
    app.include_router(operations.router)
    app.include_router(simulations.router)
    app.include_router(proposals.router)
    app.include_router(health.router)
    describe_problems(app)
    add_docs_page(app)
    return app


def _lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        dsn = settings.database_url.get_secret_value()
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(
                Database(dsn, pool_size=settings.database_pool_size, application_name="proposals-api").running()
            )
            listener = await stack.enter_async_context(TerminalListener(dsn).running())
            client = await connect(lazy=True, identity=f"proposals-api-{os.getpid()}@{socket.gethostname()}")
            pool = await stack.enter_async_context(EnginePool(settings.engine_processes).running())
            storage = Storage(database)
            starts = await stack.enter_async_context(StartQueue(storage, WorkflowStarter(client, storage)).running())
            services = Services(
                submission=SubmissionService(
                    storage,
                    starts.start_soon,
                    policy=Policy(
                        require_simulation_flag=settings.require_simulation_flag,
                        store_evidence_bundle=settings.store_evidence_bundle,
                    ),
                    large_request_rows=settings.large_request_rows,
                ),
                simulation=SimulationService(storage, pool, large_request_rows=settings.large_request_rows),
                lookup=Lookup(storage),
                waiting=Waiting(listener),
                readiness=ReadinessCheck(storage, client),
                presenter=OperationPresenter(
                    retention=timedelta(days=settings.operation_retention_days),
                    temporal_ui_url=settings.temporal_ui_url,
                    temporal_namespace=client.namespace,
                ),
                gates=Gates(
                    lifecycle_enabled=settings.workflow_lifecycle_enabled,
                    async_operations_enabled=settings.async_operations_enabled,
                ),
            )
            gc.freeze()
            yield State(services=services)

    return lifespan
