"""Operations whose ends are called back, and the logs of their deliveries."""

import asyncio

from builders import a_body
from receiver import Receiver
from waiting import PATIENCE_SECONDS

OPERATIONS = "/rebalance/proposals/operations"


def asking(receiver: Receiver, body: dict | None = None, **headers: str) -> dict:
    return (body or a_body()) | {"callback": {"url": receiver.url, "headers": headers}}


async def log_of(api, operation_id: str, *, status: str = "DELIVERED") -> dict:
    """The log once the delivery has this status."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            log = (await api.get(f"/operations/{operation_id}/callbacks")).json()
            if log["status"] == status:
                return log
            await asyncio.sleep(0.05)


async def redeliver(api, operation_id: str):
    return await api.http.post(f"{OPERATIONS}/{operation_id}/callbacks/redeliver")


async def submitted(api, body: dict) -> str:
    answer = await api.submit(body)
    assert answer.status_code == 202, answer.text
    return answer.json()["operation_id"]
