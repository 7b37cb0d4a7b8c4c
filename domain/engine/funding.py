"""Stage 5: FX that funds the buys (D2-D5, D13, D24, D25)."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from domain.currencies import minor_unit
from domain.engine.book import Book
from domain.engine.codes import FUNDING, INSUFFICIENT_FUNDING_CASH, MISSING_FX_FOR_FUNDING, MISSING_FX_NON_BLOCKING
from domain.engine.diagnostics import Diagnostics
from domain.engine.market import Market
from domain.engine.numbers import ZERO, in_minor_units, up_to_minor_unit
from domain.engine.trades import Trade

RATIONALE: Final = {"code": FUNDING, "message": "Funds the buys of this currency"}


@dataclass(frozen=True, kw_only=True, slots=True)
class FxTrade:
    """Bought target currency, sold source currency, both in minor units."""

    intent_id: str
    target: str
    bought: Decimal
    source: str
    sold: Decimal

    @property
    def pair(self) -> str:
        return f"{self.target}/{self.source}"


@dataclass(slots=True)
class Funding:
    fx_trades: list[FxTrade] = field(default_factory=list)
    unfunded: set[str] = field(default_factory=set)

    @property
    def fx_by_currency(self) -> dict[str, str]:
        return {trade.target: trade.intent_id for trade in self.fx_trades}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shortfall:
    """What a candidate lacked; `base_deficit` is None when it cannot be compared."""

    source: str
    deficit: Decimal
    base_deficit: Decimal | None


@dataclass(slots=True)
class _Search:
    """What was found while looking for a currency that pays."""

    chosen: tuple[str, Decimal] | None = None
    missed_pairs: list[str] = field(default_factory=list)
    shortfalls: list[_Shortfall] = field(default_factory=list)


def plan_funding(
    buys: Sequence[Trade],
    book: Book,
    market: Market,
    diagnostics: Diagnostics,
    *,
    base_currency: str,
    base_only: bool,
    blocks_on_missing_fx: bool,
) -> Funding:
    """One FX trade for each currency whose buys its cash does not pay, applied to the book at once."""
    required: dict[str, Decimal] = {}
    for buy in buys:
        required[buy.currency] = required.get(buy.currency, ZERO) + buy.notional
    funding = Funding()
    payers = _Payers(book, market, required, base_currency=base_currency, base_only=base_only)
    for target in sorted(required):
        available = book.open_balance(target)
        needed = max(ZERO, required[target] - available)
        entry: dict[str, Any] = {
            "target_currency": target,
            "required": str(in_minor_units(required[target], target)),
            "available_before_fx": str(in_minor_units(available, target)),
            "fx_needed": str(up_to_minor_unit(needed, target)),
            "fx_pair": None,
            "funding_currency": None,
        }
        diagnostics.funding_plan.append(entry)
        if not needed:
            continue
        bought = up_to_minor_unit(needed, target)
        search = payers.search(target, bought)
        if search.chosen is None:
            funding.unfunded.add(target)
            _record_unfunded(search, (target, bought), diagnostics, blocks_on_missing_fx=blocks_on_missing_fx)
            continue
        source, sold = search.chosen
        trade = FxTrade(
            intent_id=f"oi_fx_{len(funding.fx_trades) + 1}", target=target, bought=bought, source=source, sold=sold
        )
        book.add_cash(source, -sold)
        book.add_cash(target, bought)
        payers.note_changed(source)
        payers.note_changed(target)
        entry["fx_pair"], entry["funding_currency"] = trade.pair, source
        funding.fx_trades.append(trade)
    return funding


def fx_json(trade: FxTrade) -> dict[str, Any]:
    return {
        "intent_type": "FX_SPOT",
        "intent_id": trade.intent_id,
        "pair": trade.pair,
        "buy_currency": trade.target,
        "buy_amount": str(trade.bought),
        "sell_currency": trade.source,
        "sell_amount_estimated": str(trade.sold),
        "dependencies": [],
        "rationale": RATIONALE,
    }


class _Payers:
    """The book's currencies as payers, indexed: the payer for one target is found without a look at all of the cash."""

    def __init__(
        self, book: Book, market: Market, required: Mapping[str, Decimal], *, base_currency: str, base_only: bool
    ) -> None:
        self._book = book
        self._market = market
        self._required = required
        self._base = base_currency
        self._base_only = base_only
        self._in_credit = sorted(currency for currency in book.currencies if self._usable(currency) > 0)

    def search(self, target: str, bought: Decimal) -> _Search:
        """The first that can pay: the base currency, then the others by code; else what each of them lacked."""
        search = _Search()
        for source in self._rated(target):
            self._book.open_balance(source)
            usable = self._usable(source)
            sold = _price_of(bought, self._market.rate(target, source) or ZERO, source)
            if usable >= sold:
                search.chosen = (source, sold)
                return search
            deficit = sold - usable
            base_rate = self._market.rate(source, self._base)
            search.shortfalls.append(
                _Shortfall(
                    source=source, deficit=deficit, base_deficit=None if base_rate is None else deficit * base_rate
                )
            )
        search.missed_pairs.extend(f"{target}/{source}" for source in self._unrated(target))
        return search

    def note_changed(self, currency: str) -> None:
        """The balance of this currency is another one now."""
        place = bisect_left(self._in_credit, currency)
        is_listed = self._in_credit[place : place + 1] == [currency]
        if self._usable(currency) <= 0:
            del self._in_credit[place : place + is_listed]
        elif not is_listed:
            insort(self._in_credit, currency)

    def _usable(self, currency: str) -> Decimal:
        return self._book.balance(currency) - self._required.get(currency, ZERO)

    def _rated(self, target: str) -> Iterator[str]:
        rated = self._market.rated_with(target)
        if self._base in rated:
            yield self._base
        if not self._base_only:
            yield from sorted(source for source in rated if source != self._base and self._book.has_cash_row(source))

    def _unrated(self, target: str) -> Iterator[str]:
        """Those that a missing rate keeps from paying: the base currency always counts, others when they hold cash."""
        rated = self._market.rated_with(target)
        if self._base != target and self._base not in rated:
            yield self._base
        if not self._base_only:
            for source in self._in_credit:
                if source not in rated and source not in (target, self._base):
                    yield source


