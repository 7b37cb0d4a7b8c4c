"""What was measured of each row, and the table that is made of it: ratios first."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

BARE: Final = "bare engine"
DBOS: Final = "DBOS"  # its row with one process or with two, whichever creates more
SERVICE: Final = "this service"
ROLES: Final = ("Temporal", "PostgreSQL", "worker", "API")
NONE: Final = "-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One round on fresh data: creates a second at saturation; ms with one in flight; CPU ms a create and MB by role.

    `woken` is ms from an operation's end, as its row has it, to its waiting client.
    """

    rate: float
    submit_p50: float
    submit_p99: float
    done_p50: float
    woken_p50: float | None
    cpu: Mapping[str, float]
    memory: Mapping[str, float]
    foreign: float
    is_disturbed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Crash:
    """After SIGKILL of every process in the midst of submissions, and a start of them all.

    `lost` were promised and never ended, `doubled` ended more than once; seconds from ready to the last end.
    """

    promised: int
    lost: int
    doubled: int
    seconds: float


@dataclass(slots=True)
class Row:
    name: str
    samples: list[Sample] = field(default_factory=list)
    crash: Crash | None = None

    def median(self, value: Callable[[Sample], float]) -> float:
        return statistics.median(map(value, self.samples))

    @property
    def rate(self) -> float:
        return self.median(lambda sample: sample.rate)

    @property
    def rates(self) -> tuple[float, float]:
        rates = [sample.rate for sample in self.samples]
        return min(rates), max(rates)

    @property
    def submit_p50(self) -> float:
        return self.median(lambda sample: sample.submit_p50)

    @property
    def submit_p99(self) -> float:
        return self.median(lambda sample: sample.submit_p99)

    @property
    def done_p50(self) -> float:
        return self.median(lambda sample: sample.done_p50)

    @property
    def woken_p50(self) -> float | None:
        woken = [sample.woken_p50 for sample in self.samples if sample.woken_p50 is not None]
        return statistics.median(woken) if woken else None

    @property
    def is_disturbed(self) -> bool:
        return any(sample.is_disturbed for sample in self.samples)

    def cpu(self, role: str) -> float | None:
        """Milliseconds a create; None for a role that the row has not."""
        return self._of_role(role, lambda sample: sample.cpu)

    def memory(self, role: str) -> float | None:
        return self._of_role(role, lambda sample: sample.memory)

    def own_cpu(self) -> float:
        """Of all but the engine's server and the clients."""
        return sum(self.cpu(role) or 0.0 for role in ROLES if role != "Temporal")

    def _of_role(self, role: str, values: Callable[[Sample], Mapping[str, float]]) -> float | None:
        if not any(role in values(sample) for sample in self.samples):
            return None
        return self.median(lambda sample: values(sample).get(role, 0.0))


class Results:
    """The measured rows in their order, and what each is compared with."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = [row for row in rows if row.samples]

    @property
    def bare(self) -> Row | None:
        return self.row(BARE)

    @property
    def dbos(self) -> Row | None:
        """The better one counts."""
        return max((row for row in self.rows if row.name.startswith(DBOS)), key=lambda row: row.rate, default=None)

    @property
    def service(self) -> Row | None:
        return self.row(SERVICE)

    @property
    def other(self) -> Row | None:
        """The other checkout."""
        return next((row for row in self.rows if row.name.startswith(f"{SERVICE}, ")), None)

    def row(self, name: str) -> Row | None:
        return next((row for row in self.rows if row.name == name), None)


def ratio(value: Callable[[Row], float], row: Row, to: Row | None) -> float | None:
    return None if to is None else value(row) / value(to)


def rate_of(row: Row) -> float:
    return row.rate


def done_of(row: Row) -> float:
    return row.done_p50


def submit_of(row: Row) -> float:
    return row.submit_p50


def figure(value: float | None, digits: int = 1) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


HEADS: Final = (
    "",
    "creates/s to bare",
    "to DBOS",
    "done p50 to bare",
    "submit p50 to bare",
    "creates/s (range)",
    "submit p50 / p99 ms",
    "done p50 ms",
    "CPU ms a create: " + " / ".join(ROLES),
    "memory MB: " + " / ".join(ROLES),
    "after kill -9: lost / doubled of promised",
    "recovered in s",
)


def table(results: Results) -> list[str]:
    lines = ["| " + " | ".join(HEADS) + " |", "|---" + "|---:" * (len(HEADS) - 1) + "|"]
    lines += ["| " + " | ".join(cells(row, results)) + " |" for row in results.rows]
    if any(row.is_disturbed for row in results.rows):
        lines += ["", "`*`: other processes took over 20% of a core during each try of a round."]
    return lines


def cells(row: Row, results: Results) -> list[str]:
    lowest, highest = row.rates
    crash = row.crash
    return [
        f"{row.name} `*`" if row.is_disturbed else row.name,
        figure(ratio(rate_of, row, results.bare), 2),
        figure(ratio(rate_of, row, results.dbos), 2),
        figure(ratio(done_of, row, results.bare), 2),
        figure(ratio(submit_of, row, results.bare), 2),
        f"{row.rate:.1f} ({lowest:.1f}-{highest:.1f})",
        f"{row.submit_p50:.1f} / {row.submit_p99:.1f}",
        figure(row.done_p50),
        " / ".join(figure(row.cpu(role)) for role in ROLES),
        " / ".join(figure(row.memory(role), 0) for role in ROLES),
        NONE if crash is None else f"{crash.lost} / {crash.doubled} of {crash.promised}",
        NONE if crash is None else figure(crash.seconds),
    ]
