"""What processes cost, read from /proc: CPU by role, memory, and what others on the machine took meanwhile."""

import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Self

PROC: Final = Path("/proc")
TICKS: Final = os.sysconf("SC_CLK_TCK")
MAX_FOREIGN: Final = 0.2  # of a core
Roles = Mapping[str, Sequence[int]]  # "API" -> the processes at whose tops it stands


class Stat(NamedTuple):
    """Of one process; seconds of CPU include those of its children that have ended and were waited for."""

    parent: int
    seconds: float


def stat_of(text: str) -> Stat:
    """From /proc/PID/stat. The name, in brackets, may hold spaces and brackets."""
    fields = text.rpartition(")")[2].split()
    return Stat(int(fields[1]), sum(map(int, fields[11:15])) / TICKS)


def processes(proc: Path = PROC) -> dict[int, Stat]:
    found = {}
    for entry in proc.iterdir():
        if entry.name.isdecimal():
            with suppress(FileNotFoundError, ProcessLookupError):
                found[int(entry.name)] = stat_of((entry / "stat").read_text())
    return found


def tree(roots: Iterable[int], among: Mapping[int, Stat]) -> set[int]:
    """The processes that live, with their descendants."""
    members = {root for root in roots if root in among}
    while added := {pid for pid, stat in among.items() if stat.parent in members} - members:
        members |= added
    return members


def cpu_seconds(roles: Roles, among: Mapping[int, Stat]) -> dict[str, float]:
    """By role; it only grows while the tops live, because a child that ends leaves its seconds to its parent."""
    return {role: sum(among[pid].seconds for pid in tree(roots, among)) for role, roots in roles.items()}


def busy_seconds(proc: Path = PROC) -> float:
    """CPU of the whole machine with what the hypervisor took, without interrupts: they belong to no process."""
    user, nice, system, _, _, _, _, steal, *_ = map(int, (proc / "stat").read_text().splitlines()[0].split()[1:])
    return (user + nice + system + steal) / TICKS


def peak_megabytes(roots: Iterable[int], proc: Path = PROC) -> float:
    """Most memory that the processes had, in MB; what they share (PostgreSQL's buffers) is counted once."""
    own, shared = 0, 0
    for pid in tree(roots, processes(proc)):
        with suppress(FileNotFoundError, ProcessLookupError):
            lines = dict(line.split(":", 1) for line in (proc / str(pid) / "status").read_text().splitlines())
            in_common = _kilobytes(lines.get("RssShmem"))
            own += _kilobytes(lines.get("VmHWM")) - in_common
            shared = max(shared, in_common)
    return (own + shared) / 1024


def _kilobytes(value: str | None) -> int:
    return int(value.split()[0]) if value else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a stretch of time has cost: CPU seconds by role, and the part of a core that others took."""

    seconds: float
    cpu: Mapping[str, float]
    foreign: float

    @property
    def is_disturbed(self) -> bool:
        return self.foreign > MAX_FOREIGN


class Meter:
    """Measures from where it is made to `read`. The rig's own process is the role "client"."""

    def __init__(self, roles: Roles) -> None:
        self._roles = {**roles, "client": ()}
        self._began = _Reading.now(self._roles)

    def read(self) -> Usage:
        return usage_between(self._began, _Reading.now(self._roles))


@dataclass(frozen=True, slots=True)
class _Reading:
    at: float
    busy: float
    cpu: Mapping[str, float]

    @classmethod
    def now(cls, roles: Roles) -> Self:
        own = time.process_time()  # without its children, which have roles of their own
        return cls(time.monotonic(), busy_seconds(), {**cpu_seconds(roles, processes()), "client": own})


def usage_between(before: _Reading, after: _Reading) -> Usage:
    cpu = {role: after.cpu[role] - before.cpu[role] for role in after.cpu}
    seconds = after.at - before.at
    foreign = (after.busy - before.busy - sum(cpu.values())) / seconds
    return Usage(seconds=seconds, cpu=cpu, foreign=max(0.0, foreign))


def described() -> str:
    """The machine in one line, without its name."""
    models = [
        line.partition(":")[2].strip() for line in (PROC / "cpuinfo").read_text().splitlines() if "model name" in line
    ]
    kernel = ".".join(platform.release().split(".")[:2])
    memory = _kilobytes((PROC / "meminfo").read_text().partition("MemTotal:")[2])
    return (
        f"{os.cpu_count()} cores ({models[0] if models else platform.machine()}), {memory / 1024**2:.0f} GiB, "
        f"Linux {kernel}, Python {platform.python_version()}"
    )
