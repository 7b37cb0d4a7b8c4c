"""Minor units, of every currency that has another than two digits (D20)."""

from itertools import product
from string import ascii_uppercase

from domain.currencies import minor_unit
from domain.engine.codes import ENGINE_VERSION

NO_DIGITS = [
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF"),
    *("XOF", "XPF"),
]
THREE_DIGITS = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]
FOUR_DIGITS = ["CLF", "UYW"]


def test_the_minor_units_are_those_of_this_engine_version() -> None:
    """A newer list of ISO 4217 makes other amounts of the same request: then ENGINE_VERSION rises, and this test."""
    digits = dict.fromkeys(map("".join, product(ascii_uppercase, repeat=3)), 2)
    digits |= dict.fromkeys(NO_DIGITS, 0) | dict.fromkeys(THREE_DIGITS, 3) | dict.fromkeys(FOUR_DIGITS, 4)
    found = {code: -int(minor_unit(code).as_tuple().exponent) for code in digits}
    assert found == digits
    assert ENGINE_VERSION == "2.0.0"
