"""The page of every artifact that the contract knows, and what it says of figures."""

import json
import re
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from artifact_pages import a_portfolio_body
from contract.compare import load_cases
from engine_strategies import decimal_texts, plausible_bodies
from hypothesis import given, settings
from hypothesis import strategies as st

from api.pages.artifact_page import PageContext, artifact_page
from api.pages.charts import Weights, weights_chart
from api.pages.figures import NOTHING, money, number, percent, points, sentence
from domain.currencies import minor_unit
from domain.evidence import ArtifactDocuments, artifact_documents, simulate_document
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


MONEY = re.compile(r">(-?[\d,]+(?:\.(\d+))?) ([A-Z]{3})</")
examples = settings(deadline=None, derandomize=True, max_examples=100)


def page_of(request) -> str:
    built = documents_of(request)
    return artifact_page(built.artifact, built.inputs, CONTEXT)


def documents_of(request) -> ArtifactDocuments:
    text = request_document(SimulateRequest.model_validate(request))
    simulated = simulate_document(
        text, kind="simulate", request_hash="sha256:0", correlation_id="c", idempotency_key=None
    )
    return artifact_documents(text, simulated.text, kind="simulate", created_at="2026-02-22T12:00:00.000000+00:00")


def svg_of(page: str, chart_id: str) -> ET.Element:
    (svg,) = re.findall(rf'<svg[^>]*aria-labelledby="{chart_id}-title.*?</svg>', page, re.DOTALL)
    return ET.fromstring(svg)  # noqa: S314 -- this project's own page


def weights(label: str, *, before: str, after: str) -> Weights:
    return Weights(label=label, before=Decimal(before), after=Decimal(after))


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


def test_bars_are_as_long_as_their_weights():
    (row, other) = weights_chart([weights("A", before="0.50", after="0.25"), weights("B", before="0", after="1")]).rows
    half, quarter, nothing, whole = (bar.width for bar in (*row.bars, *other.bars))
    assert (half, quarter, nothing) == (pytest.approx(whole / 2), pytest.approx(whole / 4), 0)
    assert [bar.figure for bar in row.bars] == ["50.00 %", "25.00 %"]


def test_a_negative_bar_grows_to_the_left_and_its_figure_stands_beside_it():
    chart = weights_chart([weights("A", before="-0.2", after="-0.1"), weights("B", before="1.2", after="1.1")])
    before, after = chart.rows[0].bars
    assert before.x + before.width == pytest.approx(chart.zero)
    assert before.width == pytest.approx(2 * after.width, abs=0.02)
    assert (before.anchor, before.figure_x < before.x) == ("end", True)
    assert chart.label_x < before.figure_x


@pytest.mark.parametrize("weight", ["0", "1E+60", "-1E+60", "1E-30"])
def test_every_weight_has_a_place_on_the_chart(weight):
    chart = weights_chart([weights("A", before=weight, after="0.5"), weights("B", before="-0.5", after="0")])
    for bar in (bar for row in chart.rows for bar in row.bars):
        assert 0 <= bar.x <= bar.x + bar.width <= chart.width
        assert len(bar.figure) <= 10


@pytest.mark.parametrize("name", ["#010203", "<b>&amp;", '"quoted"'])
def test_a_label_is_shown_as_it_is_named(name):
    request = a_portfolio_body(3, name=name)["simulate_request"]
    labels = [text.text for text in svg_of(page_of(request), "instruments").iter("text")]
    assert f"{name}_001" in labels


def test_the_page_has_the_cash_flows():
    page = page_of(a_portfolio_body(3)["simulate_request"])
    assert "Tuition" in page
    assert "-1,000.00 SGD" in page


@examples
@given(decimal_texts(), st.sampled_from(["USD", "JPY", "ISK", "TND", "CLF", "XAU", "QQQ"]))
def test_money_has_the_digits_of_its_currency_or_all_where_it_has_more(amount, currency):
    shown, code = money({"amount": amount, "currency": currency}).replace(",", "").split()
    places, least = -Decimal(shown).as_tuple().exponent, -minor_unit(currency).as_tuple().exponent
    assert (code, Decimal(shown)) == (currency, Decimal(amount))
    assert places >= least
    assert places == least or not shown.endswith("0")
    assert shown != "-0"


@examples
@given(plausible_bodies())
def test_every_amount_on_the_page_has_the_digits_of_its_currency(body):
    amounts = MONEY.findall(page_of(body))
    assert len(amounts) >= 2
    assert all(len(places) >= -minor_unit(currency).as_tuple().exponent for _, places, currency in amounts)


def test_the_page_shows_what_is_not_done_and_what_fx_costs():
    request = a_portfolio_body(3)["simulate_request"]
    request["proposed_trades"] += [
        {"side": "BUY", "instrument_id": "<NOWHERE>", "quantity": "7"},
        {"side": "BUY", "instrument_id": "INSTRUMENT_000", "notional": {"amount": "5", "currency": "JPY"}},
    ]
    page = page_of(request)
    rows = page[page.index("Trades that were not made") :]
    assert "<td>buy</td><td>&lt;NOWHERE&gt;</td>" in rows
    assert "missing shelf" in rows
    assert re.search(r">5 JPY</td>\s*<td>currency mismatch<", rows)
    assert re.search(r"USD/SGD</td><td class=\"n\">[\d,]+\.\d\d USD</td><td class=\"n\">[\d,]+\.\d\d SGD</td>", page)


def test_an_artifact_of_an_older_engine_has_its_page():
    """It names no dropped trades, and no rate where only the inverse was given."""
    built = documents_of(a_portfolio_body(3)["simulate_request"])
    old = json.loads(built.artifact)
    del old["trades_and_funding"]["dropped_trades"]
    old["trades_and_funding"]["fx_list"][0]["rate"] = None
    page = artifact_page(json.dumps(old), built.inputs, CONTEXT)
    assert "not made" not in page
    assert f'<td class="n">{NOTHING}</td></tr>' in page


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent("0.1234"), "12.34 %"),
        (percent(f"10{'0' * 60}.0000"), f"1{',000' * 21}.00 %"),
        (points("0.0001"), "+0.01 pp"),
        (points("-0.00001"), "0.00 pp"),
        (money({"amount": "1E+3", "currency": "SGD"}), "1,000.00 SGD"),
        (money({"amount": "1E+30", "currency": "SGD"}), f"1{',000' * 10}.00 SGD"),
        (money({"amount": "0.005000", "currency": "SGD"}), "0.005 SGD"),
        (money({"amount": "1234567", "currency": "ISK"}), "1,234,567 ISK"),
        (money({"amount": "1.5", "currency": "TND"}), "1.500 TND"),
        (money({"amount": "-0.000", "currency": "SGD"}), "0.00 SGD"),
        (money(None), NOTHING),
        (number(None), NOTHING),
        (number("1E+3"), "1,000"),
        (sentence("0.9945 before, -0.0010 after"), "99.45 % before, -0.10 % after"),
        (sentence("1.50 of 0.12345"), "1.50 of 0.12345"),
    ],
)
def test_figures(shown, expected):
    assert shown == expected
