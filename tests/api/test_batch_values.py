"""What a batch is made of stays in PostgreSQL. Beside a worker of its own, whose log is caught from its start."""

import asyncio
import uuid

import pytest
from batches import a_portfolio, an_analysis
from waiting import PATIENCE_SECONDS

ANALYZE = "/rebalance/proposals/analyze/async"


async def test_values_of_a_batch_are_in_no_log_and_in_nothing_of_temporal(
    api, worker, temporal_client, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = a_portfolio(0, id="item-4711")
    secret["portfolio_snapshot"]["positions"][0]["quantity"] = "4711.4711"
    malformed = a_portfolio(1, proposed_trades="leaked-4711")
    body = an_analysis(secret, malformed, description="words-4711")
    accepted = await api.http.post(ANALYZE, json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
    operation_id = accepted.json()["operation_id"]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await api.get(f"/operations/{operation_id}", wait=20)).json()["status"] not in ("SUCCEEDED", "FAILED"):
            pass
    history = await temporal_client.get_workflow_handle(operation_id).fetch_history()
    written = capsys.readouterr()
    shown = history.to_json() + written.out + written.err
    for value in ("item-4711", "4711.4711", "leaked-4711", "words-4711"):  # not 4711 alone: ids have such digits
        assert value not in shown
