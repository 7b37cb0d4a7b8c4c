"""Minor units of currencies, from a kept copy of ISO 4217 (D20).

The list is part of the engine: a release that changes it makes other amounts, so ENGINE_VERSION rises with it.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from iso4217 import Currency

_CENT: Final = Decimal("0.01")
_MINOR_UNITS: Final[Mapping[str, Decimal]] = {
    currency.code: Decimal(1).scaleb(-currency.exponent) for currency in Currency if currency.exponent is not None
}


def minor_unit(currency: str) -> Decimal:
    """The smallest amount of the currency; a hundredth where ISO 4217 knows none."""
    return _MINOR_UNITS.get(currency, _CENT)
