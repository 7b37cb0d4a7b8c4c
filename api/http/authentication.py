"""From a request to its caller: by its bearer token, or the same caller for all without authentication."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import structlog
from fastapi import Request

from api.http.http_errors import UNAUTHENTICATED, RequestRefused
from api.http.problems import RETRY_AFTER_SECONDS, challenge
from api.http.tokens import TokenRefused, TokenRules, TokenVerifier
from domain.access import LOCAL_CALLER, Caller
from runtime.issuer_keys import IssuerKeys, KeysUnavailable, from_file, from_url
from runtime.settings import Settings
from services.readiness import AuthenticationState

log = structlog.get_logger(__name__)


class Authenticator(Protocol):
    """Says who sent a request, from its head alone."""

    @property
    def state(self) -> AuthenticationState:
        """Whether tokens can be judged by what the issuer says now."""

    async def caller(self, request: Request) -> Caller:
        """Raises RequestRefused: 401, or 503 while the issuer's keys are unavailable."""


class NoAuthentication:
    """`PROPOSAL_AUTH_MODE=none`: a header that says who calls is not even read."""

    state: AuthenticationState = "off"

    async def caller(self, _: Request) -> Caller:
        return LOCAL_CALLER


class BearerAuthentication:
    """`PROPOSAL_AUTH_MODE=jwt`: the header `Authorization: Bearer`, once, and nothing in the query or the body."""

    def __init__(self, verifier: TokenVerifier, keys: IssuerKeys) -> None:
        self._verifier = verifier
        self._keys = keys

    @property
    def state(self) -> AuthenticationState:
        return "ok" if self._keys.are_fresh else "degraded"

    async def caller(self, request: Request) -> Caller:
        given = request.headers.getlist("authorization")
        if not given:
            raise _unauthenticated("a bearer token is needed")
        scheme, _, token = given[0].strip().partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
            raise _unauthenticated("the header Authorization must be one bearer token", error="invalid_request")
        try:
            return await self._verifier.caller(token.strip())
        except TokenRefused as refused:
            log.info("token_refused", reason=refused.reason)
            raise _unauthenticated(refused.reason, error="invalid_token") from None
        except KeysUnavailable:
            raise RequestRefused(
                "AUTHENTICATION_UNAVAILABLE",
                "AUTHENTICATION_UNAVAILABLE: the keys of the issuer cannot be fetched",
                headers={"Retry-After": RETRY_AFTER_SECONDS},
            ) from None


@asynccontextmanager
async def authentication(settings: Settings) -> AsyncIterator[Authenticator]:
    """The way of these settings; keys are kept fresh while the block lasts."""
    issuer, audience = settings.auth_issuer, settings.auth_audience
    if settings.auth_mode == "none":
        yield NoAuthentication()
        return
    if issuer is None or audience is None:
        raise ValueError("PROPOSAL_AUTH_MODE=jwt needs an issuer and an audience")  # settings have said so before
    rules = TokenRules(
        issuer=issuer,
        audience=audience,
        leeway_seconds=settings.auth_leeway_seconds,
        subject_claim=settings.auth_subject_claim,
        client_claims=settings.auth_client_claims,
        scope_claims=settings.auth_scope_claims,
    )
    async with _issuer_keys(settings) as keys:
        yield BearerAuthentication(TokenVerifier(keys, rules), keys)


@asynccontextmanager
async def _issuer_keys(settings: Settings) -> AsyncIterator[IssuerKeys]:
    refresh = settings.auth_jwks_refresh_seconds
    if settings.auth_jwks_url is not None:
        proxy = None if settings.egress_proxy is None else settings.egress_proxy.get_secret_value()
        async with (
            from_url(settings.auth_jwks_url, proxy=proxy) as load,
            IssuerKeys(load, refresh_seconds=refresh).running() as keys,
        ):
            yield keys
    elif settings.auth_jwks_file is not None:
        async with IssuerKeys(from_file(settings.auth_jwks_file), refresh_seconds=refresh).running() as keys:
            yield keys
    else:
        raise ValueError("PROPOSAL_AUTH_MODE=jwt needs a source of keys")  # settings have said so before


def _unauthenticated(reason: str, *, error: str | None = None) -> RequestRefused:
    headers = challenge(error, reason if error else None)
    return RequestRefused(UNAUTHENTICATED, f"{UNAUTHENTICATED}: {reason}", headers=headers)
