"""The house view of a desk: portfolios of 60 positions, each drawn from the 2,000 instruments that all share."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from random import Random
from typing import Any, Final

POSITIONS: Final = 60
UNIVERSE: Final = 2_000
HALF: Final = Decimal("0.5")
CURRENCIES: Final = ("SGD", "USD", "EUR")
CLASSES: Final = ("EQUITY", "FIXED_INCOME", "FUND")
# A scenario that changes prices would bring 2,000 of its own; these differ in what is traded.
SCENARIOS: Final[dict[str, dict[str, Any]]] = {
    "trim": {},
    "hold": {"proposed_trades": []},
    "deep": {"proposed_trades": [{"side": "SELL", "instrument_id": "I_0000", "fraction_of_position": "0.9"}]},
}


def a_house_view(items: int, *, scenarios: int = 1, universe: int = UNIVERSE) -> dict[str, Any]:
    """The body of a batch. Everyone holds the first instrument, of which half is sold."""
    return {
        "created_by": "desk_1",
        "shared": _market(universe)
        | {
            "proposed_trades": [{"side": "SELL", "instrument_id": "I_0000", "fraction_of_position": str(HALF)}],
            "options": {"enable_proposal_simulation": True},
        },
        "items": [_item(number, universe) for number in range(items)],
        "scenarios": dict(islice(SCENARIOS.items(), scenarios)),
    }


def single_requests(body: dict[str, Any], *, is_reduced: bool) -> Iterator[dict[str, Any]]:
    """What a program would send to simulate each item: with what its portfolio names, or with all that is shared."""
    shared = body["shared"]
    for item in body["items"]:
        portfolio = item["portfolio_snapshot"]
        held = {position["instrument_id"]: position["quantity"] for position in portfolio["positions"]}
        market, shelf = shared["market_data_snapshot"], shared["shelf_entries"]
        if is_reduced:
            market = market | {"prices": [price for price in market["prices"] if price["instrument_id"] in held]}
            shelf = [entry for entry in shelf if entry["instrument_id"] in held]
        trade = {"side": "SELL", "instrument_id": "I_0000", "quantity": str(Decimal(held["I_0000"]) * HALF)}
        yield {
            "portfolio_snapshot": portfolio,
            "market_data_snapshot": market,
            "shelf_entries": shelf,
            "proposed_trades": [trade],
            "options": shared["options"],
        }


def _market(universe: int) -> dict[str, Any]:
    names = [f"I_{number:04d}" for number in range(universe)]
    return {
        "market_data_snapshot": {
            "snapshot_id": "md_bench",
            "prices": [
                {"instrument_id": name, "price": f"{10 + number % 90}.25", "currency": CURRENCIES[number % 3]}
                for number, name in enumerate(names)
            ],
            "fx_rates": [{"pair": "USD/SGD", "rate": "1.35"}, {"pair": "EUR/SGD", "rate": "1.46"}],
        },
        "shelf_entries": [
            {
                "instrument_id": name,
                "status": "APPROVED",
                "asset_class": CLASSES[number % 3],
                "issuer_id": f"ISS_{number % 400}",
                "liquidity_tier": "L1",
            }
            for number, name in enumerate(names)
        ],
    }


def _item(number: int, universe: int) -> dict[str, Any]:
    held = [0, *Random(number).sample(range(1, universe), POSITIONS - 1)]  # noqa: S311 -- the same draw in every run
    return {
        "id": f"pf_{number:05d}",
        "portfolio_snapshot": {
            "portfolio_id": f"pf_{number:05d}",
            "base_currency": "SGD",
            "positions": [
                {"instrument_id": f"I_{each:04d}", "quantity": str(10 + (number + each) % 500)} for each in held
            ],
            "cash_balances": [{"currency": "SGD", "amount": f"{10_000 + number}.00"}],
        },
    }
