"""Step `checkpoint`: sign where all trails end."""

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.boundary import boundary
from domain.evidence_key import EvidenceKey
from services.checkpoints import take_checkpoint
from storage.unit_of_work import Storage
from workflows.messages import CheckpointInput, CheckpointResult

log = structlog.get_logger(__name__)


class CheckpointStep:
    def __init__(self, storage: Storage, key: EvidenceKey | None) -> None:
        self._storage = storage
        self._key = key

    @activity.defn(name="checkpoint")
    @boundary
    async def checkpoint(self, step: CheckpointInput) -> CheckpointResult:  # noqa: ARG002 -- as the stub names it
        if self._key is None:
            # Another worker may have it, as during a deployment that introduces it.
            raise ApplicationError("this worker has no PROPOSAL_EVIDENCE_KEY", type="NoEvidenceKey")
        taken = await take_checkpoint(self._storage, self._key)
        log.info("checkpoint_taken", checkpoint_no=taken.checkpoint_no, root=taken.root, changed=taken.changed)
        return CheckpointResult(
            checkpoint_no=taken.checkpoint_no, root=taken.root, proposals=taken.proposals, changed=taken.changed
        )
