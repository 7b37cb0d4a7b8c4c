"""What the stages notice on their way: one notebook a simulation, written in pipeline order."""

from typing import Any

from domain.engine.codes import MISSING_PRICE
from domain.engine.trade_ids import trade_id


class Diagnostics:
    """Gaps are distinct and in first-seen order (D12); warnings and hard failures are kept as often as they come."""

    __slots__ = (
        "_dropped",
        "_warned",
        "funding_plan",
        "fx_missing",
        "hard_failures",
        "insufficient_cash",
        "is_pending_forced",
        "missing_fx_pairs",
        "price_missing",
        "shelf_missing",
        "warnings",
    )

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._warned: set[str] = set()  # the same codes: the list may hold one for each trade
        self.hard_failures: list[str] = []
        self.is_pending_forced = False
        self.price_missing: dict[str, None] = {}
        self.fx_missing: dict[str, None] = {}
        self.shelf_missing: dict[str, None] = {}
        self.missing_fx_pairs: dict[str, None] = {}
        self.funding_plan: list[dict[str, Any]] = []
        self.insufficient_cash: list[dict[str, Any]] = []
        self._dropped: dict[int, tuple[str, str]] = {}  # by number: the unfunded are dropped after all others

    def warn(self, code: str) -> None:
        self.warnings.append(code)
        self._warned.add(code)

    def warn_once(self, code: str) -> None:
        if code not in self._warned:
            self.warn(code)

    def fail(self, code: str, *, with_warning: bool) -> None:
        if with_warning:
            self.warn(code)
        self.hard_failures.append(code)

    def drop(self, number: int, instrument_id: str, reason: str) -> None:
        """A trade of the request that is not made."""
        self._dropped[number] = (instrument_id, reason)

    @property
    def unpriced_trades(self) -> int:
        return sum(reason == MISSING_PRICE for _, reason in self._dropped.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "warnings": self.warnings,
            "suppressed_intents": [],
            "dropped_intents": [
                {"intent_id": trade_id(number), "instrument_id": instrument_id, "reason": reason}
                for number, (instrument_id, reason) in sorted(self._dropped.items())
            ],
            "group_constraint_events": [],
            "tax_budget_constraint_events": [],
            "cash_ladder": [],
            "cash_ladder_breaches": [],
            "missing_fx_pairs": list(self.missing_fx_pairs),
            "funding_plan": self.funding_plan,
            "insufficient_cash": self.insufficient_cash,
            "data_quality": {
                "price_missing": list(self.price_missing),
                "fx_missing": list(self.fx_missing),
                "shelf_missing": list(self.shelf_missing),
            },
        }
