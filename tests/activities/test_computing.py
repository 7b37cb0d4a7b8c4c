"""Where a step computes: what was tried once already is computed where it can be ended."""

from dataclasses import replace

import pytest
from builders import a_stored_operation
from storage_rows import Steps
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.computing import Computing
from domain.errors import OperationTooExpensive
from storage.unit_of_work import Storage


class Pool:
    """Ends every computation for what it costs."""

    async def run(self, *_, **__):
        raise OperationTooExpensive


def length(text: str) -> int:
    return len(text)


@pytest.mark.parametrize(
    ("is_local", "attempt", "is_large", "is_bounded"),
    [(True, 1, False, False), (True, 2, False, True), (False, 1, False, True), (True, 1, True, True)],
)
async def test_what_is_large_or_tried_again_is_bounded(is_local, attempt, is_large, is_bounded):
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, is_local=is_local, attempt=attempt)

    async def step() -> int:
        return await Computing(Pool()).run(length, "text", is_large=is_large)

    if is_bounded:
        with pytest.raises(OperationTooExpensive):
            await environment.run(step)
    else:
        assert await environment.run(step) == len("text")


async def test_what_is_too_expensive_is_refused_for_good(storage: Storage):
    operation = await a_stored_operation(storage)
    steps = Steps(storage, pool=Pool())
    with pytest.raises(ApplicationError) as refused:
        await steps.simulate(operation.operation_id, is_local=False)
    assert refused.value.non_retryable
    assert (refused.value.type, refused.value.message) == ("ProposalValidationError", "OPERATION_TOO_EXPENSIVE")
