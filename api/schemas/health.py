"""Health on the wire."""

from typing import Literal

from pydantic import BaseModel, Field

ComponentStateName = Literal["ok", "unreachable", "schema_too_old", "cannot_write", "no_pollers"]


class Live(BaseModel):
    """The process answers."""

    status: Literal["ok"] = Field(description="Always `ok`.", examples=["ok"])


class Ready(BaseModel):
    """Whether requests can be served, and what of the surroundings is missing."""

    status: Literal["ok", "degraded", "unavailable"] = Field(
        description="`degraded`: requests are accepted and kept, and go on when the missing part is back. "
        "`unavailable` (503): PostgreSQL cannot be reached, takes no writes, or its schema is older than this release.",
        examples=["ok"],
    )
    database: ComponentStateName = Field(
        description="PostgreSQL, its schema, and whether it takes writes.", examples=["ok"]
    )
    reason: str | None = Field(
        default=None, description="With 503 only: one sentence about what is wrong with the database.", examples=[None]
    )
    temporal: ComponentStateName = Field(description="The Temporal server.", examples=["ok"])
    workers: ComponentStateName = Field(description="Whether a worker polls for proposals.", examples=["ok"])
