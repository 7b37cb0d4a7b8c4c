"""The page of every artifact that the contract knows, and what it says of figures."""

from pathlib import Path

import pytest
from artifact_pages import a_portfolio_body
from contract.compare import load_cases

from api.pages.artifact_page import PageContext, artifact_page
from api.pages.figures import NOTHING, money, number, percent, points, sentence
from domain.evidence import artifact_documents, simulate_document
from domain.request import SimulateRequest, request_document

CASES = load_cases(Path(__file__).parents[1] / "contract" / "cases" / "cases.jsonl.gz")
CONTEXT = PageContext(
    title="t",
    path="/p",
    proposal_id="pp_0",
    proposal_version_id="ppv_0",
    version_no=1,
    created_by="advisor_1",
    engine_version="1",
    simulation_hash="sha256:0",
)


def page_of(request) -> str:
    text = request_document(SimulateRequest.model_validate(request))
    simulated = simulate_document(
        text, kind="simulate", request_hash="sha256:0", correlation_id="c", idempotency_key=None
    )
    built = artifact_documents(text, simulated.text, kind="simulate", created_at="2026-02-22T12:00:00.000000+00:00")
    return artifact_page(built.artifact, built.inputs, CONTEXT)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case_id"])
def test_every_artifact_has_a_page(case):
    page = page_of(case["request"])
    assert page.rstrip().endswith("</html>")
    assert "None" not in page


def test_the_picture_of_many_has_what_is_traded_and_none_that_dwarfs_it():
    page = page_of(a_portfolio_body(300)["simulate_request"])
    chart = page[page.index('aria-labelledby="instruments-title') :]
    chart = chart[: chart.index("</svg>")]
    assert "INSTRUMENT_001" in chart
    assert "INSTRUMENT_299" in chart
    assert "others" not in chart
    assert "288 others make up" in page


def test_the_page_has_the_cash_flows():
    page = page_of(a_portfolio_body(3)["simulate_request"])
    assert "Tuition" in page
    assert "-1,000.00 SGD" in page


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent("0.1234"), "12.34 %"),
        (percent(f"10{'0' * 60}.0000"), f"1{',000' * 21}.00 %"),
        (points("0.0001"), "+0.01 pp"),
        (points("-0.00001"), "0.00 pp"),
        (money({"amount": "1E+3", "currency": "SGD"}), "1,000.00 SGD"),
        (money({"amount": "1E+30", "currency": "SGD"}), f"1{',000' * 10}.00 SGD"),
        (money(None), NOTHING),
        (number(None), NOTHING),
        (number("1E+3"), "1,000"),
        (sentence("0.9945 before, -0.0010 after"), "99.45 % before, -0.10 % after"),
        (sentence("1.50 of 0.12345"), "1.50 of 0.12345"),
    ],
)
def test_figures(shown, expected):
    assert shown == expected
