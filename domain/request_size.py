"""The size of a request, counted in its model or in parsed JSON before validation (R44)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from math import inf
from typing import Any, Final

from domain.places import Place
from domain.row_errors import MAX_ERRORS

MAX_CURRENCIES: Final = 200
MAX_ATTRIBUTES: Final = 100

POSITIONS: Final = ("portfolio_snapshot", "positions")
CASH_BALANCES: Final = ("portfolio_snapshot", "cash_balances")
PRICES: Final = ("market_data_snapshot", "prices")
FX_RATES: Final = ("market_data_snapshot", "fx_rates")
SHELF_ENTRIES: Final = ("shelf_entries",)
CASH_FLOWS: Final = ("proposed_cash_flows",)
TRADES: Final = ("proposed_trades",)
CLASS_TARGETS: Final = ("reference_model", "asset_class_targets")
INSTRUMENT_TARGETS: Final = ("reference_model", "instrument_targets")
OVERDRAFTS: Final = ("options", "max_overdraft_by_ccy")

# Every list, with the list that each of its rows holds. Mappings of a client's own keys are lists, too.
LISTS: Final[Mapping[Place, str | None]] = {
    POSITIONS: "lots",
    CASH_BALANCES: None,
    PRICES: None,
    FX_RATES: None,
    SHELF_ENTRIES: "attributes",
    CASH_FLOWS: None,
    TRADES: None,
    CLASS_TARGETS: None,
    INSTRUMENT_TARGETS: None,
    OVERDRAFTS: None,
    ("options", "group_constraints"): None,
}
# Where a currency stands: in the request itself, and in each row of a list.
CURRENCIES: Final[Sequence[Place]] = (
    ("portfolio_snapshot", "base_currency"),
    ("reference_model", "base_currency"),
    ("options", "min_trade_notional", "currency"),
    ("options", "dust_trade_threshold", "currency"),
)
CURRENCIES_OF_ROWS: Final[Mapping[Place, Place]] = {
    POSITIONS: ("market_value", "currency"),
    CASH_BALANCES: ("currency",),
    PRICES: ("currency",),
    FX_RATES: ("pair",),
    SHELF_ENTRIES: ("min_notional", "currency"),
    CASH_FLOWS: ("currency",),
    TRADES: ("notional", "currency"),
}
CURRENCY_OF_LOT: Final = ("unit_cost", "currency")
_CODES: Final = re.compile(r"[A-Z]{3}(?:/[A-Z]{3})?")


def row_count(request: Any) -> int:
    """Rows of all lists together."""
    return sum(rows_by_list(request).values())


def rows_by_list(request: Any, *, enough: float = inf) -> dict[Place, int]:
    """Rows of each list, with the rows of its inner lists; these are skipped once there are `enough` without them."""
    lists = {place: _rows(_member(request, *place)) for place in LISTS}
    counts = {place: len(rows) for place, rows in lists.items()}
    if sum(counts.values()) <= enough:
        for place, inner in LISTS.items():
            if inner is not None:
                counts[place] += sum(len(_rows(_member(row, inner))) for row in lists[place])
    return counts


def excess_of(request: Any, *, max_rows: float) -> Iterator[tuple[Place, str]]:
    """Places of what a request has too much of (R44), each with the limit; the longest list stands for all rows.

    Counting takes a fraction of the time that validating does. Without a limit no rows are counted.
    """
    looked_at = None if max_rows == inf else int(max_rows)
    excessive = (found for found in islice(attribute_counts(request), looked_at) if found[1] > MAX_ATTRIBUTES)
    for place, count in islice(excessive, MAX_ERRORS):
        yield place, f"A shelf entry should have at most {MAX_ATTRIBUTES} attributes, not {count}"
    rows = {} if max_rows == inf else rows_by_list(request, enough=max_rows)
    if sum(rows.values()) > max_rows:
        longest = max(rows, key=lambda name: rows[name])
        yield longest, f"The lists of a request should have at most {max_rows} rows together"
    elif currency := first_currency_over(request, MAX_CURRENCIES):
        yield currency, f"A request should name at most {MAX_CURRENCIES} different currencies"


def attribute_counts(request: Any) -> Iterator[tuple[Place, int]]:
    """Places of the shelf entries' attributes, with how many they are."""
    for index, entry in enumerate(_rows(_member(request, *SHELF_ENTRIES))):
        yield (*SHELF_ENTRIES, index, "attributes"), len(_rows(_member(entry, "attributes")))


def first_currency_over(request: Any, limit: int) -> Place | None:
    """The place of the first currency code beyond the limit."""
    codes: set[str] = set()
    seen: set[str] = set()  # codes and pairs
    for place, text in _currencies(request):
        if not isinstance(text, str) or text in seen:
            continue
        seen.add(text)
        if _CODES.fullmatch(text):
            codes.update(text.split("/"))
            if len(codes) > limit:
                return place
    return None


def _currencies(request: Any) -> Iterator[tuple[Place, Any]]:
    for place in CURRENCIES:
        yield place, _member(request, *place)
    for key in _rows(_member(request, *OVERDRAFTS)):
        yield (*OVERDRAFTS, str(key)), key
    for rows_place, currency in CURRENCIES_OF_ROWS.items():
        for index, row in enumerate(_rows(_member(request, *rows_place))):
            yield (*rows_place, index, *currency), _member(row, *currency)
    for index, position in enumerate(_rows(_member(request, *POSITIONS))):
        for number, lot in enumerate(_rows(_member(position, "lots"))):
            yield (*POSITIONS, index, "lots", number, *CURRENCY_OF_LOT), _member(lot, *CURRENCY_OF_LOT)


def _member(value: Any, *names: str | int) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, str(name), None)
    return value


def _rows(value: Any) -> Sequence[Any] | Mapping[Any, Any]:
    """The rows; a value that is no list has none, and validation refuses it."""
    return value if isinstance(value, list | tuple | Mapping) else ()
