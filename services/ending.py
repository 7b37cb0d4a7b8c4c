"""Ending an operation FAILED: one transaction, whoever asks for it, and never over another end."""

from domain.errors import OperationNotFound
from domain.operation import OperationFailure
from storage.operations import OperationWork
from storage.unit_of_work import Storage, Transaction


async def end_failed(storage: Storage, operation_id: str, failure: OperationFailure) -> OperationWork:
    """The operation as it has ended: with this failure, or as it had ended before.

    Raises OperationNotFound when there is no such row.
    """
    async with storage.transaction() as transaction:
        work = await transaction.operations.lock_operation(operation_id)
        if work is None:
            raise OperationNotFound
        if work.is_terminal:
            return work
        await fail_locked(transaction, work, failure)
        ended = await transaction.operations.work(operation_id)
    if ended is None:
        raise OperationNotFound
    return ended


async def fail_locked(transaction: Transaction, work: OperationWork, failure: OperationFailure) -> None:
    """End an open operation whose row the transaction has locked; its callback is owed from then on."""
    await transaction.operations.fail(work, failure)
    if work.has_callback:
        await transaction.deliveries.add(work.operation_id)
