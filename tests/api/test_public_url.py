"""With PROPOSAL_PUBLIC_URL links are absolute for readers who have no address of the service, else relative (R40)."""

import asyncio
import re
from contextlib import suppress

import pytest
from answers import assert_problem
from builders import a_body
from receiver import SETTINGS, Receiver
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowFailureError
from waiting import PATIENCE_SECONDS

P = "/rebalance/proposals"
PUBLIC = "https://bank.example/advice"


@pytest.fixture
def settings(settings):
    return settings.model_copy(update=SETTINGS | {"public_url": PUBLIC})


@pytest.fixture
def receiver():
    with Receiver().serving() as receiver:
        yield receiver


async def called(receiver: Receiver) -> dict:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not receiver.received:
            await asyncio.sleep(0.05)
    return receiver.received[0].verified()["data"]


async def details_of(client, workflow_id: str) -> tuple[str, str]:
    """What an operator reads of a closed workflow: from its start, and from its end, which its callback precedes."""
    handle = client.get_workflow_handle(workflow_id)
    with suppress(WorkflowFailureError):
        await handle.result()
    static = await (await handle.describe()).static_details()
    metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return static or "", metadata.current_details


async def test_types_lead_to_the_page_of_errors_and_paths_of_answers_stay_relative(api):
    unknown = assert_problem(await api.get("/pp_0"), 404, "PROPOSAL_NOT_FOUND")
    assert unknown["type"] == f"{PUBLIC}/docs/errors#PROPOSAL_NOT_FOUND"
    assert unknown["instance"] == f"{P}/pp_0"
    refused = await api.http.get(P, headers={"X-Correlation-Id": "a b"})
    assert refused.json()["type"] == f"{PUBLIC}/docs/errors#CORRELATION_ID_INVALID"
    accepted = await api.submit(a_body())
    path = f"{P}/operations/{accepted.json()['operation_id']}"
    assert (accepted.headers["Location"], accepted.json()["status_url"]) == (path, path)
    assert (await api.http.get(path)).json()["links"]["self"] == path
    page = await api.http.get(unknown["type"].removeprefix(PUBLIC).partition("#")[0])
    assert 'id="PROPOSAL_NOT_FOUND"' in page.text


async def test_receivers_and_operators_get_links_to_what_was_made(api, worker, temporal_client, receiver):
    operation_id = (await api.submit(a_body(callback={"url": receiver.url}))).json()["operation_id"]
    told = await called(receiver)
    link = f"{PUBLIC}{P}/operations/{operation_id}"
    assert told["status_url"] == link
    static, current = await details_of(temporal_client, operation_id)
    assert f"]({link})" in static
    assert f"[`{told['proposal_id']}`]({PUBLIC}{P}/{told['proposal_id']})" in current
    page = re.search(rf"artifact \[`sha256:[0-9a-f]+`\]\({re.escape(PUBLIC)}(\S+)\)", current)[1]
    shown = await api.http.get(page, headers={"Accept": "text/html"})
    assert shown.headers["Content-Type"].startswith("text/html")
    assert shown.status_code == 200
    of_delivery = await temporal_client.get_workflow_handle(f"callback-{operation_id}").describe()
    assert f"[`{operation_id}`]({link})" in (await of_delivery.static_details() or "")


async def test_receivers_and_operators_get_the_code_of_a_failure(api, worker, temporal_client, receiver):
    body = a_body(callback={"url": receiver.url})
    body["simulate_request"]["options"]["enable_proposal_simulation"] = False
    operation_id = (await api.submit(body)).json()["operation_id"]
    error = (await called(receiver))["error"]
    assert error["problem"] == "PROPOSAL_SIMULATION_DISABLED"
    _, current = await details_of(temporal_client, operation_id)
    assert current == f"**FAILED**: [{error['message']}]({PUBLIC}/docs/errors#PROPOSAL_SIMULATION_DISABLED)"
