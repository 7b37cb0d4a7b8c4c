"""When an ended process starts again, and when that is given up: on a clock of the test."""

import signal
import time

import pytest

from cli.local.children import LocalServerError
from cli.local.restarts import RestartedChild


class Launched:
    """A process that the test ends."""

    def __init__(self):
        self.exit_code = None

    def exit_error(self):
        return LocalServerError(f"x ended with {self.exit_code}")


class Launches:
    def __init__(self):
        self.children = []
        self.said = []
        self.restarted = RestartedChild(self._launch, say=self.said.append)
        self.now = time.monotonic()

    def _launch(self):
        self.children.append(Launched())
        return self.children[-1]

    def ends(self, exit_code, *, after=1.0):
        """The running process ends, is noticed, and has its pause; returns the seconds of the pause."""
        self.now += after
        self.children[-1].exit_code = exit_code
        self.restarted.look_after(now=self.now)
        launched, began = len(self.children), self.now
        while len(self.children) == launched:
            self.now += 0.25
            self.restarted.look_after(now=self.now)
        return self.now - began


@pytest.fixture
def launches():
    return Launches()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_one_starts_again_as_often_as_it_is_killed_with_a_bounded_pause(launches, number):
    pauses = [launches.ends(-number) for _ in range(8)]

    assert pauses == [0.5, 1, 2, 4, 8, 8, 8, 8]
    assert launches.restarted.child is launches.children[-1]
    assert launches.said[:2] == [
        f"x ended with {-number}: it starts again in 0.5 s",
        f"x ended with {-number}: it starts again in 1 s",
    ]


def test_one_that_is_told_to_stop_starts_again_as_often(launches):
    """A worker and an API that hear SIGTERM exit with 0."""
    assert [launches.ends(0) for _ in range(8)][-1] == 8


def test_one_that_ends_at_each_of_three_starts_ends_all_with_its_reason(launches):
    launches.ends(2)
    launches.ends(-signal.SIGSEGV)

    with pytest.raises(LocalServerError, match=r"^x ended with 1$"):
        launches.ends(1)
    assert len(launches.children) == 3


def test_one_that_ran_for_a_minute_had_started(launches):
    for _ in range(5):
        assert launches.ends(1, after=60) == 0.5


def test_one_that_runs_is_left_alone(launches):
    for _ in range(100):
        launches.now += 1
        launches.restarted.look_after(now=launches.now)

    assert len(launches.children) == 1
    assert launches.said == []
