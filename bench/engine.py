"""How the engine's time and output grow with the portfolio: `python -m bench.engine [--plot FILE.png]`.

One process, one core; the fastest of several rounds, which other work on the machine disturbs least. `simulate` and
`artifact` are the pure functions, `serialise` the texts that are stored, `hash` the canonical texts and their digests.
`step 1` and `step 2` are what the first two steps of an operation call, one after the other in one process: from the
request's text to the result's, and from both to the artifact's. The second table is of funding: a
buy in each of many currencies, beside cash in as many others.
"""

import argparse
import gc
import math
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, product
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Final

from domain.canonical import canonical_hash, canonical_text, sha256_of, wire_text
from domain.decimals import normal_text
from domain.engine.artifact import build_artifact
from domain.engine.pipeline import simulate
from domain.evidence import artifact_documents, simulate_document
from domain.request import SimulateRequest, request_document, request_hash

SIZES: Final = (10, 100, 1_000, 5_000, 20_000)
CURRENCIES: Final = ("SGD", "USD", "EUR", "JPY", "HKD")
CLASSES: Final = ("EQUITY", "FIXED_INCOME", "FUND", "ALTERNATIVE", "COMMODITY")
CREATED_AT: Final = "2026-02-22T12:00:00.000000+00:00"
CALLER: Final = {"correlation_id": "corr_bench", "idempotency_key": "bench"}
TIMES: Final = ("parse", "simulate", "artifact", "serialise", "hash", "step_1", "step_2")
MAX_MILLISECONDS: Final = {1_000: 25, 5_000: 150}
MAX_EXPONENT: Final = 1.15
FUNDED: Final = (250, 500, 1_000, 2_000)  # currencies that are bought, and as many that could pay
ROUNDED_POSITIONS: Final = 50_000  # small portfolios are measured more often


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Milliseconds of the fastest round, and the size of the result."""

    positions: int
    parse: float
    simulate: float
    artifact: float
    serialise: float
    hash: float
    step_1: float
    step_2: float
    bytes_per_position: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path, help="save the growth as a PNG (needs matplotlib)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of positions")
    arguments = parser.parse_args()
    rows = [measured(size) for size in arguments.sizes]
    machine = f"Python {platform.python_version()}, {platform.machine()}, {time.strftime('%Y-%m-%d')}"
    print(f"Milliseconds, fastest round; {machine}\n")
    for line in table(rows):
        print(line)
    print()
    for line in targets({row.positions: row for row in rows}):
        print(line)
    print()
    for line in funding_table([(size, funding_time(size)) for size in FUNDED]):
        print(line)
    if arguments.plot:
        save_plot(rows, arguments.plot)
        print(f"\n{arguments.plot}")


def measured(positions: int) -> Row:
    request = SimulateRequest.model_validate(a_body(positions))
    asked, text = request_hash(request), request_document(request)
    run = partial(simulate, request, request_hash=asked, **CALLER)
    result = run()
    build = partial(build_artifact, request, result, created_at=CREATED_AT)
    artifact, inputs = build(), request.model_dump()
    rounds = min(25, max(3, ROUNDED_POSITIONS // positions))
    steps = [steps_of(text + " " * number, asked) for number in range(rounds)]
    return Row(
        positions=positions,
        parse=fastest(partial(SimulateRequest.model_validate_json, text), rounds),
        simulate=fastest(run, rounds),
        artifact=fastest(build, rounds),
        serialise=fastest(
            lambda: (wire_text(result), wire_text(artifact), wire_text(inputs, default=normal_text)), rounds
        ),
        hash=fastest(
            lambda: (
                canonical_hash(result),
                sha256_of(canonical_text(artifact) + canonical_text(inputs, default=normal_text)),
            ),
            rounds,
        ),
        step_1=min(first for first, _ in steps),
        step_2=min(second for _, second in steps),
        bytes_per_position=len(wire_text(result).encode()) / positions,
    )


def steps_of(text: str, asked: str) -> tuple[float, float]:
    """Milliseconds of the two steps. White space makes another text of a request that was parsed before."""
    first, simulated = timed(partial(simulate_document, text, kind="simulate", request_hash=asked, **CALLER))
    second, _ = timed(partial(artifact_documents, text, simulated.text, kind="simulate", created_at=CREATED_AT))
    return first, second


def fastest(function: Callable[[], Any], rounds: int) -> float:
    return min(timed(function)[0] for _ in range(rounds))


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    start = time.perf_counter()
    value = function()
    return (time.perf_counter() - start) * 1000, value


def exponent(smaller: Row, larger: Row) -> float:
    """How the time of a simulation grows: 1 is linear."""
    return growth((smaller.positions, smaller.simulate), (larger.positions, larger.simulate))


def funding_time(currencies: int) -> float:
    """Milliseconds of a simulation that funds so many buys, each from the payer that comes last by its code."""
    request = SimulateRequest.model_validate(a_funding_body(currencies))
    return fastest(partial(simulate, request, request_hash="sha256:0", **CALLER), 5)


def funding_table(times: Sequence[tuple[int, float]]) -> Iterator[str]:
    yield "| buys and payers | simulate | exponent |"
    yield "|---:|---:|---:|"
    for index, (size, time_of_size) in enumerate(times):
        grown = f"{growth(times[index - 1], (size, time_of_size)):.2f}" if index else ""
        yield f"| {size:,} | {time_of_size:.1f} | {grown} |"
    yield ""
    grown_in_all = growth(times[0], times[-1])
    yield f"{verdict(grown_in_all <= MAX_EXPONENT)}: growth of funding at most {MAX_EXPONENT}: {grown_in_all:.2f}"


def growth(smaller: tuple[int, float], larger: tuple[int, float]) -> float:
    return math.log(larger[1] / smaller[1]) / math.log(larger[0] / smaller[0])


def table(rows: Sequence[Row]) -> Iterator[str]:
    heads = ("positions", *(name.replace("_", " ") for name in TIMES), "exponent", "bytes/position")
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---:|" * len(heads)
    for index, row in enumerate(rows):
        grown = f"{exponent(rows[index - 1], row):.2f}" if index else ""
        times = [f"{getattr(row, name):.1f}" for name in TIMES]
        yield "| " + " | ".join((f"{row.positions:,}", *times, grown, f"{row.bytes_per_position:,.0f}")) + " |"


def targets(rows: Mapping[int, Row]) -> Iterator[str]:
    """The contract's targets, those that the measured sizes can tell."""
    for size, limit in MAX_MILLISECONDS.items():
        if size in rows:
            row = rows[size]
            yield f"{verdict(row.simulate < limit)}: {size:,} positions in under {limit} ms: {row.simulate:.1f}"
            yield (
                f"{verdict(row.artifact < row.simulate and row.step_2 < row.step_1)}: {size:,} positions, "
                f"the artifact costs less than the simulation: {row.artifact:.1f}, as steps {row.step_2:.1f} "
                f"against {row.step_1:.1f}"
            )
    if MAX_MILLISECONDS.keys() <= rows.keys():
        grown = exponent(*(rows[size] for size in MAX_MILLISECONDS))
        yield f"{verdict(grown <= MAX_EXPONENT)}: growth from 1,000 to 5,000 at most {MAX_EXPONENT}: {grown:.2f}"


