"""An orchestrator in small: submit a proposal, be called back at its end, verify the call, fetch what was made.

    python examples/orchestrator.py --url http://127.0.0.1:8000 --secret "$(proposals callback-secret 127.0.0.1)"

Where the service asks for a bearer token, it is taken from PROPOSALS_TOKEN.

Standard library only, so that `CallbackVerifier` can be taken over as it is. A real receiver listens on https; this one
is called at 127.0.0.1 by http, which `PROPOSAL_CALLBACK_ALLOWED_HOSTS` must allow.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import queue
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOLERANCE_SECONDS = 300
MAX_BODY_BYTES = 64 * 1024
Json = dict[str, Any]


class CallbackRefusedError(Exception):
    """A call that is not from the service, or not from now."""


class CallbackVerifier:
    """Verifies calls as Standard Webhooks 1.0 has it; several secrets while they rotate."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [base64.b64decode(secret.removeprefix("whsec_"), validate=True) for secret in secrets]
        self._taken: set[str] = set()  # a real receiver keeps these as long as deliveries can come: four days

    def verified(self, headers: Mapping[str, str], body: bytes) -> Json:
        """The message. Raises CallbackRefusedError."""
        message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
            raise CallbackRefusedError("the timestamp is missing or not of now")
        signed = f"{message_id}.{timestamp}.".encode() + body
        expected = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in self._keys]
        given = [
            part.removeprefix("v1,").encode()
            for part in headers.get("webhook-signature", "").split(" ")
            if part.startswith("v1,")
        ]
        # All comparisons are made and each takes the same time: how long it took tells nothing.
        if not any([hmac.compare_digest(one, other) for one in given for other in expected]):  # noqa: C419 -- see above
            raise CallbackRefusedError("no signature is of a key that we have")
        message: Json = json.loads(body)
        return message

    def is_repeat(self, message_id: str) -> bool:
        """Whether this message was taken before: calls come at least once."""
        is_known = message_id in self._taken
        self._taken.add(message_id)
        return is_known


def receiving(verifier: CallbackVerifier, port: int) -> tuple[ThreadingHTTPServer, "queue.Queue[Json]"]:
    """A server on loopback, and where the messages are that it has taken."""
    taken: queue.Queue[Json] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
                self._answer(413)
                return
            body = self.rfile.read(int(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                message = verifier.verified(headers, body)
            except (CallbackRefusedError, ValueError) as refusal:
                print(f"refused a call: {refusal}", file=sys.stderr)
                self._answer(401)
                return
            if not verifier.is_repeat(headers["webhook-id"]):
                taken.put(message)  # a real receiver stores it before it answers, and works on it after
            self._answer(204)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not a line for each request."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server, taken


def called(method: str, url: str, headers: Mapping[str, str], *, body: Json | None = None) -> Json:
    """The JSON that the service answers. Raises OSError, and ValueError for what is no JSON."""
    request = urllib.request.Request(  # noqa: S310 -- the service's own address, from the command line
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **headers},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        found: Json = json.load(answer)
    return found


def orchestrate(
    url: str, document: Json, *, token: str | None, secrets: Sequence[str], port: int, seconds: float
) -> tuple[Json, Json]:
    """The verified message and the operation that it names. Raises OSError, ValueError, queue.Empty."""
    authorization = {"Authorization": f"Bearer {token}"} if token else {}
    server, taken = receiving(CallbackVerifier(secrets), port)
    try:
        callback = {"url": f"http://127.0.0.1:{server.server_port}/callbacks"}
        accepted = called(
            "POST",
            f"{url}/rebalance/proposals/async",
            {"Idempotency-Key": f"orchestrator-{uuid.uuid4().hex}"} | authorization,
            body=document | {"callback": callback},
        )
        print(f"submitted {accepted['operation_id']}, waiting at {callback['url']}")
        message = taken.get(timeout=seconds)
        status_url = message["data"]["status_url"]  # absolute where the service knows its public address, else a path
        return message, called("GET", status_url if "://" in status_url else url + status_url, authorization)
    finally:
        server.shutdown()
        server.server_close()


def main() -> int:
    """Exits 0 when the operation succeeded and its callback was verified, 1 otherwise."""
    options = argparse.ArgumentParser(description="Submit a proposal and be called back at its end.")
    options.add_argument("--url", default="http://127.0.0.1:8000", help="base URL of the service")
    options.add_argument("--secret", help="whsec_..., several separated by white space; else read from stdin")
    options.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1; a free port by default")
    options.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for the callback")
    options.add_argument("file", nargs="?", type=Path, help="a create request, by default create_proposal.json")
    given = options.parse_args()
    file = given.file or Path(__file__).with_name("create_proposal.json")
    try:
        message, operation = orchestrate(
            given.url.rstrip("/"),
            json.loads(file.read_bytes()),
            token=os.environ.get("PROPOSALS_TOKEN"),
            secrets=(sys.stdin.read() if given.secret is None else given.secret).split(),
            port=given.port,
            seconds=given.timeout,
        )
    except urllib.error.HTTPError as refused:
        print(f"orchestrator: refused ({refused.code}): {refused.read().decode(errors='replace')}", file=sys.stderr)
        return 1
    except queue.Empty:
        print(f"orchestrator: no callback within {given.timeout:g} s", file=sys.stderr)
        return 1
    except (OSError, ValueError) as failure:
        print(f"orchestrator: {failure}", file=sys.stderr)
        return 1
    data = message["data"]
    print(f"verified {message['type']} of {data['operation_id']}, ended {message['timestamp']}")
    if data["error"] is not None:
        print(f"  {data['error']['code']}: {data['error']['message']}")
        return 1
    version = operation["result"]["version"]
    print(f"  proposal {data['proposal_id']}, version {data['version_no']}, {version['status_at_creation']}")
    print(f"  artifact {version['artifact_hash']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
