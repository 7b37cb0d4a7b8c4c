"""Accepting work: key, document and operation row at once, then the workflow."""

import asyncio
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from domain.callback import CallbackSubscription
from domain.errors import ProposalError, ProposalNotFound, SimulationDisabled
from domain.ids import new_operation_id
from domain.operation import ExpiredOperation, IdempotencyKey, Operation, OperationStatus, Policy, RecordedEvidence
from domain.text import is_identifier
from services.adoption import Adoption, read_or_refuse
from services.ending import adopt
from services.open_operations import OpenOperationLimit, Slot
from services.operation_trace import link_to_later_starts
from services.prepared_request import PreparedRequest
from storage.documents import DocumentPurged
from storage.idempotency import Arbiter, KeyClaim
from storage.submissions import NewOperation
from storage.unit_of_work import Storage

NOT_STORED: Final = datetime.min.replace(tzinfo=UTC)  # PostgreSQL says when

StartSoon = Callable[[Operation], None]
JudgeCallback = Callable[[CallbackSubscription], Awaitable[ProposalError | None]]


async def note_correlation_id(storage: Storage, operation: Operation | ExpiredOperation, correlation_id: str) -> None:
    """Let an operation that is answered under another correlation id than its own be found by that one, too.

    To be called before the answer is sent: the first lookup after it has to find the operation (R3, R33).
    """
    if operation.correlation_id != correlation_id:
        async with storage.autocommit() as transaction:
            await transaction.correlation_ids.add(operation, correlation_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """A valid request with the headers that came with it; `proposal_id` is the target of a version.

    A synchronous one is refused at once where an asynchronous one becomes an operation that fails.
    """

    prepared: PreparedRequest
    client: str
    key: IdempotencyKey | None
    correlation_id: str
    proposal_id: str | None = None
    is_synchronous: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The operation that a request stands for; `is_replay` when an earlier request made it.

    An ExpiredOperation has SUCCEEDED and was purged; its key is still kept.
    """

    operation: Operation | ExpiredOperation
    is_replay: bool


class SubmissionService:
    """One key has one live or succeeded operation, whatever arrives at the same time, here or in other processes.

    Across processes the key's row decides: a transaction that claims the key waits until the one before it has ended.
    Such a wait occupies a connection of the pool, and a thousand equal requests would occupy all of them. So the
    requests of one process that are equal in key and contents (twins) share one task, which submits once and gives its
    outcome to each. The task belongs to none of them: twins await it through `asyncio.shield`, so that a client that
    disconnects cancels its own wait, and not the submission of the others.
    """

    def __init__(
        self,
        storage: Storage,
        start_soon: StartSoon,
        *,
        policy: Policy,
        large_request_rows: int,
        limit: OpenOperationLimit,
        judge_callback: JudgeCallback,
        adoption: Adoption,
    ) -> None:
        self._storage = storage
        self._start_soon = start_soon
        self._policy = policy
        self._policy_text = policy.as_text()
        self._large_request_rows = large_request_rows
        self._limit = limit
        self._judge_callback = judge_callback
        self._adoption = adoption
        self._under_way: dict[
            tuple[IdempotencyKey, str, bool, CallbackSubscription | None], asyncio.Task[Accepted]
        ] = {}

    async def submit(self, submission: Submission) -> Accepted:
        """Accept the request, or find the operation of an earlier request with its key.

        Raises IdempotencyKeyConflict when the key stands for another request, SimulationDisabled for a synchronous
        request without the option, CallbackUrlNotAllowed, ProposalNotFound for a target whose id cannot exist,
        TooManyOpenOperations for a new operation, StorageUnavailable when nothing was accepted. If the connection was
        lost during the commit, StorageUnavailable leaves that open, and the same key finds out.
        """
        if submission.proposal_id is not None and not is_identifier(submission.proposal_id):
            raise ProposalNotFound
        prepared = submission.prepared
        refusal = None if prepared.callback is None else await self._judge_callback(prepared.callback)
        if submission.key is None:
            return await self._accept_past_purge(submission, refusal)
        accepted = await self._submit_keyed(submission, submission.key, refusal)
        await note_correlation_id(self._storage, accepted.operation, submission.correlation_id)
        return accepted

    async def _submit_keyed(
        self, submission: Submission, key: IdempotencyKey, refusal: ProposalError | None
    ) -> Accepted:
        prepared = submission.prepared
        twins = (key, prepared.request_hash, submission.is_synchronous, prepared.callback)
        task = self._under_way.get(twins)
        is_first = task is None
        if task is None:
            task = self._under_way[twins] = asyncio.create_task(self._accept_past_purge(submission, refusal))
            task.add_done_callback(lambda _: self._under_way.pop(twins, None))
        try:
            accepted = await asyncio.shield(task)
        except ProposalError as failure:
            # Every twin raises an error of its own: an exception object collects the traceback of each that raises it.
            raise copy(failure) from failure
        return accepted if is_first else Accepted(operation=accepted.operation, is_replay=True)

    async def _accept_past_purge(self, submission: Submission, refusal: ProposalError | None) -> Accepted:
        accept = partial(self._accept, submission, refusal)
        try:
            return await self._adoption.with_evidence(accept)
        except DocumentPurged:
            return await self._adoption.with_evidence(accept)

    async def _accept(
        self, submission: Submission, refusal: ProposalError | None, evidence: RecordedEvidence | None
    ) -> Accepted:
        new = self._new_operation(submission)
        if submission.is_synchronous and self._policy.require_simulation_flag:
            refusal = refusal if submission.prepared.asks_for_simulation else SimulationDisabled()
        # The one statement reads no table, so it cannot count what is open of one client.
        is_quick = refusal is None and not self._limit.per_client
        with self._limit.slot(submission.client, is_batch=new.operation.is_batch) as slot:
            operation = await self._accept_if_new(new, submission.key, slot) if is_quick else None
            accepted = operation or await self._find_or_accept(
                new, submission.key, slot=slot, refusal=refusal, evidence=evidence
            )
        if isinstance(accepted, Accepted):
            return accepted
        link_to_later_starts(accepted.operation_id)
        self._start_soon(accepted)
        return Accepted(operation=accepted, is_replay=False)

    async def _accept_if_new(self, new: NewOperation, key: IdempotencyKey | None, slot: Slot) -> Operation | None:
        """By one statement; None when an earlier request has the key, or may have it and there is no slot.

        A batch takes several statements.
        """
        async with self._storage.transaction() if new.chunks else self._storage.autocommit() as transaction:
            if not await slot.take_if_free(transaction.operations):
                return None
            if key is None:
                return await transaction.submissions.add(new)
            accepted = await transaction.submissions.add_with_new_key(new, key)
        if accepted is None:
            slot.give_back()
        return accepted

    async def _find_or_accept(
        self,
        new: NewOperation,
        key: IdempotencyKey | None,
        *,
        slot: Slot,
        refusal: ProposalError | None,
        evidence: RecordedEvidence | None,
    ) -> Accepted | Operation:
        """What the key stands for, if anything; an accepted request is a replay, whatever the options say now.

        A key that has a result and no operation gets one that has SUCCEEDED. Raises ResultNotRead for one without its
        `evidence`.
        """
        request_hash, operation_id = new.operation.request_hash, new.operation.operation_id
        async with self._storage.transaction() as transaction:
            claim = KeyClaim()
            keys: Arbiter = transaction.keys
            if key is not None:
                keys = transaction.arbiter_of(key)
                claim = await keys.claim(key, request_hash=request_hash, operation_id=operation_id)
            if (held_by := claim.replay_of(request_hash)) is not None:
                return Accepted(operation=held_by, is_replay=True)
            if refusal is not None:
                raise refusal
            known = None if claim.stored is None else read_or_refuse(claim.stored, evidence)
            if known is None:
                await slot.take(transaction.operations)
            if key is not None and claim.is_taken:
                attempt = claim.attempts + 1
                await keys.reassign(key, request_hash=request_hash, operation_id=operation_id, attempt=attempt)
                new = replace(new, operation=replace(new.operation, attempt=attempt))
            operation = await transaction.submissions.add(new)
            if known is None:
                return operation
            return Accepted(operation=await adopt(transaction, operation_id, known), is_replay=True)

    def _new_operation(self, submission: Submission) -> NewOperation:
        prepared, runs_total = submission.prepared, submission.prepared.runs_total
        operation = Operation(
            operation_id=new_operation_id(),
            operation_type=prepared.operation_type,
            status=OperationStatus.PENDING,
            client=submission.client,
            idempotency_key=None if submission.key is None else submission.key.key,
            attempt=1,
            correlation_id=submission.correlation_id,
            request_hash=prepared.request_hash,
            request_document=prepared.document.sha256,
            portfolio_id=prepared.portfolio_id,
            created_by=prepared.author,
            policy=self._policy_text,
            is_large=prepared.is_large(more_rows_than=self._large_request_rows),
            has_callback=prepared.callback is not None,
            proposal_id=submission.proposal_id,
            expected_version_no=prepared.expected_version_no,
            scenario_count=prepared.scenario_count,
            chunk_count=len(prepared.chunks) or None,
            runs_total=runs_total,
            runs_succeeded=None if runs_total is None else 0,
            runs_failed=None if runs_total is None else 0,
            created_at=NOT_STORED,
            updated_at=NOT_STORED,
            progress_at=NOT_STORED,
        )
        return NewOperation(
            operation=operation,
            document=prepared.document,
            metadata=prepared.metadata,
            callback=prepared.callback,
            chunks=prepared.chunks,
        )
