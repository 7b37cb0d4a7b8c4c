import asyncio
import inspect
import uuid
from pathlib import Path
from typing import get_type_hints

import pytest
from temporalio.worker import Worker
from undeterministic import Undeterministic

from worker import registry
from worker.registry import Dependencies
from worker.sandbox import PASSED_THROUGH, sandboxed_runner
from workflows import steps


def implemented() -> dict[str, object]:
    dependencies = Dependencies(storage=None, client=None, pool=None, periods=None, max_started=300)  # type: ignore[arg-type]  # nothing is called
    activities = [
        *registry.proposal_activities(dependencies),
        *registry.callback_activities(dependencies),
        *registry.housekeeping_activities(dependencies),
    ]
    return {function.__temporal_activity_definition.name: function for function in activities}


def declared() -> dict[str, object]:
    return {
        function.__temporal_activity_definition.name: function
        for _, function in inspect.getmembers(steps, inspect.iscoroutinefunction)
        if hasattr(function, "__temporal_activity_definition")
    }


def test_every_step_has_exactly_one_implementation_and_nothing_else_is_registered():
    assert implemented().keys() == declared().keys()


@pytest.mark.parametrize("name", declared())
def test_an_implementation_takes_and_gives_what_its_step_says(name):
    assert get_type_hints(implemented()[name]) == get_type_hints(declared()[name])


@pytest.mark.parametrize("name", declared())
async def test_a_step_called_outside_temporal_says_so(name):
    with pytest.raises(RuntimeError, match="through Temporal"):
        await declared()[name](None)


def test_no_module_that_defines_a_workflow_is_passed_through_the_sandbox():
    workflows = (
        *registry.proposal_workflows(),
        *registry.callback_workflows(),
        *registry.housekeeping_workflows(),
    )
    defining = {cls.__module__ for cls in workflows}
    assert not [module for module in defining if module.startswith(PASSED_THROUGH)]
    assert "workflows" not in PASSED_THROUGH


async def test_a_workflow_that_is_not_deterministic_is_stopped(temporal_client):
    queue = f"tq-{uuid.uuid4()}"
    async with Worker(
        temporal_client, task_queue=queue, workflows=[Undeterministic], workflow_runner=sandboxed_runner()
    ):
        handle = await temporal_client.start_workflow(Undeterministic.run, id=str(uuid.uuid4()), task_queue=queue)
        async with asyncio.timeout(30):
            while "RestrictedWorkflowAccess" not in (await handle.fetch_history()).to_json():
                await asyncio.sleep(0.1)
        await handle.terminate()


def test_workflow_modules_import_little():
    """What a workflow module imports is imported anew for each run in the sandbox."""
    source = Path(inspect.getfile(steps)).parent
    for module in source.glob("*.py"):
        assert "sqlalchemy" not in module.read_text()
