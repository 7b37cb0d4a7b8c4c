"""Compute the hash chain of a proposal's audit trail from the API's answer alone.

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


if __name__ == "__main__":
    broken = broken_link(json.load(sys.stdin)["events"])
    print("whole" if broken is None else f"broken at event {broken}")
    sys.exit(broken is not None)
