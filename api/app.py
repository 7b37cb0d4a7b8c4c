"""The API's process: resources in order, services from them, routes over these."""

import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.access import require_guards
from api.authentication import Authenticator, authentication
from api.backlog_metrics import BacklogMetrics
from api.body_room import UnreadBodies
from api.docs_page import add_docs_page
from api.http_metrics import HttpMetrics
from api.large_bodies import READ_AT_ONCE, LargeBodies
from api.load_metrics import LoadMetrics
from api.observation import Observation
from api.openapi import describe
from api.problems import add_problem_handlers
from api.request_context import RequestContext
from api.routes import (
    artifacts,
    callbacks,
    health,
    metrics,
    operation_control,
    operation_list,
    operations,
    proposals,
    reviews,
    simulations,
    support,
    versions,
)
from api.services import Services
from api.turns import Turns
from api.wiring import build_services
from runtime.database import Database
from runtime.engine_pool import EnginePool
from runtime.memory import settle
from runtime.metrics import ProcessMetrics
from runtime.settings import Settings
from runtime.temporal import connect
from services.cancellation import Cancellation, WorkflowCanceller
from services.lookup import Lookup
from services.start_queue import StartQueue
from services.start_sources import DeliverySource, OperationSource
from services.temporal_workflows import WorkflowStarter
from storage.listener import TerminalListener
from storage.unit_of_work import Storage

VERSION = "0.1.0"
DESCRIPTION = """Advisory portfolio proposals: submitted, simulated, stored as evidence, and found again.

Creating a proposal is a durable operation. A 202 is a promise: the operation is committed before it is answered, and it
ends, whatever dies in between. Find it by its id or by your correlation id, poll it, or wait for it."""

# The first that matches a path answers: fixed addresses come before those with an id in them.
ROUTERS = tuple(
    module.router
    for module in (
        operations,
        operation_list,
        operation_control,
        callbacks,
        support,
        simulations,
        proposals,
        versions,
        artifacts,
        reviews,
        health,
        metrics,
    )
)


class State(TypedDict):
    services: Services
    authenticator: Authenticator
    large_bodies: LargeBodies
    backlog: BacklogMetrics


def create_app(settings: Settings, process_metrics: ProcessMetrics | None = None) -> FastAPI:
    """The application for these settings; nothing is opened before its lifespan begins."""
    measured = process_metrics or ProcessMetrics()
    app = FastAPI(
        title="Proposals",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=_lifespan(settings, measured),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # see api/observation.py
    )
    app.state.max_body_bytes = settings.max_body_bytes
    app.state.max_request_rows = settings.max_request_rows
    app.state.unread_bodies = UnreadBodies()
    app.state.turns = Turns()
    app.state.metrics = measured
    app.add_middleware(RequestContext)
    app.add_middleware(Observation, metrics=HttpMetrics(measured.registry))
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    require_guards(routes)
    add_problem_handlers(app, routes)
    for router in ROUTERS:
        app.include_router(router)
    describe(app, routes, is_authenticated=settings.auth_mode != "none")
    add_docs_page(app)
    return app


def _lifespan(settings: Settings, measured: ProcessMetrics) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        dsn = settings.database_url.get_secret_value()
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(
                Database(dsn, pool_size=settings.database_pool_size, application_name="proposals-api").running()
            )
            listener = await stack.enter_async_context(TerminalListener(dsn).running())
            measured.watch(database)
            runtime = await stack.enter_async_context(measured.running())
            client = await connect(
                lazy=True, identity=f"proposals-api-{os.getpid()}@{socket.gethostname()}", runtime=runtime
            )
            limits = {"seconds": settings.compute_seconds, "memory_mb": settings.compute_memory_mb}
            pool = await stack.enter_async_context(EnginePool(settings.engine_processes, **limits).running())
            readers = await stack.enter_async_context(EnginePool(READ_AT_ONCE, **limits).running())
            authenticator = await stack.enter_async_context(authentication(settings))
            storage = Storage(database, on_ended=measured.operation_ended)
            operations = OperationSource(storage, client, max_started=settings.max_started_operations)
            deliveries = DeliverySource(storage, client)
            starts = await stack.enter_async_context(
                StartQueue(storage, WorkflowStarter(client), [operations, deliveries]).running()
            )
            cancellation = await stack.enter_async_context(
                Cancellation(storage, Lookup(storage), WorkflowCanceller(client, storage)).running()
            )
            services = build_services(
                settings,
                storage=storage,
                listener=listener,
                client=client,
                pool=pool,
                starts=starts,
                cancellation=cancellation,
                sources=(operations, deliveries),
            )
            backlog = BacklogMetrics(storage, services.readiness)
            measured.registry.register(backlog)
            measured.registry.register(LoadMetrics(listener, app.state.unread_bodies))
            settle()
            yield State(
                services=services,
                authenticator=authenticator,
                large_bodies=LargeBodies(readers, max_rows=settings.max_request_rows),
                backlog=backlog,
            )

    return lifespan
