"""Query and path parameters that endpoints share, and the refusal of those that an endpoint does not know (R28)."""

import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from inspect import signature
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Path, Query
from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError, PydanticKnownError

from api.http.json import Error
from api.wire import OPERATION_ID_EXAMPLE, PROPOSAL_ID_EXAMPLE, TIMESTAMP_EXAMPLE
from domain.request import MAX_VERSION_NO
from domain.row_errors import MAX_ERRORS
from domain.text import is_storable
from domain.unknown_names import Suggestions

INTEGER: Final = re.compile(r"-?[0-9]+")
Value = TypeVar("Value")

DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# A `+` that was not percent-encoded arrives as a blank.
LOST_PLUS: Final = re.compile(r"(\d{4}-\d{2}-\d{2}[T ][\d:.,]+) (\d{2}:?\d{2})", re.ASCII | re.IGNORECASE)
LAST_MOMENT: Final = "T23:59:59.999999"
ANY_OF: Final = frozenset({"status", "state", "operation_type"})  # filters that mean any of their values


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("datetime_object_invalid", "The moment must lie in the years 1 to 9999") from None


def _moment_text(value: Any) -> Any:
    """Pydantic would take a number for seconds since 1970, also one like 1.5e-3."""
    if not isinstance(value, str):
        return value
    if not DATE.match(value):
        raise PydanticCustomError("datetime_parsing", "Input should be a date and time as of ISO 8601")
    return LOST_PLUS.sub(r"\1+\2", value) if LOST_PLUS.fullmatch(value) else value


def _to_its_end(value: Any) -> Any:
    """A date alone is its first moment to pydantic; as an upper bound it means its last."""
    return f"{value}{LAST_MOMENT}" if isinstance(value, str) and DATE.fullmatch(value) else value


def _with_plus(value: Any) -> Any:
    """No correlation id has a blank in it: there was a `+`."""
    return value.replace(" ", "+") if isinstance(value, str) else value


def _plain_number(value: Any) -> Any:
    """Pydantic would take 1_0 for ten."""
    if isinstance(value, str) and "_" in value:
        raise PydanticKnownError("float_parsing")
    return value


def _digits(value: Any) -> Any:
    """Pydantic would take 1_0, +10, 10.0 and spaces around for ten."""
    if isinstance(value, str) and not INTEGER.fullmatch(value):
        raise PydanticCustomError(
            "int_parsing", "Input should be a valid integer, unable to parse string as an integer"
        )
    return value


def _storable(text: str | None) -> str | None:
    if text is not None and not is_storable(text):
        raise PydanticCustomError("string_unicode", "Text must not hold NUL or a lone surrogate")
    return text


def refused_parameters(given: Iterable[tuple[str, str]], known: Collection[str]) -> list[Error]:
    """A refusal of each parameter that is unknown, or that came with different values and is no filter by any of them.

    `given` are the parameters of a query, in which a name may stand several times.
    """
    values: dict[str, set[str]] = {}
    for name, value in given:
        values.setdefault(name, set()).add(value)
    suggestions = Suggestions()
    errors = [
        {"type": "repeated", "loc": ("query", name), "msg": "The parameter should be given once, or with one value"}
        if name in known
        else suggestions.refusal(("query",), name, known)
        for name, different in values.items()
        if name not in known or (len(different) > 1 and name not in ANY_OF)
    ]
    return errors[:MAX_ERRORS]


def made_of_parameters(value_class: type[Value]) -> Callable[..., Awaitable[Value]]:
    """The class as a dependency that runs in the event loop: FastAPI would call the class itself in a thread."""

    async def make(**parameters: Any) -> Value:
        return value_class(**parameters)

    make.__signature__ = signature(value_class)  # type: ignore[attr-defined]  # what FastAPI reads the parameters from
    return make


FirstMoment = Annotated[datetime | None, BeforeValidator(_moment_text), AfterValidator(_in_utc)]
LastMoment = Annotated[FirstMoment, BeforeValidator(_to_its_end)]
QueryText = Annotated[str | None, AfterValidator(_storable)]
CorrelationIdText = Annotated[QueryText, BeforeValidator(_with_plus)]
PLAIN_NUMBER: Final = BeforeValidator(_plain_number)
ProposalIdInPath = Annotated[str, Path(description="The proposal.", examples=[PROPOSAL_ID_EXAMPLE])]
OperationIdInPath = Annotated[str, Path(description="The operation.", examples=[OPERATION_ID_EXAMPLE])]
IN_DIGITS: Final = BeforeValidator(_digits)  # after the bounds, or the OpenAPI document has them as `ge` and `le`
VersionNoInPath = Annotated[int, Path(description="The version.", ge=1, le=MAX_VERSION_NO, examples=[1]), IN_DIGITS]
MAX_RUN_NO: Final = 10**9
IncludeEvidence = Annotated[
    bool, Query(description="`false` hides the version's `evidence_bundle`, not the artifact's own.")
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Paging:
    """Which part of a list a client asks for; both bounds are inclusive."""

    created_from: Annotated[
        FirstMoment,
        Query(
            description="Created at this moment or later; UTC without an offset, a date alone is its first moment.",
            examples=[TIMESTAMP_EXAMPLE],
        ),
    ] = None
    created_to: Annotated[
        LastMoment,
        Query(
            description="Created at this moment or earlier; UTC without an offset, a date alone is its last moment.",
            examples=[TIMESTAMP_EXAMPLE],
        ),
    ] = None
    limit: Annotated[int, Query(description="Most items on a page.", ge=1, le=100, examples=[20]), IN_DIGITS] = 20
    cursor: Annotated[
        QueryText,
        Query(
            description="`next_cursor` of the page before, unchanged, with the same filters; none for the first page.",
            examples=[PROPOSAL_ID_EXAMPLE],
        ),
    ] = None


PagingOfRequest = Annotated[Paging, Depends(made_of_parameters(Paging))]
