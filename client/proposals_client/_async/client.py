"""The whole API for one desk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import httpx2

from proposals_client._async.batch import AsyncBatch
from proposals_client._async.operation import AsyncOperation, AsyncSimulation
from proposals_client._async.paging import items_of
from proposals_client._async.transport import AsyncTokenSource, AsyncTransport
from proposals_client.calls import HTML_OR_PROBLEM, Call, Filter, get, keyed_post, path_to
from proposals_client.documents import Json, json_object
from proposals_client.errors import InvalidArgument
from proposals_client.lazy_models import models
from proposals_client.operation_state import Analyzed, OperationState, is_replay_of
from proposals_client.reading import read_object
from proposals_client.tokens import subject_of

if TYPE_CHECKING:
    from proposals_client.documents import Document
    from proposals_client.models import (
        ApprovalsResponse,
        KeyedProposalResponse,
        LineageResponse,
        ProposalArtifact,
        ProposalDetailResponse,
        ProposalResult,
        ProposalSummary,
        TransitionResponse,
        VersionDetail,
        WorkflowEventsResponse,
    )


class AsyncProposals:
    """A client of the service at `url`, with its own connections until `close()` or the end of its block.

    `token` is a bearer token, or a function that fetches one; the function is called again after a 401. `actor` is who
    acts in reviews, by default the subject of the token. `timeout` bounds each attempt of a call, and safe repeats go
    on for `repeat_seconds`. An `http` client of your own brings proxies and certificates, and you close it.
    """

    def __init__(
        self,
        url: str,
        *,
        token: AsyncTokenSource | None = None,
        actor: str | None = None,
        timeout: float = 30.0,
        repeat_seconds: float = 30.0,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self._transport = AsyncTransport(url, token=token, timeout=timeout, repeat_seconds=repeat_seconds, http=http)
        self._actor = actor

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._transport.close()

    # Creating

    async def submit(
        self, request: Document, *, key: str | None = None, correlation_id: str | None = None
    ) -> AsyncOperation:
        """Submit a create request: a mapping, a model or the bytes of a JSON document.

        The same `key` and request are the same operation, however often they are submitted.
        """
        return await self._submitted(keyed_post(path_to("async"), request, key=key, correlation_id=correlation_id))

    async def submit_version(
        self, proposal_id: str, request: Document, *, key: str | None = None, correlation_id: str | None = None
    ) -> AsyncOperation:
        """Submit a new version of a proposal."""
        path = path_to(proposal_id, "versions", "async")
        return await self._submitted(keyed_post(path, request, key=key, correlation_id=correlation_id))

    async def simulate(
        self, request: Document, *, key: str | None = None, correlation_id: str | None = None
    ) -> ProposalResult:
        """The engine's result for a simulate request; nothing is created."""
        call = keyed_post(path_to("simulate"), request, key=key, correlation_id=correlation_id)
        return read_object(models.ProposalResult, await self._object(call))

    async def artifact(
        self, request: Document, *, key: str | None = None, correlation_id: str | None = None
    ) -> ProposalArtifact:
        """The artifact for a simulate request; nothing is created."""
        call = keyed_post(path_to("artifact"), request, key=key, correlation_id=correlation_id)
        return read_object(models.ProposalArtifact, await self._object(call))

    async def simulate_async(
        self, request: Document, *, key: str | None = None, correlation_id: str | None = None
    ) -> AsyncSimulation:
        """Submit a simulate request as an operation, whose `wait()` returns result and artifact.

        `simulate` and `artifact` under the same key return parts of the same result.
        """
        call = keyed_post(path_to("simulate", "async"), request, key=key, correlation_id=correlation_id)
        answer = await self._transport.send(call)
        return AsyncSimulation.named_by(self._transport, answer, key=call.key, is_replay=is_replay_of(answer))

    # Batches

    async def submit_batch(
        self, request: Document, *, key: str | None = None, correlation_id: str | None = None
    ) -> AsyncBatch:
        """Submit a batch: items, each simulated in each scenario. The same `key` and request are the same batch."""
        call = keyed_post(path_to("analyze", "async"), request, key=key, correlation_id=correlation_id)
        answer = await self._transport.send(call)
        return AsyncBatch.named_by(self._transport, answer, key=call.key, is_replay=is_replay_of(answer))

    async def analyze(
        self,
        request: Document,
        *,
        key: str | None = None,
        correlation_id: str | None = None,
        timeout: float = 600.0,  # noqa: ASYNC109 -- the batch goes on after it
    ) -> Analyzed:
        """Submit a batch and wait for its end: its totals by scenario.

        Raises OperationFailed, AsyncWaitTimeout after `timeout` seconds, whose `operation` is the batch.
        """
        return await (await self.submit_batch(request, key=key, correlation_id=correlation_id)).wait(timeout)

    async def batch(self, operation_id: str) -> AsyncBatch:
        """A batch by its id. Raises OperationNotFound, OperationExpired; InvalidArgument when it is no batch."""
        answer = await self._transport.send(get(path_to("operations", operation_id), include_result=False))
        if json_object(answer).get("progress") is None:
            raise InvalidArgument(f"{operation_id} is no batch")
        return AsyncBatch.named_by(self._transport, answer, key=None, is_replay=False)

    # Operations

    async def operation(self, operation_id: str) -> AsyncOperation:
        """An operation by its id. Raises OperationNotFound, OperationExpired."""
        return await self._found(get(path_to("operations", operation_id), include_result=False))

    async def find_operation(self, correlation_id: str) -> AsyncOperation:
        """The newest operation that was answered under this correlation id. Raises as `operation` does."""
        return await self._found(get(path_to("operations", "by-correlation", correlation_id), include_result=False))

    def operations(self, **filters: Filter) -> AsyncIterator[OperationState]:
        """All operations that match, the newest first, without results.

        Filters are `status`, `operation_type`, `correlation_id`, `proposal_id`, `created_by`, `created_from` and
        `created_to`; `limit` is the size of a page.
        """
        return self._operations(filters)

    # Reading

    def proposals(self, **filters: Filter) -> AsyncIterator[ProposalSummary]:
        """All proposals that match, the newest first; with `order="waiting"` the one that waits longest first.

        Filters are `portfolio_id`, `state`, `created_by`, `created_from` and `created_to`; several values of one are
        a list. `limit` is the size of a page.
        """
        return self._proposals(filters)

    async def proposal(self, proposal_id: str, *, include_evidence: bool = True) -> ProposalDetailResponse:
        """A proposal with its current version."""
        call = get(path_to(proposal_id), include_evidence=include_evidence)
        return read_object(models.ProposalDetailResponse, await self._object(call))

    async def proposal_of_key(self, key: str) -> KeyedProposalResponse:
        """The proposal that was made under an idempotency key. Raises KeyNotFound."""
        return read_object(models.KeyedProposalResponse, await self._object(get(path_to("idempotency", key))))

    async def version(self, proposal_id: str, version_no: int, *, include_evidence: bool = True) -> VersionDetail:
        call = get(path_to(proposal_id, "versions", version_no), include_evidence=include_evidence)
        return read_object(models.VersionDetail, await self._object(call))

    async def version_artifact(self, proposal_id: str, version_no: int) -> ProposalArtifact:
        """What reviewers and clients read of a version, as data."""
        call = get(path_to(proposal_id, "versions", version_no, "artifact"))
        return read_object(models.ProposalArtifact, await self._object(call))

    async def version_page(self, proposal_id: str, version_no: int) -> str:
        """The same as an HTML page, with the present state of the review."""
        path = path_to(proposal_id, "versions", version_no, "artifact")
        return (await self._transport.send(Call(method="GET", path=path, accept=HTML_OR_PROBLEM))).text

    async def lineage(self, proposal_id: str) -> LineageResponse:
        """All versions of a proposal, the oldest first, with their hashes."""
        return read_object(models.LineageResponse, await self._object(get(path_to(proposal_id, "lineage"))))

    async def events(self, proposal_id: str) -> WorkflowEventsResponse:
        """The audit trail of a proposal, the oldest event first."""
        call = get(path_to(proposal_id, "workflow-events"))
        return read_object(models.WorkflowEventsResponse, await self._object(call))

    async def approvals(self, proposal_id: str) -> ApprovalsResponse:
        """The decisions about a proposal, the oldest first."""
        return read_object(models.ApprovalsResponse, await self._object(get(path_to(proposal_id, "approvals"))))

    # The review

    async def transition(
        self,
        proposal_id: str,
        event_type: str,
        *,
        version: int,
        expected_state: str,
        reason: Mapping[str, Any] | None = None,
        actor: str | None = None,
        key: str | None = None,
    ) -> TransitionResponse:
        """Record an event of the review, about this version and in this state.

        Raises StateConflict, VersionConflict, InvalidTransition.
        """
        document = await self._decision(actor, version=version, expected_state=expected_state)
        document |= {"event_type": event_type, "reason": reason or {}}
        return await self._reviewed(keyed_post(path_to(proposal_id, "transitions"), document, key=key))

    async def approve(
        self,
        proposal_id: str,
        approval_type: str,
        *,
        version: int,
        expected_state: str,
        details: Mapping[str, Any] | None = None,
        actor: str | None = None,
        key: str | None = None,
    ) -> TransitionResponse:
        """Record a RISK, COMPLIANCE or CLIENT_CONSENT decision in favour of this version.

        Raises StateConflict, VersionConflict, InvalidApprovalState.
        """
        document = await self._decision(actor, version=version, expected_state=expected_state)
        document |= {"approval_type": approval_type, "approved": True, "details": details or {}}
        return await self._reviewed(keyed_post(path_to(proposal_id, "approvals"), document, key=key))

    async def reject(
        self,
        proposal_id: str,
        approval_type: str,
        *,
        version: int,
        expected_state: str,
        details: Mapping[str, Any] | None = None,
        actor: str | None = None,
        key: str | None = None,
    ) -> TransitionResponse:
        """Record a decision against this version, as `approve` does one in favour."""
        document = await self._decision(actor, version=version, expected_state=expected_state)
        document |= {"approval_type": approval_type, "approved": False, "details": details or {}}
        return await self._reviewed(keyed_post(path_to(proposal_id, "approvals"), document, key=key))

    async def _submitted(self, call: Call) -> AsyncOperation:
        answer = await self._transport.send(call)
        return AsyncOperation.named_by(self._transport, answer, key=call.key, is_replay=is_replay_of(answer))

    async def _found(self, call: Call) -> AsyncOperation:
        return AsyncOperation.named_by(self._transport, await self._transport.send(call), key=None, is_replay=False)

    async def _decision(self, actor: str | None, *, version: int, expected_state: str) -> Json:
        who = actor or self._actor or subject_of(await self._transport.token())
        return {"actor_id": who, "related_version_no": version, "expected_state": expected_state}

    async def _reviewed(self, call: Call) -> TransitionResponse:
        return read_object(models.TransitionResponse, await self._object(call))

    async def _operations(self, filters: Mapping[str, Filter]) -> AsyncIterator[OperationState]:
        async for item in items_of(self._transport, path_to("operations"), filters):
            yield OperationState(item)

    async def _proposals(self, filters: Mapping[str, Filter]) -> AsyncIterator[ProposalSummary]:
        async for item in items_of(self._transport, path_to(), filters):
            yield read_object(models.ProposalSummary, item)

    async def _object(self, call: Call) -> Json:
        return json_object(await self._transport.send(call))
