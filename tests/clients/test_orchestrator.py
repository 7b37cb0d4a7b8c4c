"""examples/orchestrator.ts: compiled under the strictest types, and used over a network that breaks."""

import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from client_tools import NODE_MODULES, STRICT_TYPESCRIPT
from receiver import OLD_SECRET, SECRET, Receiver
from waiting import PATIENCE_SECONDS

from domain.callback import host_key, shown_key, signatures

pytestmark = pytest.mark.shared
EXAMPLES = Path(__file__).parents[2] / "examples"
KEY, OTHER_KEY = (host_key(secret, "127.0.0.1") for secret in (SECRET, OLD_SECRET))
# What Node.js must find to run the file without a compiler.
STRIPPABLE = {"erasableSyntaxOnly": True, "verbatimModuleSyntax": True}
SUBMITTED = re.compile(r"submitted (pop_\w+), waiting at (\S+)\n")


@pytest.fixture(scope="module")
def program(run, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("orchestrator")
    (folder / "node_modules").symlink_to(NODE_MODULES)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": STRICT_TYPESCRIPT | STRIPPABLE}))
    for name in ("orchestrator.ts", "create_proposal.json"):
        shutil.copy(EXAMPLES / name, folder)
    run(NODE_MODULES / ".bin" / "tsc", cwd=folder)
    return folder / "orchestrator.js"


@contextmanager
def orchestrating(program: Path, url: str, *options: str) -> Iterator["subprocess.Popen[str]"]:
    command = ["node", program, "--url", url, *options]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=os.environ | {"PROPOSALS_TOKEN": ""}, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: "subprocess.Popen[str]") -> tuple[int, list[str], list[str]]:
    out, errors = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, out.splitlines(), errors.splitlines()


class Network(ThreadingHTTPServer):
    """Between a caller and the service: it loses one answer, refuses one request, and sends the callback elsewhere."""

    daemon_threads = True

    def __init__(self, service_url: str, receiver_url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.service_url = service_url
        self.receiver_url = receiver_url
        self.submissions: list[tuple[str, bytes]] = []
        self.operations: list[str] = []

    @contextmanager
    def serving(self) -> Iterator[str]:
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{self.server_port}"
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Network

    def do_GET(self) -> None:
        self._answer(httpx2.get(self.server.service_url + self.path, timeout=PATIENCE_SECONDS, trust_env=False))

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["Idempotency-Key"]
        self.server.submissions.append((key, sent))
        if len(self.server.submissions) == 2:
            self.send_response(503)
            self.send_header("Retry-After", "0")
            self.end_headers()
            return
        body = json.loads(sent) | {"callback": {"url": self.server.receiver_url}}
        answer = httpx2.post(
            self.server.service_url + self.path,
            json=body,
            headers={"Idempotency-Key": key},
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        )
        self.server.operations.append(answer.json()["operation_id"])
        if len(self.server.submissions) > 1:
            self._answer(answer)

    def _answer(self, answer: httpx2.Response) -> None:
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers["content-type"])
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: object) -> None:
        pass


