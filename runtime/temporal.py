"""The client of Temporal, as API, worker and commands make it: one a process, inside its event loop."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, Interceptor
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import Runtime
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from runtime.secret_file import SecretFileRefused
from runtime.temporal_profile import API_KEY_FILE, DEFAULT_ADDRESS, load_profile
from runtime.tracing import is_tracing

WORKER_IDENTITY: Final = "proposals-worker"  # each poll of a worker bears it, with process id and host
CONNECT_BACK_OFF_SECONDS: Final = (0.2, 0.5, 1.0, 2.0)

# The default configuration retries a call for 9.5 s when the server is gone, whatever the call's own time-out says.
SHORT_RETRIES: Final = RetryConfig(max_retries=3, max_elapsed_time_millis=2000)

log = structlog.get_logger(__name__)


async def connect(*, lazy: bool, identity: str, runtime: Runtime | None = None) -> Client:
    """A client for the address, namespace and TLS of the TEMPORAL_* variables.

    `lazy` connects with the first call and gives up on a call after two seconds, for processes that serve without
    Temporal. Otherwise raises RuntimeError when the server cannot be reached. `runtime` is the one whose metrics are
    exported.
    """
    config = load_profile().to_client_connect_config()
    config.setdefault("target_host", DEFAULT_ADDRESS)
    patience: dict[str, Any] = {}
    if lazy:
        patience = {"lazy": True, "retry_config": SHORT_RETRIES, "connect_timeout": timedelta(seconds=2)}
    return await Client.connect(
        **config,
        **patience,
        data_converter=pydantic_data_converter,
        identity=identity,
        runtime=runtime,
        interceptors=_interceptors(),
    )


def _interceptors() -> list[Interceptor]:
    """Interceptors that carry the trace into workflows and activities; workers inherit them from their client."""
    if not is_tracing():
        return []
    from temporalio.contrib.opentelemetry import TracingInterceptor  # noqa: PLC0415 -- costs every start 0.1 s

    return [TracingInterceptor()]


async def connect_with_back_off(*, identity: str, runtime: Runtime | None = None) -> Client:
    """A connected client of a namespace that exists, however long it takes to appear: workers refuse lazy ones."""
    attempt, said = 0, None
    while True:
        try:
            client = await connect(lazy=False, identity=identity, runtime=runtime)
            await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
        except (RuntimeError, RPCError) as failure:
            if (problem := temporal_problem(failure)) != said:
                log.warning("temporal_unreachable", reason=problem)
            said = problem
            await asyncio.sleep(CONNECT_BACK_OFF_SECONDS[min(attempt, len(CONNECT_BACK_OFF_SECONDS) - 1)])
            attempt += 1
        else:
            return client


def temporal_problem(failure: Exception) -> str:
    """Why Temporal cannot be used, in one line: the setting and the cause, without a text of the server."""
    if isinstance(failure, SecretFileRefused):  # it was there when the process began
        return f"{API_KEY_FILE}: {failure}"
    status = failure.status if isinstance(failure, RPCError) else None
    if status is RPCStatusCode.NOT_FOUND and "amespace" in str(failure):
        return "TEMPORAL_NAMESPACE: Temporal has no such namespace"
    if status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED):
        return "TEMPORAL_API_KEY, TEMPORAL_TLS_*: Temporal refuses this client"
    if "certificate" in str(failure).lower():
        return "TEMPORAL_TLS_*: client and server refuse each other's certificates"
    if status in (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.RESOURCE_EXHAUSTED):
        return "TEMPORAL_NAMESPACE: Temporal refuses search attributes or schedules there"
    return "TEMPORAL_ADDRESS: Temporal cannot be reached"


async def register_search_attributes(client: Client, wanted: Sequence[SearchAttributeKey[str]]) -> list[str]:
    """Register the keyword attributes that the namespace does not have; return the names that were new.

    Raises RPCError when Temporal cannot be reached or the caller may not.
    """
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = [key.name for key in wanted if key.name not in listed.custom_attributes]
    if missing:
        try:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace,
                    search_attributes=dict.fromkeys(missing, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD),
                )
            )
        except RPCError as failure:
            if failure.status is not RPCStatusCode.ALREADY_EXISTS:
                raise
    return missing
