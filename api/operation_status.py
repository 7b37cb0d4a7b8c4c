"""What is answered about one operation: its state as it is now, and once it has ended what it made."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field

from api.batches import BatchProgress, BatchResult
from api.callbacks import OperationErrorBody
from api.records import CreateResponse, none_required
from api.services import OperationTerms
from api.simulations import SimulationMade
from api.wire import (
    OPERATION_ID_EXAMPLE,
    PROPOSAL_ID_EXAMPLE,
    TIMESTAMP_EXAMPLE,
    OperationId,
    Stored,
    StoredJson,
    Timestamp,
    Wire,
)
from domain.operation import Operation, OperationStatus, OperationType
from domain.public_links import callbacks_path, operation_path, proposal_path, runs_path
from services.lookup import CreatedVersion, Made, MadeSimulation


class OperationLinks(Wire):
    """Related resources; null for one that does not exist or is not configured."""

    self: str = Field(
        description="Where this operation is read.",
        examples=[operation_path(OPERATION_ID_EXAMPLE)],
    )
    proposal: str | None = Field(
        description="The proposal, once there is one.", examples=[proposal_path(PROPOSAL_ID_EXAMPLE)]
    )
    callbacks: str | None = Field(
        description="The state of its callback; null when the request asked for none.",
        examples=[callbacks_path(OPERATION_ID_EXAMPLE)],
    )
    runs: str | None = Field(
        description="The runs of a batch; null for others.", examples=[runs_path(OPERATION_ID_EXAMPLE)]
    )
    temporal_ui: str | None = Field(
        description="The workflow's page in the Temporal UI, when the service knows where that is.",
        examples=[f"http://127.0.0.1:8233/namespaces/default/workflows/{OPERATION_ID_EXAMPLE}"],
    )

    @classmethod
    def of(cls, operation: Operation, terms: OperationTerms) -> Self:
        return cls(
            self=operation_path(operation.operation_id),
            proposal=None if operation.proposal_id is None else proposal_path(operation.proposal_id),
            callbacks=callbacks_path(operation.operation_id) if operation.has_callback else None,
            runs=runs_path(operation.operation_id) if operation.is_batch else None,
            temporal_ui=terms.workflow_url(operation.operation_id),
        )


class OperationResult(CreateResponse, SimulationMade, BatchResult):
    """What an operation made: the members of a create, from `proposal` on; of a simulation, from `request_hash` on; or
    of a batch, from `counts` on.
    """

    # Not a choice of schemas: without a member that tells them apart, generated clients take the first that fits.
    model_config = ConfigDict(json_schema_extra=none_required)


class AsyncStatus(Wire):
    """One operation as it is now; once it is terminal this body never changes."""

    operation_id: OperationId = Field(
        description="The operation; also the id of its Temporal workflow.", examples=[OPERATION_ID_EXAMPLE]
    )
    operation_type: OperationType = Field(description="The kind of operation.", examples=["CREATE_PROPOSAL"])
    status: OperationStatus = Field(description="SUCCEEDED and FAILED are final.", examples=["SUCCEEDED"])
    correlation_id: str = Field(
        description="The correlation id of the request that made the operation.", examples=["crm/case/4711"]
    )
    idempotency_key: str | None = Field(
        description="The idempotency key of the request.", examples=["7c1f4c8e-advice-2026-02-22"]
    )
    attempt: int = Field(
        description="1 for the first operation of its idempotency key, 2 after the first retry of a FAILED one, and "
        "so on.",
        ge=1,
        examples=[1],
    )
    proposal_id: str | None = Field(description="The proposal that was made.", examples=[PROPOSAL_ID_EXAMPLE])
    version_no: int | None = Field(description="The version that was made.", ge=1, examples=[1])
    created_by: str = Field(description="The person who submitted the request.", examples=["advisor_1"])
    created_at: Timestamp = Field(description="When it was accepted, UTC.", examples=[TIMESTAMP_EXAMPLE])
    started_at: Timestamp | None = Field(description="When a worker began it, UTC.", examples=[TIMESTAMP_EXAMPLE])
    finished_at: Timestamp | None = Field(description="When it ended, UTC.", examples=[TIMESTAMP_EXAMPLE])
    updated_at: Timestamp = Field(description="When its row last changed, UTC.", examples=[TIMESTAMP_EXAMPLE])
    expires_at: Timestamp | None = Field(
        description="After this time, UTC, the operation may be purged: reads then return 410, later 404. Null while "
        "it is open. The proposal stays.",
        examples=["2026-03-24T12:00:00.000000+00:00"],
    )
    cancelled_by: str | None = Field(
        description="Who cancelled it: the subject of the token, `local` without authentication. Of one that was "
        "cancelled or terminated in the Temporal UI, the identity that Temporal gives, which is not verified.",
        examples=[None],
    )
    retried_by: str | None = Field(
        description="Who made this attempt by retrying the one before; null when a client submitted it.",
        examples=[None],
    )
    progress: BatchProgress | None = Field(description="How far a batch has come; null for others.", examples=[None])
    result: Annotated[CreateResponse | SimulationMade | StoredJson, Stored(OperationResult)] | None = Field(
        None,
        description="What was made, as it was when the operation ended, or a batch's result; null unless SUCCEEDED. "
        "Left out with `include_result=false`.",
    )
    error: OperationErrorBody | None = Field(description="The reason for FAILED; null otherwise.", examples=[None])
    links: OperationLinks = Field(
        description="Addresses of the operation and of what it made.",
        examples=[
            {
                "self": operation_path(OPERATION_ID_EXAMPLE),
                "proposal": None,
                "callbacks": None,
                "runs": None,
                "temporal_ui": None,
            }
        ],
    )

    @classmethod
    def of(cls, operation: Operation, terms: OperationTerms) -> Self:
        """The operation without its result, which `with_result` adds."""
        return cls.from_value(
            operation,
            expires_at=operation.expires_at(terms.retention),
            error=operation.failure,
            links=OperationLinks.of(operation, terms),
        )

    def with_result(self, made: Made | None) -> Self:
        return self.model_copy(update={"result": None if made is None else _result_of(made)})


def _result_of(made: Made) -> CreateResponse | SimulationMade | StoredJson:
    if isinstance(made, CreatedVersion):
        return CreateResponse.as_created(made)
    return SimulationMade.of(made) if isinstance(made, MadeSimulation) else StoredJson(made.text)
