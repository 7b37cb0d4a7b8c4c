"""What is too large is refused before anything else is looked at, wherever such a body is taken (R44)."""

import uuid
from typing import Any

import pytest
from builders import a_body

MOST = 100_000
CODES = [f"{chr(65 + n // 676)}{chr(65 + n // 26 % 26)}{chr(65 + n % 26)}" for n in range(400)]


def too_many_rows() -> dict[str, Any]:
    body = a_body()
    body["simulate_request"]["portfolio_snapshot"]["cash_balances"] = [{"currency": "SGD", "amount": "1"}] * MOST
    return body


def too_many_lots() -> dict[str, Any]:
    body = a_body()
    (position,) = body["simulate_request"]["portfolio_snapshot"]["positions"][:1]
    position["lots"] = [{}] * MOST
    return body


def too_many_currencies() -> dict[str, Any]:
    body = a_body()
    rates = [{"pair": f"{one}/{other}", "rate": "1"} for one, other in zip(CODES[::2], CODES[1::2], strict=True)]
    body["simulate_request"]["market_data_snapshot"]["fx_rates"] = rates
    return body


def too_many_attributes() -> dict[str, Any]:
    body = a_body()
    body["simulate_request"]["shelf_entries"][0]["attributes"] = {str(number): "x" for number in range(101)}
    return body


CASES = {
    "rows": (too_many_rows, ["portfolio_snapshot", "cash_balances"], str(MOST)),
    "lots": (too_many_lots, ["portfolio_snapshot", "positions"], str(MOST)),
    "currencies": (too_many_currencies, ["market_data_snapshot", "fx_rates"], "200"),
    "attributes": (too_many_attributes, ["shelf_entries", 0, "attributes"], "100"),
}


@pytest.mark.shared
@pytest.mark.parametrize("path", ["/simulate", "/artifact", "", "/async", "/pp_1/versions", "/pp_1/versions/async"])
@pytest.mark.parametrize("case", CASES)
async def test_too_much_is_refused_with_its_place_and_the_limit(api, path, case):
    make, place, limit = CASES[case]
    body = make()
    is_simulation = path in ("/simulate", "/artifact")
    refused = await api.post(
        path, body["simulate_request"] if is_simulation else body, **{"Idempotency-Key": uuid.uuid4().hex}
    )
    assert refused.status_code == 422
    (error,) = refused.json()["detail"]
    within = ["body"] if is_simulation else ["body", "simulate_request"]
    assert error["type"] == "too_long"
    assert error["loc"][: len(within) + len(place)] == [*within, *place]
    assert limit in error["msg"]


async def test_as_many_as_are_allowed_are_taken(api):
    body = a_body()
    body["simulate_request"]["shelf_entries"][0]["attributes"] = {str(number): "x" for number in range(100)}
    rates = [{"pair": f"{code}/SGD", "rate": "1"} for code in CODES[:150]]
    body["simulate_request"]["market_data_snapshot"]["fx_rates"] = rates
    assert (await api.submit(body, key=uuid.uuid4().hex)).status_code == 202
