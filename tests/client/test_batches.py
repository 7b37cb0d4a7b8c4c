"""Batches through the Python client, against the service as processes; broken connections against one that plays it."""

import json
import uuid
from typing import Any

import pytest
from batches import a_portfolio, an_analysis
from builders import a_body
from proposals_client import (
    AsyncProposals,
    InvalidArgument,
    KeyConflict,
    OperationFailed,
    Progress,
    UnexpectedAnswer,
    ValidationFailed,
    WaitTimeout,
    models,
)
from proposals_client.operation_results import BatchResult, SimulationMade
from scripted_service import GONE, Answer

import api.batches
import api.simulations

pytestmark = pytest.mark.shared

SCENARIOS = {"buy": {}, "hold": {"proposed_trades": []}}
RUNS_PATH = "/rebalance/proposals/operations/pop_1/runs"


def a_batch(items: int = 30) -> dict[str, Any]:
    return an_analysis(*[a_portfolio(number) for number in range(items)], scenarios=SCENARIOS)


@pytest.fixture
def desk(service, desk_of):
    return desk_of(service.url)


def test_a_batch_from_its_request_to_its_runs(desk):
    body = a_batch()
    body["items"][3] = a_portfolio(3, portfolio_snapshot={"portfolio_id": "pf_3"})
    correlation_id = f"cio/{uuid.uuid4().hex}"
    batch = desk.submit_batch(body, correlation_id=correlation_id)
    runs = list(batch.runs())
    assert [run.run_no for run in runs] == list(range(60))
    assert {run.result.correlation_id for run in runs if run.result} == {correlation_id}
    assert [run.run_no for run in runs if run.error] == [6, 7]
    analyzed = batch.wait()
    assert (analyzed.result.counts.succeeded, analyzed.result.counts.failed) == (58, 2)
    assert analyzed.result.scenarios["hold"].statuses == {"READY": 29, "PENDING_REVIEW": 0, "BLOCKED": 0}
    assert batch.state().progress == Progress(total=60, succeeded=58, failed=2)
    assert batch.results_tag() == analyzed.result.results_hash
    failed = list(batch.find_runs(status="FAILED", limit=1))
    assert [(run.item_id, run.scenario, run.error.code) for run in failed] == [
        ("pf_3", "buy", "VALIDATION_FAILED"),
        ("pf_3", "hold", "VALIDATION_FAILED"),
    ]
    assert failed[0].error.errors[0].loc[:3] == ["items", 3, "portfolio_snapshot"]

    replay = desk.submit_batch(body, key=batch.key)
    assert (replay.id, replay.is_replay) == (batch.id, True)
    with pytest.raises(KeyConflict):
        desk.submit_batch(a_batch(2), key=batch.key)
    found = desk.batch(batch.id)
    assert (found.key, [run.run_no for run in found.runs(after=57)]) == (batch.key, [58, 59])
    whole, short = (list(found.lines(after=57, include_result=included)) for included in (True, False))
    for line, without_result in zip(whole, short, strict=True):
        assert json.loads(line) == json.loads(without_result) | {"result": json.loads(line)["result"]}


def test_what_is_no_batch_is_said(desk):
    created = desk.submit(a_body())
    created.wait()
    with pytest.raises(InvalidArgument):
        desk.batch(created.id)
    batch = desk.submit_batch(models.AnalyzeScenariosRequest.model_validate(a_batch(1)))
    batch.wait()
    with pytest.raises(UnexpectedAnswer, match="batch"):
        desk.operation(batch.id).wait()
    with pytest.raises(ValidationFailed) as refused:
        desk.submit_batch({"created_by": "desk_1", "shared": {}, "items": []})
    assert refused.value.errors[0].place == "/items"


def test_a_batch_without_a_computed_run_fails_and_its_runs_are_there(desk):
    body = an_analysis({"id": "pf_0"}, {"id": "pf_1"})
    with pytest.raises(OperationFailed) as failed:
        desk.analyze(body)
    assert (failed.value.code, failed.value.retryable) == ("ANALYSIS_ALL_RUNS_FAILED", False)
    assert "Correct" in failed.value.what_to_do
    assert [run.status for run in desk.batch(failed.value.operation_id).runs()] == ["FAILED", "FAILED"]


