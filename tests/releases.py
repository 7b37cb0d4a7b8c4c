"""Steps of one operation on several releases, as during a rolling deploy."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from storage_rows import InProcess, Steps

from domain.engine import codes
from domain.evidence import _RECENT_RESULTS
from storage.unit_of_work import Storage

RELEASES = ("1.0.0-before", "2.0.0-after")


@contextmanager
def release(engine_version: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(codes, "ENGINE_VERSION", engine_version)
        yield


async def run_steps(
    storage: Storage, operation_id: str, releases: tuple[str, ...], *, persist: str = "persist"
) -> None:
    """Each step by a worker of its own, which remembers nothing."""
    for name, engine_version in zip(("simulate", "build", persist), releases, strict=False):
        _RECENT_RESULTS._entries.clear()
        with release(engine_version):
            await getattr(Steps(storage, pool=InProcess()), name)(operation_id)
