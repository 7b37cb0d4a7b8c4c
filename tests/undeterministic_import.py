"""A workflow whose module asks for chance when it is imported."""

import random

from temporalio import workflow

CHANCE = random.random()  # noqa: S311 -- the point of it


@workflow.defn
class UndeterministicImport:
    @workflow.run
    async def run(self) -> float:
        return CHANCE
