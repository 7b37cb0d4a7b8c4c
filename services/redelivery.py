"""The delivery of an operation's callback: its log for the client, and redelivery on request."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from domain.callback_retries import REDELIVERY_PAUSE, DeliveryStatus
from domain.callback_url import UrlRefused, parsed_url
from domain.errors import CallbackNotFound, OperationHasNoCallback, OperationNotTerminal, RedeliveryTooSoon
from domain.operation import Operation
from services.lookup import LookupService
from storage.deliveries import Delivery, DeliveryAttempt, DeliveryReader
from storage.unit_of_work import Storage
from storage.workflow_starts import PendingDelivery

StartSoon = Callable[[PendingDelivery], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryLog:
    """The state of a callback that its client may see; `delivery` is None until the operation has ended."""

    host: str | None
    delivery: Delivery | None
    attempts: list[DeliveryAttempt]


class RedeliveryService:
    """All raise OperationNotFound, OperationExpired and StorageUnavailable."""

    def __init__(self, storage: Storage, lookup: LookupService, start_soon: StartSoon) -> None:
        self._storage = storage
        self._lookup = lookup
        self._start_soon = start_soon

    async def log(self, operation_id: str, *, client: str) -> DeliveryLog:
        """Raises CallbackNotFound when none was asked for."""
        operation = await self._lookup.operation(operation_id, client=client)
        if not operation.has_callback:
            raise CallbackNotFound
        async with self._storage.reading() as reading:
            return await _log(operation, reading.deliveries)

    async def redeliver(self, operation_id: str, *, client: str, by: str) -> DeliveryLog:
        """Make the callback pending once more, under the same webhook id; a waiting attempt is due now.

        Raises OperationNotTerminal, OperationHasNoCallback, RedeliveryTooSoon within a minute of the last such call.
        """
        operation = await self._lookup.operation(operation_id, client=client)
        if not operation.has_callback:
            raise OperationHasNoCallback
        if not operation.is_terminal:
            raise OperationNotTerminal
        async with self._storage.transaction() as transaction:
            delivery = await transaction.deliveries.lock_delivery(operation_id)
            if delivery is None:
                raise OperationHasNoCallback
            _refuse_too_soon(delivery)
            await transaction.deliveries.reopen(operation_id, attempts_before=_attempts_before(delivery), by=by)
            start = await transaction.delivery_starts.current(operation_id)
            log = await _log(operation, transaction.deliveries)  # before the attempt, however soon it is made
        if start is not None:
            self._start_soon(start)
        return log


async def _log(operation: Operation, deliveries: DeliveryReader) -> DeliveryLog:
    subscription = await deliveries.subscription(operation.operation_id)
    return DeliveryLog(
        host=None if subscription is None else _host(subscription.url),
        delivery=await deliveries.get(operation.operation_id),
        attempts=await deliveries.attempts(operation.operation_id),
    )


def _attempts_before(delivery: Delivery) -> int:
    """The attempts that no longer count: the one that is made by hand takes none from the schedule's."""
    if delivery.status is not DeliveryStatus.PENDING:
        return delivery.attempts  # the schedule begins anew
    return min(delivery.attempts_before + 1, delivery.attempts)


def _refuse_too_soon(delivery: Delivery) -> None:
    if delivery.redelivered_at is None:
        return
    remaining = (delivery.redelivered_at + REDELIVERY_PAUSE - delivery.read_at).total_seconds()
    if remaining > 0:
        raise RedeliveryTooSoon(math.ceil(remaining))


def _host(url: str) -> str | None:
    """Of a url that was judged when it was submitted, by rules that may have changed."""
    try:
        return parsed_url(url).host
    except UrlRefused:
        return None
