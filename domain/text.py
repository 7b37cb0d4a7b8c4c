"""The texts that can be stored, and those that can be an id."""

import unicodedata
from typing import Final

MAX_IDENTIFIER_LENGTH: Final = 255
INVISIBLE: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})  # Unicode categories of controls, formats and space


def is_storable(text: str) -> bool:
    """Whether PostgreSQL and UTF-8 can hold the text: no NUL, no lone surrogate."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def is_identifier(text: str) -> bool:
    """Whether the text could be the id of something stored."""
    return len(text) <= MAX_IDENTIFIER_LENGTH and is_storable(text)


def is_visible(text: str) -> bool:
    """Whether the text shows anything to a reader (D31)."""
    return not INVISIBLE.issuperset(map(unicodedata.category, text))
