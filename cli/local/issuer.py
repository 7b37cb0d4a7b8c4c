"""The issuer of the demo's bearer tokens: a signing key in the data directory, and its published half.

It stands in for a bank's own issuer. The service must never import it: a contract of import-linter refuses that.
"""

import json
import time
from pathlib import Path
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm

from cli.local.people import Person
from cli.whole_file import OWNER_ONLY, write_whole
from domain.access import LOCAL_CLIENT

ISSUER: Final = "https://issuer.demo.invalid"
AUDIENCE: Final = "proposals-demo"
KEY_ID: Final = "demo"
ALGORITHM: Final = "ES256"
TOKEN_SECONDS: Final = 8 * 3600  # a working day


class NoSigningKey(Exception):
    """No demo with people has run in the data directory."""


class Issuer:
    """Signs with the key of one data directory; other directories have other keys."""

    def __init__(self, folder: Path) -> None:
        self._signing_key = folder / "people-signing-key.pem"
        self._key_set = folder / "people-keys.json"

    def prepare(self) -> None:
        """Make the signing key unless it is there, and write the key set; only this user can read either."""
        try:
            key = self._load()
        except NoSigningKey:
            key = generate_private_key(SECP256R1())
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_whole(self._signing_key, pem, mode=OWNER_ONLY)
        public_key = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        published = public_key | {"kid": KEY_ID, "alg": ALGORITHM, "use": "sig"}
        write_whole(self._key_set, json.dumps({"keys": [published]}).encode(), mode=OWNER_ONLY)

    def token(self, person: Person) -> str:
        """A fresh access token (RFC 9068). Raises NoSigningKey.

        Its client is the one that a service without authentication has, so `dev` shows what these people made.
        """
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": person.name,
            "client_id": LOCAL_CLIENT,
            "scope": " ".join(person.scopes),
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }
        return jwt.encode(claims, self._load(), algorithm=ALGORITHM, headers={"typ": "at+jwt", "kid": KEY_ID})

    def settings(self) -> dict[str, str]:
        """What makes a service trust this issuer, and no other."""
        return {
            "PROPOSAL_AUTH_MODE": "jwt",
            "PROPOSAL_AUTH_ISSUER": ISSUER,
            "PROPOSAL_AUTH_AUDIENCE": AUDIENCE,
            "PROPOSAL_AUTH_JWKS_FILE": str(self._key_set),
            "PROPOSAL_AUTH_JWKS_URL": "",  # as if it were not set: the two exclude each other
        }

    def _load(self) -> EllipticCurvePrivateKey:
        try:
            key = load_pem_private_key(self._signing_key.read_bytes(), password=None)
        except (FileNotFoundError, ValueError):  # no file, or no key in it
            raise NoSigningKey from None
        if not isinstance(key, EllipticCurvePrivateKey):
            raise NoSigningKey
        return key
