"""What simulations and batches made; in the OpenAPI document each is a part of what any operation can have made."""

from typing import Annotated

from pydantic import Field

from proposals_client.model import Model
from proposals_client.models import (
    BatchCounts,
    GateDecision,
    ProposalArtifact,
    ProposalResult,
    ScenarioTotals,
    SimulationStatus,
)


class BatchResult(Model):
    """The totals of an ended batch; its runs are read by themselves."""

    counts: Annotated[BatchCounts, Field(description="Its runs.")]
    warnings: Annotated[list[str], Field(description="PARTIAL_BATCH_FAILURE, MIXED_ENGINE_VERSIONS.")]
    scenarios: Annotated[dict[str, ScenarioTotals], Field(description="By scenario.")]
    failures: Annotated[dict[str, int], Field(description="Failed runs by code.")]
    engine_version: Annotated[str | None, Field(description="None when several computed the runs.")]
    results_hash: Annotated[str, Field(description="Of all lines of the runs, in order.")]
    runs_url: Annotated[str, Field(description="Where the runs are.")]


class SimulationMade(Model):
    """What `simulate` and `artifact` return under the same key, with the hashes."""

    request_hash: Annotated[str, Field(description="Hash of the request.")]
    simulation_hash: Annotated[str, Field(description="Hash of the result.")]
    artifact_hash: Annotated[str, Field(description="Hash of the artifact.")]
    status: Annotated[SimulationStatus, Field(description="Status of the simulation.")]
    proposal_result: Annotated[ProposalResult, Field(description="The result.")]
    artifact: Annotated[ProposalArtifact, Field(description="The artifact.")]
    gate_decision: Annotated[GateDecision | None, Field(description="The result's gate decision.")]
