"""Step `purge`: remove what has been kept for long enough, for as long as one run of the step may take."""

from collections import Counter

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.boundary import boundary
from activities.metrics import WorkerMetrics
from services.purging import Periods, PurgeRefused, PurgeService
from storage.retention import Kind
from storage.unit_of_work import Storage
from workflows.messages import PurgeInput, PurgeResult


class PurgeStep:
    def __init__(self, storage: Storage, periods: Periods, metrics: WorkerMetrics) -> None:
        self._purging = PurgeService(storage, periods)
        self._metrics = metrics

    @activity.defn(name="purge")
    @boundary
    async def purge(self, step: PurgeInput) -> PurgeResult:
        removed: Counter[Kind] = Counter()
        info = activity.info()
        details = info.heartbeat_details

        def on_batch(kind: Kind, count: int) -> None:
            removed[kind] += count
            self._metrics.purged_rows.labels(kind).inc(count)
            activity.heartbeat(*details)  # the boundary counts failures in them

        try:
            is_done = await self._purging.run(seconds=step.seconds, on_batch=on_batch, witness=info.started_time)
        except PurgeRefused as refused:
            # Again would be the same: the next hour's run looks again, and this one fails where operators see it.
            raise ApplicationError(
                f"{refused}: see docs/guides/runbook.md, The purge refuses", type="PurgeRefused", non_retryable=True
            ) from None
        if is_done:
            self._metrics.purged_at.set_to_current_time()
        return PurgeResult(
            operations=removed["operations"],
            keys=removed["keys"] + removed["review_keys"],
            tombstones=removed["tombstones"],
            simulations=removed["simulations"],
            documents=removed["documents"],
            is_done=is_done,
        )
