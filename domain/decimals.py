"""Numbers as they arrive, and decimals as they are hashed (D11, D17, D31)."""

import re
from collections.abc import Mapping
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError

from domain.engine.codes import INVALID_TRADE_INPUT

MAX_WHOLE_DIGITS: Final = 18
MAX_DECIMAL_PLACES: Final = 24

# Python also reads underscores and the digits of other scripts. pydantic refuses what is not finite by itself.
_TEXT: Final = re.compile(
    r"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|s?nan[0-9]*)", re.ASCII | re.IGNORECASE
)
_INTEGER_TEXT: Final = re.compile(r"\s*[+-]?[0-9]+(?:\.0*)?\s*", re.ASCII)
_SMALLEST: Final = Decimal(1).scaleb(-MAX_DECIMAL_PLACES)
_EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


def _bounded(value: Decimal) -> Decimal:
    """Refuses what is 10^18 or larger in size, or has more than 24 significant digits after the point."""
    if value and value.adjusted() >= MAX_WHOLE_DIGITS:
        raise PydanticCustomError(
            "decimal_whole_digits", "Decimal input should have at most 18 digits before the decimal point"
        )
    if value.quantize(_SMALLEST, None, _EXACT) != value:
        raise PydanticCustomError(
            "decimal_max_places", "Decimal input should have at most 24 digits after the decimal point"
        )
    return value


def _plain_text(value: Any) -> Any:
    if isinstance(value, str) and not _TEXT.fullmatch(value) and not _TEXT.fullmatch(value.strip()):
        raise PydanticKnownError("decimal_parsing")
    return value


def _plain_integer(value: Any) -> Any:
    if isinstance(value, str) and not _INTEGER_TEXT.fullmatch(value):
        raise PydanticKnownError("int_parsing")
    return value


def refuse_float(value: Any) -> Any:
    """A JSON float has no exact decimal value, so amounts that are instructions must come as text or integer."""
    if isinstance(value, float):
        raise ValueError(f"{INVALID_TRADE_INPUT}: use a decimal string or an integer")  # noqa: TRY004 -- pydantic's protocol
    return value


NO_FLOAT: Final = BeforeValidator(refuse_float)
PLAIN_INTEGER: Final = BeforeValidator(_plain_integer)  # of an `int`, after its bounds: pydantic would take 1_0 for ten


class _Exact:
    """The JSON of a decimal: text or integer in a request, text in an answer, never a number of floating point."""

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(DECIMAL_INPUT if handler.mode == "validation" else DECIMAL_TEXT)


DECIMAL_TEXT: Final[Mapping[str, Any]] = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?(E[+-]?[0-9]+)?$"}
DECIMAL_INPUT: Final[Mapping[str, Any]] = {
    "type": ["string", "integer"],
    "format": "decimal",
    "description": "A decimal as text or integer, of at most 18 digits before the point and 24 after it. "
    "Text keeps its scale; a number with a point or exponent would lose digits on its way.",
    "examples": ["10000.00", 10000],
}
_Written = BeforeValidator(_plain_text)
_Bounded = AfterValidator(_bounded)
DecimalInput = Annotated[Decimal, _Written, _Bounded, _Exact()]
PositiveDecimal = Annotated[Decimal, Field(gt=0), _Written, _Bounded, _Exact()]
NonNegativeDecimal = Annotated[Decimal, Field(ge=0), _Written, _Bounded, _Exact()]
Fraction = Annotated[Decimal, Field(ge=0, le=1), _Written, _Bounded, _Exact()]


def normal_text(value: Decimal) -> str:
    """Fixed point without trailing zeros or exponent; zero is `0`. Equal decimals have equal texts."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
