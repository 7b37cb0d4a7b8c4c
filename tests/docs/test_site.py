"""The site is built without a warning, asks no one outside, and shows what the code says."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import typer
from browser import CHROMIUM, chromium

from api.http.error_catalogue import CATALOGUE
from cli.command_reference import command_reference
from cli.error_reference import error_reference
from cli.main import COMMANDS, application
from cli.openapi import openapi_text

ROOT = Path(__file__).parents[2]
# What a browser fetches by itself; links that a person follows may lead anywhere.
FETCHED = re.compile(r"<(?:script|img|iframe|source|video)\b[^>]*?\bsrc=[\"']?([^\"' >]+)|<link\b([^>]*)>")
# Of each table: its place, the width of its second column, where that ends, and where the page's column of text ends.
WIDTHS_OF_DESCRIPTIONS = """
<script>addEventListener("load", () => {
  const box = (one) => one.getBoundingClientRect(), edge = box(document.querySelector("article h1")).right;
  const found = [...document.querySelectorAll("article th:nth-child(2)")].map(
    (one, place) => [place, box(one).width, box(one).right, edge]);
  document.body.append("FOUND" + JSON.stringify(found) + "END");
});</script>
"""


def test_the_committed_openapi_document_is_this_release():
    assert (ROOT / "docs" / "openapi.json").read_text() == openapi_text(), "run `make generated`"


def test_the_committed_page_of_errors_is_this_release():
    assert (ROOT / "docs" / "reference" / "errors.md").read_text() == error_reference(), "run `make generated`"


def test_the_committed_page_of_commands_is_this_release():
    shown = (ROOT / "docs" / "reference" / "cli.md").read_text()
    assert shown == command_reference(application(COMMANDS)), "run `make generated`"


def test_the_page_of_commands_has_every_command_but_hidden_ones():
    def secret(word: Annotated[str, typer.Option(envvar=["ONE", "TWO"], help="A | B.")] = "x") -> None: ...

    app = typer.Typer()
    app.command(hidden=True)(secret)
    app.command("shown")(secret)
    page = command_reference(app)
    assert "proposals secret" not in page
    assert "| `--word VALUE` | `x` | A \\| B. Also from `ONE`, `TWO`. |" in page


def test_the_page_of_errors_has_the_anchors_of_the_served_one(site):
    page = (site / "reference" / "errors.html").read_text()
    assert [code for code in CATALOGUE if f'id="{code}"' not in page] == []


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    mkdocs = [Path(sys.executable).with_name("mkdocs"), "build", "--strict", "--quiet", "--site-dir", folder]
    ran = subprocess.run(mkdocs, cwd=ROOT, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


def test_every_page_is_on_the_site(site):
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix(".html")
        assert (site / (name.with_name("index.html") if name.name == "README.html" else name)).exists()


def test_pictures_are_small():
    pictures = sorted((ROOT / "docs" / "assets").glob("*.webp"))
    assert [picture.name for picture in pictures] == ["artifact-page.webp", "temporal-operation.webp"]
    for picture in pictures:
        assert picture.read_bytes()[8:12] == b"WEBP", "`make screenshots` writes it"
        assert picture.stat().st_size < 80_000


def test_no_page_fetches_anything_from_outside(site):
    pages = list(site.rglob("*.html"))
    for page in pages:
        for source, link in FETCHED.findall(page.read_text()):
            fetched = source or ("" if 'rel="canonical"' in link else link)
            assert "//" not in fetched, (page.name, fetched)
    assert len(pages) > 15
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", style.read_text()), style.name


def test_diagrams_are_drawn_by_the_sites_own_script(site):
    page = (site / "reference" / "states.html").read_text()
    assert 'class="mermaid"' in page
    assert re.search(r'<script src="[./]*assets/mermaid\.js"', page)


@pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on this machine")
async def test_what_a_setting_does_is_seen_without_scrolling_its_table(site, tmp_path):
    page = site / "reference" / "configuration.html"
    shown = page.with_name("measured.html")
    shown.write_text(page.read_text().replace("</body>", f"{WIDTHS_OF_DESCRIPTIONS}</body>"))
    dumped = await chromium(tmp_path, shown, "--window-size=1280,900", "--dump-dom")
    found = re.search(r"FOUND(\[.*\])END", dumped)
    assert found is not None
    widths = json.loads(found[1])
    assert len(widths) == (ROOT / "docs" / "reference" / "configuration.md").read_text().count("| variable | what |")
    for place, of_description, end, edge in widths:
        assert of_description >= 300, place
        assert end <= edge, place
