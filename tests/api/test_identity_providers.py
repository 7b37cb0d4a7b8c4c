"""Tokens of the shapes that identity providers issue, with the settings of docs/guides/identity-providers.md."""

import re
import time
from pathlib import Path

import jwt
import pytest
from issuer import RSA_KEY, Issuer, jwk_of
from waiting import until

from api.http.authentication import authentication
from domain.access import Caller, Scope
from runtime.settings import variable_name
from runtime.settings_loading import load_settings

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "identity-providers.md").read_text()
TENANT = "8c1f5e0a-1111-4222-8333-944455556666"
ENTRA_ISSUER = f"https://login.microsoftonline.com/{TENANT}/v2.0"
ENTRA_API, ENTRA_CLIENT = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
PERSON = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"
SERVICE = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"


def settings_of(section: str) -> dict[str, str]:
    """The settings that the guide's section tells to set."""
    (text,) = re.findall(rf"## {section}\n(.*?)(?=\n## |\Z)", GUIDE, re.DOTALL)
    return dict(re.findall(r"^(PROPOSAL_\w+)=(\S*)$", text, re.MULTILINE))


def signed(header: dict, claims: dict) -> str:
    now = int(time.time())
    return jwt.encode(claims | {"iat": now, "exp": now + 300}, RSA_KEY, algorithm="RS256", headers=header)


KEYCLOAK = {
    "exp": 0,
    "jti": "onrtac:3a1f",
    "iss": "https://login.example/realms/advice",
    "aud": ["proposals", "account"],
    "sub": PERSON,
    "typ": "Bearer",
    "azp": "crm",
    "sid": "d5cb",
    "acr": "1",
    "allowed-origins": ["https://crm.example"],
    "realm_access": {"roles": ["offline_access", "uma_authorization"]},
    "resource_access": {"account": {"roles": ["view-profile"]}},
    "scope": "openid proposals:write email profile operations:read",
    "email_verified": True,
    "preferred_username": "ann",
}
ENTRA = {
    "aud": ENTRA_API,
    "iss": ENTRA_ISSUER,
    "nbf": 0,
    "aio": "ATQAy/8TAAAA",
    "azp": ENTRA_CLIENT,
    "azpacr": "1",
    "name": "Ann Example",
    "oid": PERSON,
    "preferred_username": "ann@bank.example",
    "rh": "0.AXkA",
    "roles": ["proposals:write", "reviews:risk"],
    "scp": "access_as_user",
    "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
    "tid": TENANT,
    "uti": "fqiBqXLPj0eQa82S",
    "ver": "2.0",
}
ENTRA_APP = {name: value for name, value in ENTRA.items() if name not in ("scp", "name", "preferred_username")} | {
    "oid": SERVICE,
    "sub": SERVICE,
    "idtyp": "app",
    "roles": ["proposals:write", "operations:read"],
}
OKTA = {
    "ver": 1,
    "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
    "iss": "https://bank.okta.com/oauth2/aus9o8wzkhckw9TLa0h7",
    "aud": "api://proposals",
    "cid": "0oabskvc6442nkvQO0h7",
    "uid": "00u5t60iloOHN9pBi0h7",
    "scp": ["openid", "proposals:write", "operations:read"],
    "auth_time": 0,
    "sub": "ann@bank.example",
}
OKTA_APP = {name: value for name, value in OKTA.items() if name not in ("uid", "auth_time")} | {
    "sub": OKTA["cid"],
    "scp": ["proposals:write"],
}
WRITE, READ = Scope.PROPOSALS_WRITE, Scope.OPERATIONS_READ
SHAPES = {
    "a person of Keycloak": (
        "Keycloak",
        {"alg": "RS256", "typ": "JWT", "kid": "k"},
        KEYCLOAK,
        Caller(client="crm", subject=PERSON, scopes=frozenset({WRITE, READ})),
    ),
    "a service account of Keycloak": (
        "Keycloak",
        {"alg": "RS256", "typ": "JWT", "kid": "k"},
        KEYCLOAK
        | {"sub": SERVICE, "client_id": "crm", "preferred_username": "service-account-crm", "aud": "proposals"},
        Caller(client="crm", subject=SERVICE, scopes=frozenset({WRITE, READ})),
    ),
    "a person of Entra ID": (
        "Entra ID",
        {"typ": "JWT", "alg": "RS256", "kid": "k"},
        ENTRA,
        Caller(client=ENTRA_CLIENT, subject=PERSON, scopes=frozenset({WRITE, Scope.REVIEWS_RISK})),
    ),
    "an application of Entra ID": (
        "Entra ID",
        {"typ": "JWT", "alg": "RS256", "kid": "k"},
        ENTRA_APP,
        Caller(client=ENTRA_CLIENT, subject=SERVICE, scopes=frozenset({WRITE, READ})),
    ),
    "a person of Okta": (
        "Okta",
        {"kid": "k", "alg": "RS256"},
        OKTA,
        Caller(client=OKTA["cid"], subject="ann@bank.example", scopes=frozenset({WRITE, READ})),
    ),
    "an application of Okta": (
        "Okta",
        {"kid": "k", "alg": "RS256"},
        OKTA_APP,
        Caller(client=OKTA["cid"], subject=OKTA["cid"], scopes=frozenset({WRITE})),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_token_of_this_shape_is_taken_with_the_settings_of_the_guide(shape):
    section, header, claims, caller = SHAPES[shape]
    told = settings_of(section)
    assert told["PROPOSAL_AUTH_ISSUER"] == claims["iss"]
    assert told[variable_name("auth_audience")] in claims["aud"]
    with Issuer().serving() as issuer:
        # As they publish them: without `alg`.
        issuer.keys = [{name: value for name, value in jwk_of(RSA_KEY, "k").items() if name != "alg"}]
        settings = load_settings(told | {"PROPOSAL_AUTH_JWKS_URL": issuer.url, "PROPOSAL_AUTH_MODE": "jwt"})
        async with authentication(settings) as authenticated:
            await until(lambda: authenticated.state == "ok")
            assert await authenticated._verifier.caller(signed(header, claims)) == caller


def test_the_guide_gives_each_provider_its_keys():
    for section in ("Keycloak", "Entra ID", "Okta"):
        load_settings(settings_of(section) | {"PROPOSAL_AUTH_MODE": "jwt"})
        assert settings_of(section)["PROPOSAL_AUTH_JWKS_URL"].startswith("https://")
