"""Requests whose artifacts fill every section of the page."""

from typing import Any

from builders import a_body


def a_portfolio_body(positions: int, *, name: str = "INSTRUMENT") -> dict[str, Any]:
    """A create request with so many positions in three currencies, trades, FX and suitability issues."""
    names = [f"{name}_{number:03d}" for number in range(positions)]
    currencies = ("SGD", "USD", "EUR")
    request = {
        "portfolio_snapshot": {
            "portfolio_id": "pf_1",
            "base_currency": "SGD",
            "positions": [{"instrument_id": each, "quantity": str(number + 10)} for number, each in enumerate(names)],
            "cash_balances": [{"currency": "SGD", "amount": "90000.00"}],
        },
        "market_data_snapshot": {
            "prices": [
                {"instrument_id": each, "price": f"{number % 50 + 10}.50", "currency": currencies[number % 3]}
                for number, each in enumerate(names)
            ],
            "fx_rates": [{"pair": "USD/SGD", "rate": "1.35"}, {"pair": "EUR/SGD", "rate": "1.46"}],
        },
        "shelf_entries": [
            {
                "instrument_id": each,
                "status": "APPROVED",
                "asset_class": ("EQUITY", "FIXED_INCOME", "FUND")[number % 3],
                "issuer_id": f"ISSUER_{number % 40}",
                "liquidity_tier": "L1",
            }
            for number, each in enumerate(names)
        ],
        "options": {"enable_proposal_simulation": True},
        "proposed_cash_flows": [{"currency": "SGD", "amount": "-1000.00", "description": "Tuition"}],
        "proposed_trades": [
            {"side": "SELL", "instrument_id": names[0], "quantity": "3"},
            {"side": "BUY", "instrument_id": names[1], "quantity": "40"},
        ],
    }
    return a_body(simulate_request=request)
