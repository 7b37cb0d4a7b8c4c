"""Refusing what is too large before it is validated, which takes many times as long as counting."""

from itertools import islice
from typing import Any

from pydantic import BaseModel

from domain.request import SimulateRequest
from domain.request_size import (
    MAX_ATTRIBUTES,
    MAX_CURRENCIES,
    Place,
    attribute_counts,
    first_currency_over,
    rows_by_list,
)
from domain.row_errors import MAX_ERRORS


def too_long(value: Any, model: type[BaseModel], max_rows: int) -> list[dict[str, Any]]:
    """What a parsed body has too much of, as errors of a validation; the longest list stands for all of them."""
    member = None if issubclass(model, SimulateRequest) else "simulate_request"
    request = value if member is None else value.get(member) if isinstance(value, dict) else None
    place: Place = ("body",) if member is None else ("body", member)
    excessive = (found for found in islice(attribute_counts(request), max_rows) if found[1] > MAX_ATTRIBUTES)
    errors = [
        _error((*place, *of_entry), f"A shelf entry should have at most {MAX_ATTRIBUTES} attributes, not {count}")
        for of_entry, count in islice(excessive, MAX_ERRORS)
    ]
    rows = rows_by_list(request, enough=max_rows)
    if sum(rows.values()) > max_rows:
        longest = max(rows, key=lambda name: rows[name])
        message = f"The lists of a request should have at most {max_rows} rows together"
        errors.append(_error((*place, *longest), message))
    elif currency := first_currency_over(request, MAX_CURRENCIES):
        message = f"A request should name at most {MAX_CURRENCIES} different currencies"
        errors.append(_error((*place, *currency), message))
    return errors


def _error(place: Place, message: str) -> dict[str, Any]:
    return {"type": "too_long", "loc": place, "msg": message}
