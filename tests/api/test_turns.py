"""A key that a thousand requests name is the business of their sender: others are served in between."""

import asyncio

from builders import a_body
from waiting import PATIENCE_SECONDS, until

from api.http.limits import AT_ONCE, KeyedLimiter
from services import temporal_workflows
from services.waiting import SynchronousWaitService


async def test_a_few_of_one_key_at_a_time_in_their_order_and_others_beside_them():
    turns = KeyedLimiter()
    entered: list[str] = []
    go_on = asyncio.Event()

    async def one(sender: str, key: str, name: str) -> None:
        async with turns.slot(sender, key):
            entered.append(name)
            await go_on.wait()

    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(one("a", "k", f"k{number}"))
        group.create_task(one("a", "other", "another key"))
        group.create_task(one("b", "k", "another sender"))
        await asyncio.sleep(0.01)
        assert entered == [*(f"k{number}" for number in range(AT_ONCE)), "another key", "another sender"]
        go_on.set()
    assert [name for name in entered if name.startswith("k")] == [f"k{number}" for number in range(10)]
    assert len(turns._slots) == 0


async def test_who_leaves_while_waiting_gives_up_the_turn():
    turns = KeyedLimiter()
    async with turns.slot("a", "k"), turns.slot("a", "k"):
        waiting = asyncio.create_task(turns.slot("a", "k").__aenter__())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert len(turns._slots) == 1
    assert len(turns._slots) == 0
    async with asyncio.timeout(20), turns.slot("a", "k"):
        pass


async def test_clients_that_wait_for_the_end_do_not_keep_their_key_from_others(settings, serve, monkeypatch):
    # They wait until the operation ends, however late Temporal answers its start.
    monkeypatch.setattr(temporal_workflows, "ANSWER_SECONDS", PATIENCE_SECONDS)
    begun, ended = [], SynchronousWaitService.ended

    async def noted(service: SynchronousWaitService, operation, *, seconds):
        begun.append(operation)
        return await ended(service, operation, seconds=seconds)

    monkeypatch.setattr(SynchronousWaitService, "ended", noted)
    async with serve(settings.model_copy(update={"sync_wait_seconds": PATIENCE_SECONDS})) as api:
        waiting = [asyncio.create_task(api.post("", a_body(), **{"Idempotency-Key": "k"})) for _ in range(AT_ONCE * 2)]
        async with asyncio.timeout(PATIENCE_SECONDS / 3):  # if those that wait kept their places, only after all of it
            await until(lambda: len(begun) == len(waiting))
            accepted = await api.submit(a_body(), key="k")
            assert (accepted.status_code, accepted.json()["status"]) == (202, "PENDING")
            assert not any(task.done() for task in waiting)
            cancelled = await api.post(f"/operations/{accepted.json()['operation_id']}/cancel", {})
            assert cancelled.status_code == 202 or cancelled.json()["status"] == "FAILED"
            answers = await asyncio.gather(*waiting)
    assert {answer.json()["code"] for answer in answers} == {"OPERATION_CANCELLED"}
