"""Who gets in: every way in which a token can be wrong, and what is answered while keys are missing."""

import asyncio
import base64
import hashlib
import hmac
import json
import time

import pytest
from answers import assert_problem
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from issuer import AUDIENCE, EC_KEY, ISSUER, RSA_KEY, a_token, bearer, claims, forged, jwk_of
from waiting import PATIENCE_SECONDS

from runtime import issuer_keys

PATH = "/rebalance/proposals"
FOREIGN_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_CURVE = ec.generate_private_key(ec.SECP384R1())


def hs256(secret: bytes) -> str:
    """Signed with what everyone knows, the public key, as if it were a shared secret."""
    unsigned = forged({"alg": "HS256", "typ": "at+jwt", "kid": "rsa-1"}, claims()).rpartition(".")[0]
    signature = hmac.digest(secret, unsigned.encode(), hashlib.sha256)
    return f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


PEM = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PAST, FUTURE = 1_000_000_000, 4_000_000_000  # 2001 and 2096


def refused_tokens() -> dict[str, str]:
    """Made when a test runs: a token that is wrong in one way must not be expired as well."""
    good, somebodys = a_token(), a_token("somebody")
    head, payload, signature = good.split(".")
    return {
        "HS256 with the public key": hs256(PEM),
        "HS256 with the published key": hs256(json.dumps(jwk_of(RSA_KEY, "rsa-1")).encode()),
        "HS256 with nothing": hs256(b""),
        "no algorithm": forged({"alg": "none"}, claims()),
        "no algorithm, in capitals": forged({"alg": "NONE", "typ": "JWT", "kid": "rsa-1"}, claims()),
        "no algorithm, with a signature": f"{forged({'alg': 'none', 'kid': 'rsa-1'}, claims())}{signature}",
        "no alg": forged({"typ": "JWT"}, claims(), b"x"),
        "no signature": f"{head}.{payload}.",
        "another signature": f"{head}.{payload}.{somebodys.split('.')[2]}",
        "another payload": f"{head}.{somebodys.split('.')[1]}.{signature}",
        "RS512": a_token(algorithm="RS512"),
        "PS256": a_token(algorithm="PS256"),
        "ES384": a_token(key=OTHER_CURVE, algorithm="ES384", header={"kid": "ec-1"}),
        "ES256 under the name of the RSA key": a_token(key=EC_KEY, algorithm="ES256", header={"kid": "rsa-1"}),
        "RS256 under the name of the EC key": a_token(header={"kid": "ec-1"}),
        "a foreign key under a known name": a_token(key=FOREIGN_KEY),
        "a foreign key under a name of its own": a_token(key=FOREIGN_KEY, header={"kid": "mine"}),
        "a foreign key that it brings along": a_token(key=FOREIGN_KEY, header={"jwk": jwk_of(FOREIGN_KEY, "rsa-1")}),
        "a key from elsewhere": a_token(key=FOREIGN_KEY, header={"jku": "https://evil.example/keys"}),
        "expired": a_token(exp=PAST),
        "not valid yet": a_token(nbf=FUTURE),
        "issued in the future": a_token(iat=FUTURE),
        "another audience": a_token(aud="another"),
        "several audiences, none of them this": a_token(aud=["a", "b"]),
        "an audience that begins alike": a_token(aud=f"{AUDIENCE}-2"),
        "another issuer": a_token(iss="https://evil.example/"),
        "an issuer that differs in a slash": a_token(iss=ISSUER.rstrip("/")),
        "issuers": forged({"alg": "RS256", "kid": "rsa-1"}, claims(iss=[ISSUER]), b"x"),
        **{f"no {name}": a_token(**{name: None}) for name in ("iss", "aud", "exp")},
        "no sub": a_token(None),
        "an empty sub": a_token(""),
        "a sub of NUL": a_token("a\x00b"),
        "a sub that is too long": a_token("x" * 256),
        "a client that is too long": a_token(client_id="x" * 256),
        "a client that is no text": a_token(client_id=7),
        "an identity token": a_token(header={"typ": "id+jwt"}),
        "a logout token": a_token(header={"typ": "logout+jwt"}),
        "a critical extension": a_token(header={"crit": ["exp"], "exp": 1}),
        "a detached payload": forged({"alg": "RS256", "kid": "rsa-1", "b64": False, "crit": ["b64"]}, claims(), b"x"),
        "never expires": a_token(exp="never"),
        "expires at infinity": f"{forged({'alg': 'RS256', 'kid': 'rsa-1'}, claims(exp=float('inf')), b'x')}",
        "no token": "xyz",
        "dots": "..",
        "no JSON": "e30.e30.e30",
        "no base64": "%%%.%%%.%%%",
        "a very long one": f"{good}{'x' * 20_000}",
    }


