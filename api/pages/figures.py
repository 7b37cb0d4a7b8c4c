"""Figures as people read them; the artifact has every digit."""

import re
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Final

from api.pages.labels import LABELS
from domain.currencies import minor_unit

BASIS_POINT: Final = Decimal("0.0001")
SIX_DECIMALS: Final = Decimal("0.000001")
NOTHING: Final = "\N{EN DASH}"
NEARLY: Final = "\N{ALMOST EQUAL TO} "
# Requests are bounded, products of their figures are not much longer than this.
EXACT: Final = Context(prec=200)
WEIGHT_IN_SENTENCE: Final = re.compile(r"-?\b\d+\.\d{4}\b", re.ASCII)


def percent(weight: Decimal | str) -> str:
    return f"{_hundredths(weight):,f}%"


def points(weight: Decimal | str) -> str:
    """A difference of weights in percentage points; none has no sign."""
    difference = _hundredths(weight)
    return f"{difference:+,f} pp" if difference else "0.00 pp"


def money(amount: Mapping[str, str] | None) -> str:
    """In the minor unit of its currency, with all its digits where it has more; a dash for what could not be valued."""
    if amount is None:
        return NOTHING
    value = EXACT.plus(Decimal(amount["amount"]))  # minus nothing is nothing
    rounded = value.quantize(minor_unit(amount["currency"]), context=EXACT)
    return f"{rounded if rounded == value else _without_zeros(value):,f} {amount['currency']}"


def rounded_money(amount: Mapping[str, str]) -> str:
    """A sum in the minor unit of its currency; the sign says when it has more digits."""
    value = EXACT.plus(Decimal(amount["amount"]))
    rounded = value.quantize(minor_unit(amount["currency"]), context=EXACT)
    return f"{NEARLY if rounded != value else ''}{rounded:,f} {amount['currency']}"


def quantity(value: str | None) -> str:
    """With at most six decimals; the sign says when there are more."""
    if value is None:
        return NOTHING
    exact = EXACT.plus(Decimal(value))
    rounded = exact.quantize(SIX_DECIMALS, context=EXACT)
    return f"{NEARLY if rounded != exact else ''}{_without_zeros(rounded):,f}"


def rate(value: str | None) -> str:
    """With all its digits: those of a small rate come late."""
    return NOTHING if value is None else f"{Decimal(value):,f}"


def words(code: str) -> str:
    """A code of the contract as people read it; of one with a colon, both parts."""
    return ": ".join(LABELS.get(part, part.replace("_", " ").lower()) for part in code.split(":"))


def sentence(text: str) -> str:
    """A sentence of the artifact with its weights as per cent, as everywhere on the page."""
    return WEIGHT_IN_SENTENCE.sub(lambda weight: percent(weight.group()), text)


def _without_zeros(value: Decimal) -> Decimal:
    return EXACT.plus(value.normalize(EXACT))  # minus nothing is nothing


def _hundredths(weight: Decimal | str) -> Decimal:
    return Decimal(weight).quantize(BASIS_POINT, context=EXACT).scaleb(2, context=EXACT)
