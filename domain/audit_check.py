"""Checks of the stored evidence of a proposal: its chain, and the rows whose hashes the chain holds."""

import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from domain.audit import FIRST_PREVIOUS_HASH, event_hash, subject_hash
from domain.canonical import canonical_text
from domain.ids import derived_id
from domain.proposal import Approval, EventType, Proposal, ProposalVersion, WorkflowEvent

VERSION_EVENTS: Final = (EventType.CREATED, EventType.NEW_VERSION_CREATED)
ALTERED: Final = "is not what its hash says"
MISSING: Final = "is missing"
UNMADE: Final = "was made by no event"


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Everything about one proposal, as of one moment; events by sequence."""

    proposal: Proposal
    versions: Sequence[ProposalVersion]
    events: Sequence[WorkflowEvent]
    approvals: Sequence[Approval]


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokenRow:
    """A row that is not as it was written; `row` is its id, or its place in the trail when it is gone.

    Of what protects the rows in the database, `row` names the trigger, key or role that is not as migrations left it.
    """

    table: str
    row: str
    proposal_id: str | None = None
    reason: str

    def __str__(self) -> str:
        of_proposal = "" if self.proposal_id in (None, self.row) else f" of {self.proposal_id}"
        return f"{self.table} {self.row}{of_proposal} {self.reason}"


def broken_rows(evidence: Evidence) -> Iterator[BrokenRow]:
    """Every row that contradicts the chain; nothing for a proposal that is as it was written."""
    altered = yield from _broken_events(evidence)
    yield from _broken_subjects(evidence, altered)
    yield from _broken_proposal(evidence, altered)


def _broken_events(evidence: Evidence) -> Generator[BrokenRow, None, set[str]]:
    """Returns the ids of the altered events: their statements about other rows are ignored."""
    altered: set[str] = set()
    previous_hash, next_sequence = FIRST_PREVIOUS_HASH, 1
    for event in evidence.events:
        if event.sequence > next_sequence:
            yield _broken(evidence, "workflow_events", gap(next_sequence, event.sequence - 1), MISSING)
        if not _is_intact(event):
            altered.add(event.event_id)
            yield _broken(evidence, "workflow_events", event.event_id, ALTERED)
        elif event.sequence == next_sequence and event.previous_event_hash != previous_hash:
            yield _broken(evidence, "workflow_events", event.event_id, "does not follow the event before it")
        previous_hash, next_sequence = event.event_hash, event.sequence + 1
    if evidence.proposal.event_count >= next_sequence and not _ends_with_last_event(evidence):
        yield _broken(evidence, "workflow_events", gap(next_sequence, evidence.proposal.event_count), MISSING)
    return altered


def _ends_with_last_event(evidence: Evidence) -> bool:
    """Whether the trail ends with the event that the proposal's row calls its last, whatever it counts."""
    return bool(evidence.events) and evidence.events[-1].event_hash == evidence.proposal.last_event_hash


def gap(first: int, last: int) -> str:
    """A gap is one line, however far the number after it was moved."""
    return f"number {first}" if first == last else f"numbers {first} to {last}"


def _is_intact(event: WorkflowEvent) -> bool:
    """The hash is of the reason's values; its text may be no other than the canonical one of these."""
    try:
        return canonical_text(json.loads(event.reason)) == event.reason and event_hash(event) == event.event_hash
    except (ValueError, RecursionError):  # its reason is JSON no longer
        return False


def _broken_subjects(evidence: Evidence, altered: set[str]) -> Iterator[BrokenRow]:
    versions = {version.proposal_version_id: version for version in evidence.versions}
    approvals = {approval.approval_id: approval for approval in evidence.approvals}
    made: set[str] = set()
    for event in evidence.events:
        is_version = event.event_type in VERSION_EVENTS
        row_id = derived_id("ppv" if is_version else "pap", event.event_id)
        row = versions.get(row_id) if is_version else approvals.get(row_id)
        made.add(row_id)
        if event.event_id in altered:
            continue
        table = "proposal_versions" if is_version else "approvals"
        if event.subject_hash is None:
            made.discard(row_id)
        elif row is None:
            yield _broken(evidence, table, row_id, MISSING)
        elif subject_hash(row) != event.subject_hash:
            yield _broken(evidence, table, row_id, ALTERED)
    for row_id in versions.keys() - made:
        yield _broken(evidence, "proposal_versions", row_id, UNMADE)
    for row_id in approvals.keys() - made:
        yield _broken(evidence, "approvals", row_id, UNMADE)


def _broken_proposal(evidence: Evidence, altered: set[str]) -> Iterator[BrokenRow]:
    """The proposal's row repeats what its trail and versions say; where those are broken themselves it is spared."""
    proposal, events = evidence.proposal, evidence.events
    is_counted = [event.sequence for event in events] == list(range(1, len(events) + 1))
    if not events or not is_counted or proposal.event_count != len(events) or altered:
        if proposal.event_count < len(events):
            yield _broken(evidence, "proposals", proposal.proposal_id, "counts fewer events than there are")
        elif _ends_with_last_event(evidence) and proposal.event_count > events[-1].sequence:
            yield _broken(evidence, "proposals", proposal.proposal_id, "counts more events than there are")
        return
    last = events[-1]
    versions = {version.version_no: version for version in evidence.versions}
    numbers = [event.related_version_no for event in events if event.event_type in VERSION_EVENTS]
    first, current = versions.get(1), versions.get(proposal.current_version_no)
    said: dict[str, tuple[object, object]] = {
        "last_event_hash": (proposal.last_event_hash, last.event_hash),
        "last_event_at": (proposal.last_event_at, last.occurred_at),
        "current_state": (proposal.current_state, last.to_state),
        "current_version_no": (proposal.current_version_no, numbers[-1] if numbers else None),
    }
    if first is not None:
        said["created_at"] = (proposal.created_at, first.created_at)
        said["created_by"] = (proposal.created_by, first.created_by)
    if current is not None:
        said["portfolio_id"] = (proposal.portfolio_id, current.portfolio_id)
    for column, (stored, expected) in said.items():
        if stored != expected:
            yield _broken(evidence, "proposals", proposal.proposal_id, f"has another {column} than its trail says")


def _broken(evidence: Evidence, table: str, row: str, reason: str) -> BrokenRow:
    return BrokenRow(table=table, row=row, proposal_id=evidence.proposal.proposal_id, reason=reason)
