"""A workflow that does what none may do, in each of the ways that its input can name."""

import os
import random
import time
import uuid
from datetime import UTC, datetime

from temporalio import workflow

# ruff: noqa: PLC0415, S311 -- what must not be done is the point of it


def _imported_late() -> str:
    import http.client

    return str(http.client.HTTPConnection("127.0.0.1", 1))


WAYS = {
    "chance": lambda: str(random.random()),
    "clock": lambda: str(time.time()),
    "date": lambda: str(datetime.now(UTC)),
    "environment": lambda: str(os.getpid()),
    "file": lambda: open(__file__).name,  # noqa: PTH123, SIM115 -- what the sandbox has to catch
    "id": lambda: str(uuid.uuid4()),
    "network": _imported_late,
}


@workflow.defn
class Undeterministic:
    @workflow.run
    async def run(self, way: str) -> str:
        return WAYS[way]()
