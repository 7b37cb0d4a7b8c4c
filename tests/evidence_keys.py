"""Keys that sign evidence in tests."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from domain.evidence_key import EvidenceKey


def a_key(number: int = 1) -> EvidenceKey:
    """Always the same of this number."""
    return EvidenceKey.from_pem(a_key_text(number))


def a_key_text(number: int = 1) -> str:
    """The PEM text, without the end of its last line."""
    private = Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode().strip()
