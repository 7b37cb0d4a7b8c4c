"""What became of the total value: the part that cash flows explain, and the difference that nothing explains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from domain.engine.market import rate_between
from domain.engine.numbers import ARITHMETIC, money

Amount = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconciliation:
    """Amounts in the base currency; `unrated` are the flows that could not be converted, and are in none of them."""

    status: str
    before: Amount
    flows: Amount
    expected: Amount
    after: Amount
    difference: Amount
    tolerance: Amount
    unrated: Sequence[Amount]


def reconciliation_of(found: Mapping[str, Any], inputs: Mapping[str, Any]) -> Reconciliation:
    """`found` is the artifact's; as the engine counts (`domain.engine.reconcile`), with each part shown."""
    base = found["before_total_value"]["currency"]
    rates = {row["pair"]: Decimal(row["rate"]) for row in inputs["market_data_snapshot"]["fx_rates"]}
    before, after = (Decimal(found[f"{side}_total_value"]["amount"]) for side in ("before", "after"))
    unrated: list[Amount] = []
    with localcontext(ARITHMETIC):
        expected = before
        for flow in inputs["proposed_cash_flows"]:
            rate = rate_between(rates, flow["currency"], base)
            if rate is None:
                unrated.append(flow)
            else:
                expected += Decimal(flow["amount"]) * rate
        return Reconciliation(
            status=found["status"],
            before=found["before_total_value"],
            flows=money(expected - before, base),
            expected=money(expected, base),
            after=found["after_total_value"],
            difference=money(after - expected, base),
            tolerance=found["tolerance"],
            unrated=unrated,
        )
