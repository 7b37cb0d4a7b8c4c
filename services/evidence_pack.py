"""Packing all evidence about one proposal, after verifying it: a pack of altered evidence would not verify either."""

from domain.audit_check import BrokenRow
from domain.errors import ProposalNotFound
from domain.evidence_key import EvidenceKey
from domain.evidence_pack import evidence_pack
from services.audit import AuditVerification, addresses_of
from services.checkpoints import CheckpointAltered, sighting_of
from storage.unit_of_work import Storage


class EvidenceAltered(Exception):
    """The stored evidence is not as it was written."""

    def __init__(self, broken: list[BrokenRow]) -> None:
        super().__init__("\n".join(map(str, broken)))
        self.broken = broken


async def pack_of(storage: Storage, proposal_id: str, *, key: EvidenceKey | None) -> bytes:
    """The bytes of the pack, signed if there is a key.

    It has the proof of the checkpoint that saw the proposal's end, if there is one. Raises ProposalNotFound,
    EvidenceAltered, PackTooLarge and StorageUnavailable.
    """
    async with storage.snapshot(by_index=True) as reader:
        evidence = await reader.evidence_of(proposal_id)
        if evidence is None:
            raise ProposalNotFound
        audit = AuditVerification(storage, against={}, progress=lambda _: None)
        if broken := [row async for row in audit.proposal(proposal_id)]:
            raise EvidenceAltered(broken)
        addresses = {address for version in evidence.versions for address in addresses_of(version).values()}
        documents = await reader.documents(sorted(addresses))
        try:
            sighting = await sighting_of(reader.checkpoints, proposal_id)
        except CheckpointAltered as altered:
            raise EvidenceAltered([altered.broken]) from None
    texts = {address: document.plain() or b"" for address, document in documents.items()}
    return evidence_pack(evidence, texts, sighting=sighting, key=key)