def test_the_totals_are_those_of_the_service():
    assert [*BatchResult.model_fields] == [*api.batches.BatchResult.model_fields]
    assert [*SimulationMade.model_fields] == [*api.simulations.SimulationMade.model_fields]


async def test_the_same_with_asyncio(service):
    async with AsyncProposals(service.url) as desk:
        analyzed = await desk.analyze(a_batch(3))
        batch = await desk.batch(analyzed.state.operation_id)
        assert [run.run_no async for run in batch.runs()] == list(range(6))
        assert [run.run_no async for run in batch.find_runs(scenario="hold", limit=2)] == [1, 3, 5]
        assert await batch.results_tag() == analyzed.result.results_hash


def a_state(status: str, done: int) -> Answer:
    return Answer(
        body={
            "operation_id": "pop_1",
            "correlation_id": "c",
            "status": status,
            "progress": {"total": 6, "succeeded": done, "failed": 0, "remaining": 6 - done},
        }
    )


def lines_of(*numbers: int) -> bytes:
    return b"".join(b'{"run_no":%d,"item_id":"a"}\n' % number for number in numbers)


ACCEPTED = Answer(status=202, body={"operation_id": "pop_1", "correlation_id": "c"})


def numbers_of(batch, **options) -> list[int]:
    return [json.loads(line)["run_no"] for line in batch.lines(**options)]


def test_runs_that_others_overtook_are_waited_for(played, desk_of):
    played.answers = [
        *(ACCEPTED, a_state("RUNNING", 4), Answer(body=lines_of(0, 1, 4, 5))),
        *(a_state("RUNNING", 4), a_state("RUNNING", 6), Answer(body=lines_of(2, 3, 4, 5))),
        *(a_state("SUCCEEDED", 6), Answer(body=b"")),
    ]
    assert numbers_of(desk_of(played.url).submit_batch({})) == [0, 1, 2, 3, 4, 5]
    asked = [one.path for one in played.asked if one.path.startswith(RUNS_PATH)]
    assert asked == [RUNS_PATH, f"{RUNS_PATH}?after=1", f"{RUNS_PATH}?after=5"]


def test_a_connection_that_breaks_in_the_midst_of_a_line_loses_and_doubles_none(played, desk_of):
    torn = Answer(body=lines_of(0, 1) + b'{"run_no":2,"it', headers={"Content-Length": "4000", "Connection": "close"})
    played.answers = [
        *(ACCEPTED, a_state("SUCCEEDED", 6), torn),
        *(a_state("SUCCEEDED", 6), GONE, Answer(status=503), Answer(body=lines_of(2, 3, 4, 5))),
    ]
    assert numbers_of(desk_of(played.url).submit_batch({})) == [0, 1, 2, 3, 4, 5]
    assert [one.path for one in played.asked if one.path.startswith(RUNS_PATH)] == [
        RUNS_PATH,
        *[f"{RUNS_PATH}?after=1"] * 3,
    ]


def test_a_batch_that_was_cancelled_yields_what_was_computed_with_its_gaps(played, desk_of):
    played.answers = [ACCEPTED, a_state("FAILED", 3), Answer(body=lines_of(0, 4, 5))]
    assert numbers_of(desk_of(played.url).submit_batch({})) == [0, 4, 5]


def test_a_batch_that_does_not_go_on_is_left_with_its_name(played, desk_of):
    played.answers = [ACCEPTED, a_state("RUNNING", 1), Answer(body=lines_of(0)), a_state("RUNNING", 1)]
    batch = desk_of(played.url).submit_batch({})
    with pytest.raises(WaitTimeout) as late:
        numbers_of(batch, timeout=0.6)
    assert late.value.operation is batch


@pytest.mark.parametrize("body", [b"<html>\n", b'{"run":1}\n'])
def test_lines_of_another_server_are_refused(played, desk_of, body):
    played.answers = [ACCEPTED, a_state("SUCCEEDED", 6), Answer(body=body)]
    with pytest.raises(UnexpectedAnswer):
        numbers_of(desk_of(played.url).submit_batch({}))
