"""Drift from the reference model (D28)."""

from typing import Any

import pytest
from engine_requests import a_model, simulated

NOT_ONE = "REFERENCE_MODEL_WEIGHTS_NOT_ONE"
PARTS: dict[str, Any] = {
    "positions": {"A": "60", "B": "20"},
    "cash": {"USD": "20"},
    "prices": {"A": "1 USD", "B": "1 USD", "C": "1 USD"},
    "trades": ["SELL A 20", "BUY C 20"],
}


def drift_of(**parts: Any) -> dict[str, Any]:
    found: dict[str, Any] = simulated(**(PARTS | parts))["drift_analysis"]
    return found


def test_asset_classes_are_measured_with_cash_among_them() -> None:
    drift = drift_of(model=a_model(classes={"EQUITY": "0.7", "BOND": "0.3"}))
    assert [bucket["bucket"] for bucket in drift["asset_class"]["buckets"]] == ["BOND", "CASH", "EQUITY"]
    assert drift["asset_class"]["buckets"][1] == {
        "bucket": "CASH",
        "model_weight": "0",
        "portfolio_weight_before": "0.2",
        "portfolio_weight_after": "0.2",
        "drift_before": "0.2",
        "drift_after": "0.2",
        "abs_drift_before": "0.2",
        "abs_drift_after": "0.2",
        "improvement": "0.0",
    }
    assert drift["asset_class"]["drift_total_before"] == "0.30"
    assert drift["instrument"] is None
    assert [row["bucket"] for row in drift["highlights"]["unmodeled_exposures"]] == ["CASH"]


def test_instruments_are_measured_and_highlighted_when_the_model_has_them() -> None:
    drift = drift_of(
        model=a_model(classes={}, instruments={"A": "0.4", "D": "0.1"}), drift_unmodeled_exposure_threshold="0.2"
    )
    assert [bucket["bucket"] for bucket in drift["instrument"]["buckets"]] == ["A", "B", "C", "D"]
    assert drift["highlights"] == {
        "largest_improvements": [{"bucket": "A", "improvement": "0.2"}],
        "largest_deteriorations": [{"bucket": "C", "improvement": "-0.2"}],
        "unmodeled_exposures": [
            {
                "bucket": name,
                "portfolio_weight_before": before,
                "portfolio_weight_after": "0.2",
                "max_portfolio_weight": "0.2",
            }
            for name, before in (("B", "0.2"), ("C", "0"))
        ],
    }
    off = drift_of(model=a_model(classes={}, instruments={"A": "0.4"}), enable_instrument_drift=False)
    assert off["instrument"] is None


def test_lists_are_cut_to_the_limit_largest_first_then_by_name() -> None:
    drift = drift_of(
        model=a_model(classes={}, instruments={"A": "0.4", "B": "0.4", "D": "0.2"}), drift_top_contributors_limit=2
    )
    assert [row["bucket"] for row in drift["instrument"]["top_contributors_before"]] == ["A", "B"]
    assert len(drift["instrument"]["buckets"]) == 4


def test_a_model_in_another_currency_measures_nothing() -> None:
    result = simulated(**PARTS, model=a_model(base="EUR", classes={"EQUITY": "1"}))
    assert result["drift_analysis"] is None
    assert result["diagnostics"]["warnings"] == ["REFERENCE_MODEL_BASE_CURRENCY_MISMATCH"]
    both = simulated(**PARTS, model=a_model(base="EUR", classes={"EQUITY": "0.9"}))
    assert both["diagnostics"]["warnings"] == [NOT_ONE, "REFERENCE_MODEL_BASE_CURRENCY_MISMATCH"]
    off = simulated(**PARTS, model=a_model(base="EUR", classes={}), enable_drift_analytics=False)
    assert (off["drift_analysis"], off["diagnostics"]["warnings"]) == (None, [])


def test_a_traded_instrument_has_a_bucket_though_nobody_holds_it_any_more() -> None:
    drift = drift_of(
        positions={"B": "20"}, trades=["BUY C 1", "SELL C 1"], model=a_model(classes={}, instruments={"B": "1"})
    )
    assert [bucket["bucket"] for bucket in drift["instrument"]["buckets"]] == ["B", "C"]


@pytest.mark.parametrize(
    ("classes", "instruments", "adds_up"),
    [
        ({"EQUITY": "0.6", "BOND": "0.4"}, {}, True),
        ({"EQUITY": "0.47"}, {}, False),
        ({"EQUITY": "0.9999"}, {}, True),
        ({"EQUITY": "0.99989"}, {}, False),
        ({"EQUITY": "1", "BOND": "0.0001"}, {}, True),
        ({"EQUITY": "1", "BOND": "0.00011"}, {}, False),
        ({}, {}, False),
        ({}, {"A": "1"}, False),
        ({"EQUITY": "0.9", "CASH": "0.1"}, {"A": "0.9"}, True),
        ({"EQUITY": "0.9", "CASH": "0.1"}, {"A": "0.8999"}, True),
        ({"EQUITY": "0.9", "CASH": "0.1"}, {"A": "0.89989"}, False),
        ({"EQUITY": "0.9", "CASH": "0.1"}, {"A": "1.0", "B": "0.0001"}, True),
        ({"EQUITY": "0.9", "CASH": "0.1"}, {"A": "1.0", "B": "0.00011"}, False),
        ({"EQUITY": "1"}, {"A": "0.95"}, False),
    ],
)
def test_d28_a_model_that_does_not_make_one_whole_is_warned_of(
    classes: dict[str, str], instruments: dict[str, str], *, adds_up: bool
) -> None:
    model = a_model(classes=classes, instruments=instruments)
    for options in ({}, {"enable_instrument_drift": False}):
        result = simulated(**PARTS, model=model, **options)
        assert result["diagnostics"]["warnings"] == ([] if adds_up else [NOT_ONE])
        assert result["drift_analysis"] is not None
    assert simulated(**PARTS, model=model, enable_drift_analytics=False)["diagnostics"]["warnings"] == []


def test_d28_equal_targets_count_once() -> None:
    model = a_model(classes={"EQUITY": "1"})
    model["asset_class_targets"] *= 2
    assert simulated(**PARTS, model=model)["diagnostics"]["warnings"] == []
