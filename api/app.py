"""The application: middleware, errors, routes over the services of `api.services`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final, TypedDict

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api import batches, callbacks, health, operations, proposals, reviews, runs, simulations, support, versions
from api.examples import EXAMPLES
from api.http.compression import Compression
from api.http.methods import Methods
from api.http.metrics import HttpMetrics
from api.http.observation import Observation
from api.http.openapi import about, add_docs_page, describe
from api.http.problems import add_problem_handlers
from api.http.request_context import RequestContext
from api.http.router import require_guards
from api.pages import artifacts
from api.pages.error_page import add_errors_page
from api.services import Services, running_services
from runtime.metrics import ProcessMetrics
from runtime.settings import Settings
from storage.listener import TerminalListener

DESCRIPTION: Final = """Advisory portfolio proposals: submitted, simulated, stored as evidence, and found again.

Creating a proposal is a durable operation. A 202 is a promise: the operation is committed before it is answered, and it
ends even if processes crash in between. Find it by its id or by your correlation id, poll it, or wait for it.

- **First request**: `POST /rebalance/proposals/async` with an `Idempotency-Key`, then
  `GET /rebalance/proposals/operations/{operation_id}?wait=20`. The examples of the bodies work as they are.
- **Tokens**: where the service asks for them, each path under `/rebalance/` but the supportability config needs
  `Authorization: Bearer`, with one of the scopes of its `security`. Health needs none.
- **Repeats**: after a lost answer, 408, 429, 500, 502, 503 or 504 send the same request with the same key again.
- **Errors**: problems (RFC 9457). Decide by `code`; `/docs/errors` has a section for each.
- **Lists**: follow `next_cursor` until it is null.
- **Changes**: members and codes may be added at any time. Ignore what you do not know."""

# The first route that matches a path serves it: fixed paths come before those with an id in them.
ROUTERS: Final = tuple(
    module.router
    for module in (
        *(operations, callbacks, batches, runs, support, simulations),
        *(proposals, versions, artifacts, reviews, health),
    )
)


class State(TypedDict):
    services: Services


def create_app(settings: Settings, process_metrics: ProcessMetrics | None = None) -> FastAPI:
    """The application for these settings; nothing is opened before its lifespan begins."""
    metrics = process_metrics or ProcessMetrics()
    listener = TerminalListener()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with running_services(settings, metrics, listener) as services:
            yield State(services=services)

    app = FastAPI(
        **about(version("proposals")),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # see api/http/observation.py
    )
    app.state.listener = listener  # a stopping process releases it, so that waits end
    # The last that is added is the outermost.
    app.add_middleware(Methods, routes=app.router.routes)
    app.add_middleware(Compression)
    app.add_middleware(RequestContext, public_url=settings.public_url)
    app.add_middleware(Observation, metrics=HttpMetrics(metrics.registry), logs_access=settings.access_log)
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    require_guards(routes)
    add_problem_handlers(app)
    app.router.routes.extend(routes)  # in one list: a router in a router is matched twice
    app.webhooks.routes.extend(callbacks.webhooks.routes)
    describe(
        app,
        routes,
        examples=EXAMPLES,
        token_url=settings.auth_token_url,
        takes_tokens=settings.auth_mode == "jwt",
    )
    add_docs_page(app)
    add_errors_page(app)
    return app
