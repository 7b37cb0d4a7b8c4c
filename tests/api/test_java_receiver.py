"""examples/Receiver.java, where there is a JDK (`conftest.py`): real deliveries, and calls that it must not take."""

import asyncio
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from builders import a_body
from pydantic import SecretStr
from receiver import OLD_SECRET, SECRET, SETTINGS
from waiting import PATIENCE_SECONDS, until

from domain.callback import host_key, shown_key, signatures
from runtime.settings import Settings

PROGRAM = Path(__file__).parents[2] / "examples" / "Receiver.java"
NEW, OLD = (host_key(secret, "127.0.0.1") for secret in (SECRET, OLD_SECRET))
OTHER = host_key(SECRET, "localhost")
DONE, STORED = (f"msg_{digit * 32}" for digit in "ab")
OPERATION = f"pop_{'0' * 32}"
BODY = (
    '{"type":"proposal.operation.failed","timestamp":"2026-02-22T12:00:00.000000+00:00","data":'
    f'{{"operation_id":"{OPERATION}","correlation_id":"\\"type\\":\\"ü"}}}}'
).encode()


@dataclass(frozen=True)
class Running:
    url: str
    log: Path

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    async def says(self, line: str, *, after: int = 0) -> None:
        await until(lambda: line in self.lines()[after:])


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """The receiver, with the new key and the old one, once it has worked on what was stored."""
    log = folder / "log"
    environment = os.environ | {"CALLBACK_KEY": f"{shown_key(NEW)}\n{shown_key(OLD)}\n"}
    command = ["java", "-XX:TieredStopAtLevel=1", PROGRAM, "0", folder / "calls"]
    with log.open("w") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process:
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            stored = folder / "calls" / f"{STORED}.done"
            while not (found := re.search(r"listening at (\S+)\n", log.read_text())) or not stored.exists():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield Running(found[1], log)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def java(tmp_path_factory) -> Iterator[Running]:
    """One process for all tests; its folder has a call that was worked on, and one that was only stored."""
    folder = tmp_path_factory.mktemp("java")
    (folder / "calls").mkdir()
    for name in (f"{DONE}.json", f"{DONE}.done", f"{STORED}.json"):
        (folder / "calls" / name).write_bytes(BODY)
    with running(folder) as java:
        yield java


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update=SETTINGS)


async def test_real_deliveries_are_taken_once_before_and_after_a_rotation(api, worker_later, settings, java):
    async def submitted(worker_secrets: str, send) -> str:
        async with worker_later(settings.model_copy(update={"callback_secrets": SecretStr(worker_secrets)})):
            answer = await send()
            assert answer.status_code == 202, answer.text
            operation_id = answer.json()["operation_id"]
            log = f"/operations/{operation_id}/callbacks"
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (delivery := (await api.get(log)).json())["status"] != "DELIVERED":
                    await asyncio.sleep(0.05)
        assert {attempt["status_code"] for attempt in delivery["attempts"]} == {204}
        return operation_id

    body = a_body(callback={"url": java.url})
    operation_id = await submitted(OLD_SECRET, lambda: api.submit(body))
    taken = f"taken proposal.operation.succeeded {operation_id}"
    await java.says(taken)
    again = f"/operations/{operation_id}/callbacks/redeliver"
    assert await submitted(f"{SECRET},{OLD_SECRET}", lambda: api.post(again, None)) == operation_id
    await java.says(f"seen before msg_{operation_id.removeprefix('pop_')}")
    assert java.lines().count(taken) == 1


def signed(body: bytes = BODY, *, name: str = "c", keys=(NEW,), age: float = 0) -> dict[str, str]:
    message_id, at = f"msg_{name * 32}", int(time.time() - age)
    signature = signatures(keys, message_id=message_id, timestamp=at, body=body)
    return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": signature}


def post(java: Running, headers: dict[str, str], body: bytes = BODY) -> int:
    with a_client() as http:
        return http.post(java.url, headers=headers, content=body).status_code


def a_client() -> httpx2.Client:
    return httpx2.Client(trust_env=False, timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("digit", "keys", "age"),
    [("1", (OLD,), 0), ("2", (NEW,), 0), ("3", (NEW, OLD), 0), ("4", (OTHER, NEW), 0), ("5", (NEW,), -200)],
)
async def test_one_of_several_signatures_or_keys_is_enough(java, digit, keys, age):
    seen = len(java.lines())
    assert post(java, signed(name=digit, keys=keys, age=age)) == 204
    await java.says(f"taken proposal.operation.failed {OPERATION}", after=seen)
    assert post(java, signed(name=digit, keys=keys, age=age)) == 204
    assert java.lines()[-1] == f"seen before msg_{digit * 32}"


TOO_OLD, NOT_OURS = "the timestamp is more than five minutes off", "no signature is of a key that we have"
MISSING, MALFORMED = "a webhook header is missing", "a webhook header is malformed"


@pytest.mark.parametrize(
    ("made", "body", "reason"),
    [
        (signed, BODY.replace(b"failed", b"passed"), NOT_OURS),
        (signed, BODY + b"\n", NOT_OURS),
        (lambda: signed(keys=(OTHER,)), BODY, NOT_OURS),
        (lambda: signed(keys=(b"",)), BODY, NOT_OURS),
        (lambda: signed() | {"webhook-id": f"msg_{'d' * 32}"}, BODY, NOT_OURS),
        (lambda: signed() | {"webhook-timestamp": str(int(time.time()) + 2)}, BODY, NOT_OURS),
        (lambda: signed() | {"webhook-signature": signed()["webhook-signature"].removeprefix("v1,")}, BODY, NOT_OURS),
        (lambda: signed() | {"webhook-signature": ""}, BODY, NOT_OURS),
        (lambda: signed(age=310), BODY, TOO_OLD),
        (lambda: signed(age=-600), BODY, TOO_OLD),
        (lambda: signed() | {"webhook-timestamp": "now"}, BODY, MALFORMED),
        (lambda: signed() | {"webhook-timestamp": "9" * 30}, BODY, MALFORMED),
        (lambda: signed() | {"webhook-id": "msg_/../x"}, BODY, MALFORMED),
        (dict, BODY, MISSING),
    ],
)
def test_a_call_that_is_forged_or_old_is_refused(java, made, body, reason):
    assert post(java, made(), body) == 401
    assert java.lines()[-1] == f"refused: {reason}"
    assert not (java.log.parent / "calls" / f"msg_{'c' * 32}.json").exists()


def test_a_call_that_an_earlier_process_stored_is_worked_on_and_known(java):
    taken = f"taken proposal.operation.failed {OPERATION}"
    assert [line for line in java.lines()[:2] if line == taken] == [taken]
    for message_id in (DONE, STORED):
        assert post(java, signed(name=message_id[-1])) == 204
        assert java.lines()[-1] == f"seen before {message_id}"


def test_what_is_too_large_or_no_post_is_refused(java):
    large = b"x" * (64 * 1024 + 1)
    assert post(java, signed(large), large) == 413
    with a_client() as http:
        answer = http.get(java.url)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_call_that_cannot_be_stored_gets_503_and_is_taken_when_it_comes_again(java):
    calls, seen = java.log.parent / "calls", len(java.lines())
    elsewhere = calls.rename(calls.with_name("elsewhere"))
    assert post(java, signed(name="6")) == 503
    elsewhere.rename(calls)
    assert post(java, signed(name="6")) == 204
    await java.says(f"taken proposal.operation.failed {OPERATION}", after=seen)
