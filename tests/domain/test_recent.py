"""The cache keeps what was used last, and never more characters than it may."""

from domain.recent import Recent


def test_what_is_remembered_is_found():
    recent: Recent[str] = Recent(max_size=4)
    recent.remember("a", "A", size=2)
    assert recent.get("a") == "A"
    assert recent.get("b") is None


def test_what_was_used_longest_ago_goes_first():
    recent: Recent[str] = Recent(max_size=4)
    recent.remember("a", "A", size=2)
    recent.remember("b", "B", size=2)
    recent.get("a")
    recent.remember("c", "C", size=2)
    assert [recent.get(key) for key in "abc"] == ["A", None, "C"]


def test_a_value_that_is_too_long_alone_displaces_nothing():
    recent: Recent[str] = Recent(max_size=4)
    recent.remember("a", "A", size=4)
    recent.remember("b", "B", size=5)
    assert [recent.get(key) for key in "ab"] == ["A", None]


def test_a_value_that_is_remembered_again_counts_once():
    recent: Recent[str] = Recent(max_size=4)
    for _ in range(3):
        recent.remember("a", "A", size=3)
    recent.remember("b", "B", size=1)
    assert [recent.get(key) for key in "ab"] == ["A", "B"]
