"""Every process is killed many times, under load: nothing is lost, nothing is done twice, nothing is stuck.

`make chaos` is the long form. CHAOS_SECONDS, CHAOS_RATE and CHAOS_SEED say how long, how much, and which moments.
"""

import json
import os
import random
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from batches import undisturbed_hash
from chaos import A_BATCH, Kills, Load, longest_until_ended
from receiver import Receiver
from running_service import Service, running
from waiting import PATIENCE_SECONDS

from domain.batch.running import RunIdentity

SECONDS = float(os.environ.get("CHAOS_SECONDS", "20"))
RATE = float(os.environ.get("CHAOS_RATE", "5"))
SEED = int(os.environ.get("CHAOS_SEED", str(random.randrange(10**6))))  # noqa: S311 -- moments, not secrets
KILLS = 30 if SECONDS >= 300 else 8
KILLS_EACH = 5 if SECONDS >= 300 else 2
RECOVERY_SECONDS = 15.0 if SECONDS >= 300 else PATIENCE_SECONDS  # CI shares its cores: there nothing may hang
CALLBACK_SECONDS = PATIENCE_SECONDS  # an attempt that its worker took into its grave is due again a minute later

MADE = """
SELECT o.idempotency_key, o.operation_id, count(DISTINCT p.proposal_id), count(DISTINCT v.version_no),
    count(DISTINCT e.sequence), min(p.event_count)
FROM operations o
LEFT JOIN proposals p ON p.proposal_id = o.proposal_id
LEFT JOIN proposal_versions v ON v.proposal_id = o.proposal_id
LEFT JOIN workflow_events e ON e.proposal_id = o.proposal_id
GROUP BY o.idempotency_key, o.operation_id
"""


@pytest.fixture
def service(tmp_path: Path, migrated: Path) -> Iterator[Service]:
    with running(Service(tmp_path, migrated)) as service:
        yield service


BATCHES = """
SELECT idempotency_key, correlation_id, operation_id FROM operations WHERE operation_type = 'ANALYZE_SCENARIOS'
"""
COUNTED = """
SELECT o.runs_total, o.runs_succeeded, o.runs_failed, count(*), count(c.done_at), sum(c.succeeded)
FROM operations o JOIN batch_chunks c USING (operation_id) GROUP BY o.operation_id
"""


@pytest.mark.timeout(SECONDS * 3 + 3 * PATIENCE_SECONDS)
def test_nothing_is_lost_doubled_or_stuck(service: Service):
    """Of a service of its own, in which all evidence is as it was written."""
    with Receiver().serving() as receiver:
        load = Load(service, receiver, a_second=RATE)
        kills = Kills(service, random.Random(SEED), least=KILLS, least_each=KILLS_EACH)  # noqa: S311 -- moments
        load.start()
        try:
            kills.rounds(SECONDS)
        finally:
            load.stop()
        recovery = longest_until_ended(service, kills.last_restart, at_most=PATIENCE_SECONDS)
        called_back = time.monotonic()
        while len(load.webhook_ids) < len(load.called_back) and time.monotonic() - called_back < CALLBACK_SECONDS:
            load.judge_callbacks()
            time.sleep(0.1)
        load.judge_callbacks()
        tell(load, kills, recovery=recovery, callbacks=time.monotonic() - called_back)

    made = {key: tuple(row) for key, *row in service.rows(MADE)}
    batches = {key: made.pop(key)[0] for key in load.batches}
    assert made.keys() | batches.keys() == load.accepted.keys()  # each 202 is there, and nothing else
    assert {key: row[0] for key, row in made.items()} | batches == load.accepted
    assert set(service.rows("SELECT status FROM operations")) == {("SUCCEEDED",)}
    assert {row[1:] for row in made.values()} == {(1, 1, 1, 1)}  # one proposal, version and event for each key
    assert service.rows("SELECT count(*) FROM proposals") == [(len(made),)]
    assert_undisturbed(service, batches)
    assert set(load.statuses) <= {202, 503}
    assert recovery <= RECOVERY_SECONDS
    assert load.webhook_ids.keys() == {load.accepted[key] for key in load.called_back}
    assert {len(ids) for ids in load.webhook_ids.values()} == {1}
    assert sum(kills.counts.values()) >= KILLS
    service.run("audit", "verify")


def assert_undisturbed(service: Service, batches: dict[str, str]) -> None:
    """Every run of every batch is computed and stored once, and its bytes are those that nothing has disturbed."""
    assert set(service.rows(COUNTED)) == {(60, 60, 0, 3, 3, 60)}
    for key, correlation_id, operation_id in service.rows(BATCHES):
        with urllib.request.urlopen(f"{service.url}/rebalance/proposals/operations/{operation_id}") as answer:  # noqa: S310 -- this test's own service
            result = json.load(answer)["result"]
        identity = RunIdentity(correlation_id=correlation_id, idempotency_key=key)
        assert batches[key] == operation_id
        assert result["results_hash"] == undisturbed_hash(A_BATCH, identity)


def tell(load: Load, kills: Kills, *, recovery: float, callbacks: float) -> None:
    """The figures, shown with -s."""
    repeated = sum(count - 1 for count in load.deliveries.values())
    rows = {
        "seed": SEED,
        "accepted": len(load.accepted),
        "of these batches": len(load.batches),
        "answers": dict(load.statuses),
        "kills": {"all": sum(kills.counts.values()), **kills.counts},
        "rounds": len(kills.back_seconds),
        "longest time until all was well again, s": round(max(kills.back_seconds), 1),
        "longest until ended after the last restart, s": round(recovery, 1),
        "callbacks": {"received": sum(load.deliveries.values()), "repeated": repeated},
        "last callback after the last end, s": round(callbacks, 1),
    }
    print()  # noqa: T201 -- this is what it prints
    for name, value in rows.items():
        print(f"{name}: {value}")  # noqa: T201 -- as above
