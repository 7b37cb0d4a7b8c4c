"""Stage 9: the checks of the suitability scanner on one state (D7, D14)."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from domain.engine import codes
from domain.engine.codes import SUITABILITY_EPSILON
from domain.engine.market import Market
from domain.engine.numbers import ZERO
from domain.engine.value import Valuation, ValuedState
from domain.options import EngineOptions, SuitabilityThresholds
from domain.portfolio import ShelfEntry
from domain.request import ProposedTrade


class Issue(NamedTuple):
    """Something that a reviewer must see; its key tells whether it is the same before and after."""

    issue_id: str
    issue_key: str
    dimension: str
    severity: str
    summary: str
    details: dict[str, str]


Share = tuple[Valuation, Decimal]  # a position and its weight, which is positive


class Scan:
    """The checks of one request; increases are measured against the state before."""

    def __init__(self, before: ValuedState, market: Market, options: EngineOptions) -> None:
        self._market = market
        self._allows_restricted = options.allow_restricted
        self._limits: SuitabilityThresholds = options.suitability_thresholds
        self._weights_before = _positive_weights(before)
        self._quantities_before = {row.holding.instrument_id: row.holding.quantity for row in before.positions}

    def issues(self, state: ValuedState) -> Iterator[Issue]:
        """What speaks against a state. Keys are distinct."""
        shares = [share for share in zip(state.positions, state.weights, strict=True) if share[1] > 0]
        yield from self._single_positions(shares)
        yield from self._groups(shares)
        yield from self._governance(state)
        yield from self._cash_band(state.cash_weight)
        yield from self._data_quality(shares)

    def attempts(self, trades: Iterable[ProposedTrade], after: ValuedState) -> Iterator[Issue]:
        """Proposed buys that governance speaks against, whether or not they were executed."""
        weights = _positive_weights(after)
        for trade in trades:
            shelf = self._market.shelf(trade.instrument_id)
            if trade.side != "BUY" or shelf is None or shelf.status == "APPROVED":
                continue
            weight = weights.get(shelf.instrument_id, ZERO)
            if shelf.status in codes.SUIT_HELD:
                yield _held(shelf, weight)
            else:
                yield self._increase(shelf, weight, wording="a buy was proposed")

    def _single_positions(self, shares: Sequence[Share]) -> Iterator[Issue]:
        cap = self._limits.single_position_max_weight
        for row, weight in shares:
            if weight > cap + SUITABILITY_EPSILON:
                instrument_id = row.holding.instrument_id
                yield _concentration(
                    codes.SUIT_SINGLE_POSITION_MAX, "CONCENTRATION", ("instrument_id", instrument_id), cap, weight
                )

    def _groups(self, shares: Sequence[Share]) -> Iterator[Issue]:
        issuers: dict[str, Decimal] = {}
        tiers: dict[str, Decimal] = {}
        for row, weight in shares:
            if row.shelf is None:
                continue
            if issuer := row.shelf.issuer_id:
                issuers[issuer] = issuers.get(issuer, ZERO) + weight
            if tier := row.shelf.liquidity_tier:
                tiers[tier] = tiers.get(tier, ZERO) + weight
        cap = self._limits.issuer_max_weight
        for issuer, weight in issuers.items():
            if weight > cap + SUITABILITY_EPSILON:
                yield _concentration(codes.SUIT_ISSUER_MAX, "ISSUER", ("issuer_id", issuer), cap, weight)
        for tier, tier_cap in self._limits.max_weight_by_liquidity_tier.items():
            if (weight := tiers.get(tier, ZERO)) > tier_cap + SUITABILITY_EPSILON:
                yield _concentration(codes.SUIT_LIQUIDITY_MAX, "LIQUIDITY", ("liquidity_tier", tier), tier_cap, weight)

    def _governance(self, state: ValuedState) -> Iterator[Issue]:
        for row, weight in zip(state.positions, state.weights, strict=True):
            shelf = row.shelf
            if shelf is None or shelf.status == "APPROVED":
                continue
            if shelf.status in codes.SUIT_HELD:
                if weight > SUITABILITY_EPSILON:
                    yield _held(shelf, weight)
            elif row.holding.quantity > self._quantities_before.get(shelf.instrument_id, ZERO):
                yield self._increase(shelf, max(ZERO, weight), wording="the holding grows")

    def _cash_band(self, weight: Decimal) -> Iterator[Issue]:
        low, high = self._limits.cash_band_min_weight, self._limits.cash_band_max_weight
        if low - SUITABILITY_EPSILON <= weight <= high + SUITABILITY_EPSILON:
            return
        yield Issue(
            codes.SUIT_CASH_BAND,
            _key(codes.SUIT_CASH_BAND),
            "CASH",
            "MEDIUM",
            f"Cash is outside its band of {_percent(low)} to {_percent(high)}.",
            {"threshold_min": str(low), "threshold_max": str(high), "measured": str(weight)},
        )

    def _data_quality(self, shares: Iterable[Share]) -> Iterator[Issue]:
        for row, _ in shares:
            if row.shelf is None:
                yield self._missing("SHELF", "shelf_entry", row)
                continue
            if not row.shelf.issuer_id:
                yield self._missing("ISSUER", "issuer_id", row)
            if not row.shelf.liquidity_tier:
                yield self._missing("LIQUIDITY_TIER", "liquidity_tier", row)

    def _missing(self, what: str, field: str, row: Valuation) -> Issue:
        instrument_id = row.holding.instrument_id
        return Issue(
            codes.SUIT_DATA_QUALITY,
            f"DQ|MISSING_{what}|{instrument_id}",
            "DATA_QUALITY",
            self._limits.data_quality_issue_severity,
            f"The shelf does not tell the {field} of {instrument_id}.",
            {"instrument_id": instrument_id, "missing_fields": field},
        )

    def _increase(self, shelf: ShelfEntry, weight: Decimal, *, wording: str) -> Issue:
        is_restricted = shelf.status == "RESTRICTED"
        details = {"instrument_id": shelf.instrument_id, "shelf_status": shelf.status}
        if is_restricted:
            details["allow_restricted"] = "true" if self._allows_restricted else "false"
        details["measured_before"] = str(self._weights_before.get(shelf.instrument_id, ZERO))
        details["measured_after"] = str(weight)
        return Issue(
            codes.SUIT_INCREASED[shelf.status],
            _governance_key(shelf),
            "GOVERNANCE",
            "MEDIUM" if is_restricted and self._allows_restricted else "HIGH",
            f"{shelf.instrument_id} is {shelf.status} and {wording}.",
            details,
        )


def _positive_weights(state: ValuedState) -> dict[str, Decimal]:
    return {name: weight for name, weight in state.weight_by_instrument().items() if weight > 0}


def _held(shelf: ShelfEntry, weight: Decimal) -> Issue:
    return Issue(
        codes.SUIT_HELD[shelf.status],
        _governance_key(shelf),
        "GOVERNANCE",
        "HIGH",
        f"{shelf.instrument_id} is {shelf.status}.",
        {"instrument_id": shelf.instrument_id, "shelf_status": shelf.status, "measured": str(weight)},
    )


def _governance_key(shelf: ShelfEntry) -> str:
    return f"GOVERNANCE|{shelf.instrument_id}|{shelf.status}"


def _concentration(issue_id: str, dimension: str, subject: tuple[str, str], cap: Decimal, weight: Decimal) -> Issue:
    """More of one thing than its cap; `subject` is the name of its kind and its own."""
    return Issue(
        issue_id,
        _key(issue_id, subject[1]),
        dimension,
        "HIGH" if weight > codes.HIGH_CONCENTRATION_FACTOR * cap else "MEDIUM",
        f"{subject[1]} is at {_percent(weight)}, above its limit of {_percent(cap)}.",
        {subject[0]: subject[1], "threshold": str(cap), "measured": str(weight)},
    )


def _key(issue_id: str, *subject: str) -> str:
    return "|".join((issue_id.removeprefix(codes.SUITABILITY_PREFIX), *subject))


def _percent(weight: Decimal) -> str:
    return f"{weight * 100:.2f}%"
