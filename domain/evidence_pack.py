"""A pack: all evidence about one proposal as the bytes of a zip, with the script that verifies it.

The same evidence and the same script make the same bytes. Times in the zip are fixed and names sorted; nothing says
when or where the pack was made; and parts are not compressed, because releases of zlib compress the same bytes
differently. JSON is written as the script demands.
"""

import hashlib
import struct
from collections.abc import Mapping
from importlib import resources

from domain.audit import FIRST_PREVIOUS_HASH, row_columns
from domain.audit_check import Evidence
from domain.canonical import sha256_of
from domain.checkpoint import Sighting
from domain.evidence_key import ALGORITHM, EvidenceKey
from domain.pack_verifier import CHECKPOINT, MANIFEST, MANIFEST_HASH, PACK_FORMAT, SCRIPT, SIGNATURE, pieces_of, shown


class PackTooLarge(Exception):
    """A zip has at most 65,535 parts and 4 GiB."""


def evidence_pack(
    evidence: Evidence, documents: Mapping[str, bytes], *, sighting: Sighting | None, key: EvidenceKey | None
) -> bytes:
    """The zip. `documents` are the texts of all versions by address; `sighting` is of the checkpoint to include.

    Raises PackTooLarge.
    """
    parts = _parts(evidence, documents, sighting)
    manifest = _manifest(evidence, parts, signed_by=None if key is None else key.fingerprint)
    parts[MANIFEST] = manifest
    parts[MANIFEST_HASH] = f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n".encode()
    if key is not None:
        parts[SIGNATURE] = shown(
            {
                "algorithm": ALGORITHM,
                "public_key": key.public_key,
                "fingerprint": key.fingerprint,
                "signature": key.sign(manifest.decode()),
            }
        )
    return zipped(parts)


def zipped(parts: Mapping[str, bytes]) -> bytes:
    """The bytes of a zip with these parts. Raises PackTooLarge."""
    try:
        return b"".join(piece for _, piece in pieces_of(parts))
    except struct.error:
        raise PackTooLarge from None


def verifier() -> bytes:
    """The script that verifies a pack."""
    return (resources.files("domain") / "pack_verifier.py").read_bytes()


def _parts(evidence: Evidence, documents: Mapping[str, bytes], sighting: Sighting | None) -> dict[str, bytes]:
    """All that the manifest lists."""
    proposal = evidence.proposal
    parts = {
        "proposal.json": shown(row_columns(proposal)),
        "versions.json": shown({"versions": [row_columns(version) for version in evidence.versions]}),
        "approvals.json": shown({"approvals": [row_columns(approval) for approval in evidence.approvals]}),
        "events.json": shown({"events": [row_columns(event) for event in evidence.events]}),
        "chain.json": shown(
            {
                "proposal_id": proposal.proposal_id,
                "event_count": proposal.event_count,
                "first_previous_event_hash": FIRST_PREVIOUS_HASH,
                "event_hashes": [event.event_hash for event in evidence.events],
                "last_event_hash": proposal.last_event_hash,
            }
        ),
        SCRIPT: verifier(),
    }
    for address, text in documents.items():
        parts[f"documents/{address.removeprefix('sha256:')}.json"] = text
    if sighting is not None:
        parts[CHECKPOINT] = shown(
            {
                "checkpoint": sighting.checkpoint.shown(),
                "head": sighting.head.shown(),
                "index": sighting.index,
                "path": sighting.path,
            }
        )
    return parts


def _manifest(evidence: Evidence, parts: Mapping[str, bytes], *, signed_by: str | None) -> bytes:
    proposal = evidence.proposal
    return shown(
        {
            "format": PACK_FORMAT,
            "proposal_id": proposal.proposal_id,
            "event_count": proposal.event_count,
            "last_event_hash": proposal.last_event_hash,
            "last_event_at": row_columns(proposal)["last_event_at"],
            "engine_versions": sorted({version.engine_version for version in evidence.versions}),
            "signed_by": signed_by,
            "parts": [
                {"name": name, "length": len(content), "sha256": sha256_of(content)}
                for name, content in sorted(parts.items())
            ],
        }
    )
