"""The blocks of the client's README run, from the top, against the service."""

import ast
import asyncio
import base64
import inspect
import json
import re
from pathlib import Path

import proposals_client
import pytest
from builders import a_body
from receiver import SECRET, Receiver
from waiting import until

from domain.callback import host_key, shown_key

ROOT = Path(__file__).parents[2]
README = (ROOT / "client" / "README.md").read_text()
ELSEWHERE = {"ProposalsError", "ApiError", "CallbackRefused", "FieldError"}
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

pytestmark = pytest.mark.shared


def a_token() -> str:
    """Its subject is read from it; this service asks for none."""
    payload = base64.urlsafe_b64encode(json.dumps({"sub": "risk_1"}).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.c2ln"


def run(block: str, names: dict) -> None:
    """As a console of asyncio does: `await` may stand at the top."""
    code = compile(block, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if inspect.iscoroutine(ran := eval(code, names)):  # noqa: S307 -- the README is what is tested
        asyncio.run(ran)
    names.setdefault("first_desk", names.get("desk"))


async def fetch_token_async() -> str:
    return a_token()


def test_the_blocks_run_from_the_top(service, capsys):
    with Receiver().serving() as receiver:
        names = {
            "AsyncProposals": proposals_client.AsyncProposals,
            "fetch_token": a_token,
            "fetch_token_async": fetch_token_async,
            "house_view": (ROOT / "examples" / "analyze.json").read_bytes(),
            "request": a_body(callback={"url": receiver.url}),
            "secret": shown_key(host_key(SECRET, "127.0.0.1")),
        }
        assert len(BLOCKS) == 6
        for block in BLOCKS:
            if "verify_callback(" in block:
                asyncio.run(until(lambda: receiver.received))
                names |= {"headers": receiver.received[0].headers, "body": receiver.received[0].body}
            run(block.replace("https://proposals.example", service.url), names)
        names["first_desk"].close()
    printed = capsys.readouterr().out
    for part in (
        "pp_",
        "STATE_CONFLICT",
        "AWAITING_CLIENT_CONSENT",
        "59 pf_20 trim READY",
        "sha256:",
        "proposal.operation.succeeded",
    ):
        assert part in printed


def test_every_error_is_in_the_table():
    table = README.split("| status | classes |")[1].split("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", table))
    assert named == set(proposals_client.errors.__all__) - ELSEWHERE


def test_it_is_short():
    assert len(README.splitlines()) <= 120
