"""The hash chain of a proposal's workflow events: what makes an altered, moved or missing row provable."""

import json
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Final

from domain.canonical import canonical_hash, canonical_text
from domain.proposal import Approval, EventType, Occurrence, Proposal, ProposalState, ProposalVersion, WorkflowEvent
from domain.timestamps import wire_timestamp

FIRST_PREVIOUS_HASH: Final = "sha256:" + "0" * 64


def row_columns(row: Proposal | ProposalVersion | WorkflowEvent | Approval) -> dict[str, Any]:
    """The columns by name, as they are hashed: times in their wire form, the reason of an event as a value."""
    columns = {field.name: _column(getattr(row, field.name)) for field in fields(row)}
    if isinstance(row, WorkflowEvent):
        columns["reason"] = json.loads(row.reason)
    return columns


def subject_hash(row: ProposalVersion | Approval) -> str:
    """Hash of the canonical row of what an event made: every column, documents by their address.

    A version without a client is older than that column, and so is its hash. Its client cannot be added later, nor that
    of another version removed: either gives another hash.
    """
    columns = row_columns(row)
    if isinstance(row, ProposalVersion) and row.client is None:
        del columns["client"]
    return canonical_hash(columns)


def event_hash(event: WorkflowEvent) -> str:
    """Hash of every field of an event but the hash itself."""
    columns = row_columns(event)
    del columns["event_hash"]
    return canonical_hash(columns)


def sealed(event: WorkflowEvent) -> WorkflowEvent:
    """The event with the hash that its other fields demand."""
    return replace(event, event_hash=event_hash(event))


def reason_of_creation(correlation_id: str) -> str:
    """The reason of an event that an operation makes: the id by which its submitter knows it."""
    return canonical_text({"correlation_id": correlation_id})


def created_event(version: ProposalVersion, *, event_id: str, correlation_id: str) -> WorkflowEvent:
    """The first event of a proposal's trail, made by its first version."""
    return sealed(
        WorkflowEvent(
            event_id=event_id,
            proposal_id=version.proposal_id,
            sequence=1,
            event_type=EventType.CREATED,
            from_state=None,
            to_state=ProposalState.DRAFT,
            actor_id=version.created_by,
            occurred_at=version.created_at,
            reason=reason_of_creation(correlation_id),
            related_version_no=version.version_no,
            subject_hash=subject_hash(version),
            previous_event_hash=FIRST_PREVIOUS_HASH,
            event_hash="",
        )
    )


def next_event(proposal: Proposal, occurrence: Occurrence) -> WorkflowEvent:
    """The event that follows the proposal's last one."""
    return sealed(
        WorkflowEvent(
            **{field.name: getattr(occurrence, field.name) for field in fields(occurrence)},
            proposal_id=proposal.proposal_id,
            sequence=proposal.event_count + 1,
            from_state=proposal.current_state,
            previous_event_hash=proposal.last_event_hash,
            event_hash="",
        )
    )


def _column(value: object) -> object:
    return wire_timestamp(value) if isinstance(value, datetime) else value
