"""Rows of the bench as they could have been measured."""

from dataclasses import replace

from bench.results import Crash, Row, Sample

SAMPLE = Sample(
    rate=20.0,
    submit_p50=10.0,
    submit_p99=30.0,
    done_p50=60.0,
    woken_p50=8.0,
    cpu={"Temporal": 20.0, "PostgreSQL": 5.0, "worker": 15.0, "API": 10.0},
    memory={"Temporal": 300.0, "PostgreSQL": 200.0, "worker": 150.0, "API": 100.0},
    foreign=0.1,
    is_disturbed=False,
)


def a_row(name: str, *, crash: Crash | None = None, **changes) -> Row:
    return Row(name, [replace(SAMPLE, **changes)], crash)
