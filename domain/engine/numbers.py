"""Rounding and decimal texts."""

from collections.abc import Mapping
from decimal import MAX_PREC, ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal
from typing import Final

ZERO: Final = Decimal(0)
ONE: Final = Decimal("1.0")  # the rate of a currency to itself; its scale shows on the wire
WEIGHT_UNIT: Final = Decimal("0.0001")

# All arithmetic: what Python does by default, pinned, so that nobody's context changes a result.
ARITHMETIC: Final = Context(prec=28, rounding=ROUND_HALF_EVEN)
# Rounding takes as many digits as there are: with 28, a large amount in small units would raise.
_ROUNDING: Final = Context(prec=MAX_PREC, rounding=ROUND_HALF_EVEN)
_MINOR_UNITS: Final[Mapping[str, Decimal]] = {
    **dict.fromkeys(("JPY", "KRW", "VND"), Decimal(1)),
    **dict.fromkeys(("BHD", "KWD", "OMR"), Decimal("0.001")),
}
_CENT: Final = Decimal("0.01")


def in_minor_units(amount: Decimal, currency: str) -> Decimal:
    """Rounded half-even to the currency's minor unit."""
    return amount.quantize(_MINOR_UNITS.get(currency, _CENT), None, _ROUNDING)


def up_to_minor_unit(amount: Decimal, currency: str) -> Decimal:
    """Rounded up to the currency's minor unit (D2)."""
    return amount.quantize(_MINOR_UNITS.get(currency, _CENT), ROUND_CEILING, _ROUNDING)


def weight_text(weight: Decimal) -> str:
    """Four decimals, half-even."""
    return str(weight.quantize(WEIGHT_UNIT, None, _ROUNDING))


def money(amount: Decimal, currency: str) -> dict[str, str]:
    return {"amount": str(amount), "currency": currency}
