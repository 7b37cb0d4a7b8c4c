"""Stage 1: rows that contradict each other are refused, rows that repeat each other become one (D9, D10)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, TypeVar

from domain.engine.codes import INVALID_INPUT
from domain.places import Place
from domain.portfolio import Position, RequestPart
from domain.request import SimulateRequest
from domain.request_size import CLASS_TARGETS, FX_RATES, INSTRUMENT_TARGETS, POSITIONS, PRICES, SHELF_ENTRIES

Row = TypeVar("Row", bound=RequestPart)


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A row that cannot be computed with; `loc` is its place in the SimulateRequest."""

    loc: Place
    message: str


class Holding(NamedTuple):
    """A position, its rows added up; `trusted_value` is the custodian's (amount, currency) where it counts."""

    instrument_id: str
    quantity: Decimal
    trusted_value: tuple[Decimal, str] | None


class Cash(NamedTuple):
    """A currency's balance after its rows were added up."""

    currency: str
    amount: Decimal
    settled: Decimal | None
    pending: Decimal | None


def refusals(request: SimulateRequest) -> list[Refusal]:
    """D9's refusals, or D10's when there are none of D9's."""
    found = list(_contradictions(request))
    if not found and request.options.valuation_mode == "TRUST_SNAPSHOT":
        found = list(_impossible_values(request))
    return found


def holdings(request: SimulateRequest) -> list[Holding]:
    """One holding an instrument, in order of first appearance."""
    is_trusting = request.options.valuation_mode == "TRUST_SNAPSHOT"
    merged: dict[str, Holding] = {}
    for row in request.portfolio_snapshot.positions:
        value = (row.market_value.amount, row.market_value.currency) if is_trusting and row.market_value else None
        known = merged.get(row.instrument_id)
        if known is None:
            merged[row.instrument_id] = Holding(row.instrument_id, row.quantity, value)
            continue
        if known.trusted_value is not None and value is not None:
            value = (known.trusted_value[0] + value[0], value[1])
        merged[row.instrument_id] = Holding(row.instrument_id, known.quantity + row.quantity, value)
    return list(merged.values())


def cash_balances(request: SimulateRequest) -> list[Cash]:
    """One balance a currency, in order of first appearance."""
    merged: dict[str, Cash] = {}
    for row in request.portfolio_snapshot.cash_balances:
        known = merged.get(row.currency)
        if known is None:
            merged[row.currency] = Cash(row.currency, row.amount, row.settled, row.pending)
            continue
        merged[row.currency] = Cash(
            row.currency,
            known.amount + row.amount,
            _sum_of_given(known.settled, row.settled),
            _sum_of_given(known.pending, row.pending),
        )
    return list(merged.values())


def _sum_of_given(first: Decimal | None, second: Decimal | None) -> Decimal | None:
    if first is None or second is None:
        return second if first is None else first
    return first + second


def _contradictions(request: SimulateRequest) -> Iterator[Refusal]:
    market = request.market_data_snapshot
    if request.options.valuation_mode == "TRUST_SNAPSHOT":
        yield from _mixed_valuations(request.portfolio_snapshot.positions)
    yield from _differing(market.prices, lambda row: row.instrument_id, PRICES)
    yield from _differing(market.fx_rates, lambda row: row.pair, FX_RATES)
    yield from _differing(request.shelf_entries, lambda row: row.instrument_id, SHELF_ENTRIES)
    if (model := request.reference_model) is not None:
        yield from _differing(model.asset_class_targets, lambda row: row.asset_class, CLASS_TARGETS)
        yield from _differing(model.instrument_targets, lambda row: row.instrument_id, INSTRUMENT_TARGETS)


def _differing(rows: Iterable[Row], key: Callable[[Row], str], place: Place) -> Iterator[Refusal]:
    first: dict[str, Row] = {}
    for index, row in enumerate(rows):
        known = first.setdefault(key(row), row)
        if known is not row and known != row:
            yield _refusal((*place, index), "the row differs from an earlier one of the same key")


def _mixed_valuations(rows: Sequence[Position]) -> Iterator[Refusal]:
    first: dict[str, Position] = {}
    for index, row in enumerate(rows):
        known = first.setdefault(row.instrument_id, row)
        known_currency = known.market_value and known.market_value.currency
        if known_currency != (row.market_value and row.market_value.currency):
            yield _refusal(
                (*POSITIONS, index),
                "rows of one instrument must all have a market value in one currency, or none",
            )


def _impossible_values(request: SimulateRequest) -> Iterator[Refusal]:
    first_index: dict[str, int] = {}
    for index, row in enumerate(request.portfolio_snapshot.positions):
        first_index.setdefault(row.instrument_id, index)
    for holding in holdings(request):
        if holding.trusted_value is None or not (value := holding.trusted_value[0]):
            continue
        if not holding.quantity or (value > 0) != (holding.quantity > 0):
            yield _refusal(
                (*POSITIONS, first_index[holding.instrument_id]),
                "a market value needs a quantity of the same sign",
            )


def _refusal(loc: Place, reason: str) -> Refusal:
    return Refusal(loc=loc, message=f"{INVALID_INPUT}: {reason}")
