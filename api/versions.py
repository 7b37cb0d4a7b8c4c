"""Versions of a proposal: created as operations, immutable ever after."""

from http import HTTPStatus

from fastapi import HTTPException, Response

from api.callbacks import callback_routes
from api.gates import Gate
from api.http.headers import OptionalIdempotencyKeyHeader, PreferHeader, preferences, scoped_key
from api.http.parameters import IncludeEvidence, ProposalIdInPath, VersionNoInPath
from api.http.router import OPEN, Context, GuardedRouter, Prepared
from api.records import VersionDetail
from api.requests import CreateVersionRequest
from api.submissions import answer_accepted, answer_ended, promised, submission_of, waited_for
from api.wire import json_response
from domain.access import Scope
from domain.errors import (
    PortfolioContextMismatch,
    ProposalNotFound,
    ProposalTerminal,
    VersionConflict,
    VersionNotFound,
)
from domain.operation import VERSIONS_SCOPE
from domain.public_links import PROPOSALS_PATH

router = GuardedRouter(f"{PROPOSALS_PATH}/{{proposal_id}}/versions", gate=Gate.LIFECYCLE, tag="Versions")


@waited_for(
    router,
    body=CreateVersionRequest,
    raises=(ProposalNotFound, ProposalTerminal, PortfolioContextMismatch, VersionConflict),
    summary="Create a version",
    callbacks=callback_routes("create_version"),
)
async def create_version(
    proposal_id: ProposalIdInPath,
    prepared: Prepared,
    context: Context,
    idempotency_key: OptionalIdempotencyKeyHeader = None,
    prefer: PreferHeader = None,
) -> Response:
    """Submit the proposal's next version and wait for it; versions are numbered without a gap."""
    key = scoped_key(VERSIONS_SCOPE, proposal_id, idempotency_key, client=context.client)
    submission = submission_of(prepared, context, key=key, proposal_id=proposal_id, is_synchronous=True)
    return await answer_ended(context, submission, preferences(prefer))


@promised(router, body=CreateVersionRequest, summary="Submit a version", callbacks=callback_routes("submit_version"))
async def submit_version(
    proposal_id: ProposalIdInPath,
    prepared: Prepared,
    context: Context,
    idempotency_key: OptionalIdempotencyKeyHeader = None,
) -> Response:
    """Accept the proposal's next version; its operation fails when there is no such proposal."""
    key = scoped_key(VERSIONS_SCOPE, proposal_id, idempotency_key, client=context.client)
    return await answer_accepted(context, submission_of(prepared, context, key=key, proposal_id=proposal_id))


@router.get("/async", scopes=OPEN, gate=Gate.NONE, include_in_schema=False)
async def refuse_reading_submissions(context: Context) -> Response:  # noqa: ARG001 -- every guarded endpoint takes it
    """This address takes submissions; without this route GET would read it as a version with an invalid number."""
    raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


@router.get(
    "/{version_no}",
    scopes={Scope.PROPOSALS_READ},
    raises=(VersionNotFound,),
    summary="Read a version",
    response_model=VersionDetail,
)
async def read_version(
    proposal_id: ProposalIdInPath,
    version_no: VersionNoInPath,
    context: Context,
    include_evidence: IncludeEvidence = True,
) -> Response:
    """One version with its result, artifact and evidence."""
    texts = await context.services.proposals.version(proposal_id, version_no, client=context.client, room=context.room)
    return json_response(VersionDetail.of(texts, include_evidence=include_evidence))
