"""Compute the hash chain of a proposal's audit trail from the API's answer alone, and judge the answer by it.

curl -sS .../rebalance/proposals/pp_.../workflow-events | python examples/verify_trail.py
"""

import hashlib
import json
import sys


def broken_link(events: list[dict]) -> int | None:
    """The sequence of the first event whose hash or place in the chain is wrong; None for a whole chain."""
    previous = "sha256:" + "0" * 64
    for sequence, event in enumerate(events, start=1):
        hashed = {name: value for name, value in event.items() if name != "event_hash"}
        text = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        computed = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        if (event["sequence"], event["previous_event_hash"], event["event_hash"]) != (sequence, previous, computed):
            return sequence
        previous = computed
    return None


def differences(answer: dict) -> list[str]:
    """What the answer says beside its events, and they do not; `events.json` of a pack says nothing more."""
    events = answer["events"]
    if not events:
        return ["there are no events"]
    state, proposal_id = events[-1]["to_state"], answer.get("proposal_id", events[0]["proposal_id"])
    others = [event for event in events if event["proposal_id"] != proposal_id]
    found = [f"event {event['sequence']} is of {event['proposal_id']}, not of {proposal_id}" for event in others]
    if answer.get("current_state", state) != state:
        found.append(f"current_state is {answer['current_state']}, but the last event leads to {state}")
    return found


if __name__ == "__main__":
    trail = json.load(sys.stdin)
    broken = broken_link(trail["events"])
    faults = [] if broken is None else [f"broken at event {broken}"]
    faults += differences(trail)
    print("\n".join(faults or ["whole"]))
    sys.exit(bool(faults))
