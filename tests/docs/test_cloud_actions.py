"""What an operation costs in actions of Temporal Cloud, counted in recorded histories, is what the page says.

The rules are those of https://docs.temporal.io/cloud/actions.
"""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from page_tables import page_of, plain, rows, section

from services.workflow_starts import MAX_LANES
from workflows.messages import AnalyzeChunksInput
from workflows.policies import COMPUTE, RECONCILE_INTERVAL, RECONCILE_RUN
from workflows.schedules import CHECKPOINT_INTERVAL, PURGE_INTERVAL

HISTORIES = Path(__file__).parents[1] / "workflows" / "histories"
SECTION = section(page_of("explanation/capacity.md"), "Actions of Temporal Cloud")
COUNTED = {plain(row[1]): int(row[2]) for row in rows(SECTION) if "/" in row[1]}
DAY = timedelta(days=1)
SCHEDULE = 2  # of each run of a schedule, beside what the run itself costs
BEATS_APART = COMPUTE["heartbeat_timeout"] * 0.8  # the SDK sends no more than these
ATTEMPT, MARKER = "ACTIVITY_TASK_STARTED", "MARKER_RECORDED"
ACTIONS = {
    "WORKFLOW_EXECUTION_STARTED": 1,
    "TIMER_STARTED": 1,
    "WORKFLOW_EXECUTION_SIGNALED": 1,
    "START_CHILD_WORKFLOW_EXECUTION_INITIATED": 2,  # the child's own start is one of them
}
FREE = {
    *("WORKFLOW_TASK_SCHEDULED", "WORKFLOW_TASK_STARTED", "WORKFLOW_TASK_COMPLETED", "WORKFLOW_TASK_FAILED"),
    *("WORKFLOW_TASK_TIMED_OUT", "ACTIVITY_TASK_SCHEDULED", "ACTIVITY_TASK_COMPLETED", "ACTIVITY_TASK_CANCELED"),
    *("ACTIVITY_TASK_CANCEL_REQUESTED", "TIMER_FIRED", "TIMER_CANCELED", "CHILD_WORKFLOW_EXECUTION_STARTED"),
    *("WORKFLOW_EXECUTION_CANCEL_REQUESTED", "WORKFLOW_EXECUTION_CANCELED", "WORKFLOW_EXECUTION_COMPLETED"),
    *("WORKFLOW_EXECUTION_FAILED", MARKER),
}


def actions(name: str) -> int:
    """The actions of a history: without heartbeats, and without what its schedule costs. No kind is left over."""
    events = json.loads((HISTORIES / f"{name}.json").read_text())["events"]
    kinds = [(event["eventType"].removeprefix("EVENT_TYPE_"), event) for event in events]
    # The markers of all local activities of one workflow task are one action.
    markers = [event["markerRecordedEventAttributes"] for kind, event in kinds if kind == MARKER]
    total = len({marker["workflowTaskCompletedEventId"] for marker in markers})
    for kind, event in kinds:
        if kind == ATTEMPT:
            total += event["activityTaskStartedEventAttributes"]["attempt"]
        elif not (kind in FREE or is_start_of_a_child(event)):
            total += ACTIONS[kind]
    return total


def is_start_of_a_child(event: dict) -> bool:
    return "parentWorkflowExecution" in event.get("workflowExecutionStartedEventAttributes", {})


@pytest.mark.parametrize("name", COUNTED)
def test_a_recorded_history_has_as_many_actions(name):
    assert actions(name) == COUNTED[name]


def test_every_kind_of_work_is_on_the_page():
    assert {name.split("/")[0] for name in COUNTED} >= {path.name for path in HISTORIES.iterdir()}


def beats(seconds: timedelta) -> int:
    """Of an activity that takes so long: one at its start, and one each time that the SDK lets one through."""
    return 1 + seconds // BEATS_APART


def test_the_arithmetic_is_that_of_the_histories_and_of_the_code():
    look = (COUNTED["ReconcileOperations/three_looks"] - 1) // 3
    first_attempt = COUNTED["DeliverCallback/gone"]
    turn = timedelta(seconds=AnalyzeChunksInput(operation_id="", lane=0, lanes=MAX_LANES).seconds)
    turns = MAX_LANES * (timedelta(minutes=1) // turn)
    assert {row[0]: int(row[2].replace(",", "")) for row in rows(SECTION) if "/" not in row[1]} == {
        "a small proposal": COUNTED["CreateProposal/small"],
        "a small proposal, and its callback": COUNTED["CreateProposal/called_back"] + first_attempt,
        "each further attempt of the callback": COUNTED["DeliverCallback/second_attempt"] - first_attempt,
        "a large proposal that takes seconds": COUNTED["CreateProposal/large"] + 3,
        "a batch of 200 portfolios that takes seconds": COUNTED["AnalyzeScenarios/four_lanes"] + MAX_LANES + 1,
        "a batch that takes a minute, by four lanes with turns of ten seconds": 2 + turns * (1 + beats(turn)) + 2,
        "a day of reconcile, whatever the load": DAY // RECONCILE_INTERVAL * look + DAY // RECONCILE_RUN,
        "a day of purges": DAY // PURGE_INTERVAL * (SCHEDULE + 3),
        "a day of checkpoints, with a key": (
            DAY // CHECKPOINT_INTERVAL * (SCHEDULE + COUNTED["CheckpointEvidence/taken"])
        ),
    }
    assert f"every {BEATS_APART.total_seconds():.1f} s after that" in SECTION


def test_the_sum_of_a_month():
    sums = {row[0]: int(row[2].replace(",", "")) for row in rows(SECTION) if "/" not in row[1]}
    housekeeping = sum(count for what, count in sums.items() if what.startswith("a day of "))
    proposals = 10_000 * sums["a small proposal, and its callback"]
    month = (proposals + housekeeping) * 30 / 1e6
    sentence = f"{proposals:,} actions, and the housekeeping is {housekeeping:,} more: {month:.1f} million in a month"
    assert sentence in " ".join(SECTION.split())


def test_the_guide_names_the_same_numbers():
    guide = " ".join(page_of("guides/external-services.md").split())
    sums = {row[0]: row[2] for row in rows(SECTION) if "/" not in row[1]}
    small, called_back = sums["a small proposal"], sums["a small proposal, and its callback"]
    days = sum(int(sums[what].replace(",", "")) for what in sums if what.startswith("a day of "))
    assert f"{small} for a small proposal, {called_back} with its callback, and {days:,} a day" in guide
