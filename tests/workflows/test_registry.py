import ast
import asyncio
import inspect
import uuid
from pathlib import Path
from typing import get_type_hints

import pytest
from sandbox import PASSED_THROUGH, sandboxed_runner
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import RestrictedWorkflowAccessError
from undeterministic import WAYS, Undeterministic
from undeterministic_import import UndeterministicImport
from waiting import PATIENCE_SECONDS
from worker_dependencies import some_dependencies

from worker import registry
from workflows import steps
from workflows.identity import WORKFLOW_TYPES

TESTS = [file for file in Path(__file__).parents[1].rglob("*.py") if "temporalio.worker" in file.read_text()]


def implemented() -> dict[str, object]:
    dependencies = some_dependencies()
    activities = [
        *registry.proposal_activities(dependencies),
        *registry.batch_activities(dependencies),
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


def test_every_operation_type_has_its_workflow():
    """Named by its type, so that a workflow without one would never be started."""
    names = {cls.__temporal_workflow_definition.name for cls in registry.proposal_workflows()}
    assert names == set(WORKFLOW_TYPES.values())
    assert names == {"CreateProposal", "CreateVersion", "AnalyzeScenarios", "SimulateProposal"}


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


@pytest.mark.parametrize("way", WAYS)
async def test_a_workflow_that_is_not_deterministic_is_stopped(temporal_client, way):
    queue = f"tq-{uuid.uuid4()}"
    async with Worker(
        temporal_client, task_queue=queue, workflows=[Undeterministic], workflow_runner=sandboxed_runner()
    ):
        handle = await temporal_client.start_workflow(Undeterministic.run, way, id=str(uuid.uuid4()), task_queue=queue)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "RestrictedWorkflowAccess" not in (history := (await handle.fetch_history()).to_json()):
                assert "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED" not in history
                await asyncio.sleep(0.1)
        await handle.terminate()


def test_an_import_that_is_not_deterministic_is_stopped(temporal_client):
    with pytest.raises(RuntimeError, match="Failed validating workflow") as stopped:
        Worker(
            temporal_client,
            task_queue="tq",
            workflows=[UndeterministicImport],
            workflow_runner=sandboxed_runner(),
        )
    assert isinstance(stopped.value.__cause__, RestrictedWorkflowAccessError)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_every_workflow_in_a_test_runs_in_the_sandbox(file):
    """The worker's process has none: what the tests let pass is not caught there."""
    for call in ast.walk(ast.parse(file.read_text())):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("Worker", "Replayer"):
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            assert given.get("workflow_runner") in (None, "sandboxed_runner()")  # the SDK's own, or ours


def test_workflow_modules_import_little():
    """What a workflow module imports is imported anew for each run in the sandbox."""
    source = Path(inspect.getfile(steps)).parent
    for module in source.glob("*.py"):
        assert "sqlalchemy" not in module.read_text()
