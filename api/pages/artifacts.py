"""The artifact of a version at an address of its own: as JSON for programs, as a page for people."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import Header, Response

from api.documents.artifact import ProposalArtifact
from api.gates import Gate
from api.http.answers import Piece, not_modified, response_of
from api.http.headers import HTML, JSON, VARY, IfNoneMatchHeader, described_header, negotiated
from api.http.parameters import ProposalIdInPath, VersionNoInPath
from api.http.router import Context, GuardedRouter
from api.pages.artifact_page import PageContext, artifact_page
from api.pages.review import review_of
from api.pages.templates import PAGE_HEADERS
from domain.access import Scope
from domain.errors import VersionNotFound
from domain.evidence import artifact_parts
from domain.public_links import PROPOSALS_PATH, artifact_path
from domain.text import is_visible
from services.documents import LARGE_BYTES, VersionTexts
from services.process_pool import ProcessPool
from services.proposal_reads import Trail

LARGE_PAGE_BYTES: Final = 256 * 1024  # of stored text; rendering more holds the interpreter for too long
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The artifact: the stored bytes, or a page that shows all of it.",
        "content": {HTML: {"schema": {"type": "string"}}},
        "headers": {
            "Cache-Control": described_header("`private, no-cache`, on the page only."),
            "ETag": described_header("Strong entity tag of these bytes."),
            "Vary": described_header("`Accept`: the representation depends on it."),
        },
    },
    304: {"description": "The caller's copy is current; the response has no body."},
}
AcceptHeader = Annotated[
    str | None,
    Header(
        alias="Accept",
        description="`application/json` (also without this header) or `text/html`.",
        examples=[HTML],
    ),
]

router = GuardedRouter(f"{PROPOSALS_PATH}/{{proposal_id}}/versions/{{version_no}}", gate=Gate.LIFECYCLE, tag="Versions")


@router.get(
    "/artifact",
    scopes={Scope.PROPOSALS_READ},
    raises=(VersionNotFound,),
    statuses=(406,),
    summary="Read a version's artifact",
    response_model=ProposalArtifact,
    responses=RESPONSES,
)
async def read_artifact(
    proposal_id: ProposalIdInPath,
    version_no: VersionNoInPath,
    context: Context,
    accept: AcceptHeader = None,
    if_none_match: IfNoneMatchHeader = None,
) -> Response:
    """The artifact of this version. The artifact hash covers the JSON; the page adds the state of the review."""
    media_type = negotiated(accept, (JSON, HTML))
    texts = await context.services.proposals.version(proposal_id, version_no, client=context.client, room=context.room)
    if media_type == HTML:
        trail = await context.services.proposals.trail(proposal_id, client=context.client)
        shown = _context(texts, trail, shows_steps=_may_read_trails(context))
        page = await _page(texts, shown, context.services.readers)
        return await _answer([page], HTML, if_none_match, PAGE_HEADERS)
    parts = artifact_parts(texts.artifact, inputs=texts.inputs, result=texts.result)
    return await _answer(parts, JSON, if_none_match, {})


async def _page(texts: VersionTexts, context: PageContext, readers: ProcessPool) -> bytes:
    """Rendered beside the requests, and never in the engine's processes, where a simulation may take its time."""
    given = (texts.artifact, texts.inputs, context)
    if len(texts.artifact) + len(texts.inputs) <= LARGE_PAGE_BYTES:
        return await asyncio.to_thread(artifact_page, *given)
    return await readers.run(artifact_page, *given)


async def _answer(
    parts: Sequence[Piece], media_type: str, if_none_match: str | None, headers: dict[str, str]
) -> Response:
    sent = VARY | {"ETag": f'"{await _hash_of(parts)}"'} | headers
    return not_modified(sent, if_none_match) or response_of(parts, media_type, headers=sent)


async def _hash_of(parts: Sequence[Piece]) -> str:
    if sum(map(len, parts)) <= LARGE_BYTES:
        return _hash_at_once(parts)
    return await asyncio.to_thread(_hash_at_once, parts)


def _hash_at_once(parts: Sequence[Piece]) -> str:
    whole = sha256()
    for part in parts:
        whole.update(part)
    return whole.hexdigest()


def _may_read_trails(context: Context) -> bool:
    """Whether the caller could read what happened in the trail itself (`api.support`)."""
    return Scope.AUDIT_READ in context.caller.scopes and context.services.gates.is_open(Gate.SUPPORT)


def _context(texts: VersionTexts, trail: Trail, *, shows_steps: bool) -> PageContext:
    version, title = texts.version, trail.proposal.title
    return PageContext(
        title=title if title is not None and is_visible(title) else None,
        path=artifact_path(version.proposal_id, version.version_no),
        proposal_id=version.proposal_id,
        proposal_version_id=version.proposal_version_id,
        version_no=version.version_no,
        created_by=version.created_by,
        engine_version=version.engine_version,
        simulation_hash=version.simulation_hash,
        review=review_of(trail, shows_steps=shows_steps),
    )
