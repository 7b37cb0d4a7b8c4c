"""docs/guides/analyze-a-book.md: its commands run from the top, and end as the page says."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.shared
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guides" / "analyze-a-book.md").read_text()


def test_the_morning_run_goes_through(service, tmp_path):
    for name in ("examples", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    script = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))

    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"API": service.url},
        check=False,
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    for part in ("57 of 60 computed, 3 failed", "3 of 3 computed, 0 failed", '"operation_type":"ANALYZE_SCENARIOS"'):
        assert part in ran.stdout
    assert "<h1>Analyze 20 items in 3 scenarios</h1>" in (tmp_path / "batch.html").read_text()
    assert [run["item_id"] for run in json.loads((tmp_path / "risk.json").read_text())["items"]] == ["pf_05"]
    assert len((tmp_path / "runs.ndjson").read_text().splitlines()) == 60
    assert [item["id"] for item in json.loads((tmp_path / "corrected.json").read_text())["items"]] == ["pf_02"]
