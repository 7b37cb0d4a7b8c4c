"""Workflows against a real server with skipped timers, activities faked by the names of `workflows.steps`."""

import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from patient_limits import moved_away, of_activities_moved_away
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from cli.local.ports import free_port
from runtime.temporal import register_search_attributes
from workflows.identity import SEARCH_ATTRIBUTES


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    with moved_away(), of_activities_moved_away():
        yield


@asynccontextmanager
async def skipping_time() -> AsyncIterator[WorkflowEnvironment]:
    temporal = Path(sys.executable).parent / "temporal"
    assert temporal.exists() or shutil.which("temporal")
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(temporal),
        dev_server_extra_args=[
            "--dynamic-config-value",
            "frontend.WorkflowTimeSkippingEnabled=true",
            "--dynamic-config-value",
            'history.timerProcessorMaxTimeShift="10ms"',
            "--dynamic-config-value",
            "history.transferProcessorMaxPollRPS=2000",
        ],
        data_converter=pydantic_data_converter,
        port=free_port(),
    ) as environment:
        await register_search_attributes(environment.client, SEARCH_ATTRIBUTES)
        yield environment


@pytest.fixture(scope="session")
def skipping() -> Iterator[WorkflowEnvironment]:
    """A Temporal server that skips time while every workflow waits, each by a clock of its own."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(skipping_time()) as environment:
        yield environment
