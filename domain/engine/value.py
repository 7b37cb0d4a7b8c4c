"""Stage 2: what the portfolio is worth, before and after (D22, D29)."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from domain.engine.codes import CASH, TOTAL_NOT_POSITIVE, UNKNOWN_ASSET_CLASS
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
    """A portfolio with its value; `weights` are the positions' unrounded fractions of the total, in their order.

    `is_total_sound` is False where something has a value and all together is worth nothing or less: then there are no
    fractions, and every weight is zero.
    """

    base_currency: str
    total: Decimal
    is_total_sound: bool
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

    def __init__(self, market: Market, base_currency: str, sent: Iterable[Holding], diagnostics: Diagnostics) -> None:
        self._market = market
        self._base = base_currency
        self._sent = {holding.instrument_id: holding for holding in sent}
        self._diagnostics = diagnostics
        self._known: dict[str, Valuation] = {}
        self._rates: dict[str, Decimal | None] = {}

    def value(self, holdings: Sequence[Holding], cash: Sequence[Cash]) -> ValuedState:
        """Positions, cash and allocations in the base currency; gaps and an unsound total go to the diagnostics."""
        positions = tuple([self._valuation(holding) for holding in holdings])
        converted = [self._converted(balance) for balance in cash]
        values = [row.base_value for row in positions]
        total = sum(converted, sum(values, ZERO))
        is_total_sound = total > 0 or not any((*values, *converted))
        if not is_total_sound:
            self._diagnostics.warn_once(TOTAL_NOT_POSITIVE)
        return ValuedState(
            base_currency=self._base,
            total=total,
            is_total_sound=is_total_sound,
            cash=tuple(cash),
            positions=positions,
            weights=tuple([_fraction(value, total) for value in values]),
            by_asset_class=_by_asset_class(positions, sum(converted, ZERO), total),
            by_attribute=_by_attribute(positions, total),
        )

    def _valuation(self, holding: Holding) -> Valuation:
        known = self._known.get(holding.instrument_id)
        if known is None or known.holding is not holding:
            known = self._known[holding.instrument_id] = self._valued(holding)
        return known

    def _valued(self, holding: Holding) -> Valuation:
        shelf = self._market.shelf(holding.instrument_id)
        quote = self._market.quote(holding.instrument_id)
        is_held = bool(holding.quantity)
        if quote is None:
            if is_held:
                self._diagnostics.price_missing[holding.instrument_id] = None
            currency, value = self._base, holding.quantity * ZERO
        else:
            currency, value = quote.currency, self._worth(holding, quote.amount)
        rate = self._rate(currency, is_needed=is_held)
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
        rate = self._rate(balance.currency, is_needed=bool(balance.amount))
        return ZERO if rate is None else balance.amount * rate

    def _rate(self, currency: str, *, is_needed: bool) -> Decimal | None:
        """The rate to the base currency; its absence is noted where there is something to convert (D22)."""
        if currency not in self._rates:
            self._rates[currency] = self._market.rate(currency, self._base)
        rate = self._rates[currency]
        if rate is None and is_needed:
            self._diagnostics.fx_missing[f"{currency}/{self._base}"] = None
        return rate


def _by_asset_class(positions: Sequence[Valuation], cash_total: Decimal, total: Decimal) -> tuple[Allocation, ...]:
    values: dict[str, Decimal] = {}
    for position in positions:
        asset_class = position.summary["asset_class"]
        values[asset_class] = values.get(asset_class, ZERO) + position.base_value
    values[CASH] = values.get(CASH, ZERO) + cash_total
    return _allocations(values, total)


def _by_attribute(positions: Sequence[Valuation], total: Decimal) -> dict[str, tuple[Allocation, ...]]:
    values: dict[str, dict[str, Decimal]] = {}
    for position in positions:
        if position.shelf is None:
            continue
        for attribute, member in position.shelf.attributes.items():
            row = values.setdefault(attribute, {})
            row[member] = row.get(member, ZERO) + position.base_value
    return {attribute: _allocations(row, total) for attribute, row in values.items()}


def _allocations(values: Mapping[str, Decimal], total: Decimal) -> tuple[Allocation, ...]:
    return tuple(Allocation(key, _fraction(value, total), value) for key, value in values.items())


def _fraction(value: Decimal, total: Decimal) -> Decimal:
    """Nothing is a fraction of a total that is zero or negative (D29)."""
    return value / total if total > 0 else ZERO


def state_json(state: ValuedState) -> dict[str, Any]:
    """The result's SimulatedState. Parts that are shown twice are one object, which no code changes."""
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


def shown_cash_weight(state: Mapping[str, Any]) -> str:
    """The fraction of cash in a SimulatedState, as text."""
    weight: str = next(row["weight"] for row in state["allocation_by_asset_class"] if row["key"] == CASH)
    return weight


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
