"""Which keys of a published set are used, and where a set may come from."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from issuer import EC_KEY, RSA_KEY, jwk_of

from runtime.addresses import is_key_url
from runtime.jwks import KeySetInvalid, parse_key_set


def parsed(*keys) -> list[tuple[str | None, str]]:
    return [(key.key_id, key.algorithm) for key in parse_key_set(json.dumps({"keys": keys}).encode()).keys]


RSA, EC = jwk_of(RSA_KEY, "r"), jwk_of(EC_KEY, "e")
SMALL = jwk_of(rsa.generate_private_key(public_exponent=65537, key_size=1024), "small")  # noqa: S505 -- refused
OTHER = jwk_of(ec.generate_private_key(ec.SECP384R1()), "other")


def test_a_key_has_the_one_algorithm_of_its_kind():
    assert parsed(RSA, EC) == [("r", "RS256"), ("e", "ES256")]
    assert parsed(RSA | {"alg": "RS256"}, EC | {"alg": "ES256"}) == [("r", "RS256"), ("e", "ES256")]


@pytest.mark.parametrize(
    "entry",
    [
        RSA | {"use": "enc"},
        RSA | {"alg": "RS512"},
        RSA | {"alg": "HS256"},
        RSA | {"n": "AA"},
        RSA | {"n": 7},
        RSA | {"e": None},
        EC | {"crv": "P-384"},
        EC | {"x": EC["y"]},
        EC | {"x": []},
        {"kty": "oct", "k": "AAAA", "kid": "o"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        {"kty": ["RSA"]},
        {},
        SMALL,
        OTHER,
        "text",
        None,
        [RSA],
    ],
)
def test_what_cannot_be_used_is_passed_over(entry):
    assert parsed(entry, RSA) == [("r", "RS256")]
    with pytest.raises(KeySetInvalid):
        parsed(entry)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b"\xff", b"[" * 100_000])
def test_what_is_no_set_is_refused(text):
    with pytest.raises(KeySetInvalid):
        parse_key_set(text)


def test_a_token_without_a_key_id_means_the_only_key():
    keys = parse_key_set(json.dumps({"keys": [RSA, EC]}).encode())
    assert keys.find(None, "RS256") is keys.keys[0]
    assert keys.find("r", "ES256") is None
    two = parse_key_set(json.dumps({"keys": [RSA, RSA | {"kid": "r2"}]}).encode())
    assert two.find(None, "RS256") is None


@pytest.mark.parametrize(
    "url", ["https://i.example/keys", "http://127.0.0.1:9/k", "http://[::1]/k", "http://localhost/"]
)
def test_keys_come_by_https_or_from_here(url):
    assert is_key_url(url)


@pytest.mark.parametrize(
    "url",
    ["http://i.example/keys", "file:///keys", "https://", "https://u:p@i.example/", "https://i/#x", "https://i:x/", ""],
)
def test_no_other_url_is_taken(url):
    assert not is_key_url(url)
