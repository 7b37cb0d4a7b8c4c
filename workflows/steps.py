"""The activities as workflows see them: name, messages, and what is safe to repeat.

The workflow side owns this interface; `activities` implements it under the same names, and a test compares the two.
"""

from temporalio import activity

from workflows.messages import (
    AnalyzeChunksInput,
    AnalyzeChunksResult,
    BuildArtifactInput,
    BuildArtifactResult,
    CheckpointInput,
    CheckpointResult,
    ConcludeBatchInput,
    ConcludeBatchResult,
    DeliverInput,
    DeliverResult,
    FinishInput,
    FinishResult,
    PersistInput,
    PersistResult,
    PurgeInput,
    PurgeResult,
    ReconcileDeliveriesInput,
    ReconcileDeliveriesResult,
    ReconcileInput,
    ReconcileResult,
    SimulateInput,
    SimulateResult,
)


@activity.defn(name="simulate")
async def simulate(step: SimulateInput) -> SimulateResult:
    """Simulate the stored request; a large operation's result is stored. Repeats to the same document."""
    raise _not_here(step)


@activity.defn(name="build_artifact")
async def build_artifact(step: BuildArtifactInput) -> BuildArtifactResult:
    """Build the artifact from request and result; a large operation's is stored. Repeats to the same documents."""
    raise _not_here(step)


@activity.defn(name="persist")
async def persist(step: PersistInput) -> PersistResult:
    """Commit evidence, proposal, version, event and SUCCEEDED at once; on an ended operation only say how it ended."""
    raise _not_here(step)


@activity.defn(name="persist_version")
async def persist_version(step: PersistInput) -> PersistResult:
    """Commit evidence, the locked proposal's next version, event and SUCCEEDED; an ended one only says how it ended."""
    raise _not_here(step)


@activity.defn(name="persist_simulation")
async def persist_simulation(step: PersistInput) -> PersistResult:
    """Adopt the result that the key has already, or store this one under it; on an ended operation only say how."""
    raise _not_here(step)


@activity.defn(name="analyze_chunks")
async def analyze_chunks(step: AnalyzeChunksInput) -> AnalyzeChunksResult:
    """Compute and commit open chunks of a lane for a while; a chunk that is done stays as it is."""
    raise _not_here(step)


@activity.defn(name="conclude_batch")
async def conclude_batch(step: ConcludeBatchInput) -> ConcludeBatchResult:
    """Add up what the chunks came to and commit the end; on an ended operation only say how it ended."""
    raise _not_here(step)


@activity.defn(name="finish")
async def finish(step: FinishInput) -> FinishResult:
    """End the operation FAILED; on an ended operation only say how it ended."""
    raise _not_here(step)


@activity.defn(name="reconcile")
async def reconcile(step: ReconcileInput) -> ReconcileResult:
    """Bring open operations without progress and their workflows together again; safe when run twice at once."""
    raise _not_here(step)


@activity.defn(name="purge")
async def purge(step: PurgeInput) -> PurgeResult:
    """Remove what has been kept for long enough, in short transactions; each is whole, so a repeat just goes on."""
    raise _not_here(step)


@activity.defn(name="checkpoint")
async def checkpoint(step: CheckpointInput) -> CheckpointResult:
    """Store a signed checkpoint of all trails; a repeat stores another one, of a later moment."""
    raise _not_here(step)


@activity.defn(name="reconcile_deliveries")
async def reconcile_deliveries(step: ReconcileDeliveriesInput) -> ReconcileDeliveriesResult:
    """Bring overdue callbacks and their workflows together again; safe when run twice at once."""
    raise _not_here(step)


@activity.defn(name="deliver_callback")
async def deliver_callback(step: DeliverInput) -> DeliverResult:
    """Make one attempt and record it; after a crash in between it is made again (docs/reference/callbacks.md)."""
    raise _not_here(step)


def _not_here(step: object) -> RuntimeError:
    return RuntimeError(f"{type(step).__name__} belongs to an activity worker: workflows call steps through Temporal")
