"""Parsed documents that are kept for a moment."""

from domain.recent import Recent


class Making:
    """Remembers which texts it was asked to make something of."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def upper(self, text: str) -> str:
        self.made.append(text)
        return text.upper()


def test_a_text_is_made_once_while_it_is_recent() -> None:
    making = Making()
    recent = Recent(making.upper, max_characters=4)
    assert [recent.of(text) for text in ("aa", "bb", "aa", "cc", "aa", "bb")] == ["AA", "BB", "AA", "CC", "AA", "BB"]
    assert making.made == ["aa", "bb", "cc", "bb"]  # cc pushed bb out, which was asked for longest ago


def test_a_text_that_is_too_long_is_not_kept() -> None:
    making = Making()
    recent = Recent(making.upper, max_characters=4)
    assert recent.of("aa") == "AA"
    assert recent.of("longer") == recent.of("longer") == "LONGER"
    assert recent.of("aa") == "AA"
    assert making.made == ["aa", "longer", "longer"]


def test_what_is_known_already_need_not_be_made() -> None:
    recent: Recent[int] = Recent(len, max_characters=10)
    recent.remember("four", 4000)
    recent.remember("four", 5000)
    assert recent.of("four") == 4000
