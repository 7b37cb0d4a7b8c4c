# Generated from _async/batch.py by client/generate.py.
"""A batch in the caller's hand: its progress, and its runs while others are computed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Final

from proposals_client._sync.operation import WaitTimeout, Work
from proposals_client._sync.paging import items_of
from proposals_client.calls import LINES_OR_PROBLEM, Call, Filter
from proposals_client.errors import ConnectionLost, UnexpectedAnswer
from proposals_client.lazy_models import models
from proposals_client.operation_state import Analyzed, OperationState
from proposals_client.reading import read_object

if TYPE_CHECKING:
    from proposals_client.models import BatchRun, RunWithResult

PAUSE: Final = 0.5  # seconds between two looks at a batch that has no further run yet
RUN_NO: Final = re.compile(rb'\{"run_no":(\d{1,9}),')


class Batch(Work[Analyzed]):
    """Items, each simulated in each scenario; `state().progress` says how far it is."""

    def _made(self, state: OperationState) -> Analyzed:
        return Analyzed(state)

    def find_runs(self, **filters: Filter) -> Iterator[BatchRun]:
        """Computed runs that match, in order, without results.

        Filters are `item_id`, `scenario`, `status`, `simulation_status` and `gate`; `limit` is the size of a page.
        """
        return self._find_runs(filters)

    def runs(
        self,
        *,
        after: int | None = None,
        timeout: float = 60.0,
    ) -> Iterator[RunWithResult]:
        """Yield every run with its result, in order, each as soon as it and all before it are computed.

        A connection that breaks is made again, after the last run that was yielded; `after` does the same for a caller
        that was interrupted. Of a FAILED batch these are the runs that were computed. Raises WaitTimeout after
        `timeout` seconds without another run.
        """
        with closing(self.lines(after=after, timeout=timeout)) as lines:
            for line in lines:
                yield read_object(models.RunWithResult, json.loads(line))

    def lines(
        self,
        *,
        after: int | None = None,
        include_result: bool = True,
        timeout: float = 60.0,
    ) -> Generator[bytes, None, None]:
        """The same as bytes, as they are stored: a line with its end for each run."""
        last = -1 if after is None else after
        moved_at, seen = time.monotonic(), -1
        while True:
            state = self.state()
            if state.progress is None:
                raise UnexpectedAnswer(f"{self.id} is no batch")
            if state.has_ended or state.progress.done != seen:
                seen = state.progress.done
                call = self._of_lines(after=last, include_result=include_result)
                try:
                    with closing(self._transport.lines(call)) as lines:
                        for line in lines:
                            run_no = run_no_of(line)
                            if run_no != last + 1 and not state.has_ended:
                                break  # the runs between are still computed, and would be missed by going on after this
                            yield line
                            last, moved_at = run_no, time.monotonic()
                except ConnectionLost:
                    seen = -1
                else:
                    if state.has_ended:
                        return
            if time.monotonic() - moved_at >= timeout:
                raise WaitTimeout(self, timeout)
            time.sleep(PAUSE)

    def results_tag(self, *, include_result: bool = True) -> str | None:
        """The entity tag of all lines: `results_hash` of an ended batch, None of an open one."""
        call = self._of_lines(after=-1, include_result=include_result, method="HEAD")
        tag: str = (self._transport.send(call)).headers.get("ETag", "")
        return tag.removeprefix("W/").strip('"') or None

    def _find_runs(self, filters: dict[str, Filter]) -> Iterator[BatchRun]:
        for item in items_of(self._transport, self._path("runs"), filters):
            yield read_object(models.BatchRun, item)

    def _of_lines(self, *, after: int, include_result: bool, method: str = "GET") -> Call:
        query = {"after": None if after < 0 else after, "include_result": None if include_result else False}
        return Call(method=method, path=self._path("runs"), query=query, accept=LINES_OR_PROBLEM)


def run_no_of(line: bytes) -> int:
    """Of a line of runs. Raises UnexpectedAnswer."""
    found = RUN_NO.match(line)
    if found is None:
        raise UnexpectedAnswer("the answer is not a line of runs")
    return int(found[1])
