"""Record what `test_replay.py` replays, all or one type: `record_histories.py [CreateVersion]`; review the diff.

One a path that an operation can take, from the real service with the real things going wrong.
"""

import asyncio
import json
import re
import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from httpx2 import AsyncClient
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, ScheduleActionExecutionStartWorkflow, WorkflowExecutionStatus, WorkflowHistory
from temporalio.service import RPCError

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import migrated_postgres  # noqa: E402 -- after the path is set
from batches import a_portfolio, an_analysis  # noqa: E402 -- after the path is set
from builders import a_body, a_large_body, a_version_body, without_simulation_flag  # noqa: E402 -- after the path is set
from evidence_keys import a_key_text  # noqa: E402 -- after the path is set
from http_clients import http_client  # noqa: E402 -- after the path is set
from receiver import Receiver  # noqa: E402 -- after the path is set
from running_service import Clients, Service, running  # noqa: E402 -- after the path is set

from workflows.identity import CHECKPOINT_ID, DELIVER_NOW, RECONCILE_ID  # noqa: E402 -- after the path is set

HISTORIES = Path(__file__).parent / "histories"
IDENTITY = re.compile(r'"identity": "[^"]*"')
STICKY_QUEUE = re.compile(r"proposals-worker-\d+@[\w.-]+")
FILE = re.compile(r'File \\"/[^"]*?([^/"]+/[^/"]+\.py)')


def write(of: str, name: str, history: WorkflowHistory) -> str:
    """Keep a history, without the names and folders of the machine that recorded it."""
    text = IDENTITY.sub('"identity": "recorder"', json.dumps(history.to_json_dict(), indent=1))
    text = STICKY_QUEUE.sub("recorder", text)
    text = FILE.sub(r'File \\"\1', text)
    (HISTORIES / of / f"{name}.json").write_text(text + "\n")
    return text


async def record(service: Service) -> None:
    async with http_client(service.url) as http:
        clients = Clients(service, http)
        temporal = await Client.connect(service.temporal.address)

        async def save(name: str, operation_id: str, *, of: str = "CreateProposal") -> str:
            await clients.finished(operation_id)
            handle = temporal.get_workflow_handle(operation_id)
            while (await handle.describe()).status == 1:
                await asyncio.sleep(0.1)
            return write(of, name, await handle.fetch_history())

        async def submit_version(proposal_id: str) -> str:
            path = f"/rebalance/proposals/{proposal_id}/versions/async"
            answer = await http.post(path, json=a_version_body())
            operation_id: str = answer.json()["operation_id"]
            return operation_id

        others = {
            "DeliverCallback": partial(record_callbacks, clients, temporal),
            "ReconcileOperations": partial(record_reconcile, temporal),
            "AnalyzeScenarios": partial(record_batches, http, clients, temporal),
            "SimulateProposal": partial(record_simulations, http, save),
            "CheckpointEvidence": partial(record_checkpoint, temporal),
        }
        asked = [name for name in others if name in sys.argv]
        for name in asked or (() if "CreateVersion" in sys.argv else others):
            await others[name]()
        if asked:
            return
        created = await clients.finished(await clients.submit())
        await save("small", await submit_version(created["proposal_id"]), of="CreateVersion")
        await save("business_failure", await submit_version("pp_0"), of="CreateVersion")
        if "CreateVersion" in sys.argv:
            return
        await save("small", await clients.submit())
        await save("large", await clients.submit(body=a_large_body()))
        await save("business_failure", await clients.submit(body=without_simulation_flag()))

        service.kill(service.worker)
        fallen_back = await clients.submit()
        await asyncio.sleep(2)
        service.kill(service.postgres.child)
        service.start_worker()
        await asyncio.sleep(6)
        await asyncio.to_thread(service.postgres.start)
        await save("fallen_back", fallen_back)

        for _ in range(10):
            operations = await asyncio.gather(*(clients.submit() for _ in range(40)))
            service.kill(service.worker)
            service.start_worker()
            for operation_id in operations:
                if "EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT" in await save("worker_killed", operation_id):
                    return
        raise RuntimeError("no workflow was under way when its worker was killed")


async def record_batches(http: AsyncClient, clients: Clients, temporal: Client) -> None:
    """A batch that succeeds, one of which every run fails, and one that is cancelled."""
    many = an_analysis(*(a_portfolio(number) for number in range(200)))

    async def submitted(body: dict[str, object]) -> str:
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        answer = await http.post("/rebalance/proposals/analyze/async", json=body, headers=headers)
        operation_id: str = answer.json()["operation_id"]
        return operation_id

    async def save(name: str, operation_id: str) -> None:
        await clients.finished(operation_id)
        handle = temporal.get_workflow_handle(operation_id)
        while (await handle.describe()).status == WorkflowExecutionStatus.RUNNING:
            await asyncio.sleep(0.1)
        write("AnalyzeScenarios", name, await handle.fetch_history())

    await save("four_lanes", await submitted(many))
    await save("all_failed", await submitted(an_analysis({"id": "a"})))
    cancelled = await submitted(many)
    while (await http.get(f"/rebalance/proposals/operations/{cancelled}")).json()["status"] == "PENDING":
        await asyncio.sleep(0.01)
    await http.post(f"/rebalance/proposals/operations/{cancelled}/cancel")
    await save("cancelled", cancelled)