def _price_of(bought: Decimal, rate: Decimal, source: str) -> Decimal:
    """What is sold of the source: nothing is bought for nothing."""
    return max(minor_unit(source), in_minor_units(bought * rate, source))


def _record_unfunded(
    search: _Search, needed: tuple[str, Decimal], diagnostics: Diagnostics, *, blocks_on_missing_fx: bool
) -> None:
    """Why the buys stay unfunded; `needed` (currency, amount) is the deficit where there is no candidate to name."""
    for pair in search.missed_pairs:
        diagnostics.missing_fx_pairs[pair] = None
        diagnostics.fx_missing[pair] = None
    if search.missed_pairs and not blocks_on_missing_fx:
        diagnostics.is_pending_forced = True
        diagnostics.warn_once(MISSING_FX_NON_BLOCKING)
    elif search.missed_pairs:
        diagnostics.fail(MISSING_FX_FOR_FUNDING, with_warning=False)
    else:
        currency, deficit = needed
        if search.shortfalls:
            smallest = min(search.shortfalls, key=_comparable)
            currency, deficit = smallest.source, smallest.deficit
        diagnostics.insufficient_cash.append(
            {"currency": currency, "deficit": str(up_to_minor_unit(deficit, currency))}
        )
        diagnostics.fail(INSUFFICIENT_FUNDING_CASH, with_warning=False)


def _comparable(shortfall: _Shortfall) -> tuple[bool, Decimal]:
    """By value in the base currency; those without a rate to it come last, the first of them first."""
    return shortfall.base_deficit is None, shortfall.base_deficit or ZERO
