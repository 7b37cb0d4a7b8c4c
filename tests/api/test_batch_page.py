"""The page of a batch: chosen by `Accept`, what it shows while the batch is open and afterwards, and to whom."""

import json
import re
import uuid

import pytest
from batch_pages import a_batch, a_failed_page, a_result, a_worst_page, an_open_page, failed_runs
from batches import BatchSteps, a_portfolio, an_analysis
from browser import CHROMIUM, NOTHING_WRONG, PAPER, WIDTHS, as_printed
from builders import a_storage
from issuer import bearer
from purged_rows import purged_after

from api.pages.batch_charts import counts_chart, turnover_chart
from api.pages.batch_page import batch_page, failures_of
from runtime.database import Database

ANALYZE = "/rebalance/proposals/analyze/async"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SCENARIOS = {"buy": {}, "hold": {"proposed_trades": []}}


async def a_path(api, body) -> str:
    answer = await api.http.post(ANALYZE, json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
    assert answer.status_code == 202, answer.text
    return answer.headers["location"]


async def ended(api, path) -> dict:
    return await api.finished(path.rpartition("/")[2])


@pytest.mark.shared
async def test_an_ended_batch_is_a_page_for_browsers_and_json_for_all_others(api, worker_of_module):
    body = an_analysis(a_portfolio(0), {"id": "faulty"}, scenarios=SCENARIOS, description="notes")
    path = await a_path(api, body)
    status = await ended(api, path)

    page = await api.http.get(path, headers=BROWSER)

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "private, no-cache"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for part in (
        "<h1>Analyze 2 items in 2 scenarios</h1>",
        '<dd class="SUCCEEDED">succeeded</dd>',
        "<div><dt>Failed</dt><dd>2</dd></div>",
        '<th scope="row" class="t">hold</th><td class="n">1</td><td class="n">0</td><td class="n">0</td>',
        '<td>client consent required 1</td><td class="t">0.00 SGD</td>',
        '<td class="t">100.00 SGD</td>',
        '<th scope="row" class="t">faulty</th><td class="t">buy, hold</td><td>VALIDATION_<wbr>FAILED</td>',
        '<td class="t">/items/1/portfolio_snapshot: Field required</td>',
        f"proposals batch export {status['operation_id']} -o runs.ndjson",
        status["result"]["results_hash"],
    ):
        assert part in page.text
    assert "http-equiv" not in page.text
    assert "notes" not in page.text
    for accept in (None, "application/json", "*/*", "text/plain", "application/json, text/html;q=0.9"):
        answer = await api.http.get(path, headers={} if accept is None else {"Accept": accept})
        assert answer.json() == status
    varies = {answer.headers["vary"].split(",")[0] for answer in (page, answer)}
    assert varies == {"Accept"}


@pytest.mark.shared
async def test_the_page_has_a_tag_of_its_own_and_a_head(api, worker_of_module):
    path = await a_path(api, an_analysis())
    await ended(api, path)
    page, data = await api.http.get(path, headers=BROWSER), await api.http.get(path)
    assert page.headers["etag"] != data.headers["etag"]
    again = await api.http.get(path, headers=BROWSER | {"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content, again.headers["vary"].split(",")[0]) == (304, b"", "Accept")
    assert (await api.http.get(path, headers=BROWSER | {"If-None-Match": data.headers["etag"]})).status_code == 200
    head = await api.http.head(path, headers=BROWSER)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == page.headers["etag"]
    assert head.headers["content-type"] == page.headers["content-type"]


async def test_an_open_batch_says_how_far_it_is_and_loads_itself_again(api):
    path = await a_path(api, an_analysis())
    page = await api.http.get(path, headers=BROWSER)
    assert '<meta http-equiv="refresh" content="3">' in page.text
    assert "<div><dt>Remaining</dt><dd>3</dd></div>" in page.text
    assert (await api.http.post(f"{path}/cancel")).status_code == 202
    cancelled = await api.http.get(path, headers=BROWSER)
    assert "http-equiv" not in cancelled.text
    assert '<strong class="FAILED">OPERATION_CANCELLED' in cancelled.text


async def test_a_batch_without_a_result_shows_its_scenarios_as_far_as_they_are_computed(api, storage):
    path = await a_path(api, an_analysis(*[a_portfolio(n) for n in range(30)], {"id": "faulty"}, scenarios=SCENARIOS))
    await BatchSteps(storage).analyze(path.rpartition("/")[2], lane=0, lanes=2)
    running = await api.http.get(path, headers=BROWSER)
    progress = (await api.http.get(path)).json()["progress"]
    assert 0 < progress["remaining"] < 62
    each = progress["succeeded"] // 2
    assert "Scenarios, as far as they are computed</h2>" in running.text
    assert running.text.count(f'<td class="n">{each}</td><td class="n">0</td>') == 2
    await api.http.post(f"{path}/cancel")
    cancelled = await api.http.get(path, headers=BROWSER)
    assert cancelled.text.count(f'<td class="n">{each}</td><td class="n">0</td>') == 2


@pytest.mark.shared
async def test_a_batch_without_a_computed_run_is_to_be_corrected_not_retried(api, worker_of_module):
    path = await a_path(api, an_analysis({"id": "faulty"}))
    assert (await ended(api, path))["status"] == "FAILED"
    page = await api.http.get(path, headers=BROWSER)
    assert '<strong class="FAILED">ANALYSIS_ALL_RUNS_FAILED' in page.text
    assert "retry" not in page.text
    assert "Correct these items" in page.text


@pytest.mark.shared
async def test_other_operations_stay_json(api, worker_of_module):
    created = await api.created()
    operation = (await api.get("/operations", proposal_id=created["proposal"]["proposal_id"])).json()["items"][0]
    answer = await api.http.get(operation["links"]["self"], headers=BROWSER)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["operation_id"] == operation["operation_id"]


async def test_a_page_needs_the_scope_and_the_client_of_its_operation(secured):
    headers = {"Idempotency-Key": "hv", **bearer("desk_1", "proposals:write operations:read")}
    path = (await secured.http.post(ANALYZE, json=an_analysis(), headers=headers)).headers["location"]
    for given, status in (
        (bearer("desk_1", "operations:read"), 200),
        (bearer("desk_1", "proposals:write"), 403),
        (bearer("desk_2", "operations:read", client_id="other"), 404),
        ({}, 401),
    ):
        answer = await secured.http.get(path, headers=BROWSER | given)
        assert answer.status_code == status
        assert ("text/html" in answer.headers["content-type"]) == (status == 200)


@pytest.mark.shared
async def test_a_purged_batch_is_gone_for_browsers_too(api, worker_of_module, database_dsn):
    path = await a_path(api, an_analysis())
    await ended(api, path)
    async with Database(database_dsn, pool_size=2, application_name="purge").running() as database:
        await purged_after(a_storage(database), database_dsn, days=31)
    answer = await api.http.get(path, headers=BROWSER)
    assert (answer.status_code, answer.json()["code"]) == (410, "OPERATION_EXPIRED")


def test_scenarios_that_fail_for_the_same_reason_share_a_row():
    def run(item: str, scenario: str, *places: str) -> str:
        errors = [{"loc": [place], "msg": "m"} for place in places]
        return json.dumps({"item_id": item, "scenario": scenario, "error": {"message": "C", "errors": errors}})

    runs = [run("a", "x", "p"), run("a", "y", "p"), run("a", "z", "q"), run("b", "x", "p")]
    assert [(one.item_id, one.scenarios, one.places) for one in failures_of(runs)] == [
        ("a", ("x", "y"), ("/p: m",)),
        ("a", ("z",), ("/q: m",)),
        ("b", ("x",), ("/p: m",)),
    ]


def test_bars_of_counts_are_as_long_as_their_parts_and_beside_their_figure():
    first, second = counts_chart({"a": {"READY": 3, "BLOCKED": 1}, "b": {"READY": 2, "BLOCKED": 0}}).rows
    assert [part.width / first.parts[1].width for part in first.parts] == pytest.approx([3, 1], rel=0.01)
    assert second.parts[0].width == pytest.approx(2 * first.parts[1].width, rel=0.01)
    assert (first.figure, second.figure) == ("3 / 1", "2 / 0")
    assert first.figure_x > first.parts[1].x + first.parts[1].width


def test_turnover_of_nothing_has_no_bar_and_what_is_long_an_exponent():
    chart = turnover_chart({"hold": "0", "trim": "1234567890123456789012345.678"}, "SGD")
    assert [row.figure for row in chart.rows] == ["0.00 SGD", "1.235e+24 SGD"]
    assert chart.rows[0].parts[0].width == 0
    assert [row.figure for row in turnover_chart({"hold": "0"}, "JPY").rows] == ["0 JPY"]


def test_more_currencies_than_fit_are_in_the_table():
    result = a_result(1)
    turnover = {f"A{letter}A": "1" for letter in "ABCDEFGH"}
    result["scenarios"] = {"x": next(iter(result["scenarios"].values())) | {"gross_turnover_notional_base": turnover}}
    page = batch_page(a_batch(), json.dumps(result).encode(), [], has_more=False)
    assert len(re.findall("<h3>Turnover in", page)) == 6
    assert "The table has the other currencies, too." in page
    assert "1.00 AHA" in page


def test_nothing_of_a_request_becomes_markup():
    assert "<b>" not in a_worst_page(3)
    assert "&lt;b&gt;" in a_worst_page(3)


def test_first_failures_are_said_to_be_the_first():
    batch = a_batch()
    pages = [batch_page(batch, None, failed_runs(1), has_more=has_more) for has_more in (True, False)]
    assert ["These are the first." in page for page in pages] == [True, False]


@pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on this machine")
@pytest.mark.parametrize("name", ["3 scenarios", "20 scenarios", "open", "failed"])
def test_no_column_is_cut_on_screens_and_on_paper(browser, name):
    pages = {
        "3 scenarios": lambda: a_worst_page(3),
        "20 scenarios": lambda: a_worst_page(20),
        "open": an_open_page,
        "failed": a_failed_page,
    }
    page = re.sub("<meta http-equiv[^>]*>", "", pages[name]())  # the browser would load its frame again
    for width, found in browser.measured(dict.fromkeys((*WIDTHS, 944), page) | {PAPER: as_printed(page)}).items():
        assert found["wrong"] == NOTHING_WRONG, width
        assert found["overflow"] <= 0, width
        assert found["unnamed"] == 0
        assert found["headings"].count("H1") == 1
        assert all(role == "img" for role, *_ in found["charts"])
        if "scenarios" in name:
            assert len(found["charts"]) == 4
            assert found["letters"] >= 8 or width < 390
            assert found["listed"] == (width < 928 and width != PAPER), width


@pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on this machine")
def test_the_page_follows_light_and_dark(browser):
    page, colours = a_worst_page(3), []
    for scheme in ("light", "dark"):
        found = browser.measured({1280: page}, scheme=scheme)[1280]
        colours.append((found["paper"], found["ink"], found["bar"]))
    assert all(light != dark for light, dark in zip(*colours, strict=True))


def test_the_page_fetches_nothing():
    assert re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(?!#)[^\"'\s)]+", a_worst_page(3)) == []
