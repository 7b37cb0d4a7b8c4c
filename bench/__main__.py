"""The service beside what could take its place, on this machine: `make bench`, or `make bench-quick`.

Everything is started here, on fresh data and free ports, one row after the other; nothing must run before. All of it
shares one machine, so compare the rows of one run with each other, not with another day's.
"""

import argparse
import asyncio
import sys
import time
from dataclasses import replace
from pathlib import Path

from bench.measuring import FULL, QUICK, Plan, measured
from bench.page import write_page
from bench.results import Results, Row, table
from bench.subjects import subjects
from cli.local.children import LocalServerError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="measure this other checkout, too")
    parser.add_argument("--quick", action="store_true", help="one round with fewer creates, and no page")
    parser.add_argument(
        "--page", action="store_true", help="write docs/explanation/benchmarks.md after a quick run, too"
    )
    parser.add_argument("--repeats", type=int, metavar="N", help="of a round that others disturb")
    parser.add_argument("--rows", metavar="TEXT", nargs="+", help="only the rows whose names hold one of these")
    asked = parser.parse_args()
    if asked.against is not None and not (asked.against / ".venv" / "bin" / "python").exists():
        parser.error(f"{asked.against} has no .venv: run `make` there first")
    plan = QUICK if asked.quick else FULL
    if asked.repeats is not None:
        plan = replace(plan, repeats=asked.repeats)
    began = time.monotonic()
    try:
        results = asyncio.run(run(plan, against=asked.against, names=asked.rows or [""]))
    except LocalServerError as error:
        print(f"bench: {error}", *error.log_lines, sep="\n    ", file=sys.stderr)
        return 1
    for line in table(results):
        print(line)
    print(f"\n{time.monotonic() - began:.0f} s", file=sys.stderr)
    if asked.page or not (asked.quick or asked.rows):
        command = ("make bench-quick", "--page") if asked.quick else ("make bench",)
        write_page(results, *command, against=asked.against)
    return 0


async def run(plan: Plan, *, against: Path | None, names: list[str]) -> Results:
    """All rows in turn, round by round, so that an hour of noise touches every row."""
    made = {name: make for name, make in subjects(against=against).items() if any(part in name for part in names)}
    rows = {name: Row(name) for name in made}
    for round_no in range(1, plan.rounds + 1):
        for name, make in made.items():
            print(f"round {round_no} of {plan.rounds}: {name}", file=sys.stderr)
            sample, rows[name].crash = await measured(make, plan, with_crash=round_no == plan.rounds)
            rows[name].samples.append(sample)
            print(f"  {sample.rate:.1f} creates/s, done in {sample.done_p50:.1f} ms", file=sys.stderr)
    return Results(list(rows.values()))


if __name__ == "__main__":
    sys.exit(main())
