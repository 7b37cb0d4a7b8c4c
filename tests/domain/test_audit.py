from dataclasses import fields, replace
from datetime import timedelta

import pytest
from builders import a_locked_operation, some_evidence

from domain.audit import FIRST_PREVIOUS_HASH, event_hash, subject_hash
from domain.creation import new_proposal
from domain.proposal import ProposalVersion, WorkflowEvent

CREATED = new_proposal(
    a_locked_operation(metadata='{"advisor_notes":null,"jurisdiction":"SG","mandate_id":null,"title":"T"}'),
    some_evidence(gate_decision="{}"),
)


def changed(value, name):
    old = getattr(value, name)
    if isinstance(old, bool):
        return not old
    if isinstance(old, int):
        return old + 1
    if hasattr(old, "isoformat"):
        return old + timedelta(microseconds=1)
    if name == "reason":
        return '{"a":1}'
    return "other" if old is None else f"{old}x"


def test_the_first_event_begins_the_chain():
    event = CREATED.event
    assert event.previous_event_hash == FIRST_PREVIOUS_HASH == "sha256:" + "0" * 64
    assert event.subject_hash == subject_hash(CREATED.version)
    assert event.event_hash == event_hash(event) == CREATED.proposal.last_event_hash
    assert (event.sequence, CREATED.proposal.event_count) == (1, 1)
    assert {CREATED.proposal.proposal_id, CREATED.version.proposal_id, event.proposal_id} == {"pp_01"}
    assert (CREATED.version.proposal_version_id, event.event_id) == ("ppv_01", "pwe_01")


@pytest.mark.parametrize("name", [field.name for field in fields(WorkflowEvent) if field.name != "event_hash"])
def test_a_change_of_any_field_of_an_event_shows_in_its_hash(name):
    assert event_hash(replace(CREATED.event, **{name: changed(CREATED.event, name)})) != CREATED.event.event_hash


@pytest.mark.parametrize("name", [field.name for field in fields(ProposalVersion)])
def test_a_change_of_any_column_of_a_version_shows_in_its_subject_hash(name):
    altered = replace(CREATED.version, **{name: changed(CREATED.version, name)})
    assert subject_hash(altered) != CREATED.event.subject_hash
