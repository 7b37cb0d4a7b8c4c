"""The OpenAPI document of this release, which docs/test_site.py compares with what the code says."""

import json
from pathlib import Path
from typing import Any

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[1] / "docs" / "openapi.json").read_text())
