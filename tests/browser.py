"""Pages in a real browser, measured in frames of several widths."""

import asyncio
import html
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import pytest
from waiting import PATIENCE_SECONDS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDTHS = (320, 390, 768, 1280)
PAPER = 672  # A4 between margins of 16 mm, in pixels of 1/96 inch
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
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
        "--virtual-time-budget=10000",
        f"--user-data-dir={folder / 'profile'}",
        *flags,
        page.as_uri(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
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


class Browser:
    """One browser for many pages: to start one takes longer than to measure a page. It listens on two pipes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._unread = b""

    def __enter__(self) -> Self:
        assert CHROMIUM is not None
        its_input, self._to = os.pipe()
        self._from, its_output = os.pipe()
        pipes = f'exec "$@" 3<&{its_input} 4>&{its_output}'  # the numbers of --remote-debugging-pipe
        options = (*FLAGS, "--remote-debugging-pipe", f"--user-data-dir={self._folder / 'profile'}", "about:blank")
        self._process = subprocess.Popen(
            ["bash", "-c", pipes, "bash", CHROMIUM, *options],
            pass_fds=(its_input, its_output),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(its_input)
        os.close(its_output)
        (page,) = [one for one in self._call("Target.getTargets")["targetInfos"] if one["type"] == "page"]
        attached = self._call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._to)
        os.close(self._from)

    def measured(self, pages: dict[int, str], *, scheme: str = "light") -> dict[int, dict[str, Any]]:
        """What MEASURE finds of the page of each width, for a reader who prefers this scheme."""
        self._number += 1
        wrapper = self._folder / f"wrapper-{self._number}.html"
        wrapper.write_text(framed(pages))
        preferred = [{"name": "prefers-color-scheme", "value": scheme}]
        self._call("Emulation.setEmulatedMedia", session=self._session, features=preferred)
        self._call("Page.navigate", session=self._session, url=wrapper.as_uri())
        said = f"location.href === {json.dumps(wrapper.as_uri())} ? document.body?.textContent : null"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            evaluated = self._call("Runtime.evaluate", session=self._session, expression=said)
            if texts := re.findall(r"\AFOUND(.*)END\Z", evaluated["result"].get("value") or ""):
                return {int(width): found for width, found in json.loads(texts[0]).items()}
            time.sleep(0.02)
        pytest.fail("the browser measured nothing")

    def _call(self, method: str, *, session: str | None = None, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            read = os.read(self._from, 65_536)
            assert read, "the browser has ended"
            self._unread += read
        first, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(first)
        return message
