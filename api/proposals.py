"""Proposals: created as operations, waited for or not; read from PostgreSQL."""

from enum import StrEnum
from typing import Annotated, Self

from fastapi import Depends, Query, Response
from pydantic import Field

from api.callbacks import callback_routes
from api.documents.result import GateDecision
from api.gates import Gate
from api.http.headers import IdempotencyKeyHeader, PreferHeader, preferences
from api.http.parameters import IncludeEvidence, PagingOfRequest, ProposalIdInPath, QueryText
from api.http.router import Context, GuardedRouter, Prepared
from api.records import ProposalSummary, VersionDetail
from api.requests import CreateProposalRequest
from api.submissions import answer_accepted, answer_ended, promised, submission_of, waited_for
from api.wire import PROPOSAL_ID_EXAMPLE, Stored, StoredJson, Wire, json_response
from domain.access import Scope
from domain.errors import CursorInvalid, ProposalNotFound
from domain.operation import IdempotencyKey
from domain.proposal import ProposalState
from domain.public_links import PROPOSALS_PATH
from services.proposal_reads import ProposalDetail
from storage.proposal_list import ProposalFilter

# The asynchronous submission is behind this gate, too, and checks the other one itself.
router = GuardedRouter(PROPOSALS_PATH, gate=Gate.LIFECYCLE, tag="Proposals")


class ProposalDetailResponse(Wire):
    """A proposal with its current version."""

    proposal: ProposalSummary = Field(description="The proposal as it is now.")
    current_version: VersionDetail = Field(description="The newest version, with result, artifact and evidence.")
    last_gate_decision: Annotated[StoredJson, Stored(GateDecision)] | None = Field(
        description="That version's gate decision."
    )

    @classmethod
    def of(cls, detail: ProposalDetail, *, include_evidence: bool) -> Self:
        version = VersionDetail.of(detail.current_version, include_evidence=include_evidence)
        return cls(proposal=detail.proposal, current_version=version, last_gate_decision=version.gate_decision)


class ListOrder(StrEnum):
    NEWEST = "newest"
    WAITING = "waiting"


class ProposalListResponse(Wire):
    """A page of proposals."""

    items: list[ProposalSummary] = Field(description="The list, in the order that was asked for.")
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null on the last page. By `newest` it is the last proposal's id.",
        examples=[PROPOSAL_ID_EXAMPLE],
    )


@waited_for(
    router,
    body=CreateProposalRequest,
    summary="Create a proposal",
    callbacks=callback_routes("create_proposal"),
)
async def create_proposal(
    prepared: Prepared, idempotency_key: IdempotencyKeyHeader, context: Context, prefer: PreferHeader = None
) -> Response:
    """Submit a proposal and wait for its result. After a 202 the work continues; the same key waits again."""
    key = IdempotencyKey.of_creates(idempotency_key, client=context.client)
    submission = submission_of(prepared, context, key=key, is_synchronous=True)
    return await answer_ended(context, submission, preferences(prefer))


@promised(router, body=CreateProposalRequest, summary="Submit a proposal", callbacks=callback_routes("submit_proposal"))
async def submit_proposal(prepared: Prepared, idempotency_key: IdempotencyKeyHeader, context: Context) -> Response:
    """Accept a proposal for simulation and storage; the same key and body return the same operation."""
    key = IdempotencyKey.of_creates(idempotency_key, client=context.client)
    return await answer_accepted(context, submission_of(prepared, context, key=key))


async def _filters(
    paging: PagingOfRequest,
    portfolio_id: Annotated[QueryText, Query(description="Proposals for this portfolio.", examples=["pf_1"])] = None,
    state: Annotated[
        list[QueryText] | None,
        Query(
            description="Proposals in this state, or any of several; an unknown state gives an empty page.",
            examples=[["DRAFT"]],
        ),
    ] = None,
    created_by: Annotated[
        QueryText, Query(description="Submitted by this person, exactly as in `created_by`.", examples=["advisor_1"])
    ] = None,
) -> ProposalFilter:
    return ProposalFilter(
        portfolio_id=portfolio_id,
        current_state=None if state is None else tuple(known for known in ProposalState if known in state),
        created_by=created_by,
        created_from=paging.created_from,
        created_to=paging.created_to,
    )


@router.get(
    "",
    scopes={Scope.PROPOSALS_READ},
    raises=(CursorInvalid,),
    summary="List proposals",
    response_model=ProposalListResponse,
)
async def list_proposals(
    filters: Annotated[ProposalFilter, Depends(_filters)],
    paging: PagingOfRequest,
    context: Context,
    order: Annotated[
        ListOrder,
        Query(description="`waiting`: the oldest `last_event_at` first. A `cursor` is of one order and its filters."),
    ] = ListOrder.NEWEST,
) -> Response:
    """Newest or longest waiting first, narrowed by any of the filters. Follow `next_cursor` until it is null."""
    proposals = context.services.proposals
    read = proposals.waiting if order is ListOrder.WAITING else proposals.page
    page = await read(filters, client=context.client, cursor=paging.cursor, limit=paging.limit)
    return json_response(ProposalListResponse.from_value(page))


@router.get(
    "/{proposal_id}",
    scopes={Scope.PROPOSALS_READ},
    raises=(ProposalNotFound,),
    summary="Read a proposal with its current version",
    response_model=ProposalDetailResponse,
)
async def read_proposal(
    proposal_id: ProposalIdInPath, context: Context, include_evidence: IncludeEvidence = True
) -> Response:
    """The proposal, its current version with result, artifact and evidence, and that version's gate decision."""
    detail = await context.services.proposals.detail(proposal_id, client=context.client, room=context.room)
    return json_response(ProposalDetailResponse.of(detail, include_evidence=include_evidence))
