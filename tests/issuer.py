"""An issuer of bearer tokens made for the tests: its own keys, and a small server that publishes them."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from domain.access import Scope

ISSUER = "https://issuer.example/"
AUDIENCE = "proposals-of-the-tests"
EVERY_SCOPE = " ".join(scope for scope in Scope if scope is not Scope.ACTORS_ANY)

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def jwk_of(key: Any, key_id: str | None, **changes: Any) -> dict[str, Any]:
    """The public half, as issuers publish it."""
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    entry = algorithm.to_jwk(key.public_key(), as_dict=True) | {"use": "sig"} | changes
    entry.pop("key_ops", None)
    return entry if key_id is None else entry | {"kid": key_id}


class Issuer:
    """Publishes `keys` at `url`, counts who asks, and signs whatever it is asked to."""

    def __init__(self) -> None:
        self.keys = [jwk_of(RSA_KEY, "rsa-1"), jwk_of(EC_KEY, "ec-1")]
        self.status = 200
        self.asked = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                body = json.dumps({"keys": issuer.keys}).encode()
                self.send_response(issuer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                """The token endpoint: a client's own token, with the scopes that it asks for (RFC 6749, 4.4)."""
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                client, _, _ = base64.b64decode(self.headers["Authorization"].split()[1]).decode().partition(":")
                token = a_token(client, form["scope"][0], client_id=client)
                granted = {"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": form["scope"][0]}
                body = json.dumps(granted).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/keys"

    @contextmanager
    def serving(self) -> Iterator["Issuer"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def settings(self, **changes: Any) -> dict[str, Any]:
        """What makes a service believe this issuer."""
        return {
            "auth_mode": "jwt",
            "auth_issuer": ISSUER,
            "auth_audience": AUDIENCE,
            "auth_jwks_url": self.url,
        } | changes


def claims(subject: str = "advisor_1", scope: str = EVERY_SCOPE, **changes: Any) -> dict[str, Any]:
    """Those of a valid token; None takes a claim away."""
    now = int(time.time())
    valid = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "client_id": "crm",
        "iat": now,
        "exp": now + 300,
        "scope": scope,
    }
    return {name: value for name, value in (valid | changes).items() if value is not None}


def a_token(
    subject: str = "advisor_1",
    scope: str = EVERY_SCOPE,
    *,
    key: Any = RSA_KEY,
    algorithm: str = "RS256",
    header: dict[str, Any] | None = None,
    **changes: Any,
) -> str:
    """A signed token; valid unless something is changed."""
    given = {"typ": "at+jwt", "kid": "rsa-1"} | (header or {})
    if given["kid"] is None:
        del given["kid"]
    return jwt.encode(claims(subject, scope, **changes), key, algorithm=algorithm, headers=given)


def bearer(*arguments: Any, **changes: Any) -> dict[str, str]:
    """The header of such a token."""
    return {"Authorization": f"Bearer {a_token(*arguments, **changes)}"}


def forged(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    """A token as an attacker writes it, by hand."""
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
