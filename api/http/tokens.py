"""Bearer tokens (RFC 9068, RFC 8725): signed by the issuer, for this service, in force now; from there to a caller."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt
from jwt.exceptions import (
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAudienceError,
    InvalidIssuerError,
    InvalidSignatureError,
    MissingRequiredClaimError,
    PyJWTError,
)

from domain.access import Caller, Scope
from domain.text import is_identifier
from runtime.issuer_keys import IssuerKeys
from runtime.jwks import ALGORITHMS

MAX_TOKEN_LENGTH: Final = 16 * 1024
REQUIRED: Final = ("iss", "aud", "exp", "sub")
TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
REASONS: Final[Mapping[type[PyJWTError], str]] = {
    ExpiredSignatureError: "the token has expired",
    ImmatureSignatureError: "the token is not valid yet",
    InvalidAudienceError: "the token is for another audience",
    InvalidIssuerError: "the token is of another issuer",
    InvalidSignatureError: "the signature is not the issuer's",
    MissingRequiredClaimError: "the token lacks one of iss, aud, exp and sub",
}
MALFORMED: Final = "the token is malformed"
KNOWN_SCOPES: Final = frozenset(Scope)


class TokenRefused(Exception):
    """A token that proves nothing; `reason` is a fixed text, never one of the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRules:
    """Whose tokens for whom, and which claims say who and what; the clocks may differ by the leeway."""

    issuer: str
    audience: str
    leeway_seconds: int
    subject_claim: str
    client_claims: tuple[str, ...]
    scope_claims: tuple[str, ...]


class TokenVerifier:
    """The algorithm is that of the key, the key is one of the issuer's: a header only chooses among these."""

    def __init__(self, keys: IssuerKeys, rules: TokenRules) -> None:
        self._keys = keys
        self._rules = rules

    async def caller(self, token: str) -> Caller:
        """Who sent this token. Raises TokenRefused, KeysUnavailable."""
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenRefused(MALFORMED)
        key_id, algorithm = _named_key(token)
        key = await self._keys.find(key_id, algorithm)
        if key is None:
            raise TokenRefused("the issuer publishes no key by which the token is signed")
        try:
            claims = jwt.decode(
                token,
                key=key.public_key,
                algorithms=[key.algorithm],
                issuer=self._rules.issuer,
                audience=self._rules.audience,
                leeway=self._rules.leeway_seconds,
                options={"require": list(REQUIRED)},
            )
        except PyJWTError as failure:
            raise TokenRefused(REASONS.get(type(failure), MALFORMED)) from None
        except (ValueError, TypeError, OverflowError, RecursionError):  # claims of types that no issuer writes
            raise TokenRefused(MALFORMED) from None
        return _caller_of(claims, self._rules)


def _named_key(token: str) -> tuple[str | None, str]:
    """Key id and algorithm of the header, which is not verified yet."""
    try:
        header = jwt.get_unverified_header(token)
    except (PyJWTError, ValueError, RecursionError):
        raise TokenRefused(MALFORMED) from None
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if algorithm not in ALGORITHMS.values():
        raise TokenRefused("the token is not signed by RS256 or ES256")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise TokenRefused("the token is not an access token")
    if "crit" in header or not isinstance(key_id, str | None):
        raise TokenRefused(MALFORMED)
    return key_id, str(algorithm)


def _caller_of(claims: Mapping[str, Any], rules: TokenRules) -> Caller:
    subject = claims.get(rules.subject_claim)
    client = next((claims[name] for name in rules.client_claims if claims.get(name) is not None), subject)
    return Caller(client=_recorded(client), subject=_recorded(subject), scopes=_scopes(claims, rules.scope_claims))


def _recorded(name: Any) -> str:
    if not isinstance(name, str) or not name or not is_identifier(name):
        raise TokenRefused("the token names no subject or client that can be recorded")
    return name


def _scopes(claims: Mapping[str, Any], names: tuple[str, ...]) -> frozenset[Scope]:
    """Of the first of these claims that there is, as a text or as a list.

    A single space separates scopes (RFC 6749, 3.3): what other white space joins is one scope, and an unknown one.
    """
    given = next((claims[name] for name in names if name in claims), "")
    named = given.split(" ") if isinstance(given, str) else given if isinstance(given, list) else []
    return frozenset(scope for scope in KNOWN_SCOPES if scope in named)
