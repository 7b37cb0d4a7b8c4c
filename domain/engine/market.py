"""Prices, rates and shelf, indexed once."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import NamedTuple

from domain.engine.numbers import ONE
from domain.engine.validate import Holding
from domain.portfolio import ShelfEntry
from domain.request import SimulateRequest


class Quote(NamedTuple):
    """The price of one unit."""

    amount: Decimal
    currency: str


def rate_between(rates: Mapping[str, Decimal], source: str, target: str) -> Decimal | None:
    """Units of target for one of source: the pair, else the inverse of the inverse pair; never across a third."""
    if source == target:
        return ONE
    direct = rates.get(f"{source}/{target}")
    if direct is not None:
        return direct
    inverse = rates.get(f"{target}/{source}")
    return None if inverse is None else ONE / inverse


class Market:
    """What things cost. Of equal rows the last one's spelling counts.

    A trusted holding's price stands in place of its price row, everywhere (D10).
    """

    __slots__ = ("_quotes", "_rated_with", "_rates", "_shelf")

    def __init__(self, request: SimulateRequest, holdings: Iterable[Holding]) -> None:
        data = request.market_data_snapshot
        self._quotes = {row.instrument_id: Quote(row.price, row.currency) for row in data.prices}
        for holding in holdings:
            if holding.trusted_value is not None and holding.quantity:
                amount, currency = holding.trusted_value
                self._quotes[holding.instrument_id] = Quote(amount / holding.quantity, currency)
        self._rates = {row.pair: row.rate for row in data.fx_rates}
        self._rated_with: dict[str, set[str]] = {}
        for pair in self._rates:
            source, _, target = pair.partition("/")
            if source != target:
                self._rated_with.setdefault(source, set()).add(target)
                self._rated_with.setdefault(target, set()).add(source)
        self._shelf = {row.instrument_id: row for row in request.shelf_entries}

    def quote(self, instrument_id: str) -> Quote | None:
        return self._quotes.get(instrument_id)

    def rate(self, source: str, target: str) -> Decimal | None:
        return rate_between(self._rates, source, target)

    def rated_with(self, currency: str) -> AbstractSet[str]:
        """The other currencies that have a rate to this one, or from it."""
        return self._rated_with.get(currency, frozenset())

    def shelf(self, instrument_id: str) -> ShelfEntry | None:
        return self._shelf.get(instrument_id)
