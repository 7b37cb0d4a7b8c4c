"""Trades sized by what a portfolio holds or is worth, as ordinary trades: pure, before any request is written."""

from collections.abc import Sequence
from decimal import MAX_PREC, ROUND_DOWN, Context, Decimal, localcontext
from typing import Final

from domain.batch.parts import SizedTrade
from domain.decimals import MAX_WHOLE_DIGITS, normal_text
from domain.engine.codes import INVALID_TRADE_INPUT
from domain.engine.diagnostics import Diagnostics
from domain.engine.market import Market
from domain.engine.numbers import ARITHMETIC
from domain.engine.validate import cash_balances, holdings
from domain.engine.value import Valuer
from domain.request import ProposedTrade, SimulateRequest

SMALLEST: Final = Decimal("1E-12")  # of a quantity; what is beyond it is cut
_CUTTING: Final = Context(prec=MAX_PREC, rounding=ROUND_DOWN)


class TradeUnsizable(Exception):
    """A trade whose quantity cannot be computed; `number` is its place in the list."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"{INVALID_TRADE_INPUT}: {reason}")
        self.number = number


def is_sized(trade: SizedTrade) -> bool:
    """Whether the trade's quantity depends on the portfolio."""
    return trade.fraction_of_position is not None or trade.fraction_of_portfolio is not None


def plain_trades(trades: Sequence[SizedTrade]) -> tuple[ProposedTrade, ...]:
    """The trades that say their size themselves."""
    return tuple([_plain(trade, trade.quantity) for trade in trades if not is_sized(trade)])


def sized_trades(trades: Sequence[SizedTrade], request: SimulateRequest) -> tuple[ProposedTrade, ...]:
    """All trades with a size of their own, by the request's portfolio and market. Raises TradeUnsizable."""
    with localcontext(ARITHMETIC):
        portfolio = _Portfolio(request)
        return tuple(
            [
                _plain(trade, portfolio.quantity(number, trade) if is_sized(trade) else trade.quantity)
                for number, trade in enumerate(trades)
            ]
        )


def _plain(trade: SizedTrade, quantity: Decimal | None) -> ProposedTrade:
    return ProposedTrade.model_construct(
        intent_type=trade.intent_type,
        side=trade.side,
        instrument_id=trade.instrument_id,
        quantity=quantity,
        notional=trade.notional,
    )


class _Portfolio:
    """Holdings and total value as the engine has them before any trade."""

    def __init__(self, request: SimulateRequest) -> None:
        self._base = request.portfolio_snapshot.base_currency
        self._held = {holding.instrument_id: holding for holding in holdings(request)}
        self._market = Market(request, self._held.values())
        self._cash = cash_balances(request)
        self._total: Decimal | None = None

    def quantity(self, number: int, trade: SizedTrade) -> Decimal:
        if trade.fraction_of_position is not None:
            quantity = self._of_position(number, trade.instrument_id, trade.fraction_of_position)
        else:
            quantity = self._of_portfolio(number, trade.instrument_id, trade.fraction_of_portfolio or Decimal())
        cut = Decimal(normal_text(quantity.quantize(SMALLEST, None, _CUTTING)))
        if not cut:
            raise TradeUnsizable(number, "the fraction comes to less than the smallest quantity")
        if cut.adjusted() >= MAX_WHOLE_DIGITS:
            raise TradeUnsizable(number, "the fraction comes to a quantity of more than 18 digits")
        return cut

    def _of_position(self, number: int, instrument_id: str, fraction: Decimal) -> Decimal:
        held = self._held.get(instrument_id)
        if held is None or held.quantity <= 0:
            raise TradeUnsizable(number, "fraction_of_position needs a position that is held")
        return held.quantity * fraction

    def _of_portfolio(self, number: int, instrument_id: str, fraction: Decimal) -> Decimal:
        quote = self._market.quote(instrument_id)
        rate = None if quote is None else self._market.rate(quote.currency, self._base)
        if quote is None or rate is None or quote.amount <= 0:
            raise TradeUnsizable(number, "fraction_of_portfolio needs a price, and a rate to the base currency")
        if self._total is None:
            valuer = Valuer(self._market, self._base, self._held.values(), Diagnostics())
            self._total = valuer.value(list(self._held.values()), self._cash).total
        if self._total <= 0:
            raise TradeUnsizable(number, "fraction_of_portfolio needs a portfolio with a value")
        return fraction * self._total / (quote.amount * rate)
