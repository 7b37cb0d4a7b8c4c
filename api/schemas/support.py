"""What support reads, on the wire."""

from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.formats import HASH_EXAMPLE, PROPOSAL_ID_EXAMPLE, TIMESTAMP_EXAMPLE, Hash, ProposalId


class KeyedProposalResponse(BaseModel):
    """What an idempotency key made."""

    idempotency_key: str = Field(description="The key.", examples=["advice-2026-02-22"])
    request_hash: Hash = Field(description="Of the request that the key stands for.", examples=[HASH_EXAMPLE])
    proposal_id: ProposalId = Field(description="The proposal.", examples=[PROPOSAL_ID_EXAMPLE])
    proposal_version_no: int = Field(description="The version that was made.", examples=[1])
    created_at: str = Field(description="When the request was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])


class SupportabilityConfig(BaseModel):
    """The flags in force, and whether the store can be reached."""

    store_backend: Literal["POSTGRES"] = Field(description="Where everything is kept.", examples=["POSTGRES"])
    backend_ready: bool = Field(description="Whether it can be written to, as `/health/ready` says.", examples=[True])
    backend_init_error: str | None = Field(
        description="Why not: a code, and a sentence if it can be reached.", examples=[None]
    )
    lifecycle_enabled: bool = Field(description="Whether proposals are served.", examples=[True])
    support_apis_enabled: bool = Field(description="Whether approvals, events, lineage are served.", examples=[True])
    async_operations_enabled: bool = Field(description="Whether operations are served.", examples=[True])
    store_evidence_bundle: bool = Field(description="Whether versions show their evidence bundle.", examples=[True])
    require_expected_state: bool = Field(description="Whether reviews must name the state they saw.", examples=[True])
    allow_portfolio_id_change_on_new_version: bool = Field(
        description="Whether a version may be for another portfolio.", examples=[False]
    )
    require_proposal_simulation_flag: bool = Field(
        description="Whether requests must ask for their simulation.", examples=[True]
    )
