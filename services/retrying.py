"""Trying a failed operation again: its stored request as the next attempt of its key."""

from dataclasses import replace
from functools import partial

from domain.engine import codes
from domain.errors import IdempotencyKeyConflict, OperationNotFailed, OperationNotFound
from domain.ids import new_operation_id
from domain.operation import ExpiredOperation, IdempotencyKey, Operation, OperationStatus, Policy, RecordedEvidence
from services.adoption import Adoption, read_or_refuse
from services.ending import adopt
from services.lookup import LookupService, expired_error
from services.open_operations import OpenOperationLimit, Slot
from services.submission import Accepted, StartSoon, note_correlation_id
from storage.unit_of_work import Storage, Transaction


class RetryService:
    """N retries of one operation at once make one attempt: the key's row decides, or without a key the operation's."""

    def __init__(
        self,
        storage: Storage,
        lookup: LookupService,
        start_soon: StartSoon,
        *,
        policy: Policy,
        limit: OpenOperationLimit,
        adoption: Adoption,
    ) -> None:
        self._storage = storage
        self._lookup = lookup
        self._start_soon = start_soon
        self._policy = policy
        self._limit = limit
        self._adoption = adoption

    async def retry(self, operation_id: str, *, client: str, by: str, correlation_id: str | None = None) -> Accepted:
        """The next attempt of a failed operation, with the same request and callback, under the rules of today.

        A batch goes on: runs that this engine version computed without a failure are not computed again. A
        simulation whose key has got a result meanwhile has SUCCEEDED at once with that.

        It keeps the correlation id of the first, and is found by `correlation_id`, the one of this retry, too.

        One that has a newer attempt is answered with that one, if its request is the same. Raises OperationNotFound,
        OperationExpired, OperationNotFailed, IdempotencyKeyConflict when the newer attempt is of another request,
        TooManyOpenOperations when there is no newer attempt and no room for one.
        """
        failed = await self._lookup.operation(operation_id, client=client)
        if failed.status is not OperationStatus.FAILED:
            raise OperationNotFailed
        operation, is_new = await self._adoption.with_evidence(partial(self._found_or_added, failed, by))
        if is_new and not operation.is_terminal:
            self._start_soon(operation)
        if correlation_id is not None:
            await note_correlation_id(self._storage, operation, correlation_id)
        return Accepted(operation=operation, is_replay=not is_new)

    async def _found_or_added(
        self, failed: Operation, by: str, evidence: RecordedEvidence | None
    ) -> tuple[Operation, bool]:
        with self._limit.slot(failed.client, is_batch=failed.is_batch) as slot:
            async with self._storage.transaction() as transaction:
                if failed.key is None:
                    return await self._keyless(transaction, failed, slot=slot, by=by)
                return await self._keyed(transaction, failed, failed.key, slot=slot, by=by, evidence=evidence)

    async def _keyed(
        self,
        transaction: Transaction,
        failed: Operation,
        key: IdempotencyKey,
        *,
        slot: Slot,
        by: str,
        evidence: RecordedEvidence | None,
    ) -> tuple[Operation, bool]:
        operation_id, keys = new_operation_id(), transaction.arbiter_of(key)
        claim = await keys.claim(key, request_hash=failed.request_hash, operation_id=operation_id)
        newest = claim.held_by
        if newest is not None and newest.operation_id != failed.operation_id:
            if claim.request_hash != failed.request_hash:
                raise IdempotencyKeyConflict
            return _readable(newest), False
        claim.replay_of(failed.request_hash)
        known = None if claim.stored is None else read_or_refuse(claim.stored, evidence)
        attempt = (claim.attempts or failed.attempt) + 1
        if claim.is_taken:
            await keys.reassign(key, request_hash=failed.request_hash, operation_id=operation_id, attempt=attempt)
        if known is None:
            await slot.take(transaction.operations)
        added = await self._added(transaction, failed, operation_id=operation_id, attempt=attempt, by=by)
        return added if known is None else await adopt(transaction, operation_id, known), True

    async def _keyless(
        self, transaction: Transaction, failed: Operation, *, slot: Slot, by: str
    ) -> tuple[Operation, bool]:
        await transaction.operations.lock(failed.operation_id)  # it may have been purged since it was read
        newest = await transaction.operations.newest_attempt(failed.operation_id)
        if newest is not None and newest != failed.operation_id:
            expired = await transaction.expired.get(newest)
            return _readable(expired or await transaction.operations.get(newest)), False
        operation_id = new_operation_id()
        await slot.take(transaction.operations)
        attempt = failed.attempt + 1
        operation = await self._added(transaction, failed, operation_id=operation_id, attempt=attempt, by=by)
        await transaction.operations.set_successor(failed.operation_id, operation_id)
        return operation, True

    async def _added(
        self, transaction: Transaction, failed: Operation, *, operation_id: str, attempt: int, by: str
    ) -> Operation:
        operation = await transaction.operations.add_attempt(
            failed.operation_id, operation_id=operation_id, attempt=attempt, policy=self._policy.as_text(), by=by
        )
        if operation is None:  # purged since it was read: nothing of the attempt may stay
            raise OperationNotFound
        if not operation.is_batch:
            return operation
        succeeded = await transaction.chunks.carry_over(
            failed.operation_id, operation_id, engine_version=codes.ENGINE_VERSION
        )
        return replace(operation, runs_succeeded=succeeded)


def _readable(attempt: Operation | ExpiredOperation | None) -> Operation:
    """The newer attempt of an operation. Raises OperationExpired, OperationNotFound."""
    if isinstance(attempt, ExpiredOperation):
        raise expired_error(attempt)
    if attempt is None:
        raise OperationNotFound
    return attempt
