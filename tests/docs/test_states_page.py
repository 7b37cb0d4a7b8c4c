"""docs/reference/states.md has every state and every event, and its arrows are those of the code."""

import re

import pytest
from page_tables import Row, first_codes, page_of, plain, rows, section

from api.callbacks import CallbackStatus
from api.documents.result import SimulationStatus
from api.reviews import EVENT_SCOPES
from api.wire import TerminalStatus
from domain.access import DECISION_SCOPES, Scope
from domain.lifecycle import OPEN_STATES, REVIEW_STEPS, SEPARATED, TERMINAL_STATES, TRANSITIONS
from domain.operation import OperationStatus
from domain.proposal import EventType, ProposalState

PAGE = page_of("reference/states.md")
STATES, EVENTS = section(PAGE, "Proposals").split("\n### ")[:2]
SENT, MADE = EVENTS.split("Three events of the trail")


def literal(alias) -> list[str]:
    return list(alias.__value__.__args__)


def arrows(text: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^    (\S+) --> (\S+?)(?::.*)?$", text, re.MULTILINE))


def expected_row(from_state: ProposalState, event: EventType) -> Row:
    step = REVIEW_STEPS.get(from_state)
    is_decision = step is not None and event in (step.approved, EventType.REJECTED)
    kind = step.approval_type if is_decision else None
    decision = "" if kind is None else f"{kind}, {'approved' if event is step.approved else 'refused'}"
    scope = Scope.PROPOSALS_WRITE if kind is None else DECISION_SCOPES[kind]
    assert scope in EVENT_SCOPES.get(event, {Scope.PROPOSALS_WRITE})
    return [from_state, event, TRANSITIONS[from_state, event], decision, scope, "yes" if kind in SEPARATED else ""]


def test_the_events_of_the_review_are_those_of_the_state_machine():
    shown = [[plain(cell) for cell in row] for row in rows(SENT)]
    anywhere = [row for row in shown if row[0] == "any open state"]
    expanded = [row for row in shown if row not in anywhere]
    expanded += [[state, *row[1:]] for row in anywhere for state in OPEN_STATES]
    assert sorted(expanded) == sorted(expected_row(*transition) for transition in TRANSITIONS)


def test_every_other_event_is_said_to_be_made_by_the_service():
    assert set(first_codes(MADE)) == set(EventType) - {event for _, event in TRANSITIONS}


def test_the_picture_of_the_review_is_the_state_machine():
    moves = {(state.value, to.value) for (state, _), to in TRANSITIONS.items() if to is not ProposalState.CANCELLED}
    assert arrows(STATES) == moves | {("[*]", "DRAFT")}


def test_no_arrow_leaves_an_operation_that_has_ended():
    drawn = arrows(section(PAGE, "Operations"))
    ended = {status.value for status in OperationStatus if status.is_terminal}
    assert {start for start, _ in drawn}.isdisjoint(ended)
    assert {end for _, end in drawn} == set(OperationStatus)


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("Operations", list(OperationStatus)),
        ("Runs of a batch", literal(TerminalStatus)),
        ("Callbacks", literal(CallbackStatus)),
        ("Simulations", literal(SimulationStatus)),
        ("Proposals", list(ProposalState)),
    ],
)
def test_each_table_has_all_values(heading, values):
    text = STATES if heading == "Proposals" else section(PAGE, heading)
    assert first_codes(text) == values
    one_row = next(row for row in rows(PAGE) if f"(#{heading.lower().replace(' ', '-')})" in row[0])
    assert re.findall(r"`([^`]+)`", one_row[2]) == values


def test_final_states_are_said_to_be_final():
    final = [plain(row[0]) for row in rows(STATES) if row[2] == "yes"]
    assert set(final) == TERMINAL_STATES
