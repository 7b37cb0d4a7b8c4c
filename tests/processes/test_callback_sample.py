"""The command `callback-test`: a receiver gets a sample that verifies, or the operator the reason why not."""

import os
import subprocess
import sys

from receiver import SECRET, Receiver
from running_service import ROOT


def callback_test(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    ambient = {name: value for name, value in os.environ.items() if not name.startswith("PROPOSAL_")}
    own = {"PROPOSAL_CALLBACK_SECRETS": SECRET, "PROPOSAL_CALLBACK_ALLOWED_HOSTS": "127.0.0.1"}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "callback-test", *arguments],
        env=ambient | own | environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_sample_is_signed_and_carries_the_headers_of_the_receiver():
    with Receiver().serving() as receiver:
        ran = callback_test(receiver.url, "--header", "Authorization: Bearer 5f1d0c9a7be2")
    assert ran.returncode == 0, ran.stderr
    (received,) = receiver.received
    message = received.verified()
    assert (message["type"], message["data"]["correlation_id"]) == ("proposal.operation.failed", "callback-test")
    assert message["data"]["error"]["problem"] == "OPERATION_CANCELLED"
    assert received.headers["authorization"] == "Bearer 5f1d0c9a7be2"
    assert received.headers["webhook-id"] in ran.stdout
    assert "status code: 204" in ran.stdout


def test_a_receiver_that_does_not_return_2xx_is_a_failure():
    with Receiver().serving() as receiver:
        receiver.answers = [(401, {})]
        ran = callback_test(receiver.url)
    assert ran.returncode == 1
    assert "status code: 401" in ran.stdout
    assert ran.stderr == "proposals callback-test: the receiver must return 2xx: a worker would try again\n"


def test_what_no_worker_would_send_is_not_sent():
    said = [
        (callback_test("https://10.0.0.1/hook"), "URL_NOT_ALLOWED: its host has an address that is not public"),
        (callback_test("https://receiver.invalid/hook"), "NAME_NOT_RESOLVED"),
        (callback_test("http://127.0.0.1:1/hook"), "CONNECTION_FAILED"),
        (callback_test("http://127.0.0.1:1", "--header", "Host: x"), "A header that HTTP, a proxy or this service"),
        (
            callback_test("http://127.0.0.1:1", "--header", "X-A: 1", "--header", "X-A: 2"),
            "A header can be added once",
        ),
        (
            callback_test("http://127.0.0.1:1", PROPOSAL_CALLBACK_SECRETS=""),
            "no secret is configured: set PROPOSAL_CALLBACK_SECRETS",
        ),
    ]
    for ran, reason in said:
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr.startswith(f"proposals callback-test: {reason}"), ran.stderr
