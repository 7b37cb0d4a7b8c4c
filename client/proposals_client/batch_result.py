"""What came of a batch; in the document it is a part of what any operation can have made."""

from typing import Annotated

from pydantic import Field

from proposals_client.model import Model
from proposals_client.models import BatchCounts, ScenarioTotals


class BatchResult(Model):
    """The totals of an ended batch; its runs are read by themselves."""

    counts: Annotated[BatchCounts, Field(description="Its runs.")]
    warnings: Annotated[list[str], Field(description="PARTIAL_BATCH_FAILURE, MIXED_ENGINE_VERSIONS.")]
    scenarios: Annotated[dict[str, ScenarioTotals], Field(description="By scenario.")]
    failures: Annotated[dict[str, int], Field(description="Failed runs by code.")]
    engine_version: Annotated[str | None, Field(description="None when several computed the runs.")]
    results_hash: Annotated[str, Field(description="Of all lines of the runs, in order.")]
    runs_url: Annotated[str, Field(description="Where the runs are.")]
