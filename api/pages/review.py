"""The review as the page shows it: present state, and who did what to which version."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from api.pages.figures import words
from domain.proposal import EventType, WorkflowEvent
from services.proposal_reads import Trail


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One event; its reason is free text between the bank's people, and stays in the trail."""

    what: str
    actor_id: str
    at: str
    version_no: int
    state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """Of the proposal, whatever version the page is of. `steps` is None for a reader who may not see them."""

    state: str
    since: str
    current_version_no: int
    steps: tuple[Step, ...] | None


def review_of(trail: Trail, *, shows_steps: bool) -> Review:
    proposal = trail.proposal
    return Review(
        state=words(proposal.current_state),
        since=_minute(proposal.waiting_since),
        current_version_no=proposal.current_version_no,
        steps=tuple(_steps(trail.events)) if shows_steps else None,
    )


def _steps(events: Sequence[WorkflowEvent]) -> Iterator[Step]:
    """An event that names no version is about the newest version of its time."""
    newest = 1
    for event in events:
        if event.event_type is EventType.NEW_VERSION_CREATED and event.related_version_no is not None:
            newest = event.related_version_no
        yield Step(
            what=_what(event),
            actor_id=event.actor_id,
            at=_minute(event.occurred_at),
            version_no=event.related_version_no or newest,
            state=words(event.to_state),
        )


def _what(event: WorkflowEvent) -> str:
    """A rejection says which decision it was."""
    if event.event_type is EventType.REJECTED and event.from_state is not None:
        return f"rejected in {words(event.from_state)}"
    return words(event.event_type)


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
