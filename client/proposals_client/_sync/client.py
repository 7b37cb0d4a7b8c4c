# Generated from _async/client.py by client/generate.py.
"""The whole API for one desk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import httpx2

from proposals_client._sync.batch import Batch
from proposals_client._sync.operation import Operation, Simulation
from proposals_client._sync.paging import items_of
from proposals_client._sync.transport import TokenSource, Transport
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


class Proposals:
    """A client of the service at `url`, with its own connections until `close()` or the end of its block.

    `token` is a bearer token, or a function that fetches one; the function is called again after a 401. `actor` is who
    acts in reviews, by default the subject of the token. `timeout` bounds each attempt of a call, and safe repeats go
    on for `repeat_seconds`. An `http` client of your own brings proxies and certificates, and you close it.
    """

    def __init__(
        self,
        url: str,
        *,
        token: TokenSource | None = None,
        actor: str | None = None,
        timeout: float = 30.0,
        repeat_seconds: float = 30.0,
        http: httpx2.Client | None = None,
    ) -> None:
        self._transport = Transport(url, token=token, timeout=timeout, repeat_seconds=repeat_seconds, http=http)
        self._actor = actor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    # Creating

    def submit(self, request: Document, *, key: str | None = None, correlation_id: str | None = None) -> Operation:
        """Submit a create request: a mapping, a model or the bytes of a JSON document.

        The same `key` and request are the same operation, however often they are submitted.
        """
        return self._submitted(keyed_post(path_to("async"), request, key=key, correlation_id=correlation_id))

    def submit_version(
        self, proposal_id: str, request: Document, *, key: str | None = None, correlation_id: str | None = None
    ) -> Operation:
        """Submit a new version of a proposal."""
        path = path_to(proposal_id, "versions", "async")
        return self._submitted(keyed_post(path, request, key=key, correlation_id=correlation_id))

    def simulate(
        self, request: Document, *, key: str | None = None, correlation_id: str | None = None
    ) -> ProposalResult:
        """The engine's result for a simulate request; nothing is created."""
        call = keyed_post(path_to("simulate"), request, key=key, correlation_id=correlation_id)
        return read_object(models.ProposalResult, self._object(call))

    def artifact(
        self, request: Document, *, key: str | None = None, correlation_id: str | None = None
    ) -> ProposalArtifact:
        """The artifact for a simulate request; nothing is created."""
        call = keyed_post(path_to("artifact"), request, key=key, correlation_id=correlation_id)
        return read_object(models.ProposalArtifact, self._object(call))

    def simulate_async(
        self, request: Document, *, key: str | None = None, correlation_id: str | None = None
    ) -> Simulation:
        """Submit a simulate request as an operation, whose `wait()` returns result and artifact.

        `simulate` and `artifact` under the same key return parts of the same result.
        """
        call = keyed_post(path_to("simulate", "async"), request, key=key, correlation_id=correlation_id)
        answer = self._transport.send(call)
        return Simulation.named_by(self._transport, answer, key=call.key, is_replay=is_replay_of(answer))

    # Batches

    def submit_batch(self, request: Document, *, key: str | None = None, correlation_id: str | None = None) -> Batch:
        """Submit a batch: items, each simulated in each scenario. The same `key` and request are the same batch."""
        call = keyed_post(path_to("analyze", "async"), request, key=key, correlation_id=correlation_id)
        answer = self._transport.send(call)
        return Batch.named_by(self._transport, answer, key=call.key, is_replay=is_replay_of(answer))

    def analyze(
        self,
        request: Document,
        *,
        key: str | None = None,
        correlation_id: str | None = None,
        timeout: float = 600.0,
    ) -> Analyzed:
        """Submit a batch and wait for its end: its totals by scenario.

        Raises OperationFailed, WaitTimeout after `timeout` seconds, whose `operation` is the batch.
        """
        return (self.submit_batch(request, key=key, correlation_id=correlation_id)).wait(timeout)

    def batch(self, operation_id: str) -> Batch:
        """A batch by its id. Raises OperationNotFound, OperationExpired; InvalidArgument when it is no batch."""
        answer = self._transport.send(get(path_to("operations", operation_id), include_result=False))
        if json_object(answer).get("progress") is None:
            raise InvalidArgument(f"{operation_id} is no batch")
        return Batch.named_by(self._transport, answer, key=None, is_replay=False)

    # Operations

    def operation(self, operation_id: str) -> Operation:
        """An operation by its id. Raises OperationNotFound, OperationExpired."""
        return self._found(get(path_to("operations", operation_id), include_result=False))

    def find_operation(self, correlation_id: str) -> Operation:
        """The newest operation that was answered under this correlation id. Raises as `operation` does."""
        return self._found(get(path_to("operations", "by-correlation", correlation_id), include_result=False))

    def operations(self, **filters: Filter) -> Iterator[OperationState]:
        """All operations that match, the newest first, without results.

        Filters are `status`, `operation_type`, `correlation_id`, `proposal_id`, `created_by`, `created_from` and
        `created_to`; `limit` is the size of a page.
        """
        return self._operations(filters)

    # Reading

    def proposals(self, **filters: Filter) -> Iterator[ProposalSummary]:
        """All proposals that match, the newest first; with `order="waiting"` the one that waits longest first.

        Filters are `portfolio_id`, `state`, `created_by`, `created_from` and `created_to`; several values of one are
        a list. `limit` is the size of a page.
        """
        return self._proposals(filters)

    def proposal(self, proposal_id: str, *, include_evidence: bool = True) -> ProposalDetailResponse:
        """A proposal with its current version."""
        call = get(path_to(proposal_id), include_evidence=include_evidence)
        return read_object(models.ProposalDetailResponse, self._object(call))

    def proposal_of_key(self, key: str) -> KeyedProposalResponse:
        """The proposal that was made under an idempotency key. Raises KeyNotFound."""
        return read_object(models.KeyedProposalResponse, self._object(get(path_to("idempotency", key))))

    def version(self, proposal_id: str, version_no: int, *, include_evidence: bool = True) -> VersionDetail:
        call = get(path_to(proposal_id, "versions", version_no), include_evidence=include_evidence)
        return read_object(models.VersionDetail, self._object(call))

    def version_artifact(self, proposal_id: str, version_no: int) -> ProposalArtifact:
        """What reviewers and clients read of a version, as data."""
        call = get(path_to(proposal_id, "versions", version_no, "artifact"))
        return read_object(models.ProposalArtifact, self._object(call))

    def version_page(self, proposal_id: str, version_no: int) -> str:
        """The same as an HTML page, with the present state of the review."""
        path = path_to(proposal_id, "versions", version_no, "artifact")
        return (self._transport.send(Call(method="GET", path=path, accept=HTML_OR_PROBLEM))).text

    def lineage(self, proposal_id: str) -> LineageResponse:
        """All versions of a proposal, the oldest first, with their hashes."""
        return read_object(models.LineageResponse, self._object(get(path_to(proposal_id, "lineage"))))

    def events(self, proposal_id: str) -> WorkflowEventsResponse:
        """The audit trail of a proposal, the oldest event first."""
        call = get(path_to(proposal_id, "workflow-events"))
        return read_object(models.WorkflowEventsResponse, self._object(call))

    def approvals(self, proposal_id: str) -> ApprovalsResponse:
        """The decisions about a proposal, the oldest first."""
        return read_object(models.ApprovalsResponse, self._object(get(path_to(proposal_id, "approvals"))))

    # The review

    def transition(
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
        document = self._decision(actor, version=version, expected_state=expected_state)
        document |= {"event_type": event_type, "reason": reason or {}}
        return self._reviewed(keyed_post(path_to(proposal_id, "transitions"), document, key=key))

    def approve(
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
        document = self._decision(actor, version=version, expected_state=expected_state)
        document |= {"approval_type": approval_type, "approved": True, "details": details or {}}
        return self._reviewed(keyed_post(path_to(proposal_id, "approvals"), document, key=key))

    def reject(
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
        document = self._decision(actor, version=version, expected_state=expected_state)
        document |= {"approval_type": approval_type, "approved": False, "details": details or {}}
        return self._reviewed(keyed_post(path_to(proposal_id, "approvals"), document, key=key))

    def _submitted(self, call: Call) -> Operation:
        answer = self._transport.send(call)
        return Operation.named_by(self._transport, answer, key=call.key, is_replay=is_replay_of(answer))

    def _found(self, call: Call) -> Operation:
        return Operation.named_by(self._transport, self._transport.send(call), key=None, is_replay=False)

    def _decision(self, actor: str | None, *, version: int, expected_state: str) -> Json:
        who = actor or self._actor or subject_of(self._transport.token())
        return {"actor_id": who, "related_version_no": version, "expected_state": expected_state}

    def _reviewed(self, call: Call) -> TransitionResponse:
        return read_object(models.TransitionResponse, self._object(call))

    def _operations(self, filters: Mapping[str, Filter]) -> Iterator[OperationState]:
        for item in items_of(self._transport, path_to("operations"), filters):
            yield OperationState(item)

    def _proposals(self, filters: Mapping[str, Filter]) -> Iterator[ProposalSummary]:
        for item in items_of(self._transport, path_to(), filters):
            yield read_object(models.ProposalSummary, item)

    def _object(self, call: Call) -> Json:
        return json_object(self._transport.send(call))
