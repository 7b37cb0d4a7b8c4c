"""Texts of clients so that each looks different from every other: nothing in them is invisible or reorders a line."""

import unicodedata
from typing import Final

from markupsafe import Markup

# Controls, formats (zero width, bidirectional overrides), separators of lines and paragraphs.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})
# Blank space breaks lines; joiners make emoji of several, and Persian words.
_KEPT: Final = frozenset("\t\n\r\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")
# Letters and symbols by category, empty to the eye.
_EMPTY: Final = frozenset(
    "\N{HANGUL CHOSEONG FILLER}\N{HANGUL JUNGSEONG FILLER}\N{HANGUL FILLER}\N{HALFWIDTH HANGUL FILLER}"
    "\N{BRAILLE PATTERN BLANK}"
)


def clear_text(text: str) -> str:
    """A character that cannot be seen stands as its code point, `[U+200B]`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"[U+{ord(character):04X}]" if _is_unseen(character) else character for character in text)


def cleared(value: object) -> object:
    """For every value that a template prints; the template's own markup stays."""
    return clear_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _is_unseen(character: str) -> bool:
    return character in _EMPTY or (character not in _KEPT and unicodedata.category(character) in _HIDDEN)
