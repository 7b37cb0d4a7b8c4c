from collections.abc import Iterator

import patient_limits
import pytest


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    with patient_limits.moved_away():
        yield
