"""Verify a pack of evidence about one proposal: this needs Python 3.9 or newer, and no network, database or library.

    python3 verify.py                  verify the folder that this file is in
    python3 verify.py PACK.zip         verify a pack that was not unzipped
    python3 verify.py --key KEY        demand the signature of this key: the fingerprint, or the public key in hex,
                                       as you got it by another way than this pack; repeat it for several keys
    python3 verify.py --proposal ID    demand that the pack is about this proposal
    python3 verify.py --show           show the trail, and which file is which document

Exit code 0: nothing was altered. 1: each line that begins with FAILED names a part and what is wrong with it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

PACK_FORMAT = "proposals-evidence-pack/1"
CHECKPOINT_FORMAT = "proposals-evidence-checkpoint/1"
NOTHING_BEFORE = "sha256:" + "0" * 64
VERSION_EVENTS = ("CREATED", "NEW_VERSION_CREATED")
ROLES = ("request", "result", "inputs", "artifact")
MANIFEST, MANIFEST_HASH, SIGNATURE, CHECKPOINT = "manifest.json", "manifest.sha256", "signature.json", "checkpoint.json"
BESIDE = (MANIFEST, MANIFEST_HASH, SIGNATURE)  # what the manifest cannot list
ROWS = ("approvals.json", "chain.json", "events.json", "proposal.json", "versions.json")
LISTS = ("approvals", "events", "versions")
SCRIPT = "verify.py"
NEEDED = (MANIFEST, MANIFEST_HASH, *ROWS, SCRIPT)
UNREADABLE_ZIP = (
    zipfile.BadZipFile,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    struct.error,
    zlib.error,
)
UNREADABLE_JSON = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


def sha256_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    """The text that is hashed: sorted keys, no white space, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def shown(value: Any) -> bytes:
    """The text of the JSON parts of a pack."""
    return (json.dumps(value, sort_keys=True, indent=1, ensure_ascii=True) + "\n").encode()


# The zip. A pack is written in one way only, so that each byte of it can be judged.

VERSION, UNIX, LONG_AGO = 20, 3, 33  # of the format; of the attributes; 1980-01-01, the first day that a zip can hold
READABLE_FILE = 0o100644 << 16