def signed(body: bytes, *, message_id: str, key: bytes = KEY, at: float | None = None) -> dict[str, str]:
    timestamp = int(at or time.time())
    signature = signatures([key], message_id=message_id, timestamp=timestamp, body=body)
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def test_the_orchestrator_repeats_its_request_and_takes_no_call_but_those_of_the_service(program, service):
    secrets = f"{shown_key(OTHER_KEY)} {shown_key(KEY)}"  # as while they rotate
    rotated = ("--secret", secrets, "--timeout", str(PATIENCE_SECONDS))
    with Receiver().serving() as receiver:
        network = Network(service.url, receiver.url)
        with network.serving() as url, orchestrating(program, url, *rotated) as process:
            assert process.stdout is not None
            operation_id, address = SUBMITTED.fullmatch(process.stdout.readline()).groups()
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not receiver.received:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            [real] = receiver.received
            message_id, body = real.headers["webhook-id"], real.body
            genuine = {name: value for name, value in real.headers.items() if name.startswith("webhook-")}
            other = body.replace(operation_id.encode(), f"pop_{'0' * 32}".encode())
            of_another = signed(other, message_id=f"msg_{'0' * 32}", key=OTHER_KEY)
            calls = [
                (genuine, body.replace(b"succeeded", b"exploded!"), 401),
                (signed(body, message_id=message_id, key=host_key(SECRET, "localhost")), body, 401),
                (signed(body, message_id=message_id, at=time.time() - 310), body, 401),
                (signed(body, message_id=message_id, at=time.time() + 600), body, 401),
                ({}, body, 401),
                (genuine, b"x" * (64 * 1024 + 1), 413),
                (of_another, other, 204),
                (of_another, other, 204),
                (genuine, body, 204),
            ]
            for headers, content, status in calls:
                answer = httpx2.post(
                    address, headers=headers, content=content, timeout=PATIENCE_SECONDS, trust_env=False
                )
                assert answer.status_code == status
            code, out, errors = ended(process)

    ended_at = real.verified()["timestamp"]
    assert (code, out[0]) == (0, f"verified proposal.operation.succeeded of {operation_id}, ended {ended_at}")
    assert out[1] == f"  proposal {operation_id.replace('pop_', 'pp_')}, version 1, READY"
    assert re.fullmatch(r"  artifact sha256:[0-9a-f]{64}", out[2])
    lost, refused, *of_calls = errors
    assert re.fullmatch(r"orchestrator: no answer \(.+\); the same request again in 1\.\d s", lost)
    assert re.fullmatch(r"orchestrator: 503, by a proxy in between; the same request again in 0\.0 s", refused)
    assert of_calls == [
        "refused a call: no signature is of a secret that we have",
        "refused a call: no signature is of a secret that we have",
        "refused a call: the timestamp is not of now",
        "refused a call: the timestamp is not of now",
        "refused a call: webhook-id or webhook-timestamp is missing",
        f"seen before: msg_{'0' * 32}",
    ]
    assert len(network.submissions) == 3
    assert len(set(network.submissions)) == 1
    assert network.operations == [operation_id] * 2


def test_the_orchestrator_asks_when_no_call_comes_that_it_can_verify(program, service):
    wrong = ("--secret", shown_key(OTHER_KEY), "--timeout", "1", "--key", "orchestrator-ts")
    with orchestrating(program, service.url, *wrong) as process:
        code, out, errors = ended(process)
    of_a_call = "refused a call: no signature is of a secret that we have"  # which may come later than the answer
    assert (code, set(errors) - {of_a_call}) == (0, {"orchestrator: no callback within 1 s, asking instead"})
    assert out[1].startswith("  proposal pp_")
    # Another run of the same case: the operation keeps the callback of the first run, which no longer listens.
    with orchestrating(program, service.url, *wrong) as process:
        again, same, _ = ended(process)
    assert (again, same[1:]) == (0, out[1:])


@pytest.mark.parametrize(
    ("change", "code", "line"),
    [
        ({"created_by": ""}, 1, "orchestrator: 422 VALIDATION_FAILED: "),
        ({"simulate_request": {"options": {}}}, 1, "  PROPOSAL_SIMULATION_DISABLED: PROPOSAL_SIMULATION_DISABLED: "),
    ],
)
def test_the_orchestrator_says_what_was_refused(program, service, tmp_path, change, code, line):
    request = json.loads((EXAMPLES / "create_proposal.json").read_text())
    simulate_request = request["simulate_request"] | change.get("simulate_request", {})
    file = tmp_path / "request.json"
    file.write_text(json.dumps(request | change | {"simulate_request": simulate_request}))
    secret = ("--secret", shown_key(KEY), "--timeout", str(PATIENCE_SECONDS), str(file))
    with orchestrating(program, service.url, *secret) as process:
        returned, out, errors = ended(process)
    assert returned == code
    assert (out + errors)[-1].startswith(line)
