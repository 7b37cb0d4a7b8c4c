"""`WWW-Authenticate`: what a client is told to come back with (RFC 6750, section 3)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.access import EVERYBODY, Scope
from domain.errors import ActorMismatch, ErrorKind, InsufficientScope, ProposalError

REALM: Final = 'Bearer realm="proposals"'


def challenge(error: str | None = None, description: str | None = None, scopes: Sequence[str] = ()) -> dict[str, str]:
    """The header; the parts are fixed words of this service, so that nothing in them needs to be escaped."""
    parts = {"error": error, "error_description": description, "scope": " ".join(scopes)}
    given = [f'{name}="{text}"' for name, text in parts.items() if text]
    return {"WWW-Authenticate": ", ".join([REALM, *given])}


def challenge_of(scope: Mapping[str, Any], error: ProposalError) -> dict[str, str]:
    """The header of a 403, which names a scope where one would help; none where nobody is asked who they are."""
    if error.kind is not ErrorKind.FORBIDDEN or scope.get("state", {}).get("caller") in (None, EVERYBODY):
        return {}
    if isinstance(error, InsufficientScope):
        return challenge("insufficient_scope", scopes=error.scopes)
    if isinstance(error, ActorMismatch):
        return challenge("insufficient_scope", scopes=[Scope.ACTORS_ANY])
    return challenge()
