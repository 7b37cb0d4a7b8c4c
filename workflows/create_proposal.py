"""Creating a proposal with its first version."""

from functools import partial

from pydantic import ValidationError
from temporalio import workflow

from domain.operation import OperationType
from workflows import steps
from workflows.evidence_making import make_evidence
from workflows.identity import WORKFLOW_TYPES
from workflows.messages import CreateInput, OperationOutcome
from workflows.operation_run import run_operation


# Input that does not validate would otherwise retry the workflow task for ever.
@workflow.defn(name=WORKFLOW_TYPES[OperationType.CREATE_PROPOSAL], failure_exception_types=[ValidationError])
class CreateProposal:
    @workflow.run
    async def run(self, start: CreateInput) -> OperationOutcome:
        return await run_operation(start, partial(make_evidence, start, persist=steps.persist))
