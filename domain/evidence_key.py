"""The Ed25519 key with which a deployment signs packs of evidence and checkpoints, and the names of its public half."""

import re
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from domain import pack_verifier
from domain.canonical import sha256_of

ALGORITHM: Final = "Ed25519"
PRIVATE: Final = re.compile("-----BEGIN [A-Z ]*PRIVATE KEY-----")
NEUTRAL: Final = (1).to_bytes(pack_verifier.KEY_LENGTH, "little")


class EvidenceKeyInvalid(ValueError):
    """A text that is no private Ed25519 key; it never says what the text was."""


class EvidenceKey:
    """A private key. The same key and text always make the same signature (RFC 8032)."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes_raw().hex()

    @classmethod
    def from_pem(cls, text: str) -> "EvidenceKey":
        """The key of an unencrypted PKCS #8 text, as `openssl genpkey -algorithm ed25519` writes it."""
        if len(PRIVATE.findall(text)) > 1:
            raise EvidenceKeyInvalid  # the first would sign, which after `cat new >> old` is the wrong one
        try:
            key = load_pem_private_key(text.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise EvidenceKeyInvalid from None
        if not isinstance(key, Ed25519PrivateKey):
            raise EvidenceKeyInvalid
        return cls(key)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.public_key)

    def sign(self, text: str) -> str:
        """The signature in hex."""
        return self._key.sign(text.encode()).hex()


def fingerprint(public_key: str) -> str:
    """`sha256:` and the hash of the 32 bytes of a public key, which is in hex. Raises ValueError for other text."""
    return sha256_of(bytes.fromhex(public_key))


def is_signed(text: str, *, public_key: str, signature: str) -> bool:
    """Whether the holder of this key signed this text.

    OpenSSL takes keys and signatures that the script in a pack refuses: both must come to the same.
    """
    try:
        key, signed = bytes.fromhex(public_key), bytes.fromhex(signature)
        Ed25519PublicKey.from_public_bytes(key).verify(signed, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return _is_key(key) and not signed.startswith(NEUTRAL)


@lru_cache  # it takes milliseconds, and one key signs thousands of checkpoints
def _is_key(public_key: bytes) -> bool:
    return pack_verifier.is_key(public_key)
