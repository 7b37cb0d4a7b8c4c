"""Which lists count as rows, and where a currency stands: every place of the models, so that none is forgotten."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from domain.portfolio import CurrencyCode, CurrencyPair
from domain.request import EXAMPLE, SimulateRequest
from domain.request_size import (
    CURRENCIES,
    CURRENCIES_OF_ROWS,
    CURRENCY_OF_LOT,
    LISTS,
    POSITIONS,
    attribute_counts,
    first_currency_over,
    row_count,
    rows_by_list,
)
from domain.row_errors import LISTED_MEMBERS, LISTED_ROWS

FULL: dict[str, Any] = {
    **EXAMPLE,
    "portfolio_snapshot": {
        "portfolio_id": "pf",
        "base_currency": "AAA",
        "positions": [
            {
                "instrument_id": "I",
                "quantity": "2",
                "market_value": {"amount": "1", "currency": "AAB"},
                "lots": [
                    {
                        "lot_id": f"l{number}",
                        "quantity": "1",
                        "unit_cost": {"amount": "1", "currency": code},
                        "purchase_date": "d",
                    }
                    for number, code in enumerate(("AAC", "AAD"))
                ],
            }
        ],
        "cash_balances": [{"currency": "AAE", "amount": "1"}],
    },
    "market_data_snapshot": {
        "prices": [{"instrument_id": "I", "price": "1", "currency": "AAF"}],
        "fx_rates": [{"pair": "AAG/AAH", "rate": "1"}, {"pair": "AAG/AAH", "rate": "1"}],
    },
    "shelf_entries": [
        {
            "instrument_id": "I",
            "status": "APPROVED",
            "attributes": {"a": "1", "b": "2", "c": "3"},
            "min_notional": {"amount": "1", "currency": "AAI"},
        }
    ],
    "proposed_cash_flows": [{"currency": "AAJ", "amount": "1"}],
    "proposed_trades": [
        {"side": "BUY", "instrument_id": "I", "notional": {"amount": "1", "currency": "AAK"}},
        {"side": "BUY", "instrument_id": "I", "quantity": "1"},
    ],
    "reference_model": {
        "model_id": "m",
        "as_of": "d",
        "base_currency": "AAL",
        "asset_class_targets": [{"asset_class": "E", "weight": "1"}],
        "instrument_targets": [{"instrument_id": "I", "weight": "1"}],
    },
    "options": {
        "enable_proposal_simulation": True,
        "min_trade_notional": {"amount": "1", "currency": "AAM"},
        "dust_trade_threshold": {"amount": "1", "currency": "AAN"},
        "max_overdraft_by_ccy": {"AAO": "1"},
        "group_constraints": {"a:b": {"max_weight": "1"}},
    },
}
NAMED = 15


def places(model: type[BaseModel], *wanted: object) -> Iterator[tuple[str, ...]]:
    """Where fields of these types stand, whatever wraps them."""
    for name, field in model.model_fields.items():
        found = [field.annotation, *parts(field.annotation), *field.metadata]
        if any(kind in found or (hasattr(kind, "__metadata__") and kind.__metadata__[0] in found) for kind in wanted):
            yield (name,)
        for inner in found:
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from ((name, *place) for place in places(inner, *wanted))


def parts(annotation: Any) -> Iterator[Any]:
    for part in get_args(annotation):
        yield part
        yield from parts(part)
        yield from getattr(part, "__metadata__", ())


def test_every_currency_of_the_models_is_looked_at() -> None:
    known = {*CURRENCIES, *((*rows, *place) for rows, place in CURRENCIES_OF_ROWS.items())}
    known.add((*POSITIONS, "lots", *CURRENCY_OF_LOT))
    assert set(places(SimulateRequest, CurrencyCode, CurrencyPair)) == known


@pytest.mark.parametrize("request_", [FULL, SimulateRequest.model_validate(FULL)], ids=["json", "model"])
def test_all_lists_count_together(request_) -> None:
    assert row_count(request_) == (1 + 2) + 1 + 1 + 2 + (1 + 3) + 1 + 2 + 1 + 1 + 1 + 1
    assert min(rows_by_list(request_).values()) > 0
    assert list(attribute_counts(request_)) == [(("shelf_entries", 0, "attributes"), 3)]


@pytest.mark.parametrize("request_", [FULL, SimulateRequest.model_validate(FULL)], ids=["json", "model"])
def test_every_currency_counts_once_and_each_of_a_pair(request_) -> None:
    assert first_currency_over(request_, NAMED) is None
    assert first_currency_over(request_, NAMED - 1) == (*POSITIONS, 0, "lots", 1, *CURRENCY_OF_LOT)
    assert first_currency_over(request_, 4) == ("options", "max_overdraft_by_ccy", "AAO")


def test_what_is_no_request_has_no_rows() -> None:
    for value in (None, [], "x", 1, {"portfolio_snapshot": 7, "shelf_entries": ["x", 1, {"attributes": "text"}]}):
        assert row_count(value) in (0, 3)
        assert first_currency_over(value, 0) is None


def test_rows_in_rows_are_not_looked_at_when_there_are_enough_without_them() -> None:
    assert sum(rows_by_list(FULL, enough=3).values()) == row_count(FULL) - 2 - 3


def test_every_list_of_the_models_counts() -> None:
    known = {*LISTS, *((*place, inner) for place, inner in LISTS.items() if inner is not None)}
    of_five_keys = ("options", "suitability_thresholds", "max_weight_by_liquidity_tier")
    assert {*places(SimulateRequest, LISTED_ROWS, LISTED_MEMBERS)} - {of_five_keys} == known