@pytest.fixture
async def asked(secured):
    async def get(token: str):
        return await secured.http.get(PATH, headers={"Authorization": f"Bearer {token}"})

    return get


async def test_every_token_that_is_wrong_is_refused(asked):
    assert (await asked(a_token())).status_code == 200
    for name, token in refused_tokens().items():
        answer = await asked(token)
        problem = assert_problem(answer, 401, "UNAUTHENTICATED")
        assert problem["detail"].startswith("UNAUTHENTICATED: "), name
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith('Bearer realm="proposals", error="invalid_token", error_description="the '), name
        assert token[:40] not in answer.text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": PAST}, "the token has expired"),
        ({"nbf": FUTURE}, "the token is not valid yet"),
        ({"aud": "x"}, "the token is for another audience"),
        ({"iss": "x"}, "the token is of another issuer"),
        ({"aud": None}, "the token lacks one of iss, aud, exp and sub"),
        ({"key": FOREIGN_KEY}, "the signature is not the issuer's"),
        ({"algorithm": "RS512"}, "the token is not signed by RS256 or ES256"),
        ({"header": {"kid": "x"}}, "the issuer publishes no key by which the token is signed"),
    ],
)
async def test_the_reason_is_told(asked, changes, reason):
    answer = await asked(a_token(**changes))
    assert answer.json()["detail"] == f"UNAUTHENTICATED: {reason}"
    assert f'error_description="{reason}"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "changes",
    [
        {"header": {"typ": "JWT"}},
        {"header": {"typ": "application/at+jwt"}},
        {"header": {"typ": "AT+JWT"}},
        {"key": EC_KEY, "algorithm": "ES256", "header": {"kid": "ec-1"}},
        {"header": {"typ": None, "kid": None}},
        {"aud": ["another", AUDIENCE]},
        {"client_id": None, "azp": "crm"},
        {"client_id": None},
        {"scope": None, "scp": ["proposals:read"]},
        {"scope": None, "scp": "proposals:read other"},
    ],
)
async def test_what_issuers_write_is_taken(asked, changes):
    assert (await asked(a_token(**changes))).status_code == 200


async def test_clocks_may_differ_by_the_leeway_and_no_more(settings, serve, issuer):
    """The longest leeway: a token is judged later than it was made."""
    leeway = issuer.settings(auth_leeway_seconds=60)
    async with serve(settings.model_copy(update=leeway)) as api:
        now = int(time.time())
        assert (await api.http.get(PATH, headers=bearer(exp=now - 3))).status_code == 200
        assert (await api.http.get(PATH, headers=bearer(exp=now - 62))).status_code == 401


@pytest.mark.shared
async def test_without_a_token_nothing_is_said_of_an_error(secured):
    token = a_token()
    for headers in ([], [("X-Authorization", f"Bearer {token}")], [("Cookie", f"access_token={token}")]):
        answer = await secured.http.get(PATH, headers=headers, params={"access_token": token})
        assert_problem(answer, 401, "UNAUTHENTICATED")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="proposals"'


@pytest.mark.shared
@pytest.mark.parametrize("values", [["Bearer"], ["Basic YTpi"], ["{token}"], ["Bearer {token}", "Bearer {token}"]])
async def test_another_header_than_one_bearer_token_is_refused(secured, values):
    token = a_token()
    headers = [("Authorization", value.format(token=token)) for value in values]
    answer = await secured.http.get(PATH, headers=headers)
    assert_problem(answer, 401, "UNAUTHENTICATED")
    assert 'error="invalid_request"' in answer.headers["WWW-Authenticate"]


