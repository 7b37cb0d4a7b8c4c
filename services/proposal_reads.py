"""Reading proposals, their versions, reviews and trails: PostgreSQL only, so that no worker need be alive."""

from dataclasses import dataclass

from domain.errors import IdempotencyKeyNotFound, ProposalNotFound, VersionNotFound
from domain.operation import IdempotencyKey
from domain.proposal import Approval, ProposalVersion, WorkflowEvent
from domain.text import is_identifier
from services.documents import Room, VersionTexts, with_texts
from storage.idempotency import KeyedProposal
from storage.keyset import Page
from storage.proposal_list import ProposalFilter
from storage.proposals import ShownProposal
from storage.unit_of_work import Reading, Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposalDetail:
    proposal: ShownProposal
    current_version: VersionTexts


@dataclass(frozen=True, kw_only=True, slots=True)
class Trail:
    """A proposal with its events, oldest first; both as of the same event."""

    proposal: ShownProposal
    events: list[WorkflowEvent]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineage:
    """A proposal with its versions, ascending."""

    proposal: ShownProposal
    versions: list[ProposalVersion]


class ProposalReadService:
    """All raise StorageUnavailable; a proposal of another client is not found. Documents wait for `room`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def detail(self, proposal_id: str, *, client: str, room: Room) -> ProposalDetail:
        """The proposal with its current version. Raises ProposalNotFound."""
        async with self._storage.reading() as reading:
            proposal = await read_proposal(reading, proposal_id, client=client)
            version = await read_version(reading, proposal_id, proposal.current_version_no)
        return ProposalDetail(proposal=proposal, current_version=await with_texts(self._storage, version, room=room))

    async def version(self, proposal_id: str, version_no: int, *, client: str, room: Room) -> VersionTexts:
        """Raises VersionNotFound, also for an unknown proposal."""
        async with self._storage.reading() as reading:
            try:
                await read_proposal(reading, proposal_id, client=client)
            except ProposalNotFound:
                raise VersionNotFound from None
            version = await read_version(reading, proposal_id, version_no)
        return await with_texts(self._storage, version, room=room)

    async def page(
        self, filters: ProposalFilter, *, client: str, cursor: str | None, limit: int
    ) -> Page[ShownProposal]:
        """Newest first. Raises CursorInvalid for a cursor that is no proposal of the client."""
        async with self._storage.reading() as reading:
            return await reading.proposal_list.page(filters, client=client, cursor=cursor, limit=limit)

    async def waiting(
        self, filters: ProposalFilter, *, client: str, cursor: str | None, limit: int
    ) -> Page[ShownProposal]:
        """Oldest last event first. Raises CursorInvalid for a cursor that is none of this list, client and filter."""
        async with self._storage.reading() as reading:
            return await reading.waiting_list.page(filters, client=client, cursor=cursor, limit=limit)

    async def trail(self, proposal_id: str, *, client: str) -> Trail:
        """Raises ProposalNotFound."""
        async with self._storage.reading() as reading:
            proposal = await read_proposal(reading, proposal_id, client=client)
            events = await reading.events.trail(proposal_id)
        # An event may have come between the two statements; the next read shows it with the state that it led to.
        return Trail(proposal=proposal, events=events[: proposal.event_count])

    async def approvals(self, proposal_id: str, *, client: str) -> list[Approval]:
        """Oldest first. Raises ProposalNotFound."""
        async with self._storage.reading() as reading:
            await read_proposal(reading, proposal_id, client=client)
            return await reading.approvals.of_proposal(proposal_id)

    async def lineage(self, proposal_id: str, *, client: str) -> Lineage:
        """Raises ProposalNotFound."""
        async with self._storage.reading() as reading:
            proposal = await read_proposal(reading, proposal_id, client=client)
            versions = await reading.proposals.versions(proposal_id)
        return Lineage(proposal=proposal, versions=versions[: proposal.current_version_no])

    async def keyed(self, key: IdempotencyKey) -> KeyedProposal:
        """The proposal that a key stands for. Raises IdempotencyKeyNotFound as long as there is none."""
        if not is_identifier(key.key):
            raise IdempotencyKeyNotFound
        async with self._storage.reading() as reading:
            keyed = await reading.keys.made_proposal(key)
        if keyed is None:
            raise IdempotencyKeyNotFound
        return keyed


async def read_proposal(reading: Reading, proposal_id: str, *, client: str) -> ShownProposal:
    """Raises ProposalNotFound."""
    proposal = await reading.proposals.get(proposal_id, client=client) if is_identifier(proposal_id) else None
    if proposal is None:
        raise ProposalNotFound
    return proposal


async def read_version(reading: Reading, proposal_id: str, version_no: int) -> ProposalVersion:
    """Raises VersionNotFound."""
    version = await reading.proposals.version(proposal_id, version_no)
    if version is None:
        raise VersionNotFound
    return version
