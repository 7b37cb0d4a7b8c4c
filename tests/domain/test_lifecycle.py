"""The state machine of the contract, every pair of it, and what a decision writes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import NOW, a_proposal, an_operation, some_evidence

from domain.audit import event_hash, subject_hash
from domain.creation import new_version
from domain.errors import (
    ExpectedStateMismatch,
    ExpectedStateRequired,
    FourEyesViolation,
    InsufficientScope,
    InvalidApprovalState,
    InvalidTransition,
    PortfolioContextMismatch,
    ProposalTerminal,
    RelatedVersionUnknown,
    VersionConflict,
)
from domain.lifecycle import (
    OPEN_STATES,
    REVIEW_STEPS,
    TERMINAL_STATES,
    ReviewCommand,
    ReviewRules,
    decide_approval,
    decide_transition,
    needs_second_person,
    refuse_authors,
    reviewed,
)
from domain.operation import Policy
from domain.proposal import ApprovalType, EventType, ProposalState

LEGAL = {
    ("DRAFT", "SUBMITTED_FOR_RISK_REVIEW"): "RISK_REVIEW",
    ("DRAFT", "SUBMITTED_FOR_COMPLIANCE_REVIEW"): "COMPLIANCE_REVIEW",
    ("DRAFT", "CANCELLED"): "CANCELLED",
    ("RISK_REVIEW", "RISK_APPROVED"): "AWAITING_CLIENT_CONSENT",
    ("RISK_REVIEW", "REJECTED"): "REJECTED",
    ("RISK_REVIEW", "CANCELLED"): "CANCELLED",
    ("COMPLIANCE_REVIEW", "COMPLIANCE_APPROVED"): "AWAITING_CLIENT_CONSENT",
    ("COMPLIANCE_REVIEW", "REJECTED"): "REJECTED",
    ("COMPLIANCE_REVIEW", "CANCELLED"): "CANCELLED",
    ("AWAITING_CLIENT_CONSENT", "CLIENT_CONSENT_RECORDED"): "EXECUTION_READY",
    ("AWAITING_CLIENT_CONSENT", "REJECTED"): "REJECTED",
    ("AWAITING_CLIENT_CONSENT", "CANCELLED"): "CANCELLED",
    ("EXECUTION_READY", "EXECUTED"): "EXECUTED",
    ("EXECUTION_READY", "EXPIRED"): "EXPIRED",
    ("EXECUTION_READY", "CANCELLED"): "CANCELLED",
}
DECISIONS = {
    ("RISK_REVIEW", "RISK", True): "RISK_APPROVED",
    ("RISK_REVIEW", "RISK", False): "REJECTED",
    ("COMPLIANCE_REVIEW", "COMPLIANCE", True): "COMPLIANCE_APPROVED",
    ("COMPLIANCE_REVIEW", "COMPLIANCE", False): "REJECTED",
    ("AWAITING_CLIENT_CONSENT", "CLIENT_CONSENT", True): "CLIENT_CONSENT_RECORDED",
    ("AWAITING_CLIENT_CONSENT", "CLIENT_CONSENT", False): "REJECTED",
}
LAX = ReviewRules(require_expected_state=False)
STRICT = ReviewRules(require_expected_state=False, strict_version_binding=True)


def a_command(**changes) -> ReviewCommand:
    command = ReviewCommand(actor_id="reviewer", decisions=frozenset(ApprovalType), reason='{"why":1}')
    return replace(command, **changes)


@pytest.mark.parametrize("event_type", EventType)
@pytest.mark.parametrize("state", ProposalState)
def test_every_pair_of_state_and_event(state, event_type):
    proposal = a_proposal(current_state=state)
    to_state = LEGAL.get((state, event_type))
    if to_state is None:
        with pytest.raises(InvalidTransition):
            decide_transition(proposal, event_type, a_command(), LAX)
    else:
        assert decide_transition(proposal, event_type, a_command(), LAX).to_state == to_state


@pytest.mark.parametrize("approved", [True, False])
@pytest.mark.parametrize("approval_type", ApprovalType)
@pytest.mark.parametrize("state", ProposalState)
def test_every_pair_of_state_and_decision(state, approval_type, approved):
    proposal = a_proposal(current_state=state)
    event_type = DECISIONS.get((state, approval_type, approved))
    if event_type is None:
        with pytest.raises(InvalidApprovalState):
            decide_approval(proposal, approval_type, a_command(), LAX, approved=approved)
    else:
        decision = decide_approval(proposal, approval_type, a_command(), LAX, approved=approved)
        assert decision == decide_transition(proposal, EventType(event_type), a_command(), LAX)
        assert (decision.event_type, decision.approval_type, decision.approved) == (event_type, approval_type, approved)


def test_only_review_and_consent_decisions_are_recorded_as_such():
    for state, event_type in LEGAL:
        decision = decide_transition(a_proposal(current_state=state), EventType(event_type), a_command(), LAX)
        assert (decision.approval_type is not None) == (event_type in DECISIONS.values())


def test_states_are_open_or_terminal():
    assert {state.value for state in TERMINAL_STATES} == {"EXECUTED", "REJECTED", "CANCELLED", "EXPIRED"}
    assert set(ProposalState) == OPEN_STATES | TERMINAL_STATES
    assert REVIEW_STEPS.keys() <= OPEN_STATES


SUBMIT = EventType.SUBMITTED_FOR_RISK_REVIEW


@pytest.mark.parametrize(
    ("rules", "command", "error"),
    [
        (ReviewRules(), a_command(), ExpectedStateRequired),
        (ReviewRules(), a_command(expected_state=ProposalState.RISK_REVIEW), ExpectedStateMismatch),
        (ReviewRules(), a_command(expected_state=ProposalState.DRAFT), None),
        (LAX, a_command(), None),
        (LAX, a_command(expected_state=ProposalState.EXECUTED), ExpectedStateMismatch),
        (LAX, a_command(related_version_no=2), None),
        (LAX, a_command(related_version_no=1), None),
        (LAX, a_command(related_version_no=3), RelatedVersionUnknown),
        (STRICT, a_command(), VersionConflict),
        (STRICT, a_command(related_version_no=1), VersionConflict),
        (STRICT, a_command(related_version_no=99), VersionConflict),
        (STRICT, a_command(related_version_no=2), None),
        (STRICT, a_command(related_version_no=1, expected_state=ProposalState.EXECUTED), ExpectedStateMismatch),
    ],
)
@pytest.mark.parametrize("event_type", [SUBMIT, EventType.EXECUTION_REQUESTED])
def test_the_view_is_checked_before_the_rule(rules, command, error, event_type):
    expected = error or (None if event_type is SUBMIT else InvalidTransition)
    proposal = a_proposal(current_version_no=2)
    if expected is None:
        assert decide_transition(proposal, event_type, command, rules).to_state == "RISK_REVIEW"
    else:
        with pytest.raises(expected):
            decide_transition(proposal, event_type, command, rules)


def test_a_decision_writes_an_event_that_carries_its_approval():
    proposal = a_proposal(current_state=ProposalState.RISK_REVIEW, event_count=4)
    command = a_command(related_version_no=1)
    decision = decide_approval(proposal, ApprovalType.RISK, command, LAX, approved=True)
    at = NOW + timedelta(hours=1)
    written = reviewed(proposal, decision, command, event_id="pwe_1", approval_id="pap_1", at=at)
    event, approval = written.event, written.approval
    assert approval is not None
    assert (approval.details, approval.actor_id, approval.related_version_no) == ('{"why":1}', "reviewer", 1)
    assert approval.occurred_at == event.occurred_at == written.proposal.last_event_at == at
    assert (event.sequence, event.previous_event_hash) == (5, proposal.last_event_hash)
    assert (event.from_state, event.to_state) == ("RISK_REVIEW", "AWAITING_CLIENT_CONSENT")
    assert event.subject_hash == subject_hash(approval)
    assert event.event_hash == event_hash(event) == written.proposal.last_event_hash
    assert (written.proposal.event_count, written.proposal.current_state) == (5, "AWAITING_CLIENT_CONSENT")


def test_an_event_never_comes_before_the_last_one_whatever_the_clock_says():
    proposal = a_proposal()
    decision = decide_transition(proposal, SUBMIT, a_command(), LAX)
    written = reviewed(
        proposal, decision, a_command(), event_id="pwe_1", approval_id="pap_1", at=NOW - timedelta(seconds=1)
    )
    assert written.event.occurred_at == proposal.last_event_at
    assert (written.approval, written.event.subject_hash) == (None, None)


FOUR_EYES = ReviewRules(require_expected_state=False, four_eyes=True)


@pytest.mark.parametrize(("state", "event_type"), LEGAL)
def test_four_eyes_are_for_risk_and_compliance_decisions(state, event_type):
    decision = decide_transition(a_proposal(current_state=state), EventType(event_type), a_command(), FOUR_EYES)
    is_judged = state in ("RISK_REVIEW", "COMPLIANCE_REVIEW") and event_type != "CANCELLED"
    assert needs_second_person(decision, FOUR_EYES) is is_judged
    assert not needs_second_person(decision, LAX)


def test_an_author_is_refused_and_nobody_else():
    authors = frozenset({"advisor_1", "advisor_2"})
    refuse_authors(a_command(), authors=authors)
    for author in authors:
        with pytest.raises(FourEyesViolation):
            refuse_authors(a_command(actor_id=author), authors=authors)


@pytest.mark.parametrize(("state", "event_type"), LEGAL)
def test_a_decision_needs_its_right_and_no_other_event_does(state, event_type):
    proposal = a_proposal(current_state=state)
    without = a_command(decisions=frozenset())
    step = next((row for row in DECISIONS if row[0] == state), None)
    if step is None or event_type not in (DECISIONS[(*step[:2], True)], "REJECTED"):
        assert decide_transition(proposal, EventType(event_type), without, LAX).approval_type is None
        return
    right = ApprovalType(step[1])
    allowed = a_command(decisions=frozenset({right}))
    others = a_command(decisions=frozenset(ApprovalType) - {right})
    assert decide_transition(proposal, EventType(event_type), allowed, LAX).approval_type is right
    for command in (without, others):
        with pytest.raises(InsufficientScope):
            decide_transition(proposal, EventType(event_type), command, LAX)
        with pytest.raises(InsufficientScope):
            decide_approval(proposal, right, command, LAX, approved=event_type != "REJECTED")


def a_version(proposal, *, expected=None, portfolio_id="pf_1", **policy):
    operation = an_operation(
        operation_id="pop_02",
        portfolio_id=portfolio_id,
        created_by="advisor_2",
        expected_version_no=expected,
        policy=Policy(**policy).as_text(),
    )
    return new_version(proposal, operation, some_evidence())


@pytest.mark.parametrize("state", sorted(OPEN_STATES))
def test_a_version_keeps_the_state_unless_reviews_are_of_one_version(state):
    proposal = a_proposal(current_state=state, current_version_no=3, event_count=7)
    created = a_version(proposal, expected=3)
    assert (created.version.version_no, created.proposal.current_version_no) == (4, 4)
    assert (created.event.from_state, created.event.to_state, created.proposal.current_state) == (state, state, state)
    assert (created.event.sequence, created.event.related_version_no) == (8, 4)
    assert created.event.subject_hash == subject_hash(created.version)
    strict = a_version(proposal, strict_version_binding=True)
    assert strict.event.from_state == state
    assert strict.event.to_state == strict.proposal.current_state == "DRAFT"


@pytest.mark.parametrize("state", sorted(TERMINAL_STATES))
def test_what_has_ended_takes_no_version(state):
    with pytest.raises(ProposalTerminal):
        a_version(a_proposal(current_state=state))
    with pytest.raises(VersionConflict):
        a_version(a_proposal(current_state=state), expected=2)


def test_a_version_for_another_portfolio_needs_its_flag():
    with pytest.raises(PortfolioContextMismatch):
        a_version(a_proposal(), portfolio_id="pf_2")
    created = a_version(a_proposal(), portfolio_id="pf_2", allow_portfolio_change_on_new_version=True)
    assert created.proposal.portfolio_id == created.version.portfolio_id == "pf_2"


def test_a_version_that_was_computed_for_long_comes_after_what_happened_meanwhile():
    proposal = a_proposal(last_event_at=NOW + timedelta(seconds=5))
    created = a_version(proposal)
    assert created.version.created_at == NOW
    assert created.event.occurred_at == created.proposal.last_event_at == NOW + timedelta(seconds=5)
