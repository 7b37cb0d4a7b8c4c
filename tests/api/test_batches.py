"""A batch from its submission to its runs, over a real socket, with PostgreSQL, Temporal and a worker."""

import json
import uuid
from typing import Any

from batches import IDENTITY, a_portfolio, an_analysis, computed

ANALYZE = "/rebalance/proposals/analyze/async"
NDJSON = {"Accept": "application/x-ndjson"}
CORRELATED = {"X-Correlation-Id": IDENTITY.correlation_id}
KEY = IDENTITY.idempotency_key or ""


async def submit(api: Any, body: dict[str, Any], *, key: str | None = None, **headers: str) -> Any:
    return await api.http.post(ANALYZE, json=body, headers={"Idempotency-Key": key or uuid.uuid4().hex, **headers})


async def accepted(api: Any, body: dict[str, Any], *, key: str | None = None, **headers: str) -> str:
    answer = await submit(api, body, key=key, **headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["operation_id"])


async def lines_of(api: Any, operation_id: str, **query: Any) -> list[dict[str, Any]]:
    answer = await api.http.get(f"/rebalance/proposals/operations/{operation_id}/runs", headers=NDJSON, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text == "" or answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_batch_ends_with_totals_and_each_run_is_its_own_simulation(api, worker) -> None:
    body = an_analysis(
        a_portfolio(0), a_portfolio(1, shelf_entries=7), scenarios={"hold": {"proposed_trades": []}, "buy": {}}
    )
    answer = await submit(api, body, key=KEY, **CORRELATED)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == answer.json()["status_url"]
    assert answer.json()["operation_type"] == "ANALYZE_SCENARIOS"
    operation_id = answer.json()["operation_id"]
    ended = await api.finished(operation_id)
    assert ended["status"] == "SUCCEEDED"
    assert ended["progress"] == {"total": 4, "succeeded": 2, "failed": 2, "remaining": 0}
    assert (ended["proposal_id"], ended["version_no"], ended["error"]) == (None, None, None)
    runs = ended["links"]["runs"]
    assert ended["result"]["runs_url"] == runs == f"/rebalance/proposals/operations/{operation_id}/runs"
    assert ended["result"]["counts"] == {"total": 4, "succeeded": 2, "failed": 2}
    assert ended["result"]["warnings"] == ["PARTIAL_BATCH_FAILURE"]
    assert ended["result"]["failures"] == {"VALIDATION_FAILED": 2}
    assert list(ended["result"]["scenarios"]) == ["buy", "hold"]
    expected = computed(body)
    assert await lines_of(api, operation_id) == expected
    page = (await api.http.get(runs)).json()
    assert page["next_cursor"] is None
    for run, line in zip(page["items"], expected, strict=True):
        assert run["links"] == {"self": f"{runs}/{line['run_no']}"}
        assert run | {"result": line["result"]} == line | {"links": run["links"]}
        assert (await api.http.get(run["links"]["self"])).json() == line
