"""Which tests share their servers with others, because they alter nothing that another one sees."""

import pytest

# What a test alters, or has settings of its own for: with one of these it shares nothing.
OWN = frozenset({"worker", "monkeypatch", "settings", "issuer", "storage", "temporal_client"})


def is_shared(request: pytest.FixtureRequest) -> bool:
    """Whether the test or its module is marked `shared`; `shared(False)` takes a test out of its module."""
    mark = request.node.get_closest_marker("shared")
    return mark is not None and mark.args != (False,) and OWN.isdisjoint(request.fixturenames)
