"""Cash flows (D8)."""

import pytest
from engine_requests import balances, failed_rules, simulated

WITHDRAWAL = "PROPOSAL_WITHDRAWAL_NEGATIVE_CASH"
SOUND = {"positions": {"A": "1000"}, "prices": {"A": "1 USD"}}  # worth more than any overdraft here


def test_flows_are_applied_in_order_and_open_their_currency() -> None:
    result = simulated(cash={"USD": "100"}, rates={"EUR/USD": "1"}, flows=["-50.50 USD", "10 EUR", "0 USD"])
    assert balances(result) == {"USD": "49.50", "EUR": "10"}
    assert [(intent["intent_id"], intent["amount"]) for intent in result["intents"]] == [
        ("oi_cf_1", "-50.50"),
        ("oi_cf_2", "10"),
        ("oi_cf_3", "0"),
    ]
    assert result["status"] == "READY"


@pytest.mark.parametrize(
    ("flows", "warnings"),
    [
        (["-150 USD"], [WITHDRAWAL]),
        (["-150 USD", "100 USD"], [WITHDRAWAL]),  # the running balance counts
        (["100 USD", "-150 USD"], []),
        (["-150 USD", "-1 USD"], [WITHDRAWAL, WITHDRAWAL]),
    ],
)
def test_a_withdrawal_below_zero_is_a_breach(flows: list[str], warnings: list[str]) -> None:
    assert simulated(**SOUND, cash={"USD": "100"}, flows=flows)["diagnostics"]["warnings"] == warnings


def test_a_breach_may_be_allowed() -> None:
    result = simulated(**SOUND, cash={"USD": "100"}, flows=["-150 USD"], proposal_block_negative_cash=False)
    assert result["diagnostics"]["warnings"] == []
    assert failed_rules(result) == ["CASH_BAND", "INSUFFICIENT_CASH"]


@pytest.mark.parametrize("flow", ["40 USD", "0 USD"])
def test_d08_a_deposit_into_an_overdraft_is_no_withdrawal(flow: str) -> None:
    result = simulated(**SOUND, cash={"USD": "-100"}, flows=[flow])
    assert result["diagnostics"]["warnings"] == []
    assert "PROPOSAL_INPUT_GUARDS" not in failed_rules(result)
