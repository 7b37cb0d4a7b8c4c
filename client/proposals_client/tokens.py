"""Bearer tokens: what may be one, and whose it is."""

import base64
import json
import re
from typing import Final

from proposals_client.errors import InvalidArgument

BEARER_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1


def authorization(token: str) -> dict[str, str]:
    """The header. Raises InvalidArgument, without the token."""
    if not BEARER_TOKEN.fullmatch(token):
        raise InvalidArgument("the token has characters that no bearer token has")
    return {"Authorization": f"Bearer {token}"}


def subject_of(token: str | None) -> str:
    """The `sub` of a JWT, which the service verifies. Raises InvalidArgument for a token that says none."""
    try:
        payload = (token or "").split(".")[1]
        subject = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]
    except (IndexError, ValueError, KeyError, TypeError):
        subject = None
    if not isinstance(subject, str):
        raise InvalidArgument("who acts is not known: pass actor=..., because the token does not name its subject")
    return subject
