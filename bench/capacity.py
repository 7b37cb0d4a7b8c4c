"""What so many creates a second need: docs/explanation/capacity.md, computed from the small table at its top.

`python -m bench.capacity` computes the page from its table, with `--measure` after it has measured what it can.
"""

import argparse
import asyncio
import math
import re
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

import psycopg

from bench.load import closed_loop
from bench.machine import Meter
from bench.measuring import CLIENTS, running, warm_up
from bench.page import replaced
from bench.peers_environment import ROOT
from bench.subjects import Service

PAGE: Final = ROOT / "docs" / "explanation" / "capacity.md"
RATES: Final = (100, 1_000, 10_000)
CREATES: Final = 800
MIN_SHARDS: Final = 512  # a number that cannot be changed later
LINE: Final = re.compile(r"^\| (?P<name>[^|]+?) +\| (?P<value>[\d.,]+) +\| (?P<origin>[^|]+?) +\|$", re.MULTILINE)
# The lines of the table.
API, WORKER, POSTGRES, TEMPORAL = (f"CPU of {part}, ms" for part in ("the API", "the worker", "PostgreSQL", "Temporal"))
WAL: Final = "WAL of PostgreSQL, kB"
STORED: Final = "growth of PostgreSQL's data, kB"
TRANSACTIONS: Final = "transactions of Temporal's persistence"
TEMPORAL_WAL: Final = "WAL of Temporal's database, kB"
UTILISATION: Final = "share of a core that is planned with"
BUSY: Final = "busy seconds a year"
SHARD_RATE: Final = "transactions a second of one history shard"
PERSISTENCE_CPU: Final = "CPU of Temporal's database, ms"


def units(page: str) -> dict[str, float]:
    """The values of the table at the top, by name."""
    return {found["name"]: float(found["value"].replace(",", "")) for found in LINE.finditer(page)}


def with_units(page: str, measured: Mapping[str, float]) -> str:
    """The page with measured values in the table. Raises KeyError for one that has no line."""
    if missing := measured.keys() - units(page).keys():
        raise KeyError(f"the table has no line of {sorted(missing)}")

    def line(found: re.Match[str]) -> str:
        value = measured.get(found["name"])
        return (
            found[0] if value is None else f"| {found['name']} | {value:.1f} | measured, {time.strftime('%Y-%m-%d')} |"
        )

    return LINE.sub(line, page)


def needs(unit: Mapping[str, float]) -> Iterator[str]:
    """What each rate needs; processes of Python use one core each."""
    yield "| creates a second | " + " | ".join(f"{rate:,}" for rate in RATES) + " |"
    yield "|---" + "|---:" * len(RATES) + "|"

    def cores(name: str, rate: int) -> int:
        return math.ceil(rate * unit[name] / 1000 / unit[UTILISATION])

    def megabytes(name: str, rate: int) -> str:
        return f"{rate * unit[name] / 1000:,.1f}"

    def shards(rate: int) -> int:
        wanted = rate * unit[TRANSACTIONS] / (unit[SHARD_RATE] * unit[UTILISATION])
        return max(MIN_SHARDS, 2 ** math.ceil(math.log2(wanted)))

    lines = {
        "API processes, a core each": [cores(API, rate) for rate in RATES],
        "worker processes, a core each": [cores(WORKER, rate) for rate in RATES],
        "cores of PostgreSQL": [cores(POSTGRES, rate) for rate in RATES],
        "WAL of PostgreSQL, MB/s": [megabytes(WAL, rate) for rate in RATES],
        "data of PostgreSQL, TB a year": [f"{rate * unit[BUSY] * unit[STORED] / 1e9:,.1f}" for rate in RATES],
        "rows of `operations` a month, millions": [f"{rate * unit[BUSY] / 12 / 1e6:,.0f}" for rate in RATES],
        "cores of Temporal's servers": [cores(TEMPORAL, rate) for rate in RATES],
        "history shards": [f"{shards(rate):,}" for rate in RATES],
        "transactions/s of Temporal's persistence": [f"{rate * unit[TRANSACTIONS]:,.0f}" for rate in RATES],
        "cores of Temporal's database": [cores(PERSISTENCE_CPU, rate) for rate in RATES],
        "WAL of Temporal's database, MB/s": [megabytes(TEMPORAL_WAL, rate) for rate in RATES],
    }
    for name, values in lines.items():
        yield f"| {name} | " + " | ".join(f"{value:,}" if isinstance(value, int) else value for value in values) + " |"


async def measured() -> dict[str, float]:
    async with running(partial(Service, checkout=ROOT)) as service:
        await warm_up(service.connect())
        meter, before = Meter(service.roles()), written(service.dsn)
        await closed_loop(service.connect(), clients=CLIENTS, count=CREATES)
        cpu, after = meter.read().cpu, written(service.dsn)
    wal, stored = ((late - early) / 1000 / CREATES for early, late in zip(before, after, strict=True))
    spent = {name: cpu[role] * 1000 / CREATES for name, role in ROLES.items()}
    return {**spent, WAL: wal, STORED: stored}


ROLES: Final = {API: "API", WORKER: "worker", POSTGRES: "PostgreSQL", TEMPORAL: "Temporal"}


def written(dsn: str) -> tuple[int, int]:
    """Bytes of WAL so far, and of data."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute("SELECT pg_current_wal_lsn() - '0/0', pg_database_size(current_database())").fetchone()
    return int(row[0]), int(row[1])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.capacity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--measure", action="store_true", help="measure what can be measured here, and write it down")
    page = PAGE.read_text()
    if parser.parse_args().measure:
        page = with_units(page, asyncio.run(measured()))
    lines = list(needs(units(page)))
    PAGE.write_text(replaced(page, "needs", lines))
    print(*lines, sep="\n")


if __name__ == "__main__":
    main()
