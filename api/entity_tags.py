"""Entity tags of conditional requests (RFC 9110, 13.1.2)."""

import re
from typing import Final

ENTITY_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')


def is_current(tag: str, if_none_match: str | None) -> bool:
    """Whether the caller's `If-None-Match` names this tag; it compares weakly, as the RFC demands."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in ENTITY_TAG.findall(if_none_match)
