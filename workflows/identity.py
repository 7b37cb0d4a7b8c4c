"""Names that several processes must agree on: task queues, workflow ids, search attributes."""

import json
from typing import Final

from temporalio.common import SearchAttributeKey

from domain.operation import OperationType

PROPOSALS_QUEUE: Final = "proposals"
CALLBACKS_QUEUE: Final = "proposal-callbacks"
BATCHES_QUEUE: Final = "proposal-batches"
HOUSEKEEPING_QUEUE: Final = "proposal-housekeeping"

DELIVER_CALLBACK: Final = "DeliverCallback"
RECONCILE_OPERATIONS: Final = "ReconcileOperations"
PURGE_OPERATIONS: Final = "PurgeOperations"
CHECKPOINT_EVIDENCE: Final = "CheckpointEvidence"

RECONCILE_ID: Final = "reconcile-operations"  # of the one workflow, and of the schedule whose pause stops it
PURGE_ID: Final = "purge-operations"
CHECKPOINT_ID: Final = "checkpoint-evidence"

# An operation's workflow is named as its type: ANALYZE_SCENARIOS is AnalyzeScenarios. One is older than the rule.
WORKFLOW_TYPES: Final = {
    **{operation_type: operation_type.title().replace("_", "") for operation_type in OperationType},
    OperationType.CREATE_PROPOSAL_VERSION: "CreateVersion",
}

DELIVER_NOW: Final = "deliver_now"  # the signal that makes the next attempt due

CORRELATION_ID: Final = SearchAttributeKey.for_keyword("CorrelationId")
OPERATION_TYPE: Final = SearchAttributeKey.for_keyword("OperationType")
PORTFOLIO_ID: Final = SearchAttributeKey.for_keyword("PortfolioId")
PROPOSAL_ID: Final = SearchAttributeKey.for_keyword("ProposalId")
CREATED_BY: Final = SearchAttributeKey.for_keyword("CreatedBy")
SEARCH_ATTRIBUTES: Final = (CORRELATION_ID, OPERATION_TYPE, PORTFOLIO_ID, PROPOSAL_ID, CREATED_BY)

MAX_ATTRIBUTE_LENGTH: Final = 200  # characters
MAX_ATTRIBUTE_BYTES: Final = 2_000  # as ASCII JSON; the server refuses a start with a value over 2,048


def workflow_id_of(operation_id: str) -> str:
    """An operation's workflow has the operation's own id, so that either is found from the other."""
    return operation_id


def delivery_workflow_id_of(operation_id: str) -> str:
    """The id of the workflow that delivers an operation's callback."""
    return f"callback-{operation_id}"


def attribute_text(text: str) -> str:
    """A client's text as a search attribute: cut, without control characters."""
    if len(text) <= MAX_ATTRIBUTE_LENGTH and text.isascii() and text.isprintable():
        return text  # nearly all are: a start calls this 17 times
    kept = "".join(character for character in text if character.isprintable())[:MAX_ATTRIBUTE_LENGTH]
    while len(json.dumps(kept)) > MAX_ATTRIBUTE_BYTES:
        kept = kept[:-1]
    return kept
