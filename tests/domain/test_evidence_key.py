"""The key that signs evidence, as OpenSSL writes it."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from evidence_keys import a_key

from domain.canonical import sha256_of
from domain.evidence_key import EvidenceKey, EvidenceKeyInvalid, fingerprint, is_signed

# As `openssl genpkey -algorithm ed25519` of OpenSSL 3 wrote it.
OF_OPENSSL = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIIdqReCJrQ0Iks+1a930ke/V8zPbxmiDCgSdwSaUZeUU
-----END PRIVATE KEY-----
"""


def test_a_key_of_openssl_signs_and_its_fingerprint_is_of_its_32_bytes():
    key = EvidenceKey.from_pem(OF_OPENSSL)
    signature = key.sign("text")
    assert is_signed("text", public_key=key.public_key, signature=signature)
    assert not is_signed("texts", public_key=key.public_key, signature=signature)
    assert not is_signed("text", public_key=a_key().public_key, signature=signature)
    assert not is_signed("text", public_key="x", signature=signature)
    assert key.fingerprint == fingerprint(key.public_key) == sha256_of(bytes.fromhex(key.public_key))
    assert key.sign("text") == signature


def test_other_keys_are_refused_and_not_shown():
    other = generate_private_key(SECP256R1())
    texts = [
        "",
        "not PEM",
        other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        a_key()._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")).decode(),
    ]
    for text in texts:
        with pytest.raises(EvidenceKeyInvalid) as refused:
            EvidenceKey.from_pem(text)
        assert str(refused.value) == ""
        assert refused.value.__context__ is None or refused.value.__suppress_context__
