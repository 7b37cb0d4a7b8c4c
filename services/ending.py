"""Ending an operation, FAILED or with a result: in one transaction that never overwrites another end."""

from dataclasses import replace
from datetime import timedelta

from domain.operation import LockedOperation, Operation, OperationFailure, RecordedEvidence
from storage.unit_of_work import Storage, Transaction


async def end_failed(
    storage: Storage,
    operation_id: str,
    failure: OperationFailure,
    *,
    cancelled_by: str | None = None,
    elapsed: timedelta | None = None,
) -> Operation:
    """The operation as it has ended: with this failure, or as it had ended before.

    `cancelled_by` is who ended it from outside. `elapsed` is how long ago a worker began it, where its row does not
    say so; None where none did. Raises OperationNotFound when there is no such row.
    """
    async with storage.transaction() as transaction:
        operation = await transaction.operations.lock(operation_id)
        if operation.is_terminal:
            return operation
        begun = operation if elapsed is None else _begun(operation, elapsed)
        return await fail_locked(transaction, begun, failure, cancelled_by=cancelled_by)


async def fail_locked(
    transaction: Transaction,
    operation: LockedOperation,
    failure: OperationFailure,
    *,
    cancelled_by: str | None = None,
    cancels_workflow: bool = False,
) -> Operation:
    """End an open operation whose row the transaction has locked; its callback is pending from then on."""
    ended = await transaction.operations.fail(
        operation, failure, cancelled_by=cancelled_by, cancels_workflow=cancels_workflow
    )
    await _add_delivery(transaction, ended)
    return ended


async def succeed_locked(transaction: Transaction, operation: LockedOperation, *, result_document: str) -> Operation:
    """End an open operation that makes a result and no version."""
    ended = await transaction.operations.succeed(operation, result_document=result_document)
    await _add_delivery(transaction, ended)
    return ended


async def succeed_simulated(
    transaction: Transaction,
    operation: LockedOperation,
    evidence: RecordedEvidence,
    *,
    elapsed: timedelta = timedelta(),
) -> Operation:
    """End an open operation that makes a simulation alone. Stored documents that it does not use are released."""
    ended = await transaction.operations.succeed_simulated(_begun(operation, elapsed), evidence)
    recorded = (operation.result_document, operation.inputs_document, operation.artifact_document)
    await transaction.documents.let_go(*(made for made in recorded if made not in (None, *evidence.documents)))
    await _add_delivery(transaction, ended)
    return ended


async def adopt(transaction: Transaction, operation_id: str, evidence: RecordedEvidence) -> Operation:
    """End an operation that this transaction has added with a result that its key has already."""
    operation = await transaction.operations.lock(operation_id)
    return await succeed_simulated(transaction, operation, evidence)


def _begun(operation: LockedOperation, elapsed: timedelta) -> LockedOperation:
    if operation.started_at is not None:
        return operation
    return replace(operation, started_at=max(operation.created_at, operation.locked_at - elapsed))


async def _add_delivery(transaction: Transaction, ended: Operation) -> None:
    if ended.has_callback:
        await transaction.deliveries.add(ended.operation_id)
