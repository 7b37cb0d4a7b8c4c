"""Ending an operation FAILED: in one transaction that never overwrites another end."""

from domain.errors import OperationNotFound
from domain.operation import LockedOperation, Operation, OperationFailure
from storage.unit_of_work import Storage, Transaction


async def end_failed(storage: Storage, operation_id: str, failure: OperationFailure) -> Operation:
    """The operation as it has ended: with this failure, or as it had ended before.

    Raises OperationNotFound when there is no such row.
    """
    async with storage.transaction() as transaction:
        operation = await transaction.operations.lock(operation_id)
        if operation is None:
            raise OperationNotFound
        return operation if operation.is_terminal else await fail_locked(transaction, operation, failure)


async def fail_locked(
    transaction: Transaction, operation: LockedOperation, failure: OperationFailure, *, cancels_workflow: bool = False
) -> Operation:
    """End an open operation whose row the transaction has locked; its callback is pending from then on."""
    ended = await transaction.operations.fail(operation, failure, cancels_workflow=cancels_workflow)
    if ended.has_callback:
        await transaction.deliveries.add(ended.operation_id)
    return ended
