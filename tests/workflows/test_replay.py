"""Workflow code that changed must still be able to go on with what runs: recorded histories, replayed."""

import json
from pathlib import Path

import pytest
from sandbox import sandboxed_runner
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from worker.registry import callback_workflows, housekeeping_workflows, proposal_workflows

HISTORIES = Path(__file__).parent / "histories"
CREATE_PROPOSAL = (
    "business_failure",
    "called_back",
    "failure_called_back",
    "fallen_back",
    "large",
    "small",
    "worker_killed",
)
CREATE_VERSION = ("business_failure", "small")
ANALYZE_SCENARIOS = ("all_failed", "cancelled", "four_lanes")
CHECKPOINT_EVIDENCE = ("taken",)
SIMULATE_PROPOSAL = ("business_failure", "large", "small")
DELIVER_CALLBACK = ("gone", "redelivered", "second_attempt")
RECONCILE_OPERATIONS = ("three_looks", "triggered")
RECORDED = sorted(HISTORIES.glob("*/*.json"))


def test_every_path_is_recorded():
    assert [f"{path.parent.name}/{path.stem}" for path in RECORDED] == [
        *(f"AnalyzeScenarios/{name}" for name in ANALYZE_SCENARIOS),
        *(f"CheckpointEvidence/{name}" for name in CHECKPOINT_EVIDENCE),
        *(f"CreateProposal/{name}" for name in CREATE_PROPOSAL),
        *(f"CreateVersion/{name}" for name in CREATE_VERSION),
        *(f"DeliverCallback/{name}" for name in DELIVER_CALLBACK),
        *(f"ReconcileOperations/{name}" for name in RECONCILE_OPERATIONS),
        *(f"SimulateProposal/{name}" for name in SIMULATE_PROPOSAL),
    ]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_a_recorded_history_replays(path):
    replayer = Replayer(
        workflows=[*proposal_workflows(), *callback_workflows(), *housekeeping_workflows()],
        workflow_runner=sandboxed_runner(),
        data_converter=pydantic_data_converter,
    )
    started = json.loads(path.read_text())["events"][0]["workflowExecutionStartedEventAttributes"]
    await replayer.replay_workflow(WorkflowHistory.from_json(started["workflowId"], path.read_text()))


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("AnalyzeScenarios/four_lanes", "EVENT_TYPE_ACTIVITY_TASK_COMPLETED"),
        ("AnalyzeScenarios/all_failed", "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED"),
        ("AnalyzeScenarios/cancelled", "EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED"),
        ("CheckpointEvidence/taken", "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"),
        ("CreateProposal/small", "EVENT_TYPE_MARKER_RECORDED"),
        ("CreateProposal/large", "EVENT_TYPE_ACTIVITY_TASK_COMPLETED"),
        ("CreateProposal/fallen_back", "EVENT_TYPE_ACTIVITY_TASK_COMPLETED"),
        ("CreateProposal/business_failure", "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED"),
        ("CreateProposal/worker_killed", "EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT"),
        ("CreateProposal/called_back", "EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED"),
        ("CreateProposal/failure_called_back", "EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED"),
        ("DeliverCallback/gone", "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED"),
        ("DeliverCallback/redelivered", "EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED"),
        ("DeliverCallback/second_attempt", "EVENT_TYPE_TIMER_FIRED"),
        ("ReconcileOperations/three_looks", "EVENT_TYPE_TIMER_FIRED"),
        ("ReconcileOperations/triggered", "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"),
        ("CreateVersion/small", "EVENT_TYPE_MARKER_RECORDED"),
        ("CreateVersion/business_failure", "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED"),
    ],
)
def test_a_recorded_history_is_what_it_says(name, event):
    history = json.loads((HISTORIES / f"{name}.json").read_text())
    assert event in [recorded["eventType"] for recorded in history["events"]]
