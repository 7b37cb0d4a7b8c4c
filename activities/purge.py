"""Step `purge`: remove what has been kept for long enough, for as long as one run of the step may take."""

from collections import Counter

from temporalio import activity

from activities.boundary import boundary
from services.purging import Kind, Periods, Purging
from storage.unit_of_work import Storage
from workflows.messages import PurgeInput, PurgeResult


class PurgeStep:
    def __init__(self, storage: Storage, periods: Periods) -> None:
        self._purging = Purging(storage, periods)

    @activity.defn(name="purge")
    @boundary
    async def purge(self, step: PurgeInput) -> PurgeResult:
        removed: Counter[Kind] = Counter()
        details = activity.info().heartbeat_details

        def on_batch(kind: Kind, count: int) -> None:
            removed[kind] += count
            activity.heartbeat(*details)  # the boundary counts failures in them

        is_done = await self._purging.run(seconds=step.seconds, on_batch=on_batch)
        return PurgeResult(
            operations=removed["operations"],
            keys=removed["keys"] + removed["review keys"],
            tombstones=removed["tombstones"],
            simulations=removed["simulations"],
            documents=removed["documents"],
            is_done=is_done,
        )
