"""The API on a real socket, with the real database, Temporal, and a worker where a test asks for one."""

import asyncio
import contextlib
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace

import httpx2
import pytest
import uvicorn
from anyio.from_thread import start_blocking_portal
from browser import Browser
from builders import a_body
from http_clients import http_client
from issuer import Issuer
from patient_limits import OF_ANSWERS, moved_away
from pydantic import SecretStr
from receiver import Receiver
from sharing import is_shared
from temporal_namespaces import UNATTENDED
from temporalio.client import Client
from waiting import PATIENCE_SECONDS

from api.app import create_app
from cli.api import KEEP_ALIVE_SECONDS, _listen, _Server
from cli.http_protocol import LimitingProtocol
from cli.local.postgres import SERVICE_ROLE, SUPERUSER
from cli.local.temporal_server import NAMESPACE, TemporalDevServer
from runtime.metrics import ProcessMetrics
from runtime.settings import Settings
from services import callback_sender, temporal_workflows
from worker import process as worker_process

PREFIX = "/rebalance/proposals"
WORKERS = {"worker", "worker_later", "worker_of_module"}

collect_ignore = [] if shutil.which("java") else ["test_java_receiver.py", "test_jdk_client.py"]


@dataclass(frozen=True)
class Api:
    """A running API; `http` is a client of it."""

    http: httpx2.AsyncClient
    url: str
    port: int

    async def submit(self, body, *, key: str | None = None, **headers: str) -> httpx2.Response:
        return await self.http.post(
            "/rebalance/proposals/async", json=body, headers={"Idempotency-Key": key or uuid.uuid4().hex, **headers}
        )

    async def created(self, body=None, **headers: str) -> dict:
        """The CreateResponse of a proposal that was waited for."""
        sent = {"json": body or a_body(), "headers": {"Idempotency-Key": uuid.uuid4().hex, **headers}}
        while (answer := await self.http.post(PREFIX, **sent)).status_code == 202:
            await asyncio.sleep(0.2)  # a busy machine may need longer than a create waits; the same key waits again
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body, **headers: str) -> httpx2.Response:
        return await self.http.post(f"{PREFIX}{path}", json=body, headers=headers)

    async def get(self, path: str, **query) -> httpx2.Response:
        return await self.http.get(f"{PREFIX}{path}", params=query)

    async def finished(self, operation_id: str) -> dict:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (status := (await self.get(f"/operations/{operation_id}", wait=20)).json())["status"] not in (
                "SUCCEEDED",
                "FAILED",
            ):
                pass
        return status


@pytest.fixture(scope="module", autouse=True)
def _patience() -> Iterator[None]:
    with moved_away(OF_ANSWERS):
        yield


def settings_of(service_dsn: str) -> Settings:
    return Settings(
        database_url=SecretStr(service_dsn),
        database_pool_size=8,
        temporal_ui_url="http://127.0.0.1:1",
        compute_seconds=600,  # computations let all others go first
        sync_wait_seconds=90,  # and creates are waited for nearly as long as `http_client` waits
    )


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Api]:
    listening = _listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    app = create_app(settings)
    server = _Server(
        uvicorn.Config(
            app,
            http=LimitingProtocol,
            log_config=None,
            lifespan="on",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=2,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listening]))
    url = f"http://127.0.0.1:{port}"
    async with http_client(url) as http:
        while not server.started:
            assert not task.done()
            await asyncio.sleep(0.01)
        yield Api(http=http, url=url, port=port)
    server.should_exit = True
    await task


@pytest.fixture
def temporal_namespace(request: pytest.FixtureRequest) -> str:
    return NAMESPACE if WORKERS & set(request.fixturenames) else UNATTENDED


