"""The step that takes checkpoints, with its key and without."""

import pytest
from evidence_keys import a_key
from prometheus_client import CollectorRegistry
from storage_rows import a_created_proposal
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.checkpoint import CheckpointStep
from activities.metrics import WorkerMetrics
from storage.unit_of_work import Storage
from workflows.messages import CheckpointInput, CheckpointResult


async def test_it_stores_a_checkpoint_and_says_which(storage: Storage):
    await a_created_proposal(storage)
    step = CheckpointStep(storage, a_key()).checkpoint
    said = await ActivityEnvironment().run(step, CheckpointInput())
    async with storage.snapshot() as reader:
        stored = await reader.checkpoints.last()
    assert stored is not None
    assert stored.is_signed()
    assert said == CheckpointResult(checkpoint_no=1, root=stored.root, proposals=1, changed=1)
    assert (await ActivityEnvironment().run(step, CheckpointInput())).checkpoint_no == 2


async def test_without_a_key_it_leaves_the_work_to_a_worker_that_has_one(storage: Storage):
    with pytest.raises(ApplicationError, match="PROPOSAL_EVIDENCE_KEY") as refused:
        await ActivityEnvironment().run(CheckpointStep(storage, None).checkpoint, CheckpointInput())
    assert (refused.value.type, refused.value.non_retryable) == ("NoEvidenceKey", False)


@pytest.mark.parametrize("has_key", [True, False])
def test_a_worker_says_whether_it_has_the_key(has_key):
    registry = CollectorRegistry()
    WorkerMetrics(registry, signs_evidence=has_key)
    assert registry.get_sample_value("proposals_evidence_key_configured") == has_key
