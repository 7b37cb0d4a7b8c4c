"""Packs of real evidence, and what their verifier says."""

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders import a_storage
from evidence_keys import a_key
from storage_rows import a_created_proposal, a_reviewed_proposal

from domain.evidence_pack import zipped
from domain.pack_verifier import Verification
from runtime.database import Database
from services.checkpoints import take_checkpoint
from services.evidence_pack import pack_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """A reviewed proposal among others: its pack signed by key 1 and its unsigned one, and the pack of another."""

    proposal_id: str
    other_id: str
    signed: bytes
    unsigned: bytes
    other: bytes


async def _make(dsn: str) -> Packed:
    async with Database(dsn, pool_size=4, application_name="proposals-test").running() as database:
        storage = a_storage(database)
        other_id = (await a_created_proposal(storage)).proposal_id
        proposal_id = await a_reviewed_proposal(storage)
        await a_created_proposal(storage)
        await take_checkpoint(storage, a_key())
        assert other_id is not None
        return Packed(
            proposal_id=proposal_id,
            other_id=other_id,
            signed=await pack_of(storage, proposal_id, key=a_key()),
            unsigned=await pack_of(storage, proposal_id, key=None),
            other=await pack_of(storage, other_id, key=a_key()),
        )


def make(dsn: str) -> Packed:
    return asyncio.run(_make(dsn))


def parts_of(pack: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def found(pack: bytes | Mapping[str, bytes], folder: Path, *, name: str = "pack.zip", **demands: Any) -> list[str]:
    """The failures that the verifier names, a line each."""
    file = folder / name
    file.write_bytes(pack if isinstance(pack, bytes) else zipped(pack))
    verification = Verification(demands.get("keys", ()), demands.get("proposal_id"))
    verification.verify(file)
    return [f"{part} {reason}" for part, reason in verification.failures]


def shown(value: Any) -> bytes:
    return (json.dumps(value, sort_keys=True, indent=1) + "\n").encode()


def with_manifest(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """The parts with a manifest that fits them, as a forger without the key would make it."""
    listed = {name: part for name, part in parts.items() if name not in ("manifest.json", "manifest.sha256")}
    manifest = json.loads(parts["manifest.json"])
    manifest["parts"] = [
        {"name": name, "length": len(part), "sha256": f"sha256:{hashlib.sha256(part).hexdigest()}"}
        for name, part in sorted(listed.items())
        if name != "signature.json"
    ]
    return with_hash({**listed, "manifest.json": shown(manifest)})


def with_hash(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    digest = hashlib.sha256(parts["manifest.json"]).hexdigest()
    return {**parts, "manifest.sha256": f"{digest}  manifest.json\n".encode()}
