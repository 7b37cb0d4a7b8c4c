"""The changelog leads from the version that is built to what is in it."""

import datetime as dt
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
RELEASE = re.compile(r"(\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)")


def test_each_section_is_a_dated_release_and_the_newest_is_the_version_that_is_built():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    releases = [RELEASE.fullmatch(heading) for heading in headings if heading != "Unreleased"]
    assert all(releases)
    assert "Unreleased" not in headings[1:]
    dates = [dt.date.fromisoformat(found[2]) for found in releases]
    assert dates == sorted(dates, reverse=True)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert releases[0][1] == version
