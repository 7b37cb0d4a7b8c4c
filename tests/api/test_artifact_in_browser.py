"""The pages as a browser shows them: fit any width, follow light and dark, fetch nothing, print."""

import json
import re

import pytest
from artifact_pages import a_portfolio_body, a_worst_request, documents_of, page_of
from browser import CHROMIUM, NOTHING_WRONG, PAPER, WIDTHS, as_printed, chromium

from api.http.error_catalogue import CATALOGUE
from api.pages.error_page import error_page

BROWSERS_OWN = (".googleapis.com", ".google.com", ".gvt1.com")  # it calls home, whatever page it shows

pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on this machine"), pytest.mark.shared]


async def served_page(api, positions: int) -> str:
    created = await api.created(a_portfolio_body(positions))
    path = f"/rebalance/proposals/{created['proposal']['proposal_id']}/versions/1/artifact"
    return (await api.http.get(path, headers={"Accept": "text/html"})).text


@pytest.mark.parametrize("positions", [3, 300])
async def test_the_page_fits_and_follows_the_reader(api, worker_of_module, browser, positions):
    page = await served_page(api, positions)
    colours = set()
    for scheme in ("light", "dark"):
        for width, found in browser.measured(dict.fromkeys(WIDTHS, page), scheme=scheme).items():
            assert found["overflow"] <= 0, (scheme, width, found["wrong"])
            assert found["wrong"] == NOTHING_WRONG, (scheme, width)
            assert [chart[0] for chart in found["charts"]] == ["img", "img"]
            assert all(chart[2] for chart in found["charts"])
            assert found["letters"] >= 8 or width < 390
            assert found["rows"] > positions
            assert found["headings"][0] == "H1"
            assert found["headings"].count("H1") == 1
            assert found["unnamed"] == 0
            colours.add((scheme, found["paper"], found["ink"], found["bar"]))
    assert len(colours) == 2
    light, dark = sorted(colours, reverse=True)
    assert light[1] == "rgb(255, 255, 255)"
    assert all(one != other for one, other in zip(light[1:], dark[1:], strict=True))


def with_the_longest_figures_that_never_break(page: str) -> str:
    page = re.sub('<td class="n long">\u2248[^<]*', '<td class="n">\u2248 88,888,888,888.888888', page)
    page = re.sub('<td class="n long">[^<]* [A-Z]{3}<', '<td class="n">8,888,888.88 MWM<', page)
    return re.sub(r"\boi_\d+", "oi_88888", page)


@pytest.mark.parametrize("figures", ["long", "long weights", "just not broken"])
def test_no_column_is_cut_whatever_the_names_and_figures(browser, figures):
    page = page_of(request := a_worst_request())
    assert 'class="n long">\u2248' in page
    if figures == "long weights":
        total = json.loads(documents_of(request).artifact)["portfolio_impact"]["before"]["total_value"]["amount"]
        page = page_of(a_worst_request(debt=total[: total.index(".") + 6]))
        assert "e+22%" in page
    elif figures == "just not broken":
        page = with_the_longest_figures_that_never_break(page)
    pages = dict.fromkeys((*WIDTHS, 944), page) | {PAPER: as_printed(page)}
    for width, found in browser.measured(pages).items():
        assert found["wrong"] == NOTHING_WRONG, width
        assert found["overflow"] <= 0, width
        assert found["listed"] == (width < 928 and width != PAPER), width


def test_the_page_of_errors_fits_and_prints(browser):
    page = error_page()
    for width, found in browser.measured(dict.fromkeys(WIDTHS, page) | {PAPER: as_printed(page)}).items():
        assert found["wrong"] == NOTHING_WRONG, width
        assert found["overflow"] <= 0, width
        assert found["headings"].count("H3") == len(CATALOGUE)
        assert found["unnamed"] == 0


async def test_the_page_fetches_nothing_and_prints(api, worker_of_module, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(await served_page(api, 300))
    assert re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(?!#)[^\"'\s)]+", page.read_text()) == []
    log, paper = tmp_path / "net.json", tmp_path / "page.pdf"
    await chromium(tmp_path, page, f"--log-net-log={log}", f"--print-to-pdf={paper}")
    assert paper.read_bytes().startswith(b"%PDF")
    asked = re.findall(r'"url":"https?://([^/":]+)', log.read_text())
    assert {host for host in asked if not host.endswith(BROWSERS_OWN)} == set()
