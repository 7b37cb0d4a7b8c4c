"""Stage 3: cash flows (D8)."""

from collections.abc import Sequence
from typing import Any

from domain.engine.book import Book
from domain.engine.codes import WITHDRAWAL_NEGATIVE_CASH
from domain.engine.diagnostics import Diagnostics
from domain.request import ProposedCashFlow

Intent = dict[str, Any]


def apply_flows(
    flows: Sequence[ProposedCashFlow], book: Book, diagnostics: Diagnostics, *, blocks_negative_cash: bool
) -> list[Intent]:
    """The flows as intents, in input order, after adding each to its balance."""
    intents = []
    for number, flow in enumerate(flows, start=1):
        balance = book.add_cash(flow.currency, flow.amount)
        if blocks_negative_cash and flow.amount < 0 and balance < 0:
            diagnostics.fail(WITHDRAWAL_NEGATIVE_CASH, with_warning=True)
        intents.append(
            {
                "intent_type": "CASH_FLOW",
                "intent_id": f"oi_cf_{number}",
                "currency": flow.currency,
                "amount": str(flow.amount),
                "description": flow.description,
            }
        )
    return intents
