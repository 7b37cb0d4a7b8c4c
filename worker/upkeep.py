"""What Temporal must know before operations can be started and found; an emptied Temporal knows none of it."""

import asyncio
from typing import Final

import structlog
from temporalio.client import Client
from temporalio.service import RPCError

from runtime.temporal import register_search_attributes
from workflows.identity import SEARCH_ATTRIBUTES
from workflows.schedules import create_missing_schedules

INTERVAL_SECONDS: Final = 10.0

log = structlog.get_logger(__name__)


async def keep_temporal_prepared(client: Client) -> None:
    """Create missing search attributes and schedules now and every ten seconds, until cancelled."""
    while True:
        await prepare_temporal(client)
        await asyncio.sleep(INTERVAL_SECONDS)


async def prepare_temporal(client: Client) -> None:
    try:
        attributes = await register_search_attributes(client, SEARCH_ATTRIBUTES)
        schedules = await create_missing_schedules(client)
    except (RPCError, RuntimeError) as failure:
        log.warning("temporal_not_prepared", reason=type(failure).__name__)
        return
    if attributes or schedules:
        log.info("temporal_prepared", search_attributes=attributes, schedules=schedules)
