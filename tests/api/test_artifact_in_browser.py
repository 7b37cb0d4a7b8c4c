"""The pages as a browser shows them: fit any width, follow light and dark, fetch nothing, print."""

import asyncio
import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from artifact_pages import a_portfolio_body, a_worst_request, documents_of, page_of

from api.http.error_catalogue import CATALOGUE
from api.pages.error_page import error_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
BROWSERS_OWN = (".googleapis.com", ".google.com", ".gvt1.com")  # it calls home, whatever page it shows
WIDTHS = (320, 390, 768, 1280)
PAPER = 672  # A4 between margins of 16 mm, in pixels of 1/96 inch
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--virtual-time-budget=10000"),
)
# Measures the page in a frame of each width, and writes what it found as its own text.
MEASURE = """
<!DOCTYPE html><body><script>
const found = {};
const measure = (frame, width) => {
  const page = frame.contentDocument, root = page.documentElement;
  const style = frame.contentWindow.getComputedStyle(page.body);
  const all = [...page.querySelectorAll("main *, header *")], said = (one) => one.outerHTML.slice(0, 80);
  const box = (one) => one.getBoundingClientRect();
  const outside = all.filter((one) => box(one).right > width + 1 || box(one).left < -1);
  const clipped = all.filter((one) => !one.closest("svg") && one.scrollWidth > one.clientWidth + 1
    && one.clientWidth > 0);
  const cut = [...page.querySelectorAll("svg text")].filter((one) => {
    const drawn = box(one.closest("svg")), text = box(one);
    return text.left < drawn.left - 1 || text.right > drawn.right + 1
      || text.top < drawn.top - 1 || text.bottom > drawn.bottom + 1;
  });
  const crossed = [...page.querySelectorAll("tbody tr")].filter((row) => [...row.cells].some((cell, place) => {
    const label = frame.contentWindow.getComputedStyle(cell, "::before");
    const text = page.createRange();
    text.selectNodeContents(cell);
    const next = row.cells[place + 1];
    return label.content !== "none" ? box(text).left < box(cell).left + parseFloat(label.width)
      : next && box(text).right > box(next).left + 1;
  }));
  const bar = page.querySelector("svg rect.after"), card = page.querySelector(".cards td");
  found[width] = {
    overflow: root.scrollWidth - width,
    wrong: {outside: outside.map(said), clipped: clipped.map(said), cut: cut.map(said), crossed: crossed.map(said)},
    listed: card && frame.contentWindow.getComputedStyle(card).display == "block",
    paper: style.backgroundColor, ink: style.color,
    bar: bar && frame.contentWindow.getComputedStyle(bar).fill,
    charts: [...page.querySelectorAll("svg")].map((one) => [one.getAttribute("role"),
      one.querySelector("title").textContent, one.getBoundingClientRect().height > 50]),
    letters: Math.min(...[...page.querySelectorAll("svg text")].map((one) => one.getBoundingClientRect().height)),
    rows: page.querySelectorAll("tbody tr").length,
    headings: [...page.querySelectorAll("h1, h2, h3")].map((one) => one.tagName),
    unnamed: page.querySelectorAll("table:not(:has(caption)), section:not([aria-labelledby])").length,
  };
  if (Object.keys(found).length == %d) document.body.textContent = "FOUND" + JSON.stringify(found) + "END";
};
</script>
%s
</body>"""

NOTHING_WRONG = {"outside": [], "clipped": [], "cut": [], "crossed": []}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on this machine")


async def chromium(folder: Path, page: Path, *flags: str) -> str:
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        *flags,
        page.as_uri(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    return out.decode()


async def served_page(api, positions: int) -> str:
    created = await api.created(a_portfolio_body(positions))
    path = f"/rebalance/proposals/{created['proposal']['proposal_id']}/versions/1/artifact"
    return (await api.http.get(path, headers={"Accept": "text/html"})).text


def framed(pages: dict[int, str]) -> str:
    frames = "".join(
        f'<iframe style="width:{width}px;height:900px;border:0" onload="measure(this, {width})" '
        f'srcdoc="{html.escape(page)}"></iframe>'
        for width, page in pages.items()
    )
    return MEASURE % (len(pages), frames)


def as_printed(page: str) -> str:
    """The page with the rules for paper in place of those for screens."""
    return page.replace("@media print", "@media all").replace("@media screen", "@media speech")


async def measured(folder: Path, pages: dict[int, str], *flags: str) -> dict[int, dict[str, Any]]:
    wrapper = folder / "wrapper.html"
    wrapper.write_text(framed(pages))
    # On a busy machine the browser's virtual time may be over before every frame has loaded: nothing was measured then.
    for _ in range(5):
        if texts := re.findall(r"FOUND(.*)END", await chromium(folder, wrapper, *flags, "--dump-dom")):
            return {int(width): found for width, found in json.loads(html.unescape(texts[0])).items()}
    pytest.fail("the browser measured nothing")


@pytest.mark.parametrize("positions", [3, 300])
async def test_the_page_fits_and_follows_the_reader(api, worker, tmp_path, positions):
    page = await served_page(api, positions)
    colours = set()
    for scheme, flag in (
        ("light", "--blink-settings=preferredColorScheme=1"),
        ("dark", "--blink-settings=preferredColorScheme=0"),
    ):
        for width, found in (await measured(tmp_path, dict.fromkeys(WIDTHS, page), flag)).items():
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
async def test_no_column_is_cut_whatever_the_names_and_figures(tmp_path, figures):
    page = page_of(request := a_worst_request())
    assert 'class="n long">\u2248' in page
    if figures == "long weights":
        total = json.loads(documents_of(request).artifact)["portfolio_impact"]["before"]["total_value"]["amount"]
        page = page_of(a_worst_request(debt=total[: total.index(".") + 6]))
        assert "e+22 %" in page
    elif figures == "just not broken":
        page = with_the_longest_figures_that_never_break(page)
    pages = dict.fromkeys((*WIDTHS, 944), page) | {PAPER: as_printed(page)}
    for width, found in (await measured(tmp_path, pages)).items():
        assert found["wrong"] == NOTHING_WRONG, width
        assert found["overflow"] <= 0, width
        assert found["listed"] == (width < 928 and width != PAPER), width


async def test_the_page_of_errors_fits_and_prints(tmp_path):
    page = error_page()
    for width, found in (await measured(tmp_path, dict.fromkeys(WIDTHS, page) | {PAPER: as_printed(page)})).items():
        assert found["wrong"] == NOTHING_WRONG, width
        assert found["overflow"] <= 0, width
        assert found["headings"].count("H3") == len(CATALOGUE)
        assert found["unnamed"] == 0


async def test_the_page_fetches_nothing_and_prints(api, worker, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(await served_page(api, 300))
    assert re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(?!#)[^\"'\s)]+", page.read_text()) == []
    log, paper = tmp_path / "net.json", tmp_path / "page.pdf"
    await chromium(tmp_path, page, f"--log-net-log={log}", f"--print-to-pdf={paper}")
    assert paper.read_bytes().startswith(b"%PDF")
    asked = re.findall(r'"url":"https?://([^/":]+)', log.read_text())
    assert {host for host in asked if not host.endswith(BROWSERS_OWN)} == set()
