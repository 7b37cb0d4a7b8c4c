"""Requests for the engine in few words; a test states only what it is about."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.engine.pipeline import simulate
from domain.evidence import artifact_documents, artifact_parts, bundle_parts, simulate_document
from domain.request import SimulateRequest, request_document, request_hash

CREATED_AT = "2026-02-22T12:00:00.000000+00:00"
# A scan that finds nothing unless a test asks for something.
LENIENT = {
    "single_position_max_weight": "1",
    "issuer_max_weight": "1",
    "max_weight_by_liquidity_tier": {},
    "cash_band_min_weight": "0",
    "cash_band_max_weight": "1",
}


def a_simulation(
    *,
    base: str = "USD",
    positions: Sequence[Mapping[str, Any]] | Mapping[str, str] = (),
    cash: Sequence[Mapping[str, Any]] | Mapping[str, str] = (),
    prices: Sequence[Mapping[str, Any]] | Mapping[str, str] = (),
    rates: Sequence[Mapping[str, Any]] | Mapping[str, str] = (),
    shelf: Sequence[Mapping[str, Any]] | Mapping[str, str] = (),
    trades: Sequence[str | Mapping[str, Any]] = (),
    flows: Sequence[str | Mapping[str, Any]] = (),
    model: Mapping[str, Any] | None = None,
    thresholds: Mapping[str, Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The JSON of a SimulateRequest.

    Short forms: positions {"A": "10"}; cash {"USD": "100"}; prices {"A": "50 USD"}; rates {"EUR/USD": "1.1"};
    shelf {"A": "BANNED"} (every priced or traded instrument that is not listed is APPROVED); trades "BUY A 10" by
    quantity or "BUY A 10 USD" by notional; flows "-500 USD".
    """
    price_rows = _rows(prices, lambda name, price: {"instrument_id": name, **_amount(price, "price")})
    trade_rows = [_trade(trade) if isinstance(trade, str) else dict(trade) for trade in trades]
    shelf_rows = _rows(shelf, _shelf_entry)
    listed = {row["instrument_id"] for row in shelf_rows}
    mentioned = dict.fromkeys(row["instrument_id"] for row in (*price_rows, *trade_rows))
    shelf_rows += [_shelf_entry(name, "APPROVED") for name in mentioned if name not in listed]
    return {
        "portfolio_snapshot": {
            "portfolio_id": "pf_1",
            "base_currency": base,
            "positions": _rows(positions, lambda name, quantity: {"instrument_id": name, "quantity": quantity}),
            "cash_balances": _rows(cash, lambda currency, amount: {"currency": currency, "amount": amount}),
        },
        "market_data_snapshot": {
            "prices": price_rows,
            "fx_rates": _rows(rates, lambda pair, rate: {"pair": pair, "rate": rate}),
        },
        "shelf_entries": [row for row in shelf_rows if row.get("status") != "NOT_LISTED"],
        "options": {
            "enable_proposal_simulation": True,
            "suitability_thresholds": LENIENT | dict(thresholds or {}),
            **options,
        },
        "proposed_cash_flows": [_amount(flow, "amount") if isinstance(flow, str) else dict(flow) for flow in flows],
        "proposed_trades": trade_rows,
        "reference_model": None if model is None else dict(model),
    }


def a_model(
    *, base: str = "USD", classes: Mapping[str, str], instruments: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {
        "model_id": "model_1",
        "as_of": "2026-01-01",
        "base_currency": base,
        "asset_class_targets": [{"asset_class": name, "weight": weight} for name, weight in classes.items()],
        "instrument_targets": [
            {"instrument_id": name, "weight": weight} for name, weight in (instruments or {}).items()
        ],
    }


def result_of(body: Mapping[str, Any], *, correlation_id: str = "corr_1", key: str | None = "key_1") -> dict[str, Any]:
    """The simulation's result."""
    request = SimulateRequest.model_validate(body)
    return simulate(request, request_hash=request_hash(request), correlation_id=correlation_id, idempotency_key=key)


def simulated(**parts: Any) -> dict[str, Any]:
    """The result of `a_simulation` of these parts."""
    return result_of(a_simulation(**parts))


def evidence_of(
    body: Mapping[str, Any], *, correlation_id: str = "corr_1", key: str | None = "key_1", created_at: str = CREATED_AT
) -> tuple[str, str, str]:
    """(result text, whole artifact text, artifact hash), as the steps of an operation make them."""
    request = SimulateRequest.model_validate(body)
    text = request_document(request)
    result = simulate_document(
        text,
        kind="simulate",
        request_hash=request_hash(request),
        correlation_id=correlation_id,
        idempotency_key=key,
    ).text
    documents = artifact_documents(text, result, kind="simulate", created_at=created_at)
    whole = whole_artifact(documents.artifact, inputs=documents.inputs, result=result)
    return result, whole, documents.artifact_hash


def failed_rules(result: Mapping[str, Any]) -> list[str]:
    return [rule["rule_id"] for rule in result["rule_results"] if rule["status"] == "FAIL"]


def issue_keys(result: Mapping[str, Any], change: str) -> list[str]:
    return [issue["issue_key"] for issue in result["suitability"]["issues"] if issue["status_change"] == change]


def balances(result: Mapping[str, Any]) -> dict[str, str]:
    return {row["currency"]: row["amount"] for row in result["after_simulated"]["cash_balances"]}


def fx_trades(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(pair, bought, sold) of each FX trade."""
    return [
        (intent["pair"], intent["buy_amount"], intent["sell_amount_estimated"])
        for intent in result["intents"]
        if intent["intent_type"] == "FX_SPOT"
    ]


def _rows(given: Any, row: Any) -> list[dict[str, Any]]:
    if isinstance(given, Mapping):
        return [row(name, value) for name, value in given.items()]
    return [dict(item) for item in given]


def _amount(text: str, name: str) -> dict[str, str]:
    amount, currency = text.split()
    return {name: amount, "currency": currency}


def _shelf_entry(name: str, status: str) -> dict[str, Any]:
    return {
        "instrument_id": name,
        "status": status,
        "asset_class": "EQUITY",
        "issuer_id": f"ISS_{name}",
        "liquidity_tier": "L1",
    }


def _trade(text: str) -> dict[str, Any]:
    side, name, *size = text.split()
    if len(size) == 1:
        return {"side": side, "instrument_id": name, "quantity": size[0]}
    return {"side": side, "instrument_id": name, "notional": {"amount": size[0], "currency": size[1]}}


def whole_artifact(artifact: str, *, inputs: str, result: str) -> str:
    return b"".join(artifact_parts(artifact.encode(), inputs=inputs.encode(), result=result.encode())).decode()


def whole_bundle(artifact: str, *, inputs: str, result: str) -> str:
    return b"".join(bundle_parts(artifact.encode(), inputs=inputs.encode(), result=result.encode())).decode()
