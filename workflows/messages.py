"""The messages that go through Temporal: ids, hashes and codes, never a document."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class OfOperation(Message):
    """A message about one operation."""

    operation_id: str


class AnalyzeInput(OfOperation):
    """Start of `AnalyzeScenarios`: so many lanes share the chunks of the batch.

    The other fields are what an operator looks for on the workflow's page; no step reads them.
    """

    lanes: int
    is_large: bool = True
    portfolio_id: str | None = None
    created_by: str | None = None
    correlation_id: str | None = None
    public_url: str | None = None


class CreateInput(OfOperation):
    """Start of `CreateProposal`, `CreateVersion` and `SimulateProposal`.

    `is_large` chooses normal activities from the first step on. The ids behind it are what an operator looks for first
    on the workflow's page; no step reads them. `public_url` is for the links there: a workflow may not read settings,
    which can change between its run and a replay.
    """

    is_large: bool
    portfolio_id: str | None = None
    created_by: str | None = None
    correlation_id: str | None = None
    proposal_id: str | None = None
    public_url: str | None = None


class RunCounts(Message):
    """The runs of a batch; `failures` counts the failed ones by code."""

    total: int
    succeeded: int
    failed: int
    failures: dict[str, int] = {}


class OperationOutcome(OfOperation):
    """The end of an operation as its row records it; also the workflow's result, with a `note` for operators."""

    status: Literal["SUCCEEDED", "FAILED"]
    proposal_id: str | None = None
    version_no: int | None = None
    simulation_status: str | None = None
    artifact_hash: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    note: str | None = None
    has_callback: bool = False
    runs: RunCounts | None = None


class SimulateInput(OfOperation):
    is_large: bool


class SimulateResult(Message):
    """`ended` is set when the operation had ended before the step came, and then nothing else is."""

    ended: OperationOutcome | None = None
    result_document: str | None = None
    simulation_status: str | None = None
    simulation_hash: str | None = None


class BuildArtifactInput(OfOperation):
    is_large: bool


class BuildArtifactResult(Message):
    """`ended` is set when the operation had ended before the step came, and then nothing else is."""

    ended: OperationOutcome | None = None
    inputs_document: str | None = None
    artifact_document: str | None = None
    artifact_hash: str | None = None


class PersistInput(OfOperation):
    """The step takes nothing else over: the worker has made the documents that it commits, or the row has them."""


class PersistResult(Message):
    outcome: OperationOutcome


class AnalyzeChunksInput(OfOperation):
    """Lane `lane` of `lanes` has the chunks whose number leaves that remainder; a turn takes about so many seconds."""

    lane: int
    lanes: int
    seconds: float = 10.0


class AnalyzeChunksResult(Message):
    """`is_done` when nothing is left in the lane, or the operation has ended."""

    is_done: bool


class ConcludeBatchInput(OfOperation):
    """The step takes nothing else over: the rows have the numbers that it adds up."""


class ConcludeBatchResult(Message):
    """No outcome when chunks are left, although a lane has said otherwise."""

    outcome: OperationOutcome | None = None


class FinishInput(OfOperation):
    """`error_code` is the wire's class name, `error_message` the contract's text."""

    error_code: str
    error_message: str


class FinishResult(Message):
    outcome: OperationOutcome


class ReconcileInput(Message):
    """`idle_seconds`: how long an open operation may go without progress before reconcile looks at its workflow."""

    idle_seconds: float = 30.0
    batch_size: int = 200


class HousekeepingInput(Message):
    """Start of `ReconcileOperations`, `PurgeOperations` and `CheckpointEvidence`: nothing to set wrong by hand."""


class ReconcileResult(Message):
    """Counts: rows looked at, workflows started again, operations ended, workflows cancelled after their operations.

    `is_paused`: an operator has paused the schedule `reconcile-operations`, and nothing more was looked at.
    """

    examined: int = 0
    restarted: int = 0
    ended: int = 0
    cancelled: int = 0
    is_paused: bool = False

    def plus(self, other: "ReconcileResult") -> "ReconcileResult":
        return ReconcileResult(
            examined=self.examined + other.examined,
            restarted=self.restarted + other.restarted,
            ended=self.ended + other.ended,
            cancelled=self.cancelled + other.cancelled,
            is_paused=self.is_paused or other.is_paused,
        )


class CheckpointInput(Message):
    """Nothing to set."""


class CheckpointResult(Message):
    """The checkpoint that was stored: its number, its root, and how many proposals it saw and found changed.

    The history of its workflow is a second place that has the root.
    """

    checkpoint_no: int
    root: str
    proposals: int
    changed: int


class PurgeInput(Message):
    """`seconds`: how long one run of the step may go on before it says how far it came."""

    seconds: float = 20.0


class PurgeResult(Message):
    """Rows removed by kind, `is_done` when nothing more was due."""

    operations: int = 0
    keys: int = 0
    tombstones: int = 0
    simulations: int = 0
    documents: int = 0
    is_done: bool = True


class DeliverCallbackInput(OfOperation):
    """Start of `DeliverCallback`; `attempts` is how many were recorded before this run."""

    attempts: int = 0


class DeliverInput(OfOperation):
    """`attempts` is how many the workflow knows of, `jitter` a number between 0 and 1 that spreads the next one.

    Fewer than the row knows of make no attempt, and say what the row says.
    """

    attempts: int
    jitter: float


class DeliverResult(Message):
    """The state of a delivery; also the workflow's result.

    HOST_BUSY is no attempt: the receiver's host has all the places that it gets. `status_code` and `error` are of the
    last attempt, `retry_seconds` is set while the delivery is PENDING.
    """

    state: Literal["DELIVERED", "FAILED", "PENDING", "HOST_BUSY"]
    attempts: int
    host: str | None = None
    status_code: int | None = None
    error: str | None = None
    retry_seconds: float = 0.0


class ReconcileDeliveriesInput(Message):
    """`overdue_seconds`: how long a due attempt may be missing before reconcile looks at its workflow."""

    overdue_seconds: float = 60.0
    batch_size: int = 200


class ReconcileDeliveriesResult(Message):
    """Counts of one batch: deliveries looked at, workflows started again, deliveries given up."""

    examined: int
    restarted: int
    failed: int
