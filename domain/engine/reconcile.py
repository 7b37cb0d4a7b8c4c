"""Stage 7: nothing appears and nothing disappears."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.engine.codes import RECONCILIATION, RECONCILIATION_FLOOR, RECONCILIATION_FRACTION, VALUE_MISMATCH
from domain.engine.diagnostics import Diagnostics
from domain.engine.market import Market
from domain.engine.numbers import money
from domain.engine.rules import RuleResult
from domain.engine.value import ValuedState
from domain.request import ProposedCashFlow


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconciliation:
    """Amounts in the base currency."""

    base_currency: str
    before: Decimal
    after: Decimal
    difference: Decimal
    tolerance: Decimal

    @property
    def is_ok(self) -> bool:
        return self.difference <= self.tolerance

    def mismatch(self) -> list[RuleResult]:
        """The rule's row; none when the totals agree."""
        if self.is_ok:
            return []
        return [
            RuleResult(
                rule_id=RECONCILIATION,
                severity="HARD",
                is_failed=True,
                measured=self.difference,
                threshold={"max": self.tolerance},
                reason_code=VALUE_MISMATCH,
            )
        ]

    def as_json(self) -> dict[str, Any]:
        base = self.base_currency
        return {
            "before_total_value": money(self.before, base),
            "after_total_value": money(self.after, base),
            "delta": money(self.after - self.before, base),
            "tolerance": money(self.tolerance, base),
            "status": "OK" if self.is_ok else "MISMATCH",
        }


def reconcile(
    before: ValuedState,
    after: ValuedState,
    flows: Sequence[ProposedCashFlow],
    market: Market,
    diagnostics: Diagnostics,
) -> Reconciliation:
    """After against before plus flows; a flow without a rate is left out and noted."""
    base = before.base_currency
    expected = before.total
    for flow in flows:
        rate = market.rate(flow.currency, base)
        if rate is None:
            diagnostics.fx_missing[f"{flow.currency}/{base}"] = None
        else:
            expected += flow.amount * rate
    return Reconciliation(
        base_currency=base,
        before=before.total,
        after=after.total,
        difference=abs(after.total - expected),
        tolerance=RECONCILIATION_FLOOR + abs(expected) * RECONCILIATION_FRACTION,
    )
