"""Stage 11: the artifact that clients and reviewers read, made of request, stored result and time (D1, D21, D26)."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Any, Final

from domain.decimals import normal_text
from domain.engine.gate import decide_gate
from domain.engine.numbers import ARITHMETIC, ONE, weight_text
from domain.engine.trade_ids import trade_number
from domain.engine.value import shown_cash_weight
from domain.request import SimulateRequest

Json = Mapping[str, Any]

INVERSE_RATE: Final = Context(prec=12, rounding=ROUND_HALF_EVEN)  # how many digits of one divided by a rate are shown
RISK_DISCLAIMER: Final = (
    "This proposal is computed from one snapshot of the portfolio and of market data. Prices and rates move; "
    "the executed result may differ, and the value of investments may fall."
)
NOT_MODELLED: Final = {
    "costs_and_fees": "Commissions, spreads and fees are not modelled.",
    "tax": "Taxes are not modelled.",
    "execution": "Market impact and partial fills are not modelled.",
}
REVIEW_STEP: Final = {
    "COMPLIANCE_REVIEW_REQUIRED": "COMPLIANCE_REVIEW",
    "RISK_REVIEW_REQUIRED": "RISK_REVIEW",
    "CLIENT_CONSENT_REQUIRED": "CLIENT_CONSENT",
    "EXECUTION_READY": "EXECUTION_READY",
}


def build_artifact(request: SimulateRequest, result: Json, *, created_at: str) -> dict[str, Any]:
    """ProposalArtifact without its evidence bundle, JSON-ready and in wire order."""
    with localcontext(ARITHMETIC):
        return _parts(request, result, created_at)


def _parts(request: SimulateRequest, result: Json, created_at: str) -> dict[str, Any]:
    return {
        "artifact_id": result["proposal_run_id"].replace("pr_", "pa_", 1),
        "proposal_run_id": result["proposal_run_id"],
        "correlation_id": result["correlation_id"],
        "created_at": created_at,
        "status": result["status"],
        "gate_decision": result["gate_decision"] or _gate_anyway(request, result),
        "summary": _summary(request, result),
        "portfolio_impact": _portfolio_impact(request, result),
        "trades_and_funding": _trades_and_funding(request, result),
        "suitability_summary": _suitability_summary(request, result),
        "assumptions_and_limits": _assumptions(request, result),
        "disclosures": _disclosures(result),
    }


def _gate_anyway(request: SimulateRequest, result: Json) -> dict[str, Any]:
    return decide_gate(
        status=result["status"],
        rule_results=result["rule_results"],
        suitability=result["suitability"],
        data_quality=result["diagnostics"]["data_quality"],
        is_consent_obtained=request.options.client_consent_already_obtained,
    )


def _summary(request: SimulateRequest, result: Json) -> dict[str, Any]:
    drift = result["drift_analysis"]
    trades = _intents(result, "SECURITY_TRADE")
    tags = [
        tag
        for tag, applies in (
            ("RISK_ALIGNMENT", bool(trades)),
            ("CASH_DEPLOYMENT", bool(request.proposed_cash_flows)),
            ("DRIFT_REDUCTION", drift is not None and Decimal(drift["asset_class"]["drift_total_delta"]) < 0),
        )
        if applies
    ]
    takeaways = {
        "STATUS": result["status"],
        "INTENTS": f"security trades: {len(trades)}, FX trades: {len(_intents(result, 'FX_SPOT'))}",
        "CASH": f"{shown_cash_weight(result['before'])} before, {shown_cash_weight(result['after_simulated'])} after",
    }
    if drift is not None:
        totals = drift["asset_class"]
        takeaways["DRIFT"] = (
            f"{weight_text(Decimal(totals['drift_total_before']))} before, "
            f"{weight_text(Decimal(totals['drift_total_after']))} after"
        )
    if request.options.enable_suitability_scanner and (suitability := result["suitability"]) is not None:
        counts = suitability["summary"]
        takeaways["SUITABILITY"] = (
            f"{counts['new_count']} new, {counts['resolved_count']} resolved, {counts['persistent_count']} persistent"
        )
    return {
        "title": f"Proposal for portfolio {request.portfolio_snapshot.portfolio_id}",
        "objective_tags": tags or ["PORTFOLIO_MAINTENANCE"],
        "advisor_notes": [],
        "recommended_next_step": _next_step(result),
        "key_takeaways": [{"code": code, "value": value} for code, value in takeaways.items()],
    }


def _next_step(result: Json) -> str:
    gate = result["gate_decision"]
    if gate is not None:
        if gate["gate"] != "BLOCKED":
            return REVIEW_STEP.get(gate["gate"], "RISK_REVIEW")
        is_unsuitable = any(
            reason["severity"] == "HIGH" and reason["source"] == "SUITABILITY" for reason in gate["reasons"]
        )
        return "COMPLIANCE_REVIEW" if is_unsuitable else "RISK_REVIEW"
    recommended: str = (result["suitability"] or {}).get("recommended_gate", "NONE")
    if recommended != "NONE":
        return recommended
    return "CLIENT_CONSENT" if result["status"] == "READY" else "RISK_REVIEW"


def _portfolio_impact(request: SimulateRequest, result: Json) -> dict[str, Any]:
    before, after = result["before"], result["after_simulated"]
    return {
        "before": _impact_side(before),
        "after": _impact_side(after),
        "delta": {
            "total_value_delta": dict(result["reconciliation"]["delta"]),
            "largest_weight_changes": _weight_changes(
                before, after, limit=request.options.drift_top_contributors_limit
            ),
        },
        "reconciliation": result["reconciliation"],
    }


def _impact_side(state: Json) -> dict[str, Any]:
    return {
        "total_value": state["total_value"],
        "allocation_by_asset_class": _by_weight(state["allocation_by_asset_class"]),
        "allocation_by_instrument": _by_weight(state["allocation_by_instrument"]),
    }


def _by_weight(rows: Sequence[Json]) -> list[Json]:
    return sorted(rows, key=lambda row: (Decimal(row["weight"]).copy_negate(), row["key"]))


def _weight_changes(before: Json, after: Json, *, limit: int) -> list[dict[str, str]]:
    """The instruments whose four-decimal weight changed most."""
    weights_before = {row["key"]: Decimal(row["weight"]) for row in before["allocation_by_instrument"]}
    weights_after = {row["key"]: Decimal(row["weight"]) for row in after["allocation_by_instrument"]}
    zero = Decimal("0.0000")
    changes = [
        (key, weights_before.get(key, zero), weights_after.get(key, zero))
        for key in {**weights_before, **weights_after}
    ]
    changed = sorted((row for row in changes if row[1] != row[2]), key=lambda row: (-abs(row[2] - row[1]), row[0]))
    return [
        {
            "bucket_type": "INSTRUMENT",
            "bucket_id": key,
            "weight_before": weight_text(weight_before),
            "weight_after": weight_text(weight_after),
            "delta": weight_text(weight_after - weight_before),
        }
        for key, weight_before, weight_after in changed[:limit]
    ]


def _trades_and_funding(request: SimulateRequest, result: Json) -> dict[str, Any]:
    trades = _intents(result, "SECURITY_TRADE")
    rates = {rate.pair: rate.rate for rate in request.market_data_snapshot.fx_rates}
    flows_first = request.options.proposal_apply_cash_flows_first
    has_dependencies = any(trade["dependencies"] for trade in trades)
    return {
        "trade_list": [
            {
                "intent_id": trade["intent_id"],
                "type": "SECURITY_TRADE",
                "instrument_id": trade["instrument_id"],
                "side": trade["side"],
                "quantity": normal_text(Decimal(trade["quantity"])),
                "estimated_notional": trade["notional"],
                "estimated_notional_base": trade["notional_base"],
                "dependencies": trade["dependencies"],
                "rationale": trade["rationale"],
            }
            for trade in trades
        ],
        "fx_list": [
            {
                "intent_id": fx["intent_id"],
                "pair": fx["pair"],
                "buy_amount": normal_text(Decimal(fx["buy_amount"])),
                "sell_amount_estimated": normal_text(Decimal(fx["sell_amount_estimated"])),
                "rate": _rate(fx["pair"], rates),
            }
            for fx in sorted(_intents(result, "FX_SPOT"), key=lambda fx: (fx["pair"], fx["intent_id"]))
        ],
        "dropped_trades": [_dropped(request, dropped) for dropped in result["diagnostics"]["dropped_intents"]],
        "ordering_policy": "CASH_FLOW->SELL->FX->BUY" if flows_first else "SELL->FX->BUY->CASH_FLOW",
        "execution_notes": [
            {"code": "DEPENDENCY", "text": "Execute a trade only after the intents that it depends on."}
        ]
        if has_dependencies
        else [],
    }


def _rate(pair: str, rates: Mapping[str, Decimal]) -> str:
    """The rate that funding used: the pair's, else the inverse of the inverse pair's, which has digits without end."""
    if pair in rates:
        return normal_text(rates[pair])
    target, _, source = pair.partition("/")
    return normal_text(INVERSE_RATE.plus(ONE / rates[f"{source}/{target}"]))


def _dropped(request: SimulateRequest, dropped: Json) -> dict[str, Any]:
    """A trade that was not made, as it was requested."""
    trade = request.proposed_trades[trade_number(dropped["intent_id"]) - 1]
    notional = trade.notional
    return {
        "intent_id": dropped["intent_id"],
        "instrument_id": dropped["instrument_id"],
        "side": trade.side,
        "quantity": None if trade.quantity is None else normal_text(trade.quantity),
        "notional": None
        if notional is None
        else {"amount": normal_text(notional.amount), "currency": notional.currency},
        "reason": dropped["reason"],
    }


def _suitability_summary(request: SimulateRequest, result: Json) -> dict[str, Any]:
    suitability = result["suitability"]
    if suitability is None or not request.options.enable_suitability_scanner:
        return {
            "status": "NOT_AVAILABLE",
            "new_issues": 0,
            "resolved_issues": 0,
            "persistent_issues": 0,
            "highest_severity_new": None,
            "highlights": [],
            "issues": [],
        }
    counts, issues = suitability["summary"], suitability["issues"]
    return {
        "status": "AVAILABLE",
        "new_issues": counts["new_count"],
        "resolved_issues": counts["resolved_count"],
        "persistent_issues": counts["persistent_count"],
        "highest_severity_new": counts["highest_severity_new"],
        "highlights": [
            {"code": issue["status_change"], "text": f"{issue['issue_id']}: {issue['summary']}"}
            for issue in issues[: request.options.drift_top_contributors_limit]
        ],
        "issues": issues,
    }


def _assumptions(request: SimulateRequest, result: Json) -> dict[str, Any]:
    market_data_id = result["lineage"]["market_data_snapshot_id"]
    return {
        "pricing": {
            "market_data_snapshot_id": market_data_id,
            "prices_as_of": market_data_id,
            "fx_as_of": market_data_id,
            "valuation_mode": request.options.valuation_mode,
        },
        **{topic: {"included": False, "notes": notes} for topic, notes in NOT_MODELLED.items()},
    }


def _disclosures(result: Json) -> dict[str, Any]:
    traded = sorted({trade["instrument_id"] for trade in _intents(result, "SECURITY_TRADE")})
    return {
        "risk_disclaimer": RISK_DISCLAIMER,
        "product_docs": [
            {"instrument_id": instrument_id, "doc_ref": "See the product documents of this instrument."}
            for instrument_id in traded
        ],
    }


def _intents(result: Json, intent_type: str) -> list[Json]:
    return [intent for intent in result["intents"] if intent["intent_type"] == intent_type]
