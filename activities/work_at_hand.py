"""The operations that this worker is at work on: read once, with their requests, and remembered until they end."""

from datetime import timedelta
from typing import Final

from activities.boundary import log_as_work_of
from activities.own_workflow import require_own_workflow
from activities.under_way import UnderWay
from domain.errors import OperationNotFound
from domain.recent import Recent
from storage.operation_work import AcceptedWork
from storage.unit_of_work import Storage

MAX_BYTES: Final = 16_000_000
ROW_BYTES: Final = 5_000  # of memory; the request comes to it, compressed


class WorkAtHand:
    """The values of an accepted operation never change, except whether it has ended: the commit checks that.

    Large operations are read at each step: their rows say what the steps before have stored.
    """

    def __init__(self, storage: Storage, under_way: UnderWay) -> None:
        self._storage = storage
        self._under_way = under_way
        self._recent: Recent[AcceptedWork] = Recent(max_size=MAX_BYTES)

    async def get(self, operation_id: str) -> AcceptedWork:
        """As this worker remembers it, or as it is now. Raises ForeignWorkflow and OperationNotFound."""
        work = self._recent.get(operation_id)
        return await self.read(operation_id) if work is None else self._own(work)

    async def read(self, operation_id: str) -> AcceptedWork:
        """As it is now.

        Raises ForeignWorkflow, and OperationNotFound when the row is gone: an older backup was restored, or it was
        purged.
        """
        async with self._storage.reading() as reading:
            work = await reading.work.get(operation_id)
        if work is None:
            raise OperationNotFound
        self._own(work)
        if work.is_terminal:
            self.forget(operation_id)
            return work
        self._under_way.begin(operation_id)
        if not work.is_large:
            self._recent.remember(operation_id, work, size=ROW_BYTES + len(work.request_content))
        return work

    def elapsed(self, operation_id: str) -> timedelta:
        """Since this worker began it."""
        return self._under_way.elapsed(operation_id)

    def forget(self, operation_id: str) -> None:
        self._recent.forget(operation_id)
        self._under_way.forget(operation_id)

    def _own(self, work: AcceptedWork) -> AcceptedWork:
        require_own_workflow(work)
        log_as_work_of(work.correlation_id)
        return work