def verdict(is_met: bool) -> str:  # noqa: FBT001 -- the condition is the call
    return "met   " if is_met else "MISSED"


def save_plot(rows: Sequence[Row], file: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 -- only for those who plot

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 -- the backend comes first

    figure, axes = plt.subplots(figsize=(8, 5))
    for name in TIMES:
        axes.loglog([row.positions for row in rows], [getattr(row, name) for row in rows], marker="o", label=name)
    axes.set(xlabel="positions", ylabel="ms", title="Time of the engine by size of the portfolio")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(file, dpi=150, bbox_inches="tight")


def a_funding_body(currencies: int) -> dict[str, Any]:
    """A buy in each of so many currencies; as many others hold cash, and the last of them alone has rates."""
    codes = ["".join(letters) for letters in islice(product(ascii_uppercase, repeat=3), 2 * currencies)]
    bought, held = codes[:currencies], codes[currencies:]
    return {
        "portfolio_snapshot": {
            "portfolio_id": "pf_bench",
            "base_currency": "ZZZ",
            "cash_balances": [{"currency": code, "amount": "1000000.00"} for code in held],
        },
        "market_data_snapshot": {
            "prices": [{"instrument_id": code, "price": "2.50", "currency": code} for code in bought],
            "fx_rates": [{"pair": f"{code}/{held[-1]}", "rate": "1.35"} for code in bought],
        },
        "shelf_entries": [{"instrument_id": code, "status": "APPROVED"} for code in bought],
        "proposed_trades": [{"side": "BUY", "instrument_id": code, "quantity": "3"} for code in bought],
    }


def a_body(positions: int) -> dict[str, Any]:
    """A portfolio with everything switched on: five currencies, attributes, instrument drift, a trade in fifty rows."""
    names = [f"INSTRUMENT_{number:06d}" for number in range(positions)]
    numbered = list(enumerate(names))
    trades = max(4, positions // 50)
    return {
        "portfolio_snapshot": {
            "portfolio_id": "pf_bench",
            "base_currency": "SGD",
            "positions": [
                {"instrument_id": name, "quantity": str(number * 7919 % 997 + 3)} for number, name in numbered
            ],
            "cash_balances": [
                {"currency": "SGD", "amount": "50000000.00"},
                {"currency": "USD", "amount": "20000.00"},
                {"currency": "EUR", "amount": "100.00"},
            ],
        },
        "market_data_snapshot": {
            "prices": [
                {
                    "instrument_id": name,
                    "price": f"{number * 104729 % 49900 / 100 + 1:.2f}",
                    "currency": CURRENCIES[number % len(CURRENCIES)],
                }
                for number, name in numbered
            ],
            "fx_rates": [
                {"pair": "USD/SGD", "rate": "1.35"},
                {"pair": "EUR/SGD", "rate": "1.46"},
                {"pair": "JPY/SGD", "rate": "0.0091"},
                {"pair": "SGD/HKD", "rate": "5.78"},
            ],
        },
        "shelf_entries": [
            {
                "instrument_id": name,
                "status": "APPROVED",
                "asset_class": CLASSES[number % len(CLASSES)],
                "issuer_id": f"ISSUER_{number // 7}",
                "liquidity_tier": f"L{number % 5 + 1}",
                "attributes": {"region": ("US", "EU", "APAC")[number % 3], "sector": f"S{number % 11}"},
            }
            for number, name in numbered
        ],
        "options": {"enable_proposal_simulation": True},
        "proposed_cash_flows": [{"currency": "SGD", "amount": "1000.00"}],
        "proposed_trades": [
            {"side": "SELL" if number % 2 else "BUY", "instrument_id": names[number * 37 % positions], "quantity": "3"}
            for number in range(trades)
        ],
        "reference_model": {
            "model_id": "model_bench",
            "as_of": "2026-01-01",
            "base_currency": "SGD",
            "asset_class_targets": [{"asset_class": name, "weight": "0.2"} for name in CLASSES],
            "instrument_targets": [{"instrument_id": name, "weight": f"{1 / positions:.6f}"} for name in names],
        },
    }


if __name__ == "__main__":
    main()
