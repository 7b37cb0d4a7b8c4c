"""A workflow that the sandbox must stop."""

import random

from temporalio import workflow


@workflow.defn
class Undeterministic:
    @workflow.run
    async def run(self) -> float:
        return random.random()  # noqa: S311 -- the point of it
