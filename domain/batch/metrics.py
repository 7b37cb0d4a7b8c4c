"""The summary of a run without its result, and that of all runs of a scenario."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any, Final

from domain.canonical import sha256_of
from domain.engine.gate import gate_counts
from domain.engine.numbers import ZERO, money
from domain.engine.value import shown_cash_weight

STATUSES: Final = ("READY", "PENDING_REVIEW", "BLOCKED")
PARTIAL_FAILURE: Final = "PARTIAL_BATCH_FAILURE"
MIXED_ENGINES: Final = "MIXED_ENGINE_VERSIONS"
SUM_DIGITS: Final = 100  # more than any sum of a batch has: its order does not matter


def metrics_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics of a run, from its ProposalResult."""
    before, after = result["before"], result["after_simulated"]
    intents, gate, drift = result["intents"], result["gate_decision"], result["drift_analysis"]
    dimension = None if drift is None else drift["instrument"] or drift["asset_class"]
    return {
        "status": result["status"],
        "security_intent_count": sum(intent["intent_type"] == "SECURITY_TRADE" for intent in intents),
        "gross_turnover_notional_base": money(_turnover(intents), before["total_value"]["currency"]),
        "fx_intent_count": sum(intent["intent_type"] == "FX_SPOT" for intent in intents),
        "gate": None if gate is None else gate["gate"],
        "recommended_next_step": None if gate is None else gate["recommended_next_step"],
        **gate_counts(result["rule_results"], result["suitability"]),
        "total_value_before": before["total_value"],
        "total_value_after": after["total_value"],
        "cash_weight_before": shown_cash_weight(before),
        "cash_weight_after": shown_cash_weight(after),
        "drift_total_before": None if dimension is None else dimension["drift_total_before"],
        "drift_total_after": None if dimension is None else dimension["drift_total_after"],
        "warnings": list(dict.fromkeys(result["diagnostics"]["warnings"])),
    }


def _turnover(intents: Sequence[Mapping[str, Any]]) -> Decimal:
    notionals = [intent["notional_base"] for intent in intents if intent["intent_type"] == "SECURITY_TRADE"]
    return sum((Decimal(notional["amount"]) for notional in notionals if notional is not None), ZERO)


class Totals:
    """The small result of a batch, added up from the summaries of its runs."""

    def __init__(self, scenarios: Iterable[str]) -> None:
        self._scenarios = {name: _ScenarioTotals() for name in scenarios}
        self._succeeded = 0
        self._failures: Counter[str] = Counter()

    @property
    def succeeded(self) -> int:
        return self._succeeded

    @property
    def failures(self) -> dict[str, int]:
        """Failed runs by code."""
        return dict(sorted(self._failures.items()))

    @property
    def scenarios(self) -> dict[str, Any]:
        return {name: totals.as_json() for name, totals in self._scenarios.items()}

    def add(self, summary: Mapping[str, Any]) -> None:
        scenario = self._scenarios[summary["scenario"]]
        if summary["error"] is not None:
            scenario.failed += 1
            self._failures[summary["error"]["code"]] += 1
            return
        self._succeeded += 1
        scenario.add(summary["metrics"])

    def result(self, *, chunks: Sequence[str], engine_versions: Iterable[str], runs_url: str) -> dict[str, Any]:
        """The result of the operation; `chunks` are the addresses of all result documents, in order."""
        failed = self._failures.total()
        versions = sorted(set(engine_versions))
        warnings = [PARTIAL_FAILURE] if failed else []
        return {
            "counts": {"total": self._succeeded + failed, "succeeded": self._succeeded, "failed": failed},
            "warnings": [*warnings, *([MIXED_ENGINES] if len(versions) > 1 else [])],
            "scenarios": self.scenarios,
            "failures": self.failures,
            "engine_version": versions[0] if len(versions) == 1 else None,
            "results_hash": results_hash(chunks),
            "runs_url": runs_url,
        }


class _ScenarioTotals:
    def __init__(self) -> None:
        self.failed = 0
        self._statuses: Counter[str] = Counter()
        self._gates: Counter[str] = Counter()
        self._turnover: dict[str, Decimal] = {}

    def add(self, metrics: Mapping[str, Any]) -> None:
        self._statuses[metrics["status"]] += 1
        if metrics["gate"] is not None:
            self._gates[metrics["gate"]] += 1
        turnover = metrics["gross_turnover_notional_base"]
        currency = turnover["currency"]
        with localcontext(prec=SUM_DIGITS):
            self._turnover[currency] = self._turnover.get(currency, ZERO) + Decimal(turnover["amount"])

    def as_json(self) -> dict[str, Any]:
        return {
            "statuses": {status: self._statuses[status] for status in STATUSES},
            "failed": self.failed,
            "gates": dict(sorted(self._gates.items())),
            "gross_turnover_notional_base": {code: str(self._turnover[code]) for code in sorted(self._turnover)},
        }


def results_hash(chunks: Sequence[str]) -> str:
    """The hash of all lines, by the addresses of the documents that hold them, in order."""
    return sha256_of("\n".join(chunks))
