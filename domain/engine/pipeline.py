"""The simulation: the stages of docs/explanation/engine.md, in its order.

D1 to D31 are those of docs/guides/move-from-the-old-engine.md.
"""

from decimal import Decimal, localcontext
from typing import Any, NamedTuple

from domain.canonical import sha256_of
from domain.engine import codes
from domain.engine.book import Book
from domain.engine.diagnostics import Diagnostics
from domain.engine.drift import analyse_drift
from domain.engine.flows import apply_flows
from domain.engine.funding import Funding, fx_json, plan_funding
from domain.engine.gate import decide_gate
from domain.engine.market import Market
from domain.engine.numbers import ARITHMETIC
from domain.engine.reconcile import reconcile
from domain.engine.rules import evaluate_rules, status_of
from domain.engine.suitability import scan_suitability, suitability_json
from domain.engine.trades import apply_buys, apply_sells, trade_intents, trade_json
from domain.engine.validate import cash_balances, holdings
from domain.engine.value import ValuedState, Valuer, state_json
from domain.request import SimulateRequest

RUN_ID_DIGITS = 32


def simulate(
    request: SimulateRequest, *, request_hash: str, correlation_id: str, idempotency_key: str | None
) -> dict[str, Any]:
    """The ProposalResult, JSON-ready and in wire order. Pure: no I/O, no clock, no randomness, no error."""
    with localcontext(ARITHMETIC):
        return _Simulation(request).result(request_hash, correlation_id, idempotency_key)


class _Trading(NamedTuple):
    """Intents in their final order, the traded instruments, and the sold ones' quantities before the buys."""

    intents: list[dict[str, Any]]
    instruments: list[str]
    after_sells: list[Decimal]


class _Simulation:
    """One run: the inputs, and what the stages have made of them so far."""

    def __init__(self, request: SimulateRequest) -> None:
        self.request = request
        self.options = request.options
        self.base_currency = request.portfolio_snapshot.base_currency
        self.diagnostics = Diagnostics()
        self.held = holdings(request)
        self.cash = cash_balances(request)
        self.market = Market(request, self.held)
        self.valuer = Valuer(self.market, self.base_currency, self.held, self.diagnostics)

    def result(self, request_hash: str, correlation_id: str, idempotency_key: str | None) -> dict[str, Any]:
        before = self.valuer.value(self.held, self.cash)
        book = Book(self.held, self.cash)
        trading = self._trade(book)
        after = self.valuer.value(book.holdings, book.cash)
        if not after.is_total_sound:
            self.diagnostics.fail(codes.TOTAL_NOT_POSITIVE, with_warning=False)
        rules = evaluate_rules(after, trading.after_sells, self.options, self.diagnostics)
        reconciliation = reconcile(before, after, self.request.proposed_cash_flows, self.market, self.diagnostics)
        status = status_of(rules) if reconciliation.is_ok else "BLOCKED"
        rule_results = [rule.as_json() for rule in (*rules, *reconciliation.mismatch())]
        drift = analyse_drift(
            before, after, self.request.reference_model, self.options, trading.instruments, self.diagnostics
        )
        suitability = self._suitability(before, after)
        diagnostics = self.diagnostics.as_json()
        gate = decide_gate(
            status=status,
            rule_results=rule_results,
            suitability=suitability,
            data_quality=diagnostics["data_quality"],
            is_consent_obtained=self.options.client_consent_already_obtained,
        )
        portfolio_id, market_data_id = self._snapshot_ids()
        return {
            "proposal_run_id": "pr_" + sha256_of(request_hash).removeprefix("sha256:")[:RUN_ID_DIGITS],
            "correlation_id": correlation_id,
            "status": status,
            "before": state_json(before),
            "intents": trading.intents,
            "after_simulated": state_json(after),
            "reconciliation": reconciliation.as_json(),
            "rule_results": rule_results,
            "explanation": {"summary": status},
            "diagnostics": diagnostics,
            "drift_analysis": drift,
            "suitability": suitability,
            "gate_decision": gate if self.options.enable_workflow_gates else None,
            "lineage": {
                "portfolio_snapshot_id": portfolio_id,
                "market_data_snapshot_id": market_data_id,
                "request_hash": request_hash,
                "idempotency_key": idempotency_key,
                "engine_version": codes.ENGINE_VERSION,
            },
        }

    def _trade(self, book: Book) -> _Trading:
        """The book holds the after-state afterwards."""
        flows_first = self.options.proposal_apply_cash_flows_first
        flows = self._flows(book) if flows_first else []
        sells, buys = trade_intents(
            self.request.proposed_trades,
            self.market,
            self.diagnostics,
            base_currency=self.base_currency,
            allows_restricted=self.options.allow_restricted,
        )
        apply_sells(sells, book)
        after_sells = [book.quantity(sell.instrument_id) for sell in sells]
        funding = Funding()
        if self.options.auto_funding:
            funding = plan_funding(
                buys,
                book,
                self.market,
                self.diagnostics,
                base_currency=self.base_currency,
                base_only=self.options.fx_funding_source_currency == "BASE_ONLY",
                blocks_on_missing_fx=self.options.block_on_missing_fx,
            )
        bought = apply_buys(
            buys,
            sells,
            book,
            self.diagnostics,
            unfunded=funding.unfunded,
            fx_by_currency=funding.fx_by_currency,
            links_to_sells=self.options.link_buy_to_same_currency_sell_dependency is True,
        )
        trades = [
            *(trade_json(sell, self.base_currency) for sell in sells),
            *(fx_json(trade) for trade in sorted(funding.fx_trades, key=lambda trade: trade.pair)),
            *(trade_json(buy, self.base_currency) for buy in bought),
        ]
        intents = [*flows, *trades] if flows_first else [*trades, *self._flows(book)]
        return _Trading(intents, [trade.instrument_id for trade in (*sells, *bought)], after_sells)

    def _flows(self, book: Book) -> list[dict[str, Any]]:
        return apply_flows(
            self.request.proposed_cash_flows,
            book,
            self.diagnostics,
            blocks_negative_cash=self.options.proposal_block_negative_cash,
        )

    def _suitability(self, before: ValuedState, after: ValuedState) -> dict[str, Any] | None:
        if not self.options.enable_suitability_scanner:
            return None
        findings = scan_suitability(before, after, self.request.proposed_trades, self.market, self.options)
        portfolio_id, market_data_id = self._snapshot_ids()
        return suitability_json(findings, portfolio_id=portfolio_id, market_data_id=market_data_id)

    def _snapshot_ids(self) -> tuple[str, str]:
        portfolio = self.request.portfolio_snapshot
        return (
            portfolio.snapshot_id or portfolio.portfolio_id,
            self.request.market_data_snapshot.snapshot_id or codes.DEFAULT_MARKET_DATA_ID,
        )