@pytest.mark.shared
async def test_who_may_not_be_heard_is_not_read(secured):
    """The answer comes while the body is still to be sent, of a type that would be refused, too."""
    reader, writer = await asyncio.open_connection("127.0.0.1", secured.port)
    writer.write(
        b"POST /rebalance/proposals/async HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
        b"Content-Length: 8000000\r\nExpect: 100-continue\r\n\r\n"
    )
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    assert head.startswith(b"HTTP/1.1 401 ")
    writer.close()


@pytest.mark.shared
async def test_without_authentication_a_token_is_not_even_read(api):
    assert (await api.http.get(PATH, headers={"Authorization": "Bearer nonsense"})).status_code == 200


async def test_a_new_key_is_found_and_an_old_one_forgotten(secured, issuer, asked):
    new = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    issuer.keys = [jwk_of(new, "rsa-2")]
    assert (await asked(a_token(key=new, header={"kid": "rsa-2"}))).status_code == 200
    assert_problem(await asked(a_token()), 401, "UNAUTHENTICATED")


async def test_a_flood_of_unknown_keys_costs_the_issuer_one_request(secured, issuer, asked):
    assert (await asked(a_token())).status_code == 200
    assert issuer.asked == 1
    tokens = [a_token(header={"kid": f"k{number}"}) for number in range(100)]
    answers = await asyncio.gather(*(asked(token) for token in tokens))
    assert {answer.status_code for answer in answers} == {401}
    assert issuer.asked == 2
    assert (await asked(a_token())).status_code == 200


async def test_while_the_keys_cannot_be_fetched_nobody_gets_in(settings, serve, issuer):
    issuer.status = 500
    async with serve(settings.model_copy(update=issuer.settings())) as api:
        for headers in (bearer(), {"Authorization": f"Bearer {forged({'alg': 'RS256', 'kid': 'x'}, claims(), b'x')}"}):
            answer = await api.http.get(PATH, headers=headers)
            assert_problem(answer, 503, "AUTHENTICATION_UNAVAILABLE")
            assert answer.headers["Retry-After"] == "2"
        assert_problem(await api.http.get(PATH), 401, "UNAUTHENTICATED")
        ready = (await api.http.get("/health/ready")).json()
        assert (ready["database"], ready["authentication"], ready["status"]) == ("ok", "degraded", "degraded")
        issuer.status = 200
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await api.http.get(PATH, headers=bearer())).status_code != 200:
                await asyncio.sleep(0.2)
        assert (await api.http.get("/health/ready")).json()["authentication"] == "ok"


async def test_keys_that_were_fetched_outlive_an_outage_of_the_issuer_for_a_while(settings, serve, issuer, monkeypatch):
    async with serve(settings.model_copy(update=issuer.settings(auth_jwks_refresh_seconds=0.2))) as api:
        assert (await api.http.get(PATH, headers=bearer())).status_code == 200
        issuer.status = 500
        asked_before = issuer.asked
        async with asyncio.timeout(PATIENCE_SECONDS):
            while issuer.asked < asked_before + 2:  # the first may have begun before
                await asyncio.sleep(0.05)
        assert (await api.http.get(PATH, headers=bearer())).status_code == 200
        unknown = await api.http.get(PATH, headers=bearer(header={"kid": "new"}))
        assert_problem(unknown, 503, "AUTHENTICATION_UNAVAILABLE")
        monkeypatch.setattr(issuer_keys, "STALE_SECONDS", 0.1)
        assert_problem(await api.http.get(PATH, headers=bearer()), 503, "AUTHENTICATION_UNAVAILABLE")


async def test_keys_can_come_from_a_file_and_change_there(settings, serve, issuer, tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [jwk_of(RSA_KEY, "rsa-1")]}))
    source = {"auth_jwks_url": None, "auth_jwks_file": path, "auth_jwks_refresh_seconds": 0.1}
    async with serve(settings.model_copy(update=issuer.settings(**source))) as api:
        assert (await api.http.get(PATH, headers=bearer())).status_code == 200
        path.write_text(json.dumps({"keys": [jwk_of(FOREIGN_KEY, "rsa-1")]}))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await api.http.get(PATH, headers=bearer())).status_code != 401:
                await asyncio.sleep(0.05)
        assert (await api.http.get(PATH, headers=bearer(key=FOREIGN_KEY))).status_code == 200
