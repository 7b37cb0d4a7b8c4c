"""The page of every artifact that the contract knows, and what it says of figures and names."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from artifact_pages import CONTEXT, REVIEW, WORST_NAMES, a_portfolio_body, documents_of, page_of, rendered
from contract.compare import load_cases
from engine_strategies import decimal_texts, plausible_bodies
from hypothesis import given, settings
from hypothesis import strategies as st

from api.documents.result import DropReason
from api.pages.charts import MAX_LABEL_LENGTH, Weights, weights_chart
from api.pages.clear_text import clear_text
from api.pages.figures import NEARLY, NOTHING, money, percent, points, quantity, rate, sentence, words
from api.pages.labels import LABELS
from domain.currencies import minor_unit
from domain.engine import codes, rules

CASES = load_cases(Path(__file__).parents[1] / "contract" / "cases" / "cases.jsonl.gz")
MONEY = re.compile(r">(-?[\d,]+(?:\.(\d+))?) ([A-Z]{3})</")
examples = settings(deadline=None, derandomize=True, max_examples=100)


def svg_of(page: str, chart_id: str) -> ET.Element:
    (svg,) = re.findall(rf'<svg[^>]*aria-labelledby="{chart_id}-title.*?</svg>', page, re.DOTALL)
    return ET.fromstring(svg)  # noqa: S314 -- this project's own page


def reconciled(page: str) -> dict[str, str]:
    section = page[page.index("<h3>Reconciliation</h3>") : page.index('<section aria-labelledby="trades">')]
    return dict(re.findall(r'<th scope="row">(.*?)</th><td class="n[^"]*">(.*?)</td>', section))


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


def test_one_that_the_picture_leaves_out_is_one():
    assert "1 other makes up" in page_of(a_portfolio_body(13)["simulate_request"])


def test_bars_are_as_long_as_their_weights():
    (row, other) = weights_chart([weights("A", before="0.50", after="0.25"), weights("B", before="0", after="1")]).rows
    half, quarter, nothing, whole = (bar.width for bar in (*row.bars, *other.bars))
    assert (half, quarter, nothing) == (pytest.approx(whole / 2), pytest.approx(whole / 4), 0)
    assert [bar.figure for bar in row.bars] == ["50.00%", "25.00%"]


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
        assert bar.figure.endswith("%")
        assert len(bar.figure) <= 10


@pytest.mark.parametrize("name", ["#010203", "<b>&amp;", '"quoted"', "100 %s", "$x$", "N" * 36, "عنوان", "\N{ROCKET}"])
def test_a_label_is_shown_as_it_is_named(name):
    request = a_portfolio_body(3, name=name)["simulate_request"]
    labels = [text.text for text in svg_of(page_of(request), "instruments").iter("text")]
    assert f"{name}_001" in labels


def test_labels_of_long_names_differ_where_the_names_do():
    names = [f"{'SAME_' * 10}{number:03d}" for number in range(3)]
    labels = [row.label for row in weights_chart([weights(name, before="0", after="0") for name in names]).rows]
    assert len(set(labels)) == 3
    assert all(len(label) == MAX_LABEL_LENGTH for label in labels)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("#010203", "#010203"),
        ("\N{ROCKET} \N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN} 漢字 عنوان", None),
        ("A\N{ZERO WIDTH SPACE}B", "A[U+200B]B"),
        ("x\N{RIGHT-TO-LEFT OVERRIDE}gpj", "x[U+202E]gpj"),
        ("\N{BRAILLE PATTERN BLANK}", "[U+2800]"),
        ("\N{HANGUL FILLER}", "[U+3164]"),
        ("\x1b[31m", "[U+001B][31m"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_what_cannot_be_seen_in_a_name_is_named(name, shown):
    assert clear_text(name) == (shown or name)
    request = a_portfolio_body(3, name=name)["simulate_request"]
    assert f'<th scope="row" class="t">{shown or name}_001</th>' in page_of(request)


def test_no_two_names_look_alike():
    assert len({clear_text(name) for name in WORST_NAMES}) == len(WORST_NAMES)


def test_the_page_has_the_cash_flows():
    page = page_of(a_portfolio_body(3)["simulate_request"])
    assert "Tuition" in page
    assert "-1,000.00 SGD" in page


def test_cash_flows_are_no_difference():
    request = a_portfolio_body(3)["simulate_request"]
    request["proposed_trades"] = []
    request["proposed_cash_flows"] += [{"currency": "USD", "amount": "100"}, {"currency": "ISK", "amount": "7"}]
    built = documents_of(request)
    totals = json.loads(built.artifact)["portfolio_impact"]["reconciliation"]
    assert reconciled(rendered(built.artifact, built.inputs)) == {
        "Total before": money(totals["before_total_value"]),
        "Cash flows": "-865.00 SGD",
        "Cash flow without a rate, left out": "7 ISK",
        "Expected after": money(totals["after_total_value"]),
        "Total after": money(totals["after_total_value"]),
        "Difference": "0.00 SGD",
        "Tolerance": money(totals["tolerance"]),
        "Outcome": totals["status"].lower(),
    }
    assert money(totals["delta"]) == "-865.00 SGD"


@examples
@given(plausible_bodies())
def test_the_outcome_follows_from_the_difference_that_is_shown(body):
    shown = reconciled(page_of(body))
    difference, tolerance = (Decimal(shown[name].split()[0].replace(",", "")) for name in ("Difference", "Tolerance"))
    assert (abs(difference) <= tolerance) == (shown["Outcome"] == "ok")


def test_digits_are_cut_where_the_table_of_the_engines_page_says():
    whole = "7.123456789012345678901234"
    request = a_portfolio_body(3)["simulate_request"]
    request["market_data_snapshot"] = {
        "prices": [{"instrument_id": f"INSTRUMENT_{n:03d}", "price": whole, "currency": "USD"} for n in range(3)],
        "fx_rates": [{"pair": "SGD/USD", "rate": whole}],
    }
    for trade in request["proposed_trades"]:
        trade["quantity"] = whole
    request["proposed_trades"][1]["quantity"] = f"2{whole}"
    built = documents_of(request)
    artifact, page = json.loads(built.artifact), rendered(built.artifact, built.inputs)
    assert f'"price":"{whole}"' in built.inputs
    sell, buy = artifact["trades_and_funding"]["trade_list"]
    assert (sell["quantity"], buy["quantity"]) == (whole, f"2{whole}")
    assert f">{NEARLY}7.123457</td>" in page
    assert len(Decimal(buy["estimated_notional"]["amount"]).as_tuple().digits) == 28
    assert money(buy["estimated_notional"]) in page
    (fx,) = artifact["trades_and_funding"]["fx_list"]
    assert fx["rate"] == "0.140381282518"  # the inverse
    assert f">{fx['rate']}</td>" in page
    weights = [row["weight"] for row in artifact["portfolio_impact"]["after"]["allocation_by_instrument"]]
    assert all(re.fullmatch(r"0\.\d{4}", weight) for weight in weights)
    measured = artifact["suitability_summary"]["issues"][0]["details"]["measured"]
    assert len(Decimal(measured).as_tuple().digits) > 20


def test_the_title_stands_on_the_page():
    request = a_portfolio_body(3)["simulate_request"]
    page = page_of(request, replace(CONTEXT, title="Into <quality>"))
    assert '<h1 dir="auto">Into &lt;quality&gt;</h1>' in page
    assert "<title>Into &lt;quality&gt; · version 1</title>" in page
    assert "Proposal for portfolio pf_1" in page
    untitled = page_of(request, replace(CONTEXT, title=None))
    assert '<h1 dir="auto">Proposal for portfolio pf_1</h1>' in untitled


def test_the_page_has_the_review_for_readers_of_the_trail():
    request = a_portfolio_body(3)["simulate_request"]
    page = page_of(request)
    assert "<strong>rejected</strong> since 2026-02-22 12:00 UTC" in page
    assert "the present version is 2" in page
    assert re.search(
        r">rejected in compliance review</th><td class=\"t\">عنوان</td><td class=\"w\">2026-02-22 12:00 UTC</td>"
        r"<td class=\"n\">2</td><td>rejected</td>",
        page,
    )
    other = page_of(request, replace(CONTEXT, version_no=2, review=replace(REVIEW, steps=None)))
    assert "<strong>rejected</strong>" in other
    assert "the present version" not in other
    assert "عنوان" not in other
    assert "Readers with access to the audit trail also see the decisions." in other


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
    assert '<td>buy</td><td class="t">&lt;NOWHERE&gt;</td><td class="n">7</td>' in rows
    assert "not on the shelf" in rows
    assert re.search(r">5 JPY</td>\s*<td>amount in another currency than the price<", rows)
    assert re.search(r"USD/SGD</td><td class=\"n\">[\d,]+\.\d\d USD</td><td class=\"n\">[\d,]+\.\d\d SGD</td>", page)


def test_an_artifact_of_an_older_engine_has_its_page():
    """It names no dropped trades, and no rate where only the inverse was given."""
    built = documents_of(a_portfolio_body(3)["simulate_request"])
    old = json.loads(built.artifact)
    del old["trades_and_funding"]["dropped_trades"]
    old["trades_and_funding"]["fx_list"][0]["rate"] = None
    page = rendered(json.dumps(old), built.inputs)
    assert "not made" not in page
    assert f'<td class="n">{NOTHING}</td></tr>' in page


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent("0.1234"), "12.34%"),
        (percent(f"10{'0' * 60}.0000"), f"1{',000' * 21}.00%"),
        (points("0.0001"), "+0.01 pp"),
        (points("-0.00001"), "0.00 pp"),
        (money({"amount": "1E+3", "currency": "SGD"}), "1,000.00 SGD"),
        (money({"amount": "1E+30", "currency": "SGD"}), f"1{',000' * 10}.00 SGD"),
        (money({"amount": "0.005000", "currency": "SGD"}), "0.005 SGD"),
        (money({"amount": "1234567", "currency": "ISK"}), "1,234,567 ISK"),
        (money({"amount": "1.5", "currency": "TND"}), "1.500 TND"),
        (money({"amount": "-0.000", "currency": "SGD"}), "0.00 SGD"),
        (money(None), NOTHING),
        (rate(None), NOTHING),
        (rate("1E+3"), "1,000"),
        (rate("0.000065123456789012"), "0.000065123456789012"),
        (quantity(None), NOTHING),
        (quantity("1E+3"), "1,000"),
        (quantity("10.50"), "10.5"),
        (quantity("0.123456"), "0.123456"),
        (quantity("1234567890.123456789012345678"), "\N{ALMOST EQUAL TO} 1,234,567,890.123457"),
        (quantity("-0.0000004"), "\N{ALMOST EQUAL TO} 0"),
        (sentence("0.9945 before, -0.0010 after"), "99.45% before, -0.10% after"),
        (sentence("1.50 of 0.12345"), "1.50 of 0.12345"),
    ],
)
def test_figures(shown, expected):
    assert shown == expected


def test_the_page_says_which_limit_is_exceeded_and_not_its_code():
    body = a_portfolio_body(3)["simulate_request"]
    body["options"] |= {"single_position_max_weight": "0.001"}
    page = page_of(body)
    assert "<td>hard rule failed: position above its limit</td>" in page
    assert "reason code: above the limit" in page
    assert "single position max<" not in page


def test_every_rule_that_can_fail_and_every_dropped_trade_has_a_label():
    expected = {*rules.HINTS, *DropReason.__value__.__args__, *codes.RULE_FAILED.values(), *codes.GAPS.values()}
    assert expected - set(LABELS) == {codes.DATA_QUALITY}
    assert words(codes.DATA_QUALITY) == "data quality"
