"""Stage 7: the rules that the after-state must keep (D6, D23)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from domain.engine import codes
from domain.engine.diagnostics import Diagnostics
from domain.engine.numbers import ZERO
from domain.engine.value import ValuedState
from domain.options import EngineOptions

Severity = Literal["HARD", "SOFT"]

HINTS: Final[Mapping[str, str]] = {
    codes.CASH_BAND: "Bring cash back into its band.",
    codes.SINGLE_POSITION_MAX: "Reduce the position below its limit.",
    codes.DATA_QUALITY: "Supply the missing prices, rates and shelf entries.",
    codes.NO_SHORTING: "Sell no more than is held.",
    codes.INSUFFICIENT_CASH: "Reduce the buys or bring more cash.",
    codes.INPUT_GUARDS: "Correct the instructions or the portfolio that the reason code names.",
    codes.FUNDING_DQ: "Supply the missing FX rates.",
    codes.DROPPED_TRADES: "Supply a price for the dropped trades.",
    codes.RECONCILIATION: "Check market values and FX rates for consistency.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleResult:
    rule_id: str
    severity: Severity
    is_failed: bool
    measured: Decimal
    threshold: dict[str, Decimal]
    reason_code: str

    def as_json(self) -> dict[str, Any]:
        return {
            "rule_id": self.rule_id,
            "severity": self.severity,
            "status": "FAIL" if self.is_failed else "PASS",
            "measured": str(self.measured),
            "threshold": {name: str(value) for name, value in self.threshold.items()},
            "reason_code": self.reason_code,
            "remediation_hint": HINTS[self.rule_id] if self.is_failed else None,
        }


def evaluate_rules(
    after: ValuedState, after_sells: Sequence[Decimal], options: EngineOptions, diagnostics: Diagnostics
) -> list[RuleResult]:
    """All rules but reconciliation, in the contract's order.

    `after_sells` are the quantities of the sold instruments when all sells are made and no buy is: sells come first, so
    a buy covers none of them.
    """
    return [
        _cash_band(after, options),
        *_single_position(after, options.single_position_max_weight),
        _data_quality(options, diagnostics),
        RuleResult(
            rule_id=codes.MIN_TRADE_SIZE,
            severity="SOFT",
            is_failed=False,
            measured=ZERO,
            threshold={"min": ZERO},
            reason_code=codes.OK,
        ),
        _no_negative(
            codes.NO_SHORTING,
            codes.SELL_EXCEEDS_HOLDINGS,
            min((*(row.holding.quantity for row in after.positions), *after_sells), default=ZERO),
        ),
        _no_negative(
            codes.INSUFFICIENT_CASH, codes.CASH_BALANCE_NEGATIVE, min((row.amount for row in after.cash), default=ZERO)
        ),
        *_input_guards(diagnostics),
    ]


def status_of(rules: list[RuleResult]) -> str:
    failed = {rule.severity for rule in rules if rule.is_failed}
    if "HARD" in failed:
        return "BLOCKED"
    return "PENDING_REVIEW" if "SOFT" in failed else "READY"


def _cash_band(after: ValuedState, options: EngineOptions) -> RuleResult:
    low, high = options.cash_band_min_weight, options.cash_band_max_weight
    is_failed = not low <= after.cash_weight <= high
    return RuleResult(
        rule_id=codes.CASH_BAND,
        severity="SOFT",
        is_failed=is_failed,
        measured=after.cash_weight,
        threshold={"min": low, "max": high},
        reason_code=codes.THRESHOLD_BREACH if is_failed else codes.OK,
    )


def _single_position(after: ValuedState, limit: Decimal | None) -> list[RuleResult]:
    """One row a breach, or one row that says there is none."""

    def row(measured: Decimal, cap: Decimal, reason: str, *, is_failed: bool) -> RuleResult:
        return RuleResult(
            rule_id=codes.SINGLE_POSITION_MAX,
            severity="HARD",
            is_failed=is_failed,
            measured=measured,
            threshold={"max": cap},
            reason_code=reason,
        )

    if limit is None:
        return [row(ZERO, Decimal(-1), codes.NO_LIMIT_SET, is_failed=False)]
    breaches = [weight for weight in after.weights if weight > limit + codes.SINGLE_POSITION_TOLERANCE]
    if breaches:
        return [row(weight, limit, codes.LIMIT_BREACH, is_failed=True) for weight in breaches]
    return [row(max((ZERO, *after.weights)), limit, codes.OK, is_failed=False)]


def _data_quality(options: EngineOptions, diagnostics: Diagnostics) -> RuleResult:
    count = len(diagnostics.shelf_missing)
    count += len(diagnostics.price_missing) if options.block_on_missing_prices else 0
    count += len(diagnostics.fx_missing) if options.block_on_missing_fx else 0
    return RuleResult(
        rule_id=codes.DATA_QUALITY,
        severity="HARD",
        is_failed=count > 0,
        measured=Decimal(count),
        threshold={"max": ZERO},
        reason_code=codes.MISSING_DATA if count else codes.OK,
    )


def _no_negative(rule_id: str, reason: str, lowest: Decimal) -> RuleResult:
    is_failed = lowest < 0
    return RuleResult(
        rule_id=rule_id,
        severity="HARD",
        is_failed=is_failed,
        measured=lowest if is_failed else ZERO,
        threshold={"min": ZERO},
        reason_code=reason if is_failed else codes.OK,
    )


def _input_guards(diagnostics: Diagnostics) -> list[RuleResult]:
    """Rows that exist only when something was refused, forced or dropped."""
    found: list[tuple[str, Severity, int, str]] = []
    if diagnostics.hard_failures:
        found.append((codes.INPUT_GUARDS, "HARD", len(diagnostics.hard_failures), diagnostics.hard_failures[0]))
    if diagnostics.is_pending_forced:
        found.append((codes.FUNDING_DQ, "SOFT", len(diagnostics.missing_fx_pairs), codes.MISSING_FX))
    if unpriced := diagnostics.unpriced_trades:
        found.append((codes.DROPPED_TRADES, "SOFT", unpriced, codes.MISSING_PRICE))
    return [
        RuleResult(
            rule_id=rule_id,
            severity=severity,
            is_failed=True,
            measured=Decimal(count),
            threshold={"max": ZERO},
            reason_code=reason,
        )
        for rule_id, severity, count, reason in found
    ]
