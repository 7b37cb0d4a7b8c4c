"""The page as a browser shows it: fits any width, follows light and dark, fetches nothing, prints."""

import asyncio
import html
import json
import re
import shutil
from pathlib import Path

import pytest
from artifact_pages import a_portfolio_body

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
BROWSERS_OWN = (".googleapis.com", ".google.com", ".gvt1.com")  # it calls home, whatever page it shows
WIDTHS = (320, 390, 768, 1280)
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
  const outside = [...page.querySelectorAll("main *, header *")].filter(
    (one) => !one.closest(".wide, pre") && one.getBoundingClientRect().right > width + 1);
  const bar = page.querySelector("svg rect.after");
  found[width] = {
    overflow: root.scrollWidth - width, outside: outside.map((one) => one.tagName),
    paper: style.backgroundColor, ink: style.color,
    bar: frame.contentWindow.getComputedStyle(bar).fill,
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


async def page_of(api, positions: int) -> str:
    created = await api.created(a_portfolio_body(positions))
    path = f"/rebalance/proposals/{created['proposal']['proposal_id']}/versions/1/artifact"
    return (await api.http.get(path, headers={"Accept": "text/html"})).text


def framed(page: str) -> str:
    frames = "".join(
        f'<iframe style="width:{width}px;height:900px;border:0" onload="measure(this, {width})" '
        f'srcdoc="{html.escape(page)}"></iframe>'
        for width in WIDTHS
    )
    return MEASURE % (len(WIDTHS), frames)


@pytest.mark.parametrize("positions", [3, 300])
async def test_the_page_fits_and_follows_the_reader(api, worker, tmp_path, positions):
    page = await page_of(api, positions)
    wrapper = tmp_path / "wrapper.html"
    wrapper.write_text(framed(page))
    colours = set()
    for scheme, flag in (
        ("light", "--blink-settings=preferredColorScheme=1"),
        ("dark", "--blink-settings=preferredColorScheme=0"),
    ):
        shown = await chromium(tmp_path, wrapper, flag, "--dump-dom")
        (text,) = re.findall(r"FOUND(.*)END", shown)
        for width, found in json.loads(html.unescape(text)).items():
            assert found["overflow"] <= 0, (scheme, width, found["outside"])
            assert found["outside"] == [], (scheme, width)
            assert [chart[0] for chart in found["charts"]] == ["img", "img"]
            assert all(chart[2] for chart in found["charts"])
            assert found["letters"] >= 8 or int(width) < 390
            assert found["rows"] > positions
            assert found["headings"][0] == "H1"
            assert found["headings"].count("H1") == 1
            assert found["unnamed"] == 0
            colours.add((scheme, found["paper"], found["ink"], found["bar"]))
    assert len(colours) == 2
    light, dark = sorted(colours, reverse=True)
    assert light[1] == "rgb(255, 255, 255)"
    assert all(one != other for one, other in zip(light[1:], dark[1:], strict=True))


async def test_the_page_fetches_nothing_and_prints(api, worker, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(await page_of(api, 300))
    assert re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(?!#)[^\"'\s)]+", page.read_text()) == []
    log, paper = tmp_path / "net.json", tmp_path / "page.pdf"
    await chromium(tmp_path, page, f"--log-net-log={log}", f"--print-to-pdf={paper}")
    assert paper.read_bytes().startswith(b"%PDF")
    asked = re.findall(r'"url":"https?://([^/":]+)', log.read_text())
    assert {host for host in asked if not host.endswith(BROWSERS_OWN)} == set()
