"""How long `proposals audit verify` takes: `python -m bench.verifying` fills a service and writes it on the page.

Each proposal has a request, inputs, a result and an artifact of its own, as those of different portfolios have.
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from resource import RUSAGE_CHILDREN, getrusage
from typing import Final

from bench.capacity import PAGE
from bench.load import SAMPLE, HttpClient, closed_loop
from bench.machine import Meter
from bench.measuring import running
from bench.page import provenance, write_section
from bench.peers_environment import ROOT
from bench.subjects import INHERITED, Service

SIZES: Final = (500, 2_000)
CLIENTS: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """Seconds of one run over so many proposals, and of CPU that the command and PostgreSQL took."""

    proposals: int
    seconds: float
    command: float
    postgres: float


class EachItsOwn(HttpClient):
    """A client whose every create is about another portfolio."""

    async def submit(self, mark: str) -> str:
        simulated = SAMPLE["simulate_request"]
        portfolio = simulated["portfolio_snapshot"] | {"portfolio_id": f"pf_{mark}"}
        self._sample = {**SAMPLE, "simulate_request": simulated | {"portfolio_snapshot": portfolio}}
        return await super().submit(mark)


async def measured(sizes: Sequence[int]) -> list[Verified]:
    found, made = [], 0
    async with running(partial(Service, checkout=ROOT)) as service:
        for size in sizes:
            await closed_loop(partial(_client, service.urls[0]), clients=CLIENTS, count=size - made)
            made = size
            found.append(await asyncio.to_thread(verified, service, size))
    return found


@contextlib.asynccontextmanager
async def _client(url: str, _number: int) -> AsyncIterator[EachItsOwn]:
    async with EachItsOwn(url) as client:
        yield client


def verified(service: Service, proposals: int) -> Verified:
    meter, spent, began = Meter(service.roles()), _command_seconds(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "cli.main", "audit", "verify"],
        env=INHERITED | {"PROPOSAL_DATABASE_URL": service.dsn},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return Verified(
        proposals=proposals,
        seconds=time.perf_counter() - began,
        command=_command_seconds() - spent,
        postgres=meter.read().cpu["PostgreSQL"],
    )


def _command_seconds() -> float:
    usage = getrusage(RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def table(found: Sequence[Verified]) -> Iterator[str]:
    yield "| proposals | s | CPU of the command, s | CPU of PostgreSQL, s | ms a proposal |"
    yield "|---:|---:|---:|---:|---:|"
    for one in found:
        each = one.seconds * 1000 / one.proposals
        yield f"| {one.proposals:,} | {one.seconds:.1f} | {one.command:.1f} | {one.postgres:.1f} | {each:.1f} |"


def main() -> None:
    argparse.ArgumentParser(prog="python -m bench.verifying", description=__doc__).parse_args()
    found = asyncio.run(measured(SIZES))
    lines = [*provenance("python -m bench.verifying"), "", *table(found)]
    write_section("verify", lines, page=PAGE)
    print(*lines, sep="\n")


if __name__ == "__main__":
    main()
