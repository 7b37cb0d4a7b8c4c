"""The Python client against a server that plays the service, or against the service itself."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from proposals_client import Proposals, repeats
from scripted_service import ScriptedService


@pytest.fixture
def played() -> Iterator[ScriptedService]:
    with ScriptedService().serving() as service:
        yield service


@pytest.fixture
def desk_of() -> Iterator[Callable[..., Proposals]]:
    """Make a client that is closed with the test."""
    made: list[Proposals] = []

    def desk(url: str, **options: Any) -> Proposals:
        made.append(Proposals(url, **options))
        return made[-1]

    yield desk
    for one in made:
        one.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between repeats that only a `Retry-After` makes long."""
    monkeypatch.setattr(repeats, "FIRST_PAUSE", 0.001)
