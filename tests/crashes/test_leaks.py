"""Of a client's request only ids that the design shows leave PostgreSQL: not into Temporal, logs or error bodies."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from builders import a_body
from receiver import Receiver
from temporalio.client import Client
from waiting import PATIENCE_SECONDS

SHOWN = {"portfolio_id", "created_by"}


def marked(value: Any, number: Iterator[int], *, name: str = "") -> Any:
    """The same request with every free text and every number replaced by one that is found nowhere else."""
    if isinstance(value, dict):
        return {key: marked(member, number, name=key) for key, member in value.items()}
    if isinstance(value, list):
        return [marked(item, number, name=name) for item in value]
    if not isinstance(value, str) or name in SHOWN:
        return value
    if value.replace(".", "").isdigit():
        return f"{7_310_000 + next(number)}.{8_642_000 + next(number)}"
    return value


def a_marked_body() -> tuple[dict[str, Any], set[str]]:
    body = a_body(created_by="advisor_1")
    request = body["simulate_request"]
    body["metadata"] = {
        name: f"marked {name} text" for name in ("title", "advisor_notes", "jurisdiction", "mandate_id")
    }
    request["portfolio_snapshot"]["snapshot_id"] = "marked-portfolio-snapshot"
    request["market_data_snapshot"]["snapshot_id"] = "marked-market-snapshot"
    request["shelf_entries"][0] |= {"asset_class": "marked-class", "attributes": {"marked-key": "marked-value"}}
    request["proposed_cash_flows"] = [{"currency": "SGD", "amount": "99", "description": "marked description"}]
    text = json.dumps(request).replace('"A"', '"marked-instrument"').replace('"I"', '"marked-issuer"')
    body["simulate_request"] = marked(json.loads(text), iter(range(1000)))
    body = json.loads(json.dumps(body))
    found = {value for value in texts(body) if "marked" in value or value.startswith("731")}
    return body, found


def texts(value: Any, *, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from texts(member, name=key)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item, name=name)
    elif isinstance(value, str) and name not in SHOWN:
        yield value


async def test_no_value_of_a_request_is_found_outside_postgresql(service, clients):
    began = datetime.now(UTC)
    body, secrets = a_marked_body()
    assert len(secrets) > 12
    key = "marked-idempotency-key"
    await clients.finished(await clients.submit(key, body))

    refused = json.loads(json.dumps(body))
    refused["simulate_request"]["proposed_trades"][0]["side"] = "marked-side"
    refused["simulate_request"]["portfolio_snapshot"]["positions"][0]["quantity"] = "marked-quantity"
    secrets |= {"marked-side", "marked-quantity", key}
    answer = await clients._http.post("/rebalance/proposals/async", json=refused, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    other = {**body, "metadata": {"title": "marked other title"}}
    conflict = await clients._http.post("/rebalance/proposals/async", json=other, headers={"Idempotency-Key": key})
    assert conflict.status_code == 409
    without_flag = json.loads(json.dumps(body))
    without_flag["simulate_request"]["options"] = {}
    failed = await clients.finished(await clients.submit("marked-other-key", without_flag))
    assert failed["status"] == "FAILED"

    # Faults inside must not leak it either: the database crashes under a step, the API meets a bug of the database.
    service.kill(service.worker)
    waiting = await clients.submit("marked-third-key", {**body, "metadata": {"title": "marked third title"}})
    service.kill(service.postgres.child)
    service.start_worker()
    away = await clients._http.post("/rebalance/proposals/async", json=other, headers={"Idempotency-Key": "marked-4"})
    assert away.status_code == 503
    service.postgres.start()
    await clients.finished(waiting)

    found = await hits_in_histories(service, secrets, since=began, least=3)
    for path in service.folder.glob("*.log"):
        found |= {path.name: hits} if (hits := hits_in(path.read_bytes(), secrets)) else {}
    for response in (answer, conflict, away):
        found |= {str(response.status_code): hits} if (hits := hits_in(response.content, secrets)) else {}
    assert found == {}


async def test_of_a_callback_only_the_host_is_found_outside_postgresql(service, clients):
    """Credentials in headers and urls: not in history, logs or answers, whatever becomes of the call."""
    began = datetime.now(UTC)
    secrets = {"marked-path", "marked-query", "marked-header", "marked-value", "X-Marked"}
    headers = {"X-Marked-Header": "marked-value", "Authorization": "marked-value"}
    with Receiver().serving() as receiver:
        receiver.answers = [(500, {}), (204, {})]
        urls = [
            f"{receiver.url}/marked-path?marked-query",
            "http://127.0.0.1:1/marked-path?marked-query",
            "https://receiver.invalid/marked-path?marked-query",
        ]
        operations = [await clients.submit(body=a_body(callback={"url": url, "headers": headers})) for url in urls]
        await asyncio.gather(*(clients.finished(operation_id) for operation_id in operations))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(receiver.received) < 2:
                await asyncio.sleep(0.1)
    assert receiver.received[1].headers["x-marked-header"] == "marked-value"
    assert receiver.received[1].path == "/hook/marked-path?marked-query"

    answers = [
        await clients._http.get(f"/rebalance/proposals/operations/{operation_id}{suffix}")
        for operation_id in operations
        for suffix in ("", "/callbacks")
    ]
    refused = {"url": "https://10.0.0.1/marked-path?marked-query", "headers": headers}
    malformed = {"url": urls[0], "headers": {"X-Marked Header": "marked-value"}}
    answers += [
        await clients._http.post(
            "/rebalance/proposals/async", json=a_body(callback=callback), headers={"Idempotency-Key": f"key-{number}"}
        )
        for number, callback in enumerate((refused, malformed))
    ]
    answers.append(await clients._http.post(f"/rebalance/proposals/operations/{operations[1]}/callbacks/redeliver"))
    assert [answer.status_code for answer in answers] == [200] * 6 + [422, 422, 202]
    found = {answer.request.url.path: hits for answer in answers if (hits := hits_in(answer.content, secrets))}
    found |= await hits_in_histories(service, secrets, since=began, least=6)
    for path in service.folder.glob("*.log"):
        found |= {path.name: hits} if (hits := hits_in(path.read_bytes(), secrets)) else {}
    assert found == {}


async def hits_in_histories(service, secrets: set[str], *, since: datetime, least: int) -> dict[str, list[str]]:
    """Of all workflows that were open since then."""
    temporal = await Client.connect(service.temporal.address)
    since_then = f"ExecutionStatus = 'Running' OR CloseTime >= '{since.isoformat()}'"
    found: dict[str, list[str]] = {}
    async with asyncio.timeout(PATIENCE_SECONDS):  # Temporal lists them some time after they began
        while len(workflows := [one async for one in temporal.list_workflows(since_then)]) < least:
            await asyncio.sleep(0.1)
    for workflow in workflows:
        handle = temporal.get_workflow_handle(workflow.id, run_id=workflow.run_id)
        described = (await handle.describe()).raw_description.SerializeToString()
        events = b"".join([event.SerializeToString() async for event in handle.fetch_history_events()])
        found |= {f"history {workflow.id}": hits} if (hits := hits_in(described + events, secrets)) else {}
    return found


def hits_in(content: bytes, secrets: set[str]) -> list[str]:
    return [secret for secret in sorted(secrets) if secret.encode() in content]
