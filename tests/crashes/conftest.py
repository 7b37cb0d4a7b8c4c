"""One service for all of these tests: each kills parts of it, and starts them again."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from running_service import Service, running


class Survivor:
    """The service of all tests in this process; one in which a test failed is not trusted any more."""

    def __init__(self, folder: Path, migrated: Path) -> None:
        self._folder = folder
        self._migrated = migrated
        self._running = ExitStack()
        self._service: Service | None = None
        self._number = 0

    def whole(self) -> Service:
        if self._service is None:
            self._number += 1
            folder = self._folder / str(self._number)
            folder.mkdir()
            self._service = self._running.enter_context(running(Service(folder, self._migrated)))
        else:
            self._service.start_what_is_dead()
        return self._service

    def end(self) -> None:
        self._running.close()
        self._service = None


@pytest.fixture(scope="session")
def survivor(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[Survivor]:
    survivor = Survivor(tmp_path_factory.mktemp("crashes"), migrated)
    try:
        yield survivor
    finally:
        survivor.end()


@pytest.fixture
def service(request: pytest.FixtureRequest, survivor: Survivor) -> Iterator[Service]:
    """The whole service as processes, with all rows and workflows of the tests before this one."""
    failed_before = request.session.testsfailed
    yield survivor.whole()
    if request.session.testsfailed > failed_before:
        survivor.end()
