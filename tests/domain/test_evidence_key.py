"""The key that signs evidence, as OpenSSL writes it."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from evidence_keys import a_key, a_key_text

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


PUBLIC = a_key()._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    "text",
    [
        OF_OPENSSL.replace("\n", "\r\n"),
        OF_OPENSSL + "trailing text\n",
        "# the key of evidence\n" + OF_OPENSSL,
        "\ufeff" + OF_OPENSSL,
        OF_OPENSSL.strip(),
        PUBLIC + OF_OPENSSL,
        OF_OPENSSL + PUBLIC,
    ],
)
def test_what_is_around_the_one_private_key_does_not_matter(text):
    assert EvidenceKey.from_pem(text).public_key == EvidenceKey.from_pem(OF_OPENSSL).public_key


def pem(key, encryption=None) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("not PEM", id="no PEM"),
        pytest.param(OF_OPENSSL[:80], id="cut"),
        pytest.param(OF_OPENSSL.replace("\n", "\\n"), id="with escaped line ends"),
        pytest.param(PUBLIC, id="the public half"),
        pytest.param(pem(generate_private_key(SECP256R1())), id="of an elliptic curve"),
        pytest.param(pem(rsa.generate_private_key(65537, 2048)), id="RSA"),
        pytest.param(pem(Ed448PrivateKey.generate()), id="Ed448"),
        pytest.param(pem(X25519PrivateKey.generate()), id="X25519"),
        pytest.param(pem(a_key()._key, BestAvailableEncryption(b"secret")), id="encrypted"),
        pytest.param(OF_OPENSSL + a_key_text(), id="two"),
        pytest.param(OF_OPENSSL + pem(a_key()._key, BestAvailableEncryption(b"secret")), id="two, one encrypted"),
    ],
)
def test_other_keys_are_refused_and_not_shown(text):
    with pytest.raises(EvidenceKeyInvalid) as refused:
        EvidenceKey.from_pem(text)
    assert str(refused.value) == ""
    assert refused.value.__context__ is None or refused.value.__suppress_context__
