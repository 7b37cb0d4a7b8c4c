"""Workflow code that changed must still be able to go on with what runs: recorded histories, replayed."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from worker.registry import housekeeping_workflows, proposal_workflows
from worker.sandbox import sandboxed_runner

HISTORIES = Path(__file__).parent / "histories"
RECORDED = sorted(HISTORIES.glob("*/*.json"))


def test_every_path_is_recorded():
    assert [path.stem for path in RECORDED] == ["business_failure", "fallen_back", "large", "small", "worker_killed"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path):
    replayer = Replayer(
        workflows=[*proposal_workflows(), *housekeeping_workflows()],
        workflow_runner=sandboxed_runner(),
        data_converter=pydantic_data_converter,
    )
    await replayer.replay_workflow(WorkflowHistory.from_json("pop_recorded", path.read_text()))


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("small", "EVENT_TYPE_MARKER_RECORDED"),
        ("large", "EVENT_TYPE_ACTIVITY_TASK_COMPLETED"),
        ("fallen_back", "EVENT_TYPE_ACTIVITY_TASK_COMPLETED"),
        ("business_failure", "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED"),
        ("worker_killed", "EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT"),
    ],
)
def test_a_recorded_history_is_what_it_says(name, event):
    history = json.loads((HISTORIES / "CreateProposal" / f"{name}.json").read_text())
    assert event in [recorded["eventType"] for recorded in history["events"]]
