"""The texts that can be stored, and those that can be an id."""

from typing import Final

MAX_IDENTIFIER_LENGTH: Final = 255


def is_storable(text: str) -> bool:
    """Whether PostgreSQL and UTF-8 can hold the text: no NUL, no lone surrogate."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def is_identifier(text: str) -> bool:
    """Whether the text could be the id of something stored."""
    return len(text) <= MAX_IDENTIFIER_LENGTH and is_storable(text)
