"""A workflow of any type that ends as its argument says; the sandbox imports this module anew, so it imports little."""

import asyncio
from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError


@workflow.defn(dynamic=True)
class AnyWorkflow:
    """`return`, `fail`, or anything else to wait for ever."""

    @workflow.run
    async def run(self, arguments: Sequence[RawValue]) -> None:
        how = workflow.payload_converter().from_payload(arguments[0].payload, str)
        if how == "fail":
            raise ApplicationError("x", non_retryable=True)
        if how != "return":
            await asyncio.Event().wait()
