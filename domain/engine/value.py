"""Stage 2: what the portfolio is worth, before and after."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from domain.engine.codes import CASH, UNKNOWN_ASSET_CLASS
from domain.engine.diagnostics import Diagnostics
from domain.engine.market import Market
from domain.engine.numbers import ZERO, money, weight_text
from domain.engine.validate import Cash, Holding
from domain.portfolio import ShelfEntry


class Valuation(NamedTuple):
    """What one holding is worth, whatever else the portfolio holds; `summary` is its JSON without the weight."""

    holding: Holding
    shelf: ShelfEntry | None
    base_value: Decimal
    summary: dict[str, Any]


class Allocation(NamedTuple):
    """A bucket's base value and its unrounded fraction of the total."""

    key: str
    weight: Decimal
    value: Decimal


class ValuedState(NamedTuple):
    """A portfolio with its value; `weights` are the positions' unrounded fractions of the total, in their order."""

    base_currency: str
    total: Decimal
    cash: tuple[Cash, ...]
    positions: tuple[Valuation, ...]
    weights: tuple[Decimal, ...]
    by_asset_class: tuple[Allocation, ...]
    by_attribute: dict[str, tuple[Allocation, ...]]

    @property
    def cash_weight(self) -> Decimal:
        return next(row.weight for row in self.by_asset_class if row.key == CASH)

    def weight_by_instrument(self) -> dict[str, Decimal]:
        return {row.holding.instrument_id: weight for row, weight in zip(self.positions, self.weights, strict=True)}


class Valuer:
    """Values the states of one simulation; a holding that no stage has touched is valued once."""

    __slots__ = ("_base", "_diagnostics", "_known", "_market", "_rates", "_sent")

    def __init__(
        self, market: Market, base_currency: str, sent: Mapping[str, Holding], diagnostics: Diagnostics
    ) -> None:
        self._market = market
        self._base = base_currency
        self._sent = sent
        self._diagnostics = diagnostics
        self._known: dict[str, Valuation] = {}
        self._rates: dict[str, Decimal | None] = {}

    def value(self, holdings: Sequence[Holding], cash: Sequence[Cash]) -> ValuedState:
        """Positions, cash and allocations in the base currency; gaps go to the diagnostics."""
        positions = tuple([self._valuation(holding) for holding in holdings])
        total = sum((row.base_value for row in positions), ZERO)
        cash_total = ZERO
        for balance in cash:
            converted = self._converted(balance)
            total += converted
            cash_total += converted
        divisor = total or Decimal(1)
        return ValuedState(
            base_currency=self._base,
            total=total,
            cash=tuple(cash),
            positions=positions,
            weights=tuple([row.base_value / divisor for row in positions]),
            by_asset_class=_by_asset_class(positions, cash_total, divisor),
            by_attribute=_by_attribute(positions, divisor),
        )

    def _valuation(self, holding: Holding) -> Valuation:
        known = self._known.get(holding.instrument_id)
        if known is None or known.holding is not holding:
            known = self._known[holding.instrument_id] = self._valued(holding)
        return known

    def _valued(self, holding: Holding) -> Valuation:
        shelf = self._market.shelf(holding.instrument_id)
        quote = self._market.quote(holding.instrument_id)
        if quote is None:
            self._diagnostics.price_missing[holding.instrument_id] = None
            currency, value = self._base, holding.quantity * ZERO
        else:
            currency, value = quote.currency, self._worth(holding, quote.amount)
        rate = self._rate(currency)
        base_value = ZERO if rate is None else value * rate
        summary = {
            "instrument_id": holding.instrument_id,
            "quantity": str(holding.quantity),
            "instrument_currency": currency,
            "asset_class": UNKNOWN_ASSET_CLASS if shelf is None else shelf.asset_class,
            "price": None if quote is None else money(quote.amount, currency),
            "value_in_instrument_ccy": money(value, currency),
            "value_in_base_ccy": money(base_value, self._base),
        }
        return Valuation(holding, shelf, base_value, summary)

    def _worth(self, holding: Holding, price: Decimal) -> Decimal:
        """A trusted holding keeps the custodian's value until its quantity changes (D10)."""
        trusted, quantity = holding.trusted_value, holding.quantity
        if trusted is not None and quantity and quantity == self._sent[holding.instrument_id].quantity:
            return trusted[0]
        return quantity * price

    def _converted(self, balance: Cash) -> Decimal:
        """Base cash counts as it is, without the scale of a rate."""
        if balance.currency == self._base:
            return balance.amount
        rate = self._rate(balance.currency)
        return ZERO if rate is None else balance.amount * rate

    def _rate(self, currency: str) -> Decimal | None:
        """The rate to the base currency; its absence is noted."""
        if currency not in self._rates:
            self._rates[currency] = self._market.rate(currency, self._base)
        rate = self._rates[currency]
        if rate is None:
            self._diagnostics.fx_missing[f"{currency}/{self._base}"] = None
        return rate


def _by_asset_class(positions: Sequence[Valuation], cash_total: Decimal, divisor: Decimal) -> tuple[Allocation, ...]:
    values: dict[str, Decimal] = {}
    for position in positions:
        asset_class = position.summary["asset_class"]
        values[asset_class] = values.get(asset_class, ZERO) + position.base_value
    values[CASH] = values.get(CASH, ZERO) + cash_total
    return _allocations(values, divisor)


def _by_attribute(positions: Sequence[Valuation], divisor: Decimal) -> dict[str, tuple[Allocation, ...]]:
    values: dict[str, dict[str, Decimal]] = {}
    for position in positions:
        if position.shelf is None:
            continue
        for attribute, member in position.shelf.attributes.items():
            row = values.setdefault(attribute, {})
            row[member] = row.get(member, ZERO) + position.base_value
    return {attribute: _allocations(row, divisor) for attribute, row in values.items()}


def _allocations(values: Mapping[str, Decimal], divisor: Decimal) -> tuple[Allocation, ...]:
    return tuple(Allocation(key, value / divisor, value) for key, value in values.items())


def state_json(state: ValuedState) -> dict[str, Any]:
    """The result's SimulatedState. Parts that are shown twice are one object: nobody changes them."""
    weights = [weight_text(weight) for weight in state.weights]
    summaries = [row.summary for row in state.positions]
    by_instrument = [
        {"key": summary["instrument_id"], "weight": weight, "value": summary["value_in_base_ccy"]}
        for summary, weight in zip(summaries, weights, strict=True)
    ]
    return {
        "total_value": money(state.total, state.base_currency),
        "cash_balances": [_cash_json(balance) for balance in state.cash],
        "positions": [{**summary, "weight": weight} for summary, weight in zip(summaries, weights, strict=True)],
        "allocation_by_asset_class": _allocation_json(state.by_asset_class, state.base_currency),
        "allocation_by_instrument": by_instrument,
        "allocation": by_instrument,
        "allocation_by_attribute": {
            attribute: _allocation_json(rows, state.base_currency) for attribute, rows in state.by_attribute.items()
        },
    }


def _cash_json(balance: Cash) -> dict[str, str | None]:
    return {
        "currency": balance.currency,
        "amount": str(balance.amount),
        "settled": None if balance.settled is None else str(balance.settled),
        "pending": None if balance.pending is None else str(balance.pending),
    }


def _allocation_json(rows: Sequence[Allocation], base_currency: str) -> list[dict[str, Any]]:
    return [
        {"key": row.key, "weight": weight_text(row.weight), "value": money(row.value, base_currency)} for row in rows
    ]
