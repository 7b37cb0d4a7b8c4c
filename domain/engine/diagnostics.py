"""What the stages notice on their way: one notebook a simulation, written in pipeline order."""

from typing import Any


class Diagnostics:
    """Gaps are distinct and in first-seen order (D12); warnings and hard failures are kept as often as they come."""

    __slots__ = (
        "_warned",
        "dropped_trades",
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
        self.dropped_trades: list[dict[str, str]] = []

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

    def as_json(self) -> dict[str, Any]:
        return {
            "warnings": self.warnings,
            "suppressed_intents": [],
            "dropped_intents": self.dropped_trades,
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
