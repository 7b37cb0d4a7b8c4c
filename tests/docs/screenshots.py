"""Write the pictures of docs/assets: an artifact's page and an operation in the Temporal UI of a running `make dev`.

make screenshots ARGS="--url http://127.0.0.1:8001"
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from browser import CHROMIUM, FLAGS
from proposals_client import Proposals

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "docs" / "assets"
SECONDS = 60


def photograph(address: str, name: str, *, width: int, height: int) -> None:
    """The browser chooses the format by the name's ending."""
    assert CHROMIUM is not None, "Chromium is needed"
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                *(CHROMIUM, *FLAGS, "--hide-scrollbars", f"--user-data-dir={profile}"),
                *(f"--window-size={width},{height}", f"--screenshot={ASSETS / name}", address),
            ],
            check=True,
            timeout=SECONDS,
            stderr=subprocess.DEVNULL,
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--url", default="http://127.0.0.1:8000", help="base URL of the service")
    url = options.parse_args().url
    request = json.loads((ROOT / "examples" / "create_proposal.json").read_text())
    with Proposals(url) as desk:
        operation = desk.submit(request, correlation_id="crm/case/17")
        operation.wait(timeout=SECONDS)
        links = operation.state().document["links"]
    photograph(f"{url}{links['proposal']}/versions/1/artifact", "artifact-page.webp", width=1100, height=1560)
    photograph(links["temporal_ui"], "temporal-operation.webp", width=1400, height=960)


if __name__ == "__main__":
    main()