@pytest.fixture
def settings(
    service_dsn: str, temporal_server: TemporalDevServer, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", temporal_client.namespace)
    return settings_of(service_dsn)


@pytest.fixture
def api(request: pytest.FixtureRequest) -> Api:
    return request.getfixturevalue("client_of_module" if is_shared(request) else "own_api")


@pytest.fixture
def secured(request: pytest.FixtureRequest) -> Api:
    """An API that asks everyone for a token of `issuer`."""
    return request.getfixturevalue("secured_client_of_module" if is_shared(request) else "own_secured")


@pytest.fixture
async def own_api(settings: Settings) -> AsyncIterator[Api]:
    """An API with or without a worker beside it."""
    async with serving(settings) as api:
        yield api


@contextlib.asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(
        worker_process.run(
            settings.model_copy(update={"shutdown_grace_seconds": 1}), stop=stop, process_metrics=ProcessMetrics()
        )
    )
    try:
        with pytest.MonkeyPatch.context() as patched:
            # Where there is a worker there is Temporal, which a busy machine may keep from answering in two seconds.
            patched.setattr(temporal_workflows, "ANSWER_SECONDS", 20.0)
            patched.setattr(callback_sender, "ATTEMPT_SECONDS", 25.0)  # of the 30 that its step has
            yield
    finally:
        stop.set()
        await task


@pytest.fixture
async def worker(settings: Settings) -> AsyncIterator[None]:
    async with working(settings):
        yield


@pytest.fixture
def worker_later(settings: Settings):
    """A worker for a block, with these settings or others."""
    return lambda changed=settings: working(changed)


@pytest.fixture
def serve():
    """`serving`, for tests that need settings of their own."""
    return serving


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer().serving() as issuer:
        yield issuer


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture
async def own_secured(settings: Settings, issuer: Issuer) -> AsyncIterator[Api]:
    async with serving(settings.model_copy(update=issuer.settings(four_eyes=True))) as api:
        yield api


# The servers of a module run in a thread with a loop of its own: each test has another loop.


@pytest.fixture(scope="module")
def settings_of_module(
    request: pytest.FixtureRequest,
    database_of_module: str,
    temporal_server: TemporalDevServer,
    temporal_clients: Mapping[str, Client],
) -> Iterator[Settings]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TEMPORAL_ADDRESS", temporal_server.address)
        has_worker = any(
            "worker_of_module" in item.fixturenames
            for item in request.session.items
            if isinstance(item, pytest.Function) and item.path == request.path
        )
        client = temporal_clients[NAMESPACE if has_worker else UNATTENDED]
        patched.setenv("TEMPORAL_NAMESPACE", client.namespace)
        yield settings_of(database_of_module.replace(f"//{SUPERUSER}@", f"//{SERVICE_ROLE}@"))


@contextlib.contextmanager
def serving_in_thread(settings: Settings) -> Iterator[Api]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving(settings)) as api:
        yield api


@pytest.fixture(scope="module")
def api_of_module(settings_of_module: Settings) -> Iterator[Api]:
    with serving_in_thread(settings_of_module) as api:
        yield api


@pytest.fixture(scope="module")
def worker_of_module(settings_of_module: Settings) -> Iterator[None]:
    """For a module in which no test has a `worker` of its own: each would take what is the other's."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(working(settings_of_module)):
        yield


@pytest.fixture(scope="module")
def secured_api_of_module(settings_of_module: Settings) -> Iterator[Api]:
    with Issuer().serving() as issuer:
        secured = settings_of_module.model_copy(update=issuer.settings(four_eyes=True))
        with serving_in_thread(secured) as api:
            yield api


@contextlib.asynccontextmanager
async def client_of(api: Api) -> AsyncIterator[Api]:
    async with http_client(api.url) as http:
        yield replace(api, http=http)


@pytest.fixture
async def client_of_module(api_of_module: Api) -> AsyncIterator[Api]:
    async with client_of(api_of_module) as api:
        yield api


@pytest.fixture
async def secured_client_of_module(secured_api_of_module: Api) -> AsyncIterator[Api]:
    async with client_of(secured_api_of_module) as api:
        yield api
