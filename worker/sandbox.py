"""The modules that workflow code shares with the worker's process."""

from typing import Final

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

# Deterministic by contract and costly to import anew for each workflow. Modules that define workflows are never listed:
# passed through, they would run outside the determinism check.
PASSED_THROUGH: Final = (
    "domain",
    "pydantic",
    "pydantic_core",
    "workflows.identity",
    "workflows.messages",
    "workflows.policies",
    "workflows.steps",
)


def sandboxed_runner() -> SandboxedWorkflowRunner:
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))
