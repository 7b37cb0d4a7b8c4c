"""Pages in a real browser, measured in frames of several widths."""

import asyncio
import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
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