async def record_simulations(http: AsyncClient, save: Callable[..., Awaitable[str]]) -> None:
    """A small one, a large one, and one that a business rule ends."""
    for name, body in (
        ("small", a_body()),
        ("large", a_large_body()),
        ("business_failure", without_simulation_flag()),
    ):
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        answer = await http.post("/rebalance/proposals/simulate/async", json=body["simulate_request"], headers=headers)
        await save(name, answer.json()["operation_id"], of="SimulateProposal")


async def record_callbacks(clients: Clients, temporal: Client) -> None:
    """A callback that is taken at the second attempt, one that is delivered early, and their operations."""

    async def save(of: str, name: str, workflow_id: str) -> None:
        handle = temporal.get_workflow_handle(workflow_id)
        while (await described(workflow_id)) in (None, WorkflowExecutionStatus.RUNNING):
            await asyncio.sleep(0.1)
        write(of, name, await handle.fetch_history())

    async def described(workflow_id: str) -> WorkflowExecutionStatus | None:
        """None for a workflow that is not there yet: its operation's row ends before its workflow starts it."""
        try:
            return (await temporal.get_workflow_handle(workflow_id).describe()).status
        except RPCError:
            return None

    with Receiver().serving() as receiver:
        for of, name, body, answers in (
            ("CreateProposal", "called_back", a_body(), [(204, {})]),
            ("CreateProposal", "failure_called_back", without_simulation_flag(), [(204, {})]),
            ("DeliverCallback", "second_attempt", a_body(), [(500, {}), (204, {})]),
            ("DeliverCallback", "redelivered", a_body(), [(500, {"Retry-After": "600"}), (204, {})]),
            ("DeliverCallback", "gone", a_body(), [(410, {})]),
        ):
            receiver.answers = list(answers)
            operation_id = await clients.submit(body=body | {"callback": {"url": receiver.url}})
            await clients.finished(operation_id)
            delivery = temporal.get_workflow_handle(f"callback-{operation_id}")
            while await described(delivery.id) is None:
                await asyncio.sleep(0.1)
            if name == "redelivered":
                await asyncio.sleep(3)
                await delivery.signal(DELIVER_NOW)
            await save(of, name, operation_id if of == "CreateProposal" else delivery.id)


async def record_reconcile(temporal: Client) -> None:
    """The first looks of the one that goes on, and the one look of a triggered schedule."""

    async def save(name: str, workflow_id: str, *, last: EventType.ValueType, count: int = 1) -> None:
        while True:
            history = await temporal.get_workflow_handle(workflow_id).fetch_history()
            if [event.event_type for event in history.events].count(last) >= count:
                break
            await asyncio.sleep(0.5)
        write("ReconcileOperations", name, history)

    await temporal.get_schedule_handle(RECONCILE_ID).trigger()
    await save(
        "triggered", await first_start(temporal, RECONCILE_ID), last=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED
    )
    await save("three_looks", RECONCILE_ID, last=EventType.EVENT_TYPE_TIMER_STARTED, count=3)


async def record_checkpoint(temporal: Client) -> None:
    """The checkpoint that a worker's first look at the schedules causes."""
    handle = temporal.get_workflow_handle(await first_start(temporal, CHECKPOINT_ID))
    await handle.result()
    write("CheckpointEvidence", "taken", await handle.fetch_history())


async def first_start(temporal: Client, schedule_id: str) -> str:
    """The id of the first workflow that the schedule starts."""
    schedule = temporal.get_schedule_handle(schedule_id)
    while not (actions := (await schedule.describe()).info.recent_actions):
        await asyncio.sleep(0.1)
    assert isinstance(actions[0].action, ScheduleActionExecutionStartWorkflow)
    return actions[0].action.workflow_id


def main() -> None:
    for workflow_type in (
        "CreateProposal",
        "CreateVersion",
        "DeliverCallback",
        "ReconcileOperations",
        "AnalyzeScenarios",
        "SimulateProposal",
        "CheckpointEvidence",
    ):
        (HISTORIES / workflow_type).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        migrated_postgres.make(Path(folder, "migrated"))
        service = Service(Path(folder), Path(folder, "migrated"))
        service.more_environment["PROPOSAL_EVIDENCE_KEY"] = a_key_text()
        with running(service):
            asyncio.run(record(service))


if __name__ == "__main__":
    main()
