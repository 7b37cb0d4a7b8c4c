"""A proposal's audit trail, computed from answers of the API with the standard library alone."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from builders import a_body, a_version_body

SCRIPT = Path(__file__).parents[2] / "examples" / "verify_trail.py"
broken_link = runpy.run_path(str(SCRIPT))["broken_link"]


def judged(answer: dict) -> tuple[int, list[str]]:
    """The script's exit code and lines."""
    script = [sys.executable, "-I", "-S", str(SCRIPT)]
    ran = subprocess.run(script, input=json.dumps(answer), capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout.splitlines()


@pytest.fixture
async def answer(api, worker) -> dict:
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
    return (await api.get(f"/{proposal_id}/workflow-events")).json()


@pytest.fixture
def events(answer) -> list[dict]:
    return answer["events"]


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


async def test_what_the_answer_says_beside_its_events_must_be_what_they_say(answer):
    events, proposal_id = answer["events"], answer["proposal_id"]
    assert judged(answer) == (0, ["whole"])
    assert judged({"events": events}) == (0, ["whole"])  # as in a pack
    for state in ("EXECUTED", None):
        said = f"current_state is {state}, but the last event leads to REJECTED"
        assert judged(answer | {"current_state": state}) == (1, [said])
    said = "current_state is REJECTED, but the last event leads to RISK_REVIEW"
    assert judged(answer | {"events": events[:-1]}) == (1, [said])
    said = [f"event {event['sequence']} is of {proposal_id}, not of pp_0" for event in events]
    assert judged(answer | {"proposal_id": "pp_0"}) == (1, said)
    assert judged(answer | {"events": []}) == (1, ["there are no events"])
    altered = [events[0] | {"proposal_id": "pp_0"}, *events[1:]]
    assert judged(answer | {"events": altered}) == (
        1,
        ["broken at event 1", f"event 1 is of pp_0, not of {proposal_id}"],
    )


async def test_an_event_shows_the_hash_of_what_it_made(events):
    made = {event["event_type"] for event in events if event["subject_hash"] is not None}
    assert {"CREATED", "NEW_VERSION_CREATED"} <= made
    assert len({event["subject_hash"] for event in events}) == len(events)
