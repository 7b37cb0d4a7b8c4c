"""Waiting for an operation: long polls, outages on the way, every end that there is."""

import threading
import time
from itertools import islice

import pytest
from proposals_client import (
    AsyncProposals,
    AsyncWaitTimeout,
    NotFound,
    OperationExpired,
    OperationFailed,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
    WaitTimeout,
)
from scripted_service import GONE, Answer, ScriptedService
from waiting import PATIENCE_SECONDS

from cli.local.ports import free_port

NAMED = {"operation_id": "pop_1", "correlation_id": "crm/1"}
ACCEPTED = Answer(202, NAMED | {"status": "PENDING"})
RUNNING = Answer(200, NAMED | {"status": "RUNNING"}, {"Retry-After": "0"})
SUCCEEDED = Answer(200, NAMED | {"status": "SUCCEEDED", "proposal_id": "pp_1", "version_no": 1, "error": None})
OUTAGE = Answer(503, {"code": "PROPOSAL_POSTGRES_CONNECTION_FAILED", "detail": "-"}, {"Retry-After": "0"})

pytestmark = pytest.mark.usefixtures("quick")


def failed(message, **more):
    return Answer(200, NAMED | {"status": "FAILED", "error": {"code": "A", "message": message} | more})


@pytest.fixture
def operation(played, desk_of):
    played.answers = [ACCEPTED]
    operation = desk_of(played.url).submit({}, key="k")
    played.asked.clear()
    return operation


def test_it_polls_until_the_end_and_lets_the_service_hold_the_answer(played, operation):
    played.answers = [RUNNING, GONE, OUTAGE, Answer(502, b""), Answer(500, b""), RUNNING, SUCCEEDED]

    created = operation.wait(timeout=30)

    assert (created.proposal_id, created.version_no, created.state.status) == ("pp_1", 1, "SUCCEEDED")
    assert repr(created) == "Created(proposal_id='pp_1', version_no=1, state=OperationState('pop_1', 'SUCCEEDED'))"
    assert len(played.asked) == 7
    assert played.asked[0].path == "/rebalance/proposals/operations/pop_1?wait=20.00"


async def test_the_client_for_asyncio_waits_alike(played):
    played.answers = [ACCEPTED, RUNNING, GONE, OUTAGE, SUCCEEDED]
    async with AsyncProposals(played.url) as desk:
        operation = await desk.submit({})
        assert (await operation.wait(timeout=30)).proposal_id == "pp_1"
        played.answers = [RUNNING]
        with pytest.raises(AsyncWaitTimeout) as late:
            await operation.wait(timeout=0.2)
    assert late.value.operation is operation


def test_a_service_that_is_restarted_meanwhile_is_waited_for(desk_of):
    with ScriptedService(free_port()).serving() as first:  # nothing else takes it before it is started again
        first.answers = [Answer(202, ACCEPTED.body, {"Connection": "close"})]
        operation = desk_of(first.url).submit({})
        port = first.server_port

    def start_again() -> None:
        time.sleep(1)
        with ScriptedService(port).serving() as second:
            second.answers = [SUCCEEDED]
            ended.wait(PATIENCE_SECONDS)

    ended = threading.Event()
    restarting = threading.Thread(target=start_again)
    restarting.start()
    try:
        assert operation.wait(timeout=PATIENCE_SECONDS).proposal_id == "pp_1"
    finally:
        ended.set()
        restarting.join()


def test_the_timeout_holds_the_operation_so_that_the_caller_can_go_on(played, operation):
    for answers in ([RUNNING], [GONE], [OUTAGE]):
        played.answers = answers
        with pytest.raises(TimeoutError) as late:
            operation.wait(timeout=0.3)
        assert isinstance(late.value, WaitTimeout)
        assert str(late.value) == "pop_1 has not ended within 0.3 s; it goes on"
    played.answers = [SUCCEEDED]
    assert late.value.operation.wait().proposal_id == "pp_1"


def test_a_poll_that_was_not_held_is_followed_by_the_pause_that_the_service_asks_for(played, operation):
    played.answers = [Answer(200, RUNNING.body, {"Retry-After": "1"}), SUCCEEDED]
    began = time.monotonic()
    operation.wait()
    assert time.monotonic() - began >= 1
    played.answers = [Answer(200, RUNNING.body)]
    played.asked.clear()
    with pytest.raises(WaitTimeout):
        operation.wait(timeout=0.5)
    assert len(played.asked) == 1


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (failed("OPERATION_TIMED_OUT"), "OPERATION_TIMED_OUT", True),
        (failed("OPERATION_CANCELLED"), "OPERATION_CANCELLED", True),
        (failed("PROPOSAL_TERMINAL_STATE: cannot create version"), "PROPOSAL_TERMINAL_STATE", False),
        (failed("in other words", problem="OPERATION_TOO_EXPENSIVE"), "OPERATION_TOO_EXPENSIVE", False),
    ],
)
def test_a_failure_has_its_code_what_to_do_and_whether_a_retry_may_help(played, operation, answer, code, retryable):
    played.answers = [answer]
    with pytest.raises(OperationFailed) as failure:
        operation.wait()
    assert (failure.value.code, failure.value.retryable) == (code, retryable)
    assert failure.value.what_to_do
    assert (failure.value.operation_id, failure.value.correlation_id) == ("pop_1", "crm/1")


def test_a_failure_of_a_later_release_is_one_too(played, operation):
    played.answers = [failed("SOMETHING_NEW: in words")]
    with pytest.raises(OperationFailed) as failure:
        operation.wait()
    assert (failure.value.code, failure.value.what_to_do, failure.value.retryable) == ("SOMETHING_NEW", None, False)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(410, {"code": "OPERATION_EXPIRED", "operation": {"proposal_id": "pp_1"}}), OperationExpired),
        (Answer(404, {"code": "PROPOSAL_ASYNC_OPERATION_NOT_FOUND"}), NotFound),
        (Answer(401, {"code": "UNAUTHENTICATED"}), Unauthenticated),
        (Answer(503, {"code": "OUT_OF_SERVICE", "retryable": False}), Unavailable),
        (Answer(200, b"<html>"), UnexpectedAnswer),
        (Answer(200, {"something": "else"}), UnexpectedAnswer),
    ],
)
def test_what_waiting_cannot_help_is_raised(played, operation, answer, error):
    played.answers = [answer]
    with pytest.raises(error):
        operation.wait()
    assert len(played.asked) == 1


def test_following_shows_each_state_and_each_outage(played, operation):
    played.answers = [RUNNING, OUTAGE, SUCCEEDED]
    assert [state and state.status for state in operation.follow()] == ["RUNNING", None, "SUCCEEDED"]


def test_a_port_without_a_service_is_an_outage_as_long_as_there_is_time(desk_of, played):
    played.answers = [ACCEPTED]
    operation = desk_of(played.url).submit({})
    operation._transport = desk_of(f"http://127.0.0.1:{free_port()}")._transport
    assert list(islice(operation.follow(timeout=PATIENCE_SECONDS), 3)) == [None] * 3
    assert set(operation.follow(timeout=0.2)) <= {None}
