"""What the OpenAPI document allows and forbids, made by schemathesis and sent: every answer is one it documents.

With more time than CI has: `FUZZ_EXAMPLES=500 pytest tests/api/test_schema.py --timeout 3600`.
"""

import asyncio
import os
import sys
from pathlib import Path

import pytest

EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "3")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
CASES = Path(__file__).with_name("schema_cases.py")
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


@pytest.mark.timeout(600 if EXAMPLES == "3" else 3600)
async def test_every_answer_is_one_that_is_documented(settings, api, worker, tmp_path):
    process = await asyncio.create_subprocess_exec(
        SCHEMATHESIS,
        *("--config-file", CONFIGURATION, "run", f"{api.url}/openapi.json"),
        *("--max-examples", EXAMPLES, "--seed", "1", "--generation-deterministic", "--continue-on-failure"),
        *("--request-timeout", "60", "--no-color", "--warnings", "off"),
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(CASES)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()[-20_000:]
