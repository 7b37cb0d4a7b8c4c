"""Decimals as they arrive (D11, D31) and as they are hashed (D17)."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.decimals import DecimalInput, Fraction, NonNegativeDecimal, PositiveDecimal, normal_text

DECIMAL: TypeAdapter[Decimal] = TypeAdapter(DecimalInput)


def error_of(adapter: TypeAdapter[Decimal], value: Any) -> str | None:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        (found,) = error.errors()
        return found["type"]
    return None


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("100.00", "100.00"),
        (" 12.50\t", "12.50"),
        ("+1.", "1"),
        (".5", "0.5"),
        ("1E+2", "1E+2"),
        ("1.e-2", "0.01"),
        ("-0", "-0"),
        (10, "10"),
        (1000.10, "1000.1"),
        (1e-7, "1E-7"),
        (0.1 + 0.2, "0.30000000000000004"),
    ],
)
def test_a_decimal_keeps_its_scale_and_a_float_counts_by_its_shortest_text(given: Any, text: str) -> None:
    assert str(DECIMAL.validate_python(given)) == text
    assert str(DECIMAL.validate_json(json.dumps(given))) == text


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("", "decimal_parsing"),
        ("ten", "decimal_parsing"),
        ("1,5", "decimal_parsing"),
        (True, "decimal_type"),
        (None, "decimal_type"),
        ([1], "decimal_type"),
        ("NaN", "finite_number"),
        ("sNaN", "finite_number"),
        ("-Infinity", "finite_number"),
        (float("inf"), "finite_number"),
        (float("nan"), "finite_number"),
    ],
)
def test_what_is_no_finite_decimal_is_refused(given: Any, error: str) -> None:
    assert error_of(DECIMAL, given) == error


@pytest.mark.parametrize(
    "text",
    [
        *("1_000", "_1", "1_", "1e5_0", "N_aN", "infinit_y"),
        *("\u0661\u0662", "\uff11", "1.\u0665", "1e\u0662", "nan\u0662", "1\u066b5", "\u22121", "1\u200b"),
        *("- 1", "1 000", "--1", ".", "+", "e5", "1e", "1.2.3", "0x10"),
    ],
)
@pytest.mark.parametrize("decimal", [DecimalInput, PositiveDecimal, NonNegativeDecimal, Fraction])
def test_d31_a_decimal_is_written_in_ascii(decimal: Any, text: str) -> None:
    assert error_of(TypeAdapter(decimal), text) == "decimal_parsing"


def test_d31_a_long_text_is_read_in_one_pass() -> None:
    assert error_of(DECIMAL, "1" * 1_000_000 + "x") == "decimal_parsing"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("999999999999999999", None),
        ("-999999999999999999.999999999999999999999999", None),
        ("1000000000000000000", "decimal_whole_digits"),
        ("-1E+18", "decimal_whole_digits"),
        (10**18, "decimal_whole_digits"),
        (1e18, "decimal_whole_digits"),
        ("0." + "0" * 23 + "1", None),
        ("0." + "0" * 24 + "1", "decimal_max_places"),
        ("1." + "0" * 5000, None),
        ("1.5" + "0" * 5000 + "1", "decimal_max_places"),
        ("1E-999999", "decimal_max_places"),
        ("0E-99999999", None),
        ("0E+99999999", None),
        (1 / 3, None),
        (5e-324, "decimal_max_places"),
    ],
)
def test_d11_decimals_are_of_a_bounded_size(given: Any, error: str | None) -> None:
    assert error_of(DECIMAL, given) == error


@pytest.mark.parametrize(
    ("adapter", "given", "error"),
    [
        (TypeAdapter(PositiveDecimal), "0", "greater_than"),
        (TypeAdapter(PositiveDecimal), "0.000000000000000000000001", None),
        (TypeAdapter(NonNegativeDecimal), "-1", "greater_than_equal"),
        (TypeAdapter(NonNegativeDecimal), "0", None),
        (TypeAdapter(Fraction), "1.01", "less_than_equal"),
        (TypeAdapter(Fraction), "1.00", None),
    ],
)
def test_ranges(adapter: TypeAdapter[Decimal], given: str, error: str | None) -> None:
    assert error_of(adapter, given) == error


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("100.00", "100"),
        ("100", "100"),
        ("1E+2", "100"),
        ("0.50", "0.5"),
        ("1E-7", "0.0000001"),
        ("-0.00", "0"),
        ("0E+99999999", "0"),
        ("-1.10", "-1.1"),
    ],
)
def test_d17_equal_decimals_have_one_normal_text(given: str, text: str) -> None:
    assert normal_text(Decimal(given)) == text
