"""The review of a proposal as data: which event leads from which state to which, and which decision it records."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

from domain.access import DECISION_SCOPES
from domain.audit import next_event, subject_hash
from domain.errors import (
    ExpectedStateMismatch,
    ExpectedStateRequired,
    FourEyesViolation,
    InsufficientScope,
    InvalidApprovalState,
    InvalidTransition,
    RelatedVersionUnknown,
    VersionConflict,
)
from domain.proposal import Approval, ApprovalType, EventType, Occurrence, Proposal, ProposalState, WorkflowEvent

TERMINAL_STATES: Final = frozenset(
    {ProposalState.EXECUTED, ProposalState.REJECTED, ProposalState.CANCELLED, ProposalState.EXPIRED}
)
OPEN_STATES: Final = frozenset(ProposalState) - TERMINAL_STATES


class ReviewStep(NamedTuple):
    """The decision that a state waits for, and the event of an approval; a refusal is REJECTED."""

    approval_type: ApprovalType
    approved: EventType


REVIEW_STEPS: Final[Mapping[ProposalState, ReviewStep]] = {
    ProposalState.RISK_REVIEW: ReviewStep(ApprovalType.RISK, EventType.RISK_APPROVED),
    ProposalState.COMPLIANCE_REVIEW: ReviewStep(ApprovalType.COMPLIANCE, EventType.COMPLIANCE_APPROVED),
    ProposalState.AWAITING_CLIENT_CONSENT: ReviewStep(ApprovalType.CLIENT_CONSENT, EventType.CLIENT_CONSENT_RECORDED),
}
TRANSITIONS: Final[Mapping[tuple[ProposalState, EventType], ProposalState]] = {
    (ProposalState.DRAFT, EventType.SUBMITTED_FOR_RISK_REVIEW): ProposalState.RISK_REVIEW,
    (ProposalState.DRAFT, EventType.SUBMITTED_FOR_COMPLIANCE_REVIEW): ProposalState.COMPLIANCE_REVIEW,
    (ProposalState.RISK_REVIEW, EventType.RISK_APPROVED): ProposalState.AWAITING_CLIENT_CONSENT,
    (ProposalState.RISK_REVIEW, EventType.REJECTED): ProposalState.REJECTED,
    (ProposalState.COMPLIANCE_REVIEW, EventType.COMPLIANCE_APPROVED): ProposalState.AWAITING_CLIENT_CONSENT,
    (ProposalState.COMPLIANCE_REVIEW, EventType.REJECTED): ProposalState.REJECTED,
    (ProposalState.AWAITING_CLIENT_CONSENT, EventType.CLIENT_CONSENT_RECORDED): ProposalState.EXECUTION_READY,
    (ProposalState.AWAITING_CLIENT_CONSENT, EventType.REJECTED): ProposalState.REJECTED,
    (ProposalState.EXECUTION_READY, EventType.EXECUTED): ProposalState.EXECUTED,
    (ProposalState.EXECUTION_READY, EventType.EXPIRED): ProposalState.EXPIRED,
    **{(state, EventType.CANCELLED): ProposalState.CANCELLED for state in OPEN_STATES},
}


def allowed_events(state: ProposalState) -> tuple[EventType, ...]:
    """The events that a client can record in this state."""
    return tuple(event_type for event_type in EventType if (state, event_type) in TRANSITIONS)


# Decisions about the author's work. A consent is the bank customer's own decision, which an author may record.
SEPARATED: Final = frozenset({ApprovalType.RISK, ApprovalType.COMPLIANCE})


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewRules:
    """The flags that reviews obey."""

    require_expected_state: bool = True
    strict_version_binding: bool = False
    four_eyes: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewCommand:
    """The actor, the decisions that the actor may take, and the state and version that the actor saw.

    `reason` is canonical JSON text.
    """

    actor_id: str
    reason: str
    decisions: frozenset[ApprovalType]
    related_version_no: int | None = None
    expected_state: ProposalState | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The effect of a command; `approval_type` is None unless it is a review or consent decision."""

    event_type: EventType
    to_state: ProposalState
    approval_type: ApprovalType | None
    approved: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Reviewed:
    """The rows that a decision makes: the changed proposal, the event, and the approval if it is one."""

    proposal: Proposal
    event: WorkflowEvent
    approval: Approval | None


