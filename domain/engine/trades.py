"""Stages 4 and 6: from proposed trades to trade intents, and their effect on the book (D6, D26)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

from domain.engine.book import Book
from domain.engine.codes import (
    BUY_SKIPPED_UNFUNDED,
    CURRENCY_MISMATCH,
    INVALID_TRADE_INPUT,
    MANUAL_PROPOSAL,
    MISSING_PRICE,
    MISSING_SHELF,
    PRICE_ZERO,
    SHELF_STATUS,
    TRADE_DROPPED_MISSING_PRICE,
    TRADE_NOT_SUPPORTED_BY_SHELF,
    UNFUNDED,
)
from domain.engine.diagnostics import Diagnostics
from domain.engine.market import Market
from domain.engine.numbers import money
from domain.engine.trade_ids import trade_id
from domain.portfolio import ShelfEntry
from domain.request import ProposedTrade

RATIONALE: Final = {"code": MANUAL_PROPOSAL, "message": "Proposed by the advisor"}


@dataclass(slots=True)
class Trade:
    """A trade that can be priced, by its number in the request; `dependencies` are filled in when it is executed."""

    number: int
    instrument_id: str
    side: Literal["BUY", "SELL"]
    quantity: Decimal
    notional: Decimal
    currency: str
    notional_base: Decimal | None
    dependencies: list[str] = field(default_factory=list)

    @property
    def intent_id(self) -> str:
        return trade_id(self.number)


def trade_intents(
    trades: Sequence[ProposedTrade],
    market: Market,
    diagnostics: Diagnostics,
    *,
    base_currency: str,
    allows_restricted: bool,
) -> tuple[list[Trade], list[Trade]]:
    """(sells, buys), each by instrument; equal instruments keep the order in which they were proposed."""
    kept = []
    for number, trade in enumerate(trades, start=1):
        built = _built(
            trade, number, market, diagnostics, base_currency=base_currency, allows_restricted=allows_restricted
        )
        if isinstance(built, Trade):
            kept.append(built)
        else:
            diagnostics.drop(number, trade.instrument_id, built)
    kept.sort(key=lambda trade: trade.instrument_id)
    return [trade for trade in kept if trade.side == "SELL"], [trade for trade in kept if trade.side == "BUY"]


def apply_sells(sells: Sequence[Trade], book: Book) -> None:
    """Units go, cash comes; units that are not held are sold short, and a rule reports it."""
    for sell in sells:
        book.add_units(sell.instrument_id, -sell.quantity)
        book.add_cash(sell.currency, sell.notional)


def apply_buys(
    buys: Sequence[Trade],
    sells: Sequence[Trade],
    book: Book,
    diagnostics: Diagnostics,
    *,
    unfunded: Collection[str],
    fx_by_currency: dict[str, str],
    links_to_sells: bool,
) -> list[Trade]:
    """The buys that were executed: all but those of unfunded currencies, each with what it depends on."""
    last_sell = {sell.currency: sell.intent_id for sell in sells}
    executed = []
    for buy in buys:
        if buy.currency in unfunded:
            diagnostics.warn_once(BUY_SKIPPED_UNFUNDED)
            diagnostics.drop(buy.number, buy.instrument_id, UNFUNDED)
            continue
        book.add_units(buy.instrument_id, buy.quantity)
        book.add_cash(buy.currency, -buy.notional)
        if buy.currency in fx_by_currency:
            buy.dependencies.append(fx_by_currency[buy.currency])
        if links_to_sells and buy.currency in last_sell:
            buy.dependencies.append(last_sell[buy.currency])
        executed.append(buy)
    return executed


def trade_json(trade: Trade, base_currency: str) -> dict[str, Any]:
    return {
        "intent_type": "SECURITY_TRADE",
        "intent_id": trade.intent_id,
        "instrument_id": trade.instrument_id,
        "side": trade.side,
        "quantity": str(trade.quantity),
        "notional": money(trade.notional, trade.currency),
        "notional_base": None if trade.notional_base is None else money(trade.notional_base, base_currency),
        "dependencies": trade.dependencies,
        "rationale": RATIONALE,
        "constraints_applied": [],
    }


def _built(
    trade: ProposedTrade,
    number: int,
    market: Market,
    diagnostics: Diagnostics,
    *,
    base_currency: str,
    allows_restricted: bool,
) -> Trade | str:
    """The trade with quantity and notional, or why it is dropped."""
    shelf = market.shelf(trade.instrument_id)
    if shelf is None:
        diagnostics.shelf_missing[trade.instrument_id] = None
        return MISSING_SHELF
    if trade.side == "BUY" and not _may_be_bought(shelf, allows_restricted=allows_restricted):
        diagnostics.fail(TRADE_NOT_SUPPORTED_BY_SHELF, with_warning=True)
        return SHELF_STATUS
    quote = market.quote(trade.instrument_id)
    if quote is None:
        diagnostics.price_missing[trade.instrument_id] = None
        diagnostics.warn_once(TRADE_DROPPED_MISSING_PRICE)
        return MISSING_PRICE
    amount, currency = quote
    if trade.notional is None:
        quantity = trade.quantity or Decimal(0)
        notional = quantity * amount
    elif trade.notional.currency != currency or not amount:
        diagnostics.fail(INVALID_TRADE_INPUT, with_warning=True)
        return PRICE_ZERO if trade.notional.currency == currency else CURRENCY_MISMATCH
    else:
        notional = trade.notional.amount
        quantity = notional / amount
    rate = market.rate(currency, base_currency)
    if rate is None:
        diagnostics.fx_missing[f"{currency}/{base_currency}"] = None
    return Trade(
        number=number,
        instrument_id=trade.instrument_id,
        side=trade.side,
        quantity=quantity,
        notional=notional,
        currency=currency,
        notional_base=None if rate is None else notional * rate,
    )


def _may_be_bought(shelf: ShelfEntry, *, allows_restricted: bool) -> bool:
    return shelf.status == "APPROVED" or (shelf.status == "RESTRICTED" and allows_restricted)
