"""The runs of a batch in a file: begun, gone on with, and checked against the service."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from proposals_client import Batch

from cli.output import Show

SHOWN_EACH: Final = 50  # runs
NO_RESULT: Final = b'"result":null}\n'


class ExportRefused(Exception):
    """The file cannot be of this batch; it stays as it was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """A finished file; `results_hash` is None of a batch that FAILED."""

    status: str
    runs: int
    failed: int
    results_hash: str | None


@dataclass(frozen=True, slots=True)
class _Kept:
    """Whole lines at the file's beginning that are runs of the batch."""

    runs: int
    last: int | None
    size: int


def export_runs(batch: Batch, path: Path, *, seconds: float, show: Show) -> Exported:
    """Raises ExportRefused, ProposalsError, OSError; WaitTimeout after `seconds` without another run."""
    with _opened(path) as file:
        kept = _checked(batch, file, seconds=seconds)
        file.truncate(kept.size)  # a line that was torn when the last export was killed
        file.seek(kept.size)
        total = batch.state().document["progress"]["total"]
        with closing(batch.lines(after=kept.last, timeout=seconds)) as lines:
            for runs, line in enumerate(lines, kept.runs + 1):
                file.write(line)
                if runs % SHOWN_EACH == 0 or runs == total:
                    show(f"{batch.id} {runs} of {total} runs", runs / total)
        file.flush()
        os.fsync(file.fileno())
        return _finished(batch, file, seconds=seconds)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, for this process alone."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(0, "another export writes it") from None
        yield file


def _checked(batch: Batch, file: BinaryIO, *, seconds: float) -> _Kept:
    """Compare each line with what the service says of its run, which is how the line begins; a torn one is not kept.

    Equal portfolios of another batch begin alike, so one result, which names its batch, is compared as a whole.
    """
    file.seek(0)
    runs, last, size = 0, None, 0
    has_compared_result = False
    with closing(batch.lines(include_result=False, timeout=seconds)) as summaries:
        for line in file:
            summary = next(summaries, b"")
            begin = summary.removesuffix(b"}\n") + b","
            is_torn = not line.endswith(b"\n")
            is_its_run = summary != b"" and (line.startswith(begin) or (is_torn and begin.startswith(line)))
            run_no = json.loads(summary)["run_no"] if is_its_run else -1
            if is_its_run and not (is_torn or has_compared_result or line.endswith(NO_RESULT)):
                has_compared_result = True
                is_its_run = line == _line(batch, run_no, seconds=seconds)
            if not is_its_run:
                raise ExportRefused(f"line {runs + 1} is no run of {batch.id}: choose another file")
            if is_torn:
                break
            runs, last, size = runs + 1, run_no, size + len(line)
    return _Kept(runs, last, size)


def _line(batch: Batch, run_no: int, *, seconds: float) -> bytes:
    with closing(batch.lines(after=run_no - 1, timeout=seconds)) as lines:
        return next(lines, b"")


def _finished(batch: Batch, file: BinaryIO, *, seconds: float) -> Exported:
    state = batch.state()
    progress = state.document["progress"]
    done, failed = progress["succeeded"] + progress["failed"], progress["failed"]
    results_hash = state.document["result"]["results_hash"] if state.document["result"] else None
    kept = _checked(batch, file, seconds=seconds)
    if kept.runs != done or (results_hash is not None and batch.results_tag() != results_hash):
        raise ExportRefused(f"the file has {kept.runs} runs, which are not the {done} of {results_hash}")
    return Exported(status=state.status, runs=kept.runs, failed=failed, results_hash=results_hash)
