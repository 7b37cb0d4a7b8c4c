"""The JDK's own HTTP client, where there is a JDK (`conftest.py`); its bytes are in `test_plain_clients.py`."""

import asyncio
import json
from pathlib import Path

from builders import a_body

CLIENT = Path(__file__).with_name("JdkClient.java")


async def test_the_jdks_client_as_it_is_by_default(api, tmp_path):
    files = [tmp_path / f"{size}.json" for size in (0, 1, 300_000, 2_000_000)]
    for file in files:
        file.write_text(json.dumps(a_body() | {"padding": "x" * int(file.stem)}))
    process = await asyncio.create_subprocess_exec(
        *("java", CLIENT, f"{api.url}/rebalance/proposals/async", *files),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, failure = await process.communicate()
    assert out.decode().splitlines() == ["202 200"] * len(files), failure.decode()
