"""Workflows against a real server with skipped timers, activities faked by the names of `workflows.steps`."""

import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from cli.local.ports import free_port
from runtime.temporal import register_search_attributes
from workflows.identity import SEARCH_ATTRIBUTES


@pytest.fixture
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A Temporal server that skips time while every workflow waits."""
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