def pieces_of(parts: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """The bytes of the zip of these parts in order, each piece with the part that it is of, "" for the end of the zip.

    Not by `zipfile`: what that writes may change with a release of Python. Raises struct.error for parts that are too
    many or too large for a zip.
    """
    directory, begin = [], 0
    for part in sorted(parts):
        content, name = parts[part], part.encode()
        size = len(content)
        about = struct.pack("<5H3L2H", VERSION, 0, 0, 0, LONG_AGO, zlib.crc32(content), size, size, len(name), 0)
        entry = struct.pack("<4s2B", b"PK\1\2", VERSION, UNIX) + about
        directory.append((part, entry + struct.pack("<3H2L", 0, 0, 0, READABLE_FILE, begin) + name))
        header = b"PK\3\4" + about + name
        yield part, header
        yield part, content
        begin += len(header) + size
    yield from directory
    count, length = len(directory), sum(len(entry) for _, entry in directory)
    yield "", b"PK\5\6" + struct.pack("<4H2LH", 0, 0, count, count, length, begin, 0)


# Ed25519, RFC 8032, section 5.1.7, with the arithmetic of its section 6.

KEY_LENGTH = 32
Point = tuple[int, int, int, int]  # x, y and the product xy in extended coordinates
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def add_points(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar: int, point: Point) -> Point:
    product = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            product = add_points(product, point)
        point, scalar = add_points(point, point), scalar >> 1
    return product


def point_of(y: int, sign: int) -> Point | None:
    """The point with this y, None if there is none."""
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * SQRT_OF_MINUS_1 % P
    if (x * x - x2) % P or (not x and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960
BASE: Point = (X, Y, 1, X * Y % P)


def point_in(encoded: bytes) -> Point | None:
    """The point that 32 bytes are the encoding of, None if there is none, or another encoding is the right one."""
    number = int.from_bytes(encoded, "little")
    return point_of(number & (2**255 - 1), number >> 255)


def is_nothing(point: Point) -> bool:
    """Whether it is the neutral element, which every scalar leaves as it is."""
    return not point[0] % P and not (point[1] - point[2]) % P


def is_key(public_key: bytes) -> bool:
    """Whether a private key can have made it: it is in the group of the base point.

    With some of the others one signature is right for many messages, and making it takes no private key.
    """
    key = point_in(public_key) if len(public_key) == KEY_LENGTH else None
    return key is not None and not is_nothing(key) and is_nothing(times(L, key))


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of the key signed the message; all three are bytes."""
    if not is_key(public_key) or len(signature) != 2 * KEY_LENGTH:
        return False
    key, r, s = point_in(public_key), point_in(signature[:32]), int.from_bytes(signature[32:], "little")
    # With such a key the equation leaves the neutral element as the only `r` outside of its group.
    if key is None or r is None or is_nothing(r) or s >= L:
        return False
    digest = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % L
    left, right = times(s, BASE), add_points(r, times(digest, key))
    return not any((left[i] * right[2] - right[i] * left[2]) % P for i in (0, 1))


# Merkle trees, RFC 6962, section 2.1.


def root_by_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """The root that the path leads to from this leaf, None if the path is too long or too short."""
    if not 0 <= index < size:
        return None
    digest, last = hashlib.sha256(b"\x00" + leaf).digest(), size - 1
    for sibling in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            digest = hashlib.sha256(b"\x01" + sibling + digest).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            digest = hashlib.sha256(b"\x01" + digest + sibling).digest()
        index, last = index >> 1, last >> 1
    return digest if last == 0 else None


class Verification:
    """What is in a pack, and what was found about it."""

    def __init__(self, keys: Iterable[str] = (), proposal_id: str | None = None) -> None:
        self.keys = [key.lower() for key in keys]
        self.proposal_id = proposal_id
        self.parts: dict[str, bytes] = {}
        self.bytes_read = 0  # from a zip
        self.failures: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self.broken: set[str] = set()  # parts that are not as the manifest lists them: nothing is concluded from these

    def failed(self, part: str, reason: str) -> None:
        self.failures.append((part, reason))

    def ok(self, note: str) -> None:
        self.notes.append(f"ok      {note}")

    # Reading

    def verify(self, pack: Path) -> None:
        """Everything about the zip or folder."""
        if self.read(pack):
            self.check(pack.name)

    def read(self, pack: Path) -> bool:
        """Whether it could be read at all."""
        if pack.is_dir():
            self._read_folder(pack)
            return True
        try:
            with zipfile.ZipFile(pack) as archive:
                for entry in archive.infolist():
                    self._read_entry(archive, entry, pack.stat().st_size)
            if not self.failures:
                self._check_bytes(pack)
        except UNREADABLE_ZIP as failure:
            self.failed(pack.name, f"is no zip, or was cut or altered: {failure}")
            return False
        return True

    def _check_bytes(self, pack: Path) -> None:
        """Name what is not as these parts make a zip: `zipfile` overlooks comments, times, and bytes between parts."""
        pieces = list(pieces_of(self.parts))
        excess = pack.stat().st_size - sum(len(piece) for _, piece in pieces)
        with pack.open("rb") as file:
            for part, piece in pieces:
                begin = file.tell()
                if file.read(len(piece)) == piece:
                    continue
                where = f"from byte {begin} on" if excess else f"in bytes {begin} to {begin + len(piece) - 1}"
                self.failed(part or pack.name, f"is not in the zip as packs have it: it differs {where}")
                if excess:
                    break  # everything behind is in another place
        if excess > 0:
            self.failed(pack.name, f"has {excess} bytes more than its parts make")

    def _read_folder(self, folder: Path) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                continue
            part = path.relative_to(folder).as_posix()
            if not path.is_file():
                self.unreadable(part, "is no file")  # a pipe or device could be read for ever
                continue
            try:
                self.parts[part] = path.read_bytes()
            except OSError as failure:
                self.unreadable(part, f"cannot be read: {failure.strerror}")

    def _read_entry(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> None:
        part = entry.filename
        if part in self.parts or part in self.broken:
            self.failed(part, "is in the zip twice")
        elif entry.compress_type != zipfile.ZIP_STORED or entry.file_size > most:
            self.unreadable(part, "is compressed, as no part of a pack is")
        elif self.bytes_read + entry.file_size > most:
            self.unreadable(part, "overlaps another part of the zip")  # a small zip could fill the memory
        else:
            try:
                self.parts[part] = archive.read(entry)
                self.bytes_read += entry.file_size
            except UNREADABLE_ZIP as failure:
                self.unreadable(part, f"cannot be read from the zip: {failure}")

    def unreadable(self, part: str, reason: str) -> None:
        self.broken.add(part)
        self.failed(part, reason)

    def json_of(self, part: str) -> Any:
        """A JSON part, which is written in one way only."""
        value = json.loads(self.parts[part].decode())
        if shown(value) != self.parts[part]:
            raise ValueError("it is not written as packs are")
        return value

    def is_json(self, part: str) -> bool:
        """Whether the part can be read, and is a list of rows where it must be one; if not, it is named."""
        try:
            value, name = self.json_of(part), part.partition(".")[0]
            if name in LISTS and (sorted(value) != [name] or not all(isinstance(row, dict) for row in value[name])):
                raise ValueError(f"it is no list of {name}")
        except UNREADABLE_JSON as failure:
            self.unreadable(part, f"is not what such a part is: {failure}")
            return False
        return True

    # Checking

    def check(self, name: str) -> None:
        """Everything that was read. `name` is that of the zip or folder."""
        manifest = self.checked_manifest()
        if manifest is None:
            return
        self.check_parts(manifest)
        self.check_name(manifest, name)
        self.checked("the signature", (MANIFEST,), self.check_signature)
        self.checked("the events", ("events.json", "chain.json"), self.check_events)
        self.checked("versions and approvals", ("events.json", "versions.json", "approvals.json"), self.check_subjects)
        self.checked("the documents", ("versions.json",), self.check_documents)
        self.checked("the proposal", ("proposal.json", "events.json", "versions.json"), self.check_proposal)
        self.checked("the manifest's summary", (MANIFEST, "events.json", "versions.json"), self.check_summary)
        if CHECKPOINT in self.parts or CHECKPOINT in self.broken:
            self.checked("the checkpoint", (CHECKPOINT, "events.json"), self.check_checkpoint)
        else:
            self.notes.append("note    no checkpoint: nothing shows when this trail was there")

    def checked(self, what: str, needed: tuple[str, ...], check: Callable[[], str | None]) -> None:
        """Run a check whose parts are as the manifest says; a part that cannot be read is named."""
        missing = [part for part in needed if part in self.broken or part not in self.parts]
        if missing:
            self.notes.append(f"skipped {what}: it takes {', '.join(missing)}")
            return
        if len([part for part in needed if self.is_json(part)]) < len(needed):
            return
        before = len(self.failures)
        try:
            found = check()
        except UNREADABLE_JSON as failure:
            self.failed(" or ".join(needed), f"is not whole: {failure!r}")
            return
        if found and len(self.failures) == before:
            self.ok(found)

    def checked_manifest(self) -> Any:
        """The manifest; None when nothing can be checked by it."""
        for part in NEEDED:
            if part not in self.parts and part not in self.broken:
                self.failed(part, "is missing")
        if MANIFEST not in self.parts:
            return None
        if MANIFEST_HASH in self.parts:
            line = f"{hashlib.sha256(self.parts[MANIFEST]).hexdigest()}  {MANIFEST}\n"
            if self.parts[MANIFEST_HASH] != line.encode():
                self.failed(MANIFEST, f"is not what {MANIFEST_HASH} says: one of the two was altered")
        try:
            return self.read_manifest()
        except UNREADABLE_JSON as failure:
            self.failed(MANIFEST, f"is no manifest: {failure}")
            return None

    def read_manifest(self) -> Any:
        """The manifest, with all that the checks of parts and name take. Raises one of UNREADABLE_JSON."""
        manifest = self.json_of(MANIFEST)
        if manifest["format"] != PACK_FORMAT:
            raise ValueError(f"its format is not {PACK_FORMAT}")
        if not isinstance(manifest["proposal_id"], str):
            raise TypeError("it names no proposal")
        for row in manifest["parts"]:
            if sorted(row) != ["length", "name", "sha256"] or not isinstance(row["name"], str):
                raise ValueError("its list of parts is none")
        return manifest

    def check_parts(self, manifest: Any) -> None:
        listed = {row["name"]: row for row in manifest["parts"]}
        if [row["name"] for row in manifest["parts"]] != sorted(listed):
            self.failed(MANIFEST, "does not list each part once, by name")
        before = len(self.failures)
        for part in sorted(listed.keys() - self.parts.keys() - self.broken - set(NEEDED)):
            self.failed(part, "is missing")
        for part in sorted(listed.keys() & self.parts.keys()):
            data, row = self.parts[part], listed[part]
            if len(data) != row["length"]:
                self.unreadable(part, f"was altered: it has {len(data)} bytes, {MANIFEST} says {row['length']}")
            elif sha256_of(data) != row["sha256"]:
                self.unreadable(part, f"was altered: it has another SHA-256 than {MANIFEST} says")
        for part in sorted((self.parts.keys() | self.broken) - listed.keys() - set(BESIDE)):
            self.unreadable(part, f"is additional: {MANIFEST} does not list it")
        for part in sorted(set(NEEDED) - set(BESIDE) - listed.keys()):
            self.failed(MANIFEST, f"does not list {part}")
        if before == len(self.failures) and not self.broken:
            self.ok(f"parts: {len(listed)}, with the length and SHA-256 that {MANIFEST} lists")

    def check_name(self, manifest: Any, name: str) -> None:
        proposal_id = manifest["proposal_id"]
        if self.proposal_id not in (None, proposal_id):
            self.failed(MANIFEST, f"is about {proposal_id}, not about {self.proposal_id}")
        for named in re.findall(r"pp_[0-9a-f]{32}", name):
            if named != proposal_id:
                self.failed(MANIFEST, f"is about {proposal_id}, but the pack is named for {named}")

    def check_key(self, part: str, public_key: str) -> str:
        """Name a key that is not demanded; the words for one that is, or that cannot be compared."""
        fingerprint = sha256_of(bytes.fromhex(public_key))
        if not self.keys:
            return f"{fingerprint}; compare it with the fingerprint you got by another way, or give --key"
        if public_key.lower() not in self.keys and fingerprint not in self.keys:
            self.failed(part, f"is signed by another key: {fingerprint}")
        return fingerprint

    def check_signature(self) -> str | None:
        signed_by = self.json_of(MANIFEST)["signed_by"]
        if SIGNATURE not in self.parts:
            if signed_by is not None or self.keys:
                self.failed(SIGNATURE, "is missing: nothing shows who made this pack")
            self.notes.append("note    not signed: the parts fit together, but nothing shows who made them")
            return None
        try:
            signature = self.json_of(SIGNATURE)
            public_key = bytes.fromhex(signature["public_key"])
            if sorted(signature) != ["algorithm", "fingerprint", "public_key", "signature"]:
                raise ValueError("it has other members")
            if signature["algorithm"] != "Ed25519" or signature["fingerprint"] != sha256_of(public_key):
                raise ValueError("the fingerprint is not the key's")
            is_good = is_signed(public_key, self.parts[MANIFEST], bytes.fromhex(signature["signature"]))
        except UNREADABLE_JSON as failure:
            self.failed(SIGNATURE, f"is no signature: {failure}")
            return None
        if not is_good:
            self.failed(SIGNATURE, f"is wrong: this key did not sign {MANIFEST}")
        if signed_by != signature["fingerprint"]:
            self.failed(SIGNATURE, f"is by another key than {MANIFEST} says")
        return f"signature: {MANIFEST} is signed by {self.check_key(SIGNATURE, signature['public_key'])}"

    def check_events(self) -> str:
        """The hash of each event, and its place in the chain."""
        before, hashes = NOTHING_BEFORE, []
        proposal_id = self.json_of(MANIFEST)["proposal_id"]
        events, chain = self.json_of("events.json")["events"], self.json_of("chain.json")
        for sequence, event in enumerate(events, start=1):
            row = {name: value for name, value in event.items() if name != "event_hash"}
            if sha256_of(canonical(row)) != event["event_hash"]:
                self.failed("events.json", f"{event['event_id']} was altered: its hash is another")
            elif (event["sequence"], event["previous_event_hash"]) != (sequence, before):
                self.failed("events.json", f"{event['event_id']} does not follow the event before it")
            elif event["proposal_id"] != proposal_id:
                self.failed("events.json", f"is of {event['proposal_id']}, not of {proposal_id}")
            before = event["event_hash"]
            hashes.append(before)
        expected = {"proposal_id": proposal_id, "event_count": len(hashes), "last_event_hash": before}
        if not hashes or chain != {**expected, "first_previous_event_hash": NOTHING_BEFORE, "event_hashes": hashes}:
            self.failed("chain.json", "is not the chain of events.json")
        return f"events: {len(hashes)}, each hash is right and covers that of the event before it"

    def check_subjects(self) -> str:
        """The versions and approvals, whose hashes the events hold."""
        versions = {row["proposal_version_id"]: row for row in self.json_of("versions.json")["versions"]}
        approvals = {row["approval_id"]: row for row in self.json_of("approvals.json")["approvals"]}
        made = set()
        for event in self.json_of("events.json")["events"]:
            is_version = event["event_type"] in VERSION_EVENTS
            part, rows = ("versions.json", versions) if is_version else ("approvals.json", approvals)
            row_id = ("ppv_" if is_version else "pap_") + event["event_id"].partition("_")[2]
            if event["subject_hash"] is None:
                continue
            made.add(row_id)
            row = dict(rows.get(row_id, {}))
            if is_version and row.get("client") is None:
                row.pop("client", None)
            if not row:
                self.failed(part, f"lacks {row_id}, which event {event['event_id']} made")
            elif sha256_of(canonical(row)) != event["subject_hash"]:
                self.failed(part, f"{row_id} was altered: event {event['event_id']} holds another hash")
        for part, rows in (("versions.json", versions), ("approvals.json", approvals)):
            for row_id in sorted(rows.keys() - made):
                self.failed(part, f"{row_id} was made by no event")
        for part, rows, name in (("versions.json", versions, "versions"), ("approvals.json", approvals, "approvals")):
            if len(self.json_of(part)[name]) != len(rows):
                self.failed(part, "has a row twice")
        return f"versions: {len(versions)}, approvals: {len(approvals)}; the events hold their hashes"

    def check_documents(self) -> str | None:
        """The documents of each version, and the two hashes of what the engine made of its request."""
        versions = self.json_of("versions.json")["versions"]
        named: set[str] = set()
        for version in versions:
            files = {role: file_of(version[role + "_document"]) for role in ROLES}
            named.update(files.values())
            absent = [file for file in files.values() if file not in self.parts]
            for file in absent:
                if file not in self.broken:
                    self.failed(file, f"is missing: it is of version {version['version_no']}")
            for file in files.values():
                if file in self.parts and file != file_of(sha256_of(self.parts[file])):
                    self.failed(file, "was altered: its SHA-256 is not its name")
            if not absent and not self.broken.intersection(files.values()):
                self.check_hashes(version, files)
        for part in sorted(self.parts.keys() - named - self.broken):
            if part.startswith("documents/"):
                self.failed(part, "is a document that no version names")
        if named & self.broken:
            return None
        return f"documents: {len(named)}, the versions hold their SHA-256 and the hashes of results and artifacts"

    def check_hashes(self, version: Any, files: dict[str, str]) -> None:
        try:
            result, inputs, artifact = (json.loads(self.parts[files[role]].decode()) for role in ROLES[1:])
            hashed = {name: part for name, part in result.items() if name != "correlation_id"}
            lineage = {name: value for name, value in result["lineage"].items() if name != "idempotency_key"}
            hashed["lineage"] = lineage
            bundle = artifact.pop("evidence_bundle")
            whole = {name: part for name, part in artifact.items() if name not in ("created_at", "correlation_id")}
            whole["evidence_bundle"] = {
                "inputs": inputs,
                "engine_outputs": {"proposal_result": hashed},
                "hashes": {"request_hash": bundle["hashes"]["request_hash"]},
                "engine_version": bundle["engine_version"],
            }
            said = {
                "simulation_hash": (sha256_of(canonical(hashed)),),
                "artifact_hash": (sha256_of(canonical(whole)), bundle["hashes"]["artifact_hash"]),
                "request_hash": (lineage["request_hash"], bundle["hashes"]["request_hash"]),
                "engine_version": (lineage["engine_version"], bundle["engine_version"]),
            }
        except UNREADABLE_JSON:
            self.failed("versions.json", f"version {version['version_no']} names documents that none is made of")
            return
        for name, values in said.items():
            if set(values) != {version[name]}:
                self.failed("versions.json", f"version {version['version_no']} has another {name} than its documents")

    def check_proposal(self) -> str:
        """The proposal's row, which repeats what trail and versions say."""
        proposal, events = self.json_of("proposal.json"), self.json_of("events.json")["events"]
        versions = {version["version_no"]: version for version in self.json_of("versions.json")["versions"]}
        numbers = [event["related_version_no"] for event in events if event["event_type"] in VERSION_EVENTS]
        first, current, last = versions[1], versions[numbers[-1]], events[-1]
        said = {
            "proposal_id": last["proposal_id"],
            "event_count": len(events),
            "last_event_hash": last["event_hash"],
            "last_event_at": last["occurred_at"],
            "current_state": last["to_state"],
            "current_version_no": numbers[-1],
            "created_at": first["created_at"],
            "created_by": first["created_by"],
            "portfolio_id": current["portfolio_id"],
            "client": proposal["client"] if first["client"] is None else first["client"],
        }
        request = file_of(first["request_document"])
        if request in self.parts and request not in self.broken:
            metadata = json.loads(self.parts[request].decode())["metadata"]
            said.update((name, metadata[name]) for name in ("title", "advisor_notes", "mandate_id", "jurisdiction"))
            if sorted(said) != sorted(proposal):
                self.failed("proposal.json", "has other members than a proposal")
        for name, value in sorted(said.items()):
            if proposal[name] != value:
                self.failed("proposal.json", f"has another {name} than trail, versions and request say")
        return "proposal: its row says what its trail, versions and first request say"

    def check_summary(self) -> None:
        manifest, events = self.json_of(MANIFEST), self.json_of("events.json")["events"]
        versions = self.json_of("versions.json")["versions"]
        said = {
            "format": PACK_FORMAT,
            "proposal_id": events[-1]["proposal_id"],
            "event_count": len(events),
            "last_event_hash": events[-1]["event_hash"],
            "last_event_at": events[-1]["occurred_at"],
            "engine_versions": sorted({version["engine_version"] for version in versions}),
            "parts": manifest["parts"],
            "signed_by": manifest["signed_by"],
        }
        for name in sorted(said.keys() | manifest.keys()):
            if name not in said or name not in manifest or said[name] != manifest[name]:
                self.failed(MANIFEST, f"has another {name} than the parts")

    def check_checkpoint(self) -> str:
        """The signed statement about all trails of one moment, and the path from this trail's head to its root."""
        given = self.json_of(CHECKPOINT)
        checkpoint, head, path = given["checkpoint"], given["head"], [hex_of(text) for text in given["path"]]
        events, proposal_id = self.json_of("events.json")["events"], self.json_of(MANIFEST)["proposal_id"]
        statement = {name: value for name, value in checkpoint.items() if name != "signature"}
        key, signature = bytes.fromhex(checkpoint["public_key"]), bytes.fromhex(checkpoint["signature"])
        if sorted(given) != ["checkpoint", "head", "index", "path"] or checkpoint["format"] != CHECKPOINT_FORMAT:
            self.failed(CHECKPOINT, f"is not of the format {CHECKPOINT_FORMAT}")
        if not is_signed(key, canonical(statement), signature):
            self.failed(CHECKPOINT, "has a wrong signature")
        signed_by = self.check_key(CHECKPOINT, checkpoint["public_key"])
        root = root_by_path(canonical(head), given["index"], checkpoint["proposals"], path)
        if root is None or root != hex_of(checkpoint["root"]):
            self.failed(CHECKPOINT, "does not contain this head: the path does not lead to its root")
        count = head["event_count"]
        seen = events[count - 1]["event_hash"] if 0 < count <= len(events) else None
        if sorted(head) != ["event_count", "last_event_hash", "proposal_id"] or head["proposal_id"] != proposal_id:
            self.failed(CHECKPOINT, "is about another proposal")
        elif seen != head["last_event_hash"]:
            self.failed(CHECKPOINT, f"saw another event {count} than events.json has")
        if count < len(events):
            self.notes.append(f"note    the checkpoint is older than events {count + 1} to {len(events)}")
        moment = f"number {checkpoint['checkpoint_no']} of {checkpoint['taken_at']}"
        return f"checkpoint: {moment} saw event {count}; it is signed by {signed_by}"

    def shown_trail(self) -> Iterator[str]:
        """Who did what when, and which file is which document."""
        for event in self.json_of("events.json")["events"]:
            number = event["related_version_no"]
            what = event["event_type"] + ("" if number is None else f" of version {number}")
            yield f"{event['sequence']}  {event['occurred_at']}  {event['actor_id']}: {what}, now {event['to_state']}"
        for version in self.json_of("versions.json")["versions"]:
            for role in ROLES:
                yield f"version {version['version_no']}, {role}: {file_of(version[role + '_document'])}"


def file_of(address: str) -> str:
    """The part that a document's address names."""
    return f"documents/{address.partition(':')[2]}.json"


def hex_of(text: str) -> bytes:
    return bytes.fromhex(text.partition(":")[2])


def plain(text: str) -> str:
    """The text, without what could pass for another line of the report."""
    return text if text.isascii() and text.isprintable() else ascii(text)


def key_of(text: str) -> str:
    """A fingerprint, or a public key in hex."""
    if not re.fullmatch(r"(sha256:)?[0-9a-f]{64}", text.lower()):
        raise argparse.ArgumentTypeError(f"{text} is no key: give sha256: and 64 hex digits, or the digits of a key")
    return text.lower()


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify a pack of evidence about one proposal.")
    parser.add_argument("pack", nargs="?", type=Path, help="a zip or a folder; without it, the folder of this file")
    parser.add_argument("--key", action="append", type=key_of, help="fingerprint (sha256:...) or public key in hex")
    parser.add_argument("--proposal", metavar="ID", action="append", help="the proposal that the pack must be about")
    parser.add_argument("--show", action="store_true", help="show the trail, and which file is which document")
    arguments = parser.parse_args()
    demanded = arguments.proposal or [None]
    if len(demanded) > 1:
        parser.error("--proposal is given once: a pack is about one proposal")
    pack = (arguments.pack or Path(__file__).parent).resolve()
    verification = Verification(arguments.key or (), demanded[0])
    verification.verify(pack)
    if SCRIPT in verification.parts and verification.parts[SCRIPT] != Path(__file__).read_bytes():
        verification.notes.append(f"note    {SCRIPT} in the pack is another script than this one")
    print(f"Evidence pack {plain(str(pack))}")
    for note in verification.notes:
        print(f"  {plain(note)}")
    for part, reason in verification.failures:
        print(f"  FAILED  {plain(part)} {plain(reason)}")
    if verification.failures:
        print(f"The pack is NOT as it was made. Failures: {len(verification.failures)}")
        return 1
    for line in verification.shown_trail() if arguments.show else ():
        print(f"  {plain(line)}")
    print("Nothing was altered. Not checked here: that the engine computes the same again (proposals audit replay).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
