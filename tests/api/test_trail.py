"""A proposal's audit trail, computed from answers of the API with the standard library alone."""

import runpy
from pathlib import Path

import pytest
from builders import a_body, a_version_body

EXAMPLE = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "verify_trail.py"))
broken_link = EXAMPLE["broken_link"]


@pytest.fixture
async def events(api, worker) -> list[dict]:
    created = await api.created(a_body(), **{"X-Correlation-Id": "case-4711"})
    proposal_id = created["proposal"]["proposal_id"]
    version = await api.post(f"/{proposal_id}/versions", a_version_body(), **{"X-Correlation-Id": "case-4712"})
    assert version.status_code == 200
    for reason, step in [
        ({"b": [1, 1.5, None], "a": "\u00fc\u2028\U0001f600", "n": 1e22}, ("SUBMITTED_FOR_RISK_REVIEW", "DRAFT")),
        ({}, ("REJECTED", "RISK_REVIEW")),
    ]:
        sent = {"event_type": step[0], "actor_id": "r\u00e9v", "expected_state": step[1], "reason": reason}
        assert (await api.post(f"/{proposal_id}/transitions", sent)).status_code == 200
    return (await api.get(f"/{proposal_id}/workflow-events")).json()["events"]


async def test_the_chain_is_whole_and_any_change_breaks_it(events):
    assert broken_link(events) is None
    assert [event["reason"] for event in events[:2]] == [
        {"correlation_id": "case-4711"},
        {"correlation_id": "case-4712"},
    ]
    for number, event in enumerate(events):
        for name in event:
            altered = [*events[:number], event | {name: "other"}, *events[number + 1 :]]
            assert broken_link(altered) == number + 1, name
    assert broken_link(events[1:]) == 1
    assert broken_link([events[0], *events[2:]]) == 2


async def test_an_event_shows_the_hash_of_what_it_made(events):
    made = {event["event_type"] for event in events if event["subject_hash"] is not None}
    assert {"CREATED", "NEW_VERSION_CREATED"} <= made
    assert len({event["subject_hash"] for event in events}) == len(events)
