"""The portfolio while it is traded: a copy that the stages change, never the request."""

from collections.abc import Sequence
from decimal import Decimal

from domain.engine.numbers import ZERO
from domain.engine.validate import Cash, Holding


class Book:
    """Holdings and balances by key, in order of first appearance; what is not there begins at zero."""

    __slots__ = ("_cash", "_holdings", "_sent")

    def __init__(self, holdings: Sequence[Holding], cash: Sequence[Cash]) -> None:
        self._holdings = {holding.instrument_id: holding for holding in holdings}
        self._sent = {balance.currency: balance for balance in cash}
        self._cash = dict(self._sent)

    @property
    def holdings(self) -> list[Holding]:
        return list(self._holdings.values())

    @property
    def cash(self) -> list[Cash]:
        """The balances. Settled and pending parts of another amount do not hold for this one (D30)."""
        return [
            balance
            if currency in self._sent and balance.amount == self._sent[currency].amount
            else balance._replace(settled=None, pending=None)
            for currency, balance in self._cash.items()
        ]

    @property
    def currencies(self) -> list[str]:
        return list(self._cash)

    def has_cash_row(self, currency: str) -> bool:
        return currency in self._cash

    def balance(self, currency: str) -> Decimal:
        balance = self._cash.get(currency)
        return ZERO if balance is None else balance.amount

    def open_balance(self, currency: str) -> Decimal:
        """The balance, with a row of its own from now on."""
        if currency not in self._cash:
            self._cash[currency] = Cash(currency, ZERO, None, None)
        return self._cash[currency].amount

    def add_cash(self, currency: str, amount: Decimal) -> Decimal:
        """The balance after adding the signed amount."""
        total = self.open_balance(currency) + amount
        self._cash[currency] = self._cash[currency]._replace(amount=total)
        return total

    def quantity(self, instrument_id: str) -> Decimal:
        holding = self._holdings.get(instrument_id)
        return ZERO if holding is None else holding.quantity

    def add_units(self, instrument_id: str, quantity: Decimal) -> None:
        known = self._holdings.get(instrument_id) or Holding(instrument_id, ZERO, None)
        self._holdings[instrument_id] = known._replace(quantity=known.quantity + quantity)
