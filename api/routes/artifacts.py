"""The artifact of a version at an address of its own: as JSON for programs, as a page for people."""

from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Response
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from api.access import GuardedRoute
from api.dependencies import CallerOfRequest, ProcessServices
from api.entity_tags import is_current
from api.headers import CorrelationIdHeader, IfNoneMatchHeader
from api.pages.artifact_page import PageContext, artifact_page
from api.parameters import ProposalIdInPath, VersionNoInPath
from api.presentation import PREFIX
from api.problems import RequestRefused, problems
from api.schemas.artifact import ProposalArtifact
from domain.errors import LifecycleDisabled, StorageUnavailable, VersionNotFound
from domain.evidence import whole_artifact
from services.version_texts import VersionTexts

JSON, HTML = "application/json", "text/html"
OFFERED: Final = (JSON, HTML)
VARY: Final = {"Vary": "Accept"}
# The page fetches nothing, runs nothing, and is shown in nobody's frame.
PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The artifact: the bytes that the version has, or a page with everything in it.",
        "content": {HTML: {"schema": {"type": "string"}}},
        "headers": {
            "ETag": {"description": "Strong entity tag of these bytes.", "schema": {"type": "string"}},
            "Vary": {"description": "`Accept`.", "schema": {"type": "string"}},
        },
    },
    304: {"description": "The caller's copy is current."},
    **problems(VersionNotFound, LifecycleDisabled, StorageUnavailable, statuses=(406, 422, 500)),
}
AcceptHeader = Annotated[
    str | None,
    Header(
        alias="Accept",
        description="`application/json` (also without this header) or `text/html`.",
        examples=[HTML],
    ),
]

router = APIRouter(
    prefix="/rebalance/proposals/{proposal_id}/versions/{version_no}", tags=["Versions"], route_class=GuardedRoute
)


@router.get("/artifact", summary="Read a version's artifact", response_model=ProposalArtifact, responses=RESPONSES)
async def read_artifact(
    proposal_id: ProposalIdInPath,
    version_no: VersionNoInPath,
    services: ProcessServices,
    caller: CallerOfRequest,
    accept: AcceptHeader = None,
    if_none_match: IfNoneMatchHeader = None,
    _: CorrelationIdHeader = None,
) -> Response:
    """What client and reviewers read of this version; its hash can be computed from the JSON."""
    services.gates.require_lifecycle()
    media_type = _acceptable(accept or JSON)
    if media_type is None:
        raise RequestRefused(
            HTTPStatus.NOT_ACCEPTABLE, "NOT_ACCEPTABLE", f"Offered are {JSON} and {HTML}.", headers=VARY
        )
    texts = await services.proposals.version(proposal_id, version_no, client=caller.client)
    if media_type == HTML:
        page = await services.pool.run(artifact_page, texts.artifact, texts.inputs, _context(texts))
        return _answer(page, HTML, if_none_match, PAGE_HEADERS)
    return _answer(whole_artifact(texts.artifact, inputs=texts.inputs, result=texts.result), JSON, if_none_match, {})


def _acceptable(accept: str) -> str | None:
    """The better of what is offered. Parameters but the weight are passed over: clients name a charset of JSON."""
    ranges = [(media_range.partition(";")[0].strip(), weight) for media_range, weight in parse_accept_header(accept)]
    return MIMEAccept(ranges).best_match(OFFERED)


def _answer(text: str, media_type: str, if_none_match: str | None, headers: dict[str, str]) -> Response:
    content = text.encode()
    tag = f'"{sha256(content).hexdigest()}"'
    always = VARY | {"ETag": tag}
    if is_current(tag, if_none_match):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=always)
    return Response(content, media_type=media_type, headers=always | headers)


def _context(texts: VersionTexts) -> PageContext:
    version = texts.version
    return PageContext(
        title=f"Proposal for {version.portfolio_id}",
        path=f"{PREFIX}/{version.proposal_id}/versions/{version.version_no}/artifact",
        proposal_id=version.proposal_id,
        proposal_version_id=version.proposal_version_id,
        version_no=version.version_no,
        created_by=version.created_by,
        engine_version=version.engine_version,
        simulation_hash=version.simulation_hash,
    )
