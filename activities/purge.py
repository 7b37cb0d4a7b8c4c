"""Step `purge`: remove what has been kept for long enough, for as long as one run of the step may take."""

from collections import Counter
from collections.abc import Callable

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.boundary import boundary
from services.purging import Kind, Periods, PurgeRefused, Purging
from storage.unit_of_work import Storage
from workflows.messages import PurgeInput, PurgeResult


class PurgeStep:
    """`on_batch` is told of each batch that is gone, `on_done` of each time that nothing was left to remove."""

    def __init__(
        self,
        storage: Storage,
        periods: Periods,
        *,
        on_batch: Callable[[Kind, int], None] | None = None,
        on_done: Callable[[], None] | None = None,
    ) -> None:
        self._purging = Purging(storage, periods)
        self._on_batch = on_batch
        self._on_done = on_done

    @activity.defn(name="purge")
    @boundary
    async def purge(self, step: PurgeInput) -> PurgeResult:
        removed: Counter[Kind] = Counter()
        info = activity.info()
        details = info.heartbeat_details

        def on_batch(kind: Kind, count: int) -> None:
            removed[kind] += count
            if self._on_batch is not None:
                self._on_batch(kind, count)
            activity.heartbeat(*details)  # the boundary counts failures in them

        try:
            is_done = await self._purging.run(seconds=step.seconds, on_batch=on_batch, witness=info.started_time)
        except PurgeRefused as refused:
            # Again would be the same: the next hour's run looks again, and this one fails where operators see it.
            raise ApplicationError(
                f"{refused}: see docs/operations.md, The purge refuses", type="PurgeRefused", non_retryable=True
            ) from None
        if is_done and self._on_done is not None:
            self._on_done()
        return PurgeResult(
            operations=removed["operations"],
            keys=removed["keys"] + removed["review keys"],
            tombstones=removed["tombstones"],
            simulations=removed["simulations"],
            documents=removed["documents"],
            is_done=is_done,
        )
