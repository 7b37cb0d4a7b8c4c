"""The command against a small real HTTP server that plays the service."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import forked_commands
import pytest
from proposals_client.advice import WHAT_TO_DO

from cli.local.ports import free_port

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "examples" / "create_proposal.json"
OPERATION = "pop_1"
ACCEPTED = {"operation_id": OPERATION, "status": "PENDING", "correlation_id": "corr_1"}


def status(name, *, error=None, result=None):
    return {
        "operation_id": OPERATION,
        "status": name,
        "correlation_id": "corr_1",
        "idempotency_key": "key-1",
        "error": error,
        "result": result,
    }


CREATED = {
    "proposal": {"proposal_id": "pp_1", "portfolio_id": "pf_1"},
    "version": {
        "version_no": 1,
        "status_at_creation": "READY",
        "artifact_hash": "sha256:abc",
        "gate_decision": {"recommended_next_step": "REQUEST_CLIENT_CONSENT"},
    },
}
SUCCEEDED = status("SUCCEEDED", result=CREATED)
FAILED = status("FAILED", error={"code": "ProposalValidationError", "message": "PROPOSAL_SIMULATION_DISABLED"})


class Service(ThreadingHTTPServer):
    """Answers the POST with one answer, then each GET with the next of the others, the last one for ever."""

    daemon_threads = True

    def __init__(self, posted, polled):
        super().__init__(("127.0.0.1", 0), Handler)
        self.posted, self.polled, self.requests = posted, list(polled), []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers), body))
        self.answer(self.server.posted)

    def do_GET(self):
        self.server.requests.append((self.path, dict(self.headers), b""))
        self.answer(self.server.polled.pop(0) if len(self.server.polled) > 1 else self.server.polled[0])

    def answer(self, scripted):
        if scripted is None:  # the service is killed while it is asked
            self.close_connection = True
            return
        code, body, *headers = scripted
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        for name, value in (("Content-Length", str(len(content))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    running = []

    def start(posted=(202, ACCEPTED), polled=((200, SUCCEEDED),)):
        server = Service(posted, polled)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def submit(*arguments, file=SAMPLE):
    return forked_commands.run("submit", file, *arguments)


def test_without_waiting_it_tells_what_was_accepted(service):
    server = service()

    ran = submit("--url", server.url, "--idempotency-key", "key-1", "--correlation-id", "crm/1")

    ((path, headers, body),) = server.requests
    assert (path, body) == ("/rebalance/proposals/async", SAMPLE.read_bytes())
    assert (headers["Idempotency-Key"], headers["X-Correlation-Id"]) == ("key-1", "crm/1")
    assert headers["Content-Type"] == "application/json"
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "pop_1 accepted (idempotency key key-1)\n"


def test_a_key_is_made_and_shown(service):
    server = service()

    first, second = submit("--url", server.url, "--json"), submit("--url", server.url, "--json")

    keys = [json.loads(ran.stdout)["idempotency_key"] for ran in (first, second)]
    assert keys == [headers["Idempotency-Key"] for _, headers, _ in server.requests]
    assert keys[0] != keys[1]


def test_a_replay_is_told(service):
    server = service(posted=(202, ACCEPTED, ("Idempotent-Replayed", "true")))

    assert submit("--url", server.url, "--idempotency-key", "key-1").stdout.startswith("pop_1 known already")


def test_waiting_follows_to_the_result(service):
    pause = ("Retry-After", "0")
    server = service(polled=[(200, status("PENDING"), pause), (200, status("RUNNING"), pause), (200, SUCCEEDED)])

    ran = submit("--url", server.url, "--wait", "--idempotency-key", "key-1")

    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert lines[1:4] == ["pop_1 PENDING", "pop_1 RUNNING", "pop_1 SUCCEEDED"]
    assert lines[4:15] == [
        "Operation",
        "  operation id: pop_1",
        "  status: SUCCEEDED",
        "  proposal id: pp_1",
        "  portfolio: pf_1",
        "  version: 1",
        "  simulation: READY",
        "  next step: REQUEST_CLIENT_CONSENT",
        "  artifact hash: sha256:abc",
        "  correlation id: corr_1",
        "  idempotency key: key-1",
    ]
    assert lines[15].startswith("  submit to SUCCEEDED: ")
    assert {path.partition("?")[0] for path, *_ in server.requests[1:]} == {"/rebalance/proposals/operations/pop_1"}


def test_json_is_the_final_status_alone(service):
    server = service(polled=[(200, status("RUNNING"), ("Retry-After", "0")), (200, SUCCEEDED)])

    ran = submit("--url", server.url, "--wait", "--json")

    assert json.loads(ran.stdout) == SUCCEEDED


def test_a_failure_is_told_by_code_and_exit_code(service):
    ran = submit("--url", service(polled=[(200, FAILED)]).url, "--wait")

    assert ran.returncode == 1
    assert "  status: FAILED\n  error: ProposalValidationError: PROPOSAL_SIMULATION_DISABLED\n" in ran.stdout


def test_outages_on_the_way_are_waited_out(service):
    server = service(
        polled=[None, (503, {"detail": "PROPOSAL_POSTGRES_CONNECTION_FAILED"}, ("Retry-After", "0")), (200, SUCCEEDED)]
    )

    ran = submit("--url", server.url, "--wait")

    assert ran.returncode == 0
    assert "pop_1 the service does not answer, trying again\n" in ran.stdout


def test_retry_after_is_honoured_and_the_time_limit_too(service):
    server = service(polled=[(200, status("RUNNING"), ("Retry-After", "30"))])

    ran = submit("--url", server.url, "--wait", "--timeout", "0.3")

    assert ran.returncode == 4
    assert ran.stderr == "proposals submit: pop_1 has not ended within 0.3 s; it goes on\n"
    assert len(server.requests) == 2


def test_a_refusal_is_told_with_its_places(service):
    detail = [
        {"type": "missing", "loc": ["body", "created_by"], "msg": "Field required"},
        {"type": "greater_than", "loc": ["body", "positions", 3, "quantity"], "msg": "Must be positive"},
    ]
    ran = submit("--url", service(posted=(422, {"code": "VALIDATION_FAILED", "detail": detail})).url)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.splitlines() == [
        "proposals submit: refused (422): VALIDATION_FAILED",
        "proposals submit:   /created_by: Field required",
        "proposals submit:   /positions/3/quantity: Must be positive",
        f"proposals submit: {WHAT_TO_DO['VALIDATION_FAILED']}",
    ]


def test_what_to_do_is_told(service):
    problem = {
        "code": "TOO_MANY_OPEN_OPERATIONS",
        "title": "As many operations are open as the service takes.",
        "detail": "TOO_MANY_OPEN_OPERATIONS",
        "retryable": False,
    }

    ran = submit("--url", service(posted=(429, problem)).url)

    assert ran.stderr.splitlines() == [
        "proposals submit: refused (429): TOO_MANY_OPEN_OPERATIONS",
        f"proposals submit: {WHAT_TO_DO['TOO_MANY_OPEN_OPERATIONS']}",
    ]


def test_a_business_refusal_is_told(service):
    ran = submit("--url", service(posted=(409, {"detail": "IDEMPOTENCY_KEY_CONFLICT: request hash mismatch"})).url)

    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [
        "proposals submit: refused (409): IDEMPOTENCY_KEY_CONFLICT: request hash mismatch",
        f"proposals submit: {WHAT_TO_DO['IDEMPOTENCY_KEY_CONFLICT']}",
    ]


@pytest.mark.parametrize("posted", [(503, {"detail": "PROPOSAL_POSTGRES_CONNECTION_FAILED"}), None])
def test_when_the_outcome_is_not_known_the_key_makes_trying_again_safe(service, posted):
    ran = submit("--url", service(posted=posted).url, "--idempotency-key", "key-1")

    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        "proposals submit: whether it was accepted is not known: try again with --idempotency-key key-1"
    )


def test_another_server_is_not_taken_for_the_service(service):
    ran = submit("--url", service(posted=(200, b"<html>")).url)

    assert (ran.returncode, ran.stderr) == (1, "proposals submit: the answer (200) is not one of this service\n")


def test_a_service_that_is_not_there_is_one_line():
    url = f"http://127.0.0.1:{free_port()}"

    ran = submit("--url", url)
    assert (ran.returncode, ran.stderr) == (1, f"proposals submit: the service at {url} cannot be reached\n")

    ran = submit("--url", url.replace("127.0.0.1", "u:hidden@127.0.0.1"))
    assert (ran.returncode, ran.stderr) == (1, f"proposals submit: the service at {url} cannot be reached\n")


@pytest.mark.parametrize("url", ["127.0.0.1:1", "u:hidden@127.0.0.1:1", "http://127.0.0.1:1/?hidden"])
def test_what_is_no_url_of_a_service_is_one_line_without_it(url):
    ran = submit("--url", url)

    assert ran.returncode == 1
    assert ran.stderr.startswith("proposals submit: the URL of the service must ")
    assert ran.stderr.count("\n") == 1
    assert "hidden" not in ran.stderr


def test_a_missing_file_is_one_line(service):
    ran = submit("--url", service().url, file=Path("missing.json"))

    assert (ran.returncode, ran.stderr) == (1, "proposals submit: missing.json: No such file or directory\n")
