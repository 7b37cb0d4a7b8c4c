"""An orchestrator in small: submit a proposal, be called back at its end, verify the call, fetch what was made.

    python examples/orchestrator.py --url http://127.0.0.1:8000 --secret "$(proposals callback-secret 127.0.0.1)"

Where the service asks for a bearer token, it is taken from PROPOSALS_TOKEN. `proposals_client` is the package of the
folder client/, the rest is the standard library. A real receiver listens on https; this one is called at 127.0.0.1 by
http, which `PROPOSAL_CALLBACK_ALLOWED_HOSTS` must allow.
"""

import argparse
import json
import os
import queue
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
from proposals_client import (
    CallbackEvent,
    CallbackRefused,
    OperationFailed,
    Proposals,
    ProposalsError,
    verify_callback,
)

MAX_BODY_BYTES = 64 * 1024


def receiving(secrets: Sequence[str], port: int) -> tuple[ThreadingHTTPServer, "queue.Queue[CallbackEvent]"]:
    """A server on loopback, and the events that it has taken."""
    taken: queue.Queue[CallbackEvent] = queue.Queue()
    # A real receiver stores these for 35 days, longer than the service keeps the operation: redeliveries repeat an id.
    known: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
                self._answer(413)
                return
            try:
                event = verify_callback(secrets, dict(self.headers), self.rfile.read(int(length)))
            except CallbackRefused as refusal:
                print(f"refused a call: {refusal}", file=sys.stderr)
                self._answer(401)
                return
            if event.webhook_id not in known:  # calls come at least once
                known.add(event.webhook_id)
                taken.put(event)  # a real receiver stores it before it answers, and works on it after
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


def orchestrate(desk: Proposals, request: dict[str, Any], *, secrets: Sequence[str], port: int, seconds: float) -> None:
    """Print what came of the request. Raises ProposalsError, queue.Empty when no callback came in time."""
    server, taken = receiving(secrets, port)
    try:
        callback = {"url": f"http://127.0.0.1:{server.server_port}/callbacks"}
        submitted = desk.submit(request | {"callback": callback})
        print(f"submitted {submitted.id}, waiting at {callback['url']}")
        event = taken.get(timeout=seconds)
    finally:
        server.shutdown()
        server.server_close()
    print(f"verified {event.type} of {event.operation_id}, ended {event.document['timestamp']}")
    created = desk.operation(event.operation_id).wait()  # it has ended, so this is one read; raises what it failed with
    version = created.result.version
    print(f"  proposal {created.proposal_id}, version {created.version_no}, {version.status_at_creation}")
    print(f"  artifact {version.artifact_hash}")


def main() -> int:
    """Exits 0 when the operation succeeded and its callback was verified, 1 otherwise."""
    options = argparse.ArgumentParser(description="Submit a proposal and be called back at its end.")
    url = os.environ.get("PROPOSALS_URL", "http://127.0.0.1:8000")
    options.add_argument("--url", default=url, help="base URL of the service; PROPOSALS_URL, if it is set")
    options.add_argument("--secret", help="whsec_..., several separated by white space; else read from stdin")
    options.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1; a free port by default")
    options.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for the callback")
    options.add_argument("file", nargs="?", type=Path, help="a create request, by default create_proposal.json")
    given = options.parse_args()
    file = given.file or Path(__file__).with_name("create_proposal.json")
    secrets: list[str] = (sys.stdin.read() if given.secret is None else given.secret).split()
    try:
        with httpx2.Client(trust_env=False) as http:  # no proxy of the environment: the service is on this machine
            desk = Proposals(given.url, token=os.environ.get("PROPOSALS_TOKEN"), http=http)
            request = json.loads(file.read_bytes())
            orchestrate(desk, request, secrets=secrets, port=given.port, seconds=given.timeout)
    except queue.Empty:
        print(f"orchestrator: no callback within {given.timeout:g} s", file=sys.stderr)
        return 1
    except OperationFailed as failed:
        print(f"  {failed.code}: {failed.what_to_do or failed.detail}")
        return 1
    except (ProposalsError, OSError, ValueError) as failure:
        print(f"orchestrator: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
