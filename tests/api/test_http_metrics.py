"""What the metrics of requests say of the service's own endpoints."""

import pytest
from builders import a_body
from prometheus_client.parser import text_string_to_metric_families

PROPOSALS = "/rebalance/proposals"
OPERATION = "/rebalance/proposals/operations/{operation_id}"
BY_CORRELATION = "/rebalance/proposals/operations/by-correlation/{correlation_id}"


async def counted(api) -> dict[tuple[str, str, str], float]:
    """How many requests of each method and route were counted as waits and as others."""
    page = (await api.http.get("/metrics")).text
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["waits"]): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "proposals_http_request_seconds_count"
    }


@pytest.mark.parametrize(
    ("query", "headers", "waits"),
    [
        ({"wait": "0.1"}, {}, "true"),
        ({}, {"Prefer": "wait=1"}, "true"),
        ({}, {"Prefer": "respond-async, WAIT = 1"}, "true"),
        ({}, {}, "false"),
        ({"wait": "0"}, {}, "false"),
        ({"wait": "0"}, {"Prefer": "wait=1"}, "false"),
        ({}, {"Prefer": "wait=0"}, "false"),
        ({"include_result": "false"}, {"Prefer": "handling=lenient"}, "false"),
    ],
)
async def test_a_poll_is_counted_as_a_wait_however_it_asks_for_one(api, query, headers, waits):
    operation_id = (await api.submit(a_body(), **{"X-Correlation-Id": "c"})).json()["operation_id"]  # no worker
    for path in (operation_id, "by-correlation/c"):
        await api.http.get(f"{PROPOSALS}/operations/{path}", params=query, headers=headers)
    found = await counted(api)
    assert found["GET", OPERATION, waits] == found["GET", BY_CORRELATION, waits] == 1


async def test_a_synchronous_create_is_counted_as_a_wait_and_a_list_is_not(api):
    for prefer in ("wait=1", "respond-async"):
        await api.post("", a_body(), **{"Idempotency-Key": prefer, "Prefer": prefer})
    await api.get("", portfolio_id="wait=5")
    found = await counted(api)
    assert found["POST", PROPOSALS, "true"] == found["POST", PROPOSALS, "false"] == 1
    assert found["GET", PROPOSALS, "false"] == 1
