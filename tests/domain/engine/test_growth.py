"""What an allowed request costs grows with its size: counted in look-ups, not in seconds."""

from collections import Counter
from typing import Any

import pytest

from domain.engine.book import Book
from domain.engine.codes import TRADE_DROPPED_MISSING_PRICE
from domain.engine.diagnostics import Diagnostics
from domain.engine.market import Market
from domain.engine.pipeline import simulate
from domain.request import SimulateRequest

SIZES = (20, 80)


def codes_of(letter: str, count: int) -> list[str]:
    return [f"{letter}{chr(65 + number // 26)}{chr(65 + number % 26)}" for number in range(count)]


def a_funding_body(*, targets: int, payers: int, rated: bool) -> dict[str, Any]:
    """A buy in each target currency; every payer has cash, the last by code enough of it. Rates: to the last alone."""
    bought, held = codes_of("A", targets), codes_of("B", payers)
    return {
        "portfolio_snapshot": {
            "portfolio_id": "pf",
            "base_currency": "ZZZ",
            "cash_balances": [{"currency": code, "amount": "1" if rated else "0"} for code in held[:-1]]
            + [{"currency": held[-1], "amount": "1000000"}],
        },
        "market_data_snapshot": {
            "prices": [{"instrument_id": code, "price": "1", "currency": code} for code in bought],
            "fx_rates": [{"pair": f"{code}/{held[-1]}", "rate": "2"} for code in bought] if rated else [],
        },
        "shelf_entries": [{"instrument_id": code, "status": "APPROVED"} for code in bought],
        "proposed_trades": [{"side": "BUY", "instrument_id": code, "quantity": "10"} for code in bought],
    }


@pytest.fixture
def lookups(monkeypatch) -> Counter[str]:
    counted: Counter[str] = Counter()

    def count(owner: type, name: str) -> None:
        original = getattr(owner, name)

        def counting(*args: Any) -> Any:
            counted["all"] += 1
            return original(*args)

        monkeypatch.setattr(owner, name, counting)

    count(Market, "rate")
    count(Book, "balance")
    return counted


@pytest.mark.parametrize("rated", [True, False])
def test_funding_looks_at_what_can_pay_and_not_at_all_of_the_cash_for_each_buy(lookups, rated) -> None:
    found = []
    for size in SIZES:
        request = SimulateRequest.model_validate(a_funding_body(targets=size, payers=size, rated=rated))
        lookups.clear()
        result = simulate(request, request_hash="h", correlation_id="c", idempotency_key=None)
        assert len(result["diagnostics"]["funding_plan"]) == size
        assert sum(intent["intent_type"] == "FX_SPOT" for intent in result["intents"]) == (size if rated else 0)
        found.append(lookups["all"])
    assert found[1] <= 1.3 * found[0] * SIZES[1] / SIZES[0]


def test_a_warning_that_is_given_once_is_not_looked_for_among_those_of_every_trade() -> None:
    class Unsearchable(list[str]):
        def __contains__(self, _: object) -> bool:
            raise AssertionError

    diagnostics = Diagnostics()
    diagnostics.warnings = Unsearchable()
    diagnostics.fail("TRADE", with_warning=True)
    for code in (TRADE_DROPPED_MISSING_PRICE, TRADE_DROPPED_MISSING_PRICE, "TRADE"):
        diagnostics.warn_once(code)
    assert list(diagnostics.warnings) == ["TRADE", TRADE_DROPPED_MISSING_PRICE]
