"""A JSON Web Key Set (RFC 7517): the keys of it that tokens may be signed with."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

MIN_RSA_BITS: Final = 2048
ALGORITHMS: Final[Mapping[str, str]] = {"RSA": "RS256", "EC": "ES256"}

PublicKey = RSAPublicKey | EllipticCurvePublicKey


class KeySetInvalid(ValueError):
    """A text that is no key set, or one without a key that can be used; it never says what the text was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationKey:
    """A key verifies by one algorithm only, whatever a token says of itself."""

    key_id: str | None
    algorithm: str
    public_key: PublicKey = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySet:
    """The usable keys of an issuer."""

    keys: tuple[VerificationKey, ...]

    def find(self, key_id: str | None, algorithm: str) -> VerificationKey | None:
        """The key that a token's header names; a header without a key id means the only one of its algorithm."""
        of_algorithm = [key for key in self.keys if key.algorithm == algorithm]
        if key_id is None:
            return of_algorithm[0] if len(of_algorithm) == 1 else None
        return next((key for key in of_algorithm if key.key_id == key_id), None)


def parse_key_set(text: bytes) -> KeySet:
    """Raises KeySetInvalid. Keys of other kinds, for other uses, too small or broken are passed over (RFC 7517, 5)."""
    try:
        listed = json.loads(text)["keys"]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise KeySetInvalid("it is no JSON Web Key Set") from None
    keys = tuple(_usable(listed)) if isinstance(listed, list) else ()
    if not keys:
        raise KeySetInvalid("it holds no RSA key of 2048 bits or more and no EC key of P-256 to verify with")
    return KeySet(keys=keys)


def _usable(listed: list[Any]) -> Iterator[VerificationKey]:
    for entry in listed:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        algorithm = ALGORITHMS.get(str(entry.get("kty")))
        if algorithm is None or entry.get("alg", algorithm) != algorithm:
            continue
        public_key = _public_key(entry, algorithm)
        if public_key is not None:
            key_id = entry.get("kid")
            yield VerificationKey(
                key_id=key_id if isinstance(key_id, str) else None, algorithm=algorithm, public_key=public_key
            )


def _public_key(entry: dict[str, Any], algorithm: str) -> PublicKey | None:
    public_parts = {name: value for name, value in entry.items() if name in ("kty", "n", "e", "crv", "x", "y")}
    try:
        key = PyJWK(public_parts, algorithm=algorithm).key
    except (PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, AttributeError, LookupError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return key
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name == "secp256r1":
        return key
    return None
