"""Rounding and decimal texts."""

from decimal import MAX_PREC, ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from domain.currencies import minor_unit

ZERO: Final = Decimal(0)
ONE: Final = Decimal("1.0")  # the rate of a currency to itself; its scale shows on the wire
WEIGHT_UNIT: Final = Decimal("0.0001")

# All arithmetic: what Python does by default, pinned, so that the context of a thread changes no result.
ARITHMETIC: Final = Context(prec=28, rounding=ROUND_HALF_EVEN)
# Rounding takes as many digits as there are: with 28, a large amount in small units would raise.
_ROUNDING: Final = Context(prec=MAX_PREC, rounding=ROUND_HALF_EVEN)


def in_minor_units(amount: Decimal, currency: str) -> Decimal:
    """Rounded half-even to the currency's minor unit."""
    return amount.quantize(minor_unit(currency), None, _ROUNDING)


def up_to_minor_unit(amount: Decimal, currency: str) -> Decimal:
    """Rounded up to the currency's minor unit (D2)."""
    return amount.quantize(minor_unit(currency), ROUND_CEILING, _ROUNDING)


def weight_text(weight: Decimal) -> str:
    """Four decimals, half-even."""
    return str(weight.quantize(WEIGHT_UNIT, None, _ROUNDING))


def money(amount: Decimal, currency: str) -> dict[str, str]:
    return {"amount": str(amount), "currency": currency}
