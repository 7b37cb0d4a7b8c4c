"""A receiver of callbacks: a real HTTP server on loopback, whose answers a test sets."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from domain.callback import CallbackRules, host_key, shown_key

SECRET = "a secret of these tests alone".replace(" ", "-")
OLD_SECRET = "an older secret of these tests".replace(" ", "-")
RULES = CallbackRules(secrets=(SECRET,), allowed_hosts=frozenset({"127.0.0.1", "localhost"}))
SETTINGS = {"callback_secrets": SecretStr(SECRET), "callback_allowed_hosts": ("127.0.0.1", "localhost")}


@dataclass(frozen=True)
class Received:
    """One POST as it came, headers by lower-case name."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float = field(default_factory=time.time)

    def verified(self, *, host: str = "127.0.0.1", secret: str = SECRET) -> dict:
        """The message, when the signature is that of this host's key: the receiver's library says so."""
        message: dict = Webhook(shown_key(host_key(secret, host))).verify(self.body, dict(self.headers))
        return message


class Receiver:
    """Answers what `answers` says, in turn, the last one from then on; `handle` takes over when it is set."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[tuple[int, dict[str, str]]] = [(204, {})]
        self.handle: Callable[[BaseHTTPRequestHandler], None] | None = None
        self.gone = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(path=self.path, headers=headers, body=body))
                if receiver.handle is not None:
                    receiver.handle(self)
                    return
                status, added = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                self.send_response(status)
                for name, value in added.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def hang(self, _: BaseHTTPRequestHandler) -> None:
        """A `handle` that never answers."""
        self.gone.wait(60)

    @contextmanager
    def serving(self) -> Iterator["Receiver"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.gone.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()