def decide_transition(
    proposal: Proposal, event_type: EventType, command: ReviewCommand, rules: ReviewRules
) -> Decision:
    """Raises the first that holds of ExpectedStateRequired, ExpectedStateMismatch, VersionConflict,
    RelatedVersionUnknown, InvalidTransition and InsufficientScope.
    """
    _check_view(proposal, command, rules)
    if (proposal.current_state, event_type) not in TRANSITIONS:
        raise InvalidTransition(proposal.current_state, allowed_events(proposal.current_state))
    return _decided(proposal, event_type, command)


def decide_approval(
    proposal: Proposal, approval_type: ApprovalType, command: ReviewCommand, rules: ReviewRules, *, approved: bool
) -> Decision:
    """Raises as `decide_transition`, with InvalidApprovalState when the proposal waits for no such decision."""
    _check_view(proposal, command, rules)
    step = REVIEW_STEPS.get(proposal.current_state)
    if step is None or step.approval_type is not approval_type:
        raise InvalidApprovalState(proposal.current_state, allowed_events(proposal.current_state))
    return _decided(proposal, step.approved if approved else EventType.REJECTED, command)


def _decided(proposal: Proposal, event_type: EventType, command: ReviewCommand) -> Decision:
    """A possible event. Raises InsufficientScope for a review or consent decision that the actor may not take.

    Which decision a REJECTED is depends on the state, so this is checked on the locked proposal.
    """
    step = REVIEW_STEPS.get(proposal.current_state)
    is_decision = step is not None and event_type in (step.approved, EventType.REJECTED)
    approval_type = step.approval_type if step is not None and is_decision else None
    if approval_type is not None and approval_type not in command.decisions:
        raise InsufficientScope([DECISION_SCOPES[approval_type]])
    return Decision(
        event_type=event_type,
        to_state=TRANSITIONS[proposal.current_state, event_type],
        approval_type=approval_type,
        approved=step is not None and event_type is step.approved,
    )


def needs_second_person(decision: Decision, rules: ReviewRules) -> bool:
    """Whether authors are barred from this decision."""
    return rules.four_eyes and decision.approval_type in SEPARATED


def refuse_authors(command: ReviewCommand, *, authors: frozenset[str]) -> None:
    """`authors` created the proposal or its current version. Raises FourEyesViolation when one of them decides."""
    if command.actor_id in authors:
        raise FourEyesViolation


def reviewed(
    proposal: Proposal, decision: Decision, command: ReviewCommand, *, event_id: str, approval_id: str, at: datetime
) -> Reviewed:
    """The rows of a decision taken at this moment; never before the proposal's last event, whatever the clock says."""
    occurred_at = max(at, proposal.last_event_at)
    approval = None
    if decision.approval_type is not None:
        approval = Approval(
            approval_id=approval_id,
            proposal_id=proposal.proposal_id,
            event_id=event_id,
            approval_type=decision.approval_type,
            approved=decision.approved,
            actor_id=command.actor_id,
            occurred_at=occurred_at,
            details=command.reason,
            related_version_no=command.related_version_no,
        )
    event = next_event(
        proposal,
        Occurrence(
            event_id=event_id,
            event_type=decision.event_type,
            to_state=decision.to_state,
            actor_id=command.actor_id,
            occurred_at=occurred_at,
            reason=command.reason,
            related_version_no=command.related_version_no,
            subject_hash=None if approval is None else subject_hash(approval),
        ),
    )
    return Reviewed(proposal=with_event(proposal, event), event=event, approval=approval)


def with_event(proposal: Proposal, event: WorkflowEvent) -> Proposal:
    """The proposal after its next event: the tail of its trail is pinned in its row."""
    return replace(
        proposal,
        current_state=event.to_state,
        last_event_at=event.occurred_at,
        event_count=event.sequence,
        last_event_hash=event.event_hash,
    )


def _check_view(proposal: Proposal, command: ReviewCommand, rules: ReviewRules) -> None:
    """Refuse an actor who saw another state or version of the proposal."""
    state = proposal.current_state
    if command.expected_state is None:
        if rules.require_expected_state:
            raise ExpectedStateRequired(state, allowed_events(state))
    elif command.expected_state is not state:
        raise ExpectedStateMismatch(state, allowed_events(state))
    if rules.strict_version_binding:
        if command.related_version_no != proposal.current_version_no:
            raise VersionConflict
    elif command.related_version_no is not None and command.related_version_no > proposal.current_version_no:
        raise RelatedVersionUnknown  # versions have no gaps, so those up to the current one exist
