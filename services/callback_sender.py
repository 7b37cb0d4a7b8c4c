"""One signed request to a receiver: its address checked, its host's keys, one limit of time for all of it."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from domain.callback import CallbackRules, host_key, signatures
from domain.callback_retries import AttemptError
from domain.callback_url import CallbackUrl
from services.callback_target import AttemptFailed, CallbackTargets
from services.callback_transport import CallbackAnswer, CallbackTransport, Header

ATTEMPT_SECONDS: Final = 10.0  # name, connection, request and answer together
USER_AGENT: Final = b"proposals-callbacks/1"


class CallbackSender:
    def __init__(self, targets: CallbackTargets, transport: CallbackTransport, rules: CallbackRules) -> None:
        self._targets = targets
        self._transport = transport
        self._rules = rules

    async def send(
        self,
        url: CallbackUrl,
        *,
        message_id: str,
        body: bytes,
        added: Iterable[tuple[str, str]] = (),
        now: Callable[[], datetime],
    ) -> CallbackAnswer:
        """The receiver's answer, whatever its status. The signature names `now`. Raises AttemptFailed."""
        if not self._rules.secrets:
            raise AttemptFailed(AttemptError.NOT_CONFIGURED)
        deadline = asyncio.get_running_loop().time() + ATTEMPT_SECONDS
        try:
            async with asyncio.timeout_at(deadline):
                target = await self._targets.pinned(url)
        except TimeoutError:
            raise AttemptFailed(AttemptError.NAME_NOT_RESOLVED) from None
        own = self._own_headers(url, message_id=message_id, body=body, at=now())
        headers = [*own, *((name.encode(), value.strip().encode()) for name, value in added)]
        return await self._transport.post(target, headers=headers, body=body, deadline=deadline)

    def _own_headers(self, url: CallbackUrl, *, message_id: str, body: bytes, at: datetime) -> list[Header]:
        timestamp = int(at.timestamp())
        keys = [host_key(secret, url.host) for secret in self._rules.secrets]
        own = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Accept-Encoding": "identity",
            "Connection": "close",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures(keys, message_id=message_id, timestamp=timestamp, body=body),
        }
        return [(b"User-Agent", USER_AGENT), *((name.encode(), value.encode()) for name, value in own.items())]
