"""The cache keeps what was used last, and never more characters than it may."""

from domain.recent import Recent


def test_what_is_remembered_is_found():
    recent: Recent[str] = Recent(max_characters=4)
    recent.remember("a", "A", characters=2)
    assert recent.get("a") == "A"
    assert recent.get("b") is None


def test_what_was_used_longest_ago_goes_first():
    recent: Recent[str] = Recent(max_characters=4)
    recent.remember("a", "A", characters=2)
    recent.remember("b", "B", characters=2)
    recent.get("a")
    recent.remember("c", "C", characters=2)
    assert [recent.get(key) for key in "abc"] == ["A", None, "C"]


def test_a_value_that_is_too_long_alone_displaces_nothing():
    recent: Recent[str] = Recent(max_characters=4)
    recent.remember("a", "A", characters=4)
    recent.remember("b", "B", characters=5)
    assert [recent.get(key) for key in "ab"] == ["A", None]


def test_a_value_that_is_remembered_again_counts_once():
    recent: Recent[str] = Recent(max_characters=4)
    for _ in range(3):
        recent.remember("a", "A", characters=3)
    recent.remember("b", "B", characters=1)
    assert [recent.get(key) for key in "ab"] == ["A", "B"]
