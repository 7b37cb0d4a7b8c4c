"""A pack verifies anywhere, always has the same bytes, and names whatever was altered in it."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator

import evidence_packs
import psycopg
import pytest
from evidence_keys import a_key
from evidence_packs import Packed, found, parts_of, shown, with_hash, with_manifest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from running_service import ROOT
from storage_rows import a_created_proposal, a_created_version, a_reviewed_proposal

from domain import pack_verifier
from domain.canonical import sha256_of
from domain.errors import ProposalNotFound
from domain.evidence_pack import PackTooLarge, verifier, zipped
from domain.pack_verifier import canonical
from services.checkpoints import take_checkpoint
from services.evidence_pack import EvidenceAltered, pack_of
from storage.unit_of_work import Storage

KEY = a_key()
FIXED = {
    "approvals.json",
    "chain.json",
    "checkpoint.json",
    "events.json",
    "manifest.json",
    "manifest.sha256",
    "proposal.json",
    "signature.json",
    "verify.py",
    "versions.json",
}


@pytest.fixture(scope="module")
def packed(database_of_module) -> Packed:
    return evidence_packs.make(database_of_module)


@pytest.fixture(scope="module")
def parts(packed) -> dict[str, bytes]:
    return parts_of(packed.signed)


def test_a_pack_has_every_part_and_nothing_else(packed, parts):
    versions = json.loads(parts["versions.json"])["versions"]
    named = {
        version[f"{role}_document"] for version in versions for role in ("request", "result", "inputs", "artifact")
    }
    assert len(versions) == 2
    assert parts.keys() == FIXED | {f"documents/{address[7:]}.json" for address in named}
    for name, content in parts.items():
        assert not name.startswith("documents/") or f"documents/{sha256_of(content)[7:]}.json" == name
    manifest = json.loads(parts["manifest.json"])
    assert manifest["proposal_id"] == packed.proposal_id
    assert (manifest["event_count"], manifest["signed_by"]) == (6, KEY.fingerprint)
    assert manifest["engine_versions"] == ["2.0.0"]
    assert {row["name"]: (row["length"], row["sha256"]) for row in manifest["parts"]} == {
        name: (len(content), sha256_of(content))
        for name, content in parts.items()
        if name not in ("manifest.json", "manifest.sha256", "signature.json")
    }
    assert parts_of(packed.unsigned).keys() == parts.keys() - {"signature.json"}


def test_the_zip_says_nothing_of_when_and_where_it_was_made(packed):
    with zipfile.ZipFile(io.BytesIO(packed.signed)) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {(entry.date_time, entry.compress_type, entry.create_system, entry.external_attr) for entry in entries} == {
        ((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED, 3, 0o100644 << 16)
    }


def test_a_stranger_verifies_it_with_python_alone(packed, tmp_path):
    folder = tmp_path / "pack"
    with zipfile.ZipFile(io.BytesIO(packed.signed)) as archive:
        archive.extractall(folder)
    (tmp_path / f"{packed.proposal_id}.zip").write_bytes(packed.signed)
    for arguments in ([], ["--key", KEY.public_key, "--proposal", packed.proposal_id]):
        ran = subprocess.run(
            [sys.executable, "-I", "-S", "verify.py", *arguments],
            cwd=folder,
            env={},
            check=False,
            capture_output=True,
            text=True,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "events: 6, each hash is right" in ran.stdout
        assert "checkpoint: number 1 of " in ran.stdout
        assert f"signed by {KEY.fingerprint}" in ran.stdout
        assert ran.stdout.splitlines()[-1].startswith("Nothing was altered.")
        assert ("compare it with the fingerprint" in ran.stdout) == (not arguments)


def report(capsys, monkeypatch, *arguments: object) -> tuple[int, list[str]]:
    """The exit code and the lines of the script."""
    monkeypatch.setattr(sys, "argv", ["verify.py", *map(str, arguments)])
    code = pack_verifier.main()
    return code, capsys.readouterr().out.splitlines()


def test_two_proposals_that_a_pack_must_be_about_are_refused(packed, tmp_path, capsys, monkeypatch):
    file = tmp_path / "pack.zip"
    file.write_bytes(packed.signed)
    with pytest.raises(SystemExit) as ended:
        report(capsys, monkeypatch, file, "--proposal", "pp_of_another", "--proposal", packed.proposal_id)
    assert (ended.value.code, "--proposal is given once" in capsys.readouterr().err) == (2, True)


def test_its_report_names_the_part_and_claims_nothing_about_it(packed, tmp_path, capsys, monkeypatch):
    file = tmp_path / "pack.zip"
    file.write_bytes(packed.signed)
    code, lines = report(capsys, monkeypatch, file, "--show")
    assert (code, [line[:8] for line in lines[1:8]]) == (0, ["  ok    "] * 7)
    assert any(line.endswith("reviewer_1: RISK_APPROVED, now AWAITING_CLIENT_CONSENT") for line in lines)
    assert any(line.endswith("advisor_2: NEW_VERSION_CREATED of version 2, now DRAFT") for line in lines)
    assert sum(line.startswith("  version 2, ") for line in lines) == 4
    file.write_bytes(packed.signed.replace(b"reviewer_1", b"reviewer_2"))
    code, lines = report(capsys, monkeypatch, file, "--show")
    assert (code, lines[-1]) == (1, "The pack is NOT as it was made. Failures: 2")
    assert "  FAILED  approvals.json cannot be read from the zip: Bad CRC-32 for file 'approvals.json'" in lines
    assert not any(line.startswith(("  ok      parts", "  ok      events", "  ok      versions")) for line in lines)
    code, lines = report(capsys, monkeypatch, tmp_path / "none.zip")
    assert (code, lines[1].startswith("  FAILED  none.zip is no zip"), len(lines)) == (1, True, 3)


@pytest.mark.parametrize("key", ["sha256:00", "x", "", KEY.public_key[1:]])
def test_a_key_that_is_none_is_refused(capsys, monkeypatch, key):
    with pytest.raises(SystemExit) as ended:
        report(capsys, monkeypatch, "--key", key)
    assert ended.value.code == 2
    assert f"{key} is no key" in capsys.readouterr().err


def test_its_events_are_an_answer_of_the_api_for_the_example_that_verifies_trails(parts):
    script = [sys.executable, str(ROOT / "examples" / "verify_trail.py")]
    ran = subprocess.run(script, input=parts["events.json"], capture_output=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, b"whole\n")


def test_an_unsigned_pack_verifies_unless_a_signature_is_demanded(packed, tmp_path):
    assert found(packed.unsigned, tmp_path) == []
    (line,) = found(packed.unsigned, tmp_path, keys=[KEY.fingerprint])
    assert line == "signature.json is missing: nothing shows who made this pack"


@pytest.mark.parametrize("key", [KEY.fingerprint, KEY.public_key, KEY.public_key.upper()])
def test_the_key_is_pinned_by_fingerprint_or_in_hex(packed, tmp_path, key):
    assert found(packed.signed, tmp_path, keys=[key]) == []
    assert found(packed.signed, tmp_path, keys=[a_key(2).fingerprint, key]) == []


def names(parts: dict[str, bytes]) -> list[str]:
    return sorted(parts)


def flipped(content: bytes, place: int, mask: int = 1) -> bytes:
    return content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :]


def test_every_altered_truncated_or_missing_part_is_named(parts, tmp_path):
    for name, content in parts.items():
        for alteration in (
            {name: flipped(content, len(content) - 1)},
            {name: content[: len(content) // 2]},
        ):
            lines = found(parts | alteration, tmp_path)
            assert any(name in line for line in lines), (name, lines)
        rest = {other: part for other, part in parts.items() if other != name}
        assert any(line.startswith(f"{name} is missing") for line in found(rest, tmp_path)), name


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_altered_byte_of_any_member_is_named(parts, tmp_path, data):
    name = data.draw(st.sampled_from(names(parts)))
    place = data.draw(st.integers(0, len(parts[name]) - 1))
    content = flipped(parts[name], place, data.draw(st.integers(1, 255)))
    lines = found(parts | {name: content}, tmp_path)
    assert any(name in line for line in lines), lines


def test_any_altered_byte_in_the_zip_itself_is_named(packed, tmp_path):
    """Its checksum tells, before the manifest does."""
    with zipfile.ZipFile(io.BytesIO(packed.signed)) as archive:
        entries = archive.infolist()
    for entry in entries:
        begin = entry.header_offset + 30 + len(entry.filename)
        pack = flipped(packed.signed, begin + entry.file_size // 3)
        assert f"{entry.filename} cannot be read from the zip: Bad CRC-32" in "\n".join(found(pack, tmp_path))


def test_a_zip_that_was_cut_is_named(packed, tmp_path):
    for length in (0, 10, len(packed.signed) // 2, len(packed.signed) - 1):
        lines = found(packed.signed[:length], tmp_path)
        assert len(lines) == 1
        assert lines[0].startswith("pack.zip is no zip, or was cut or altered"), lines


def test_what_was_added_is_named(parts, tmp_path):
    for name in ("note.txt", "documents/x.json", "documents/../../x", "a\nb", "__pycache__/"):
        lines = found(parts | {name: b"x"}, tmp_path)
        assert lines == [f"{name} is additional: manifest.json does not list it"]
    folder = tmp_path / "folder"
    with zipfile.ZipFile(io.BytesIO(zipped(parts))) as archive:
        archive.extractall(folder)
    (folder / "documents" / "more").write_text("x")
    verification = evidence_packs.Verification()
    verification.verify(folder)
    assert verification.failures == [("documents/more", "is additional: manifest.json does not list it")]


def test_a_part_that_is_there_twice_or_compressed_is_named(parts, tmp_path):
    pack = io.BytesIO(zipped(parts))
    with zipfile.ZipFile(pack, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("events.json", b"{}")
    assert found(pack.getvalue(), tmp_path) == ["events.json is in the zip twice"]
    pack = io.BytesIO()
    with zipfile.ZipFile(pack, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content, zipfile.ZIP_DEFLATED if name == "events.json" else zipfile.ZIP_STORED)
    assert found(pack.getvalue(), tmp_path) == ["events.json is compressed, as no part of a pack is"]


def test_a_pack_that_was_zipped_again_is_named_whatever_its_parts_hold(parts, tmp_path):
    pack = io.BytesIO()
    with zipfile.ZipFile(pack, "w") as archive:
        for name in reversed(names(parts)):
            archive.writestr(zipfile.ZipInfo(name), parts[name])
    lines = found(pack.getvalue(), tmp_path)
    assert lines
    assert all("is not in the zip as packs have it: it differs in bytes " in line for line in lines), lines


def test_any_byte_that_the_zip_adds_to_its_parts_is_judged(packed, parts, tmp_path):
    """Headers, directory and end: names, times, lengths, flags, attributes, places, counts."""
    added = bytearray(packed.signed)
    for name, content in parts.items():
        begin = 30 + len(name) + zipfile.ZipFile(io.BytesIO(packed.signed)).getinfo(name).header_offset
        added[begin : begin + len(content)] = bytes(len(content))
    places = [place for place, byte in enumerate(added) if byte or packed.signed[place] == 0]
    assert len(places) > 150 * len(parts)
    file = tmp_path / "pack.zip"
    for place in places[::11]:
        file.write_bytes(flipped(packed.signed, place, 1 << place % 8))
        verification = evidence_packs.Verification()
        verification.verify(file)
        named = {part for part, _ in verification.failures}
        assert named & (parts.keys() | {"pack.zip"}), (place, named)


EXCESS = {
    "a byte in front": lambda pack: b"x" + pack,
    "a script in front": lambda pack: b"#!/bin/sh\nexit\n" + pack,
    "a byte behind": lambda pack: pack + b"\0",
    "a comment": lambda pack: pack[:-2] + b"\5\0words",
    "a whole zip in front": lambda pack: zipped({"events.json": b"{}"}) + pack,
}


@pytest.mark.parametrize("name", EXCESS)
def test_what_is_around_a_pack_is_named_by_the_script_alone(packed, tmp_path, name, capsys, monkeypatch):
    file = tmp_path / "pack.zip"
    file.write_bytes(EXCESS[name](packed.signed))
    excess = len(file.read_bytes()) - len(packed.signed)
    code, lines = report(capsys, monkeypatch, file)
    assert (code, lines[-1][:33]) == (1, "The pack is NOT as it was made. F")
    assert f"  FAILED  pack.zip has {excess} bytes more than its parts make" in lines


def test_another_script_in_the_pack_is_noted(parts, tmp_path, capsys, monkeypatch):
    """It is of another release, or a forger's."""
    note = "  note    verify.py in the pack is another script than this one"
    file = tmp_path / "pack.zip"
    file.write_bytes(zipped(parts))
    assert note not in report(capsys, monkeypatch, file)[1]
    file.write_bytes(zipped(with_manifest(parts | {"verify.py": b"print('Nothing was altered.')"})))
    code, lines = report(capsys, monkeypatch, file)
    assert (code, note in lines) == (1, True)
    assert "  FAILED  signature.json is wrong: this key did not sign manifest.json" in lines


def test_what_no_zip_can_hold_is_refused():
    with pytest.raises(PackTooLarge):
        zipped({str(number): b"" for number in range(65_536)})


def test_the_order_in_a_part_matters(parts, tmp_path):
    events = json.loads(parts["events.json"])
    events["events"].reverse()
    lines = found(with_manifest(parts | {"events.json": shown(events)}), tmp_path)
    assert any(line.startswith("events.json pwe_") and "does not follow" in line for line in lines)


def edited(name: str, edit: Callable[[dict], object]) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    """The parts with one of them edited, and a manifest that fits."""

    def edit_part(parts: dict[str, bytes]) -> dict[str, bytes]:
        value = json.loads(parts[name])
        edit(value)
        return with_manifest(parts | {name: shown(value)})

    return edit_part


def rehashed(parts: dict[str, bytes], *, keep: int = 6) -> dict[str, bytes]:
    """The trail cut behind an event, with all that follows from it: what an owner of the database can do."""
    events = json.loads(parts["events.json"])["events"][:keep]
    last = events[-1]
    chain, proposal, manifest = (json.loads(parts[f"{name}.json"]) for name in ("chain", "proposal", "manifest"))
    end = {"event_count": len(events), "last_event_hash": last["event_hash"]}
    chain |= {**end, "event_hashes": [event["event_hash"] for event in events]}
    proposal |= {**end, "current_state": last["to_state"], "last_event_at": last["occurred_at"]}
    manifest |= {**end, "last_event_at": last["occurred_at"]}
    made = {f"pap_{event['event_id'][4:]}" for event in events}
    approvals = [row for row in json.loads(parts["approvals.json"])["approvals"] if row["approval_id"] in made]
    changed = {"chain": chain, "proposal": proposal, "manifest": manifest, "events": {"events": events}}
    changed["approvals"] = {"approvals": approvals}
    return with_manifest(parts | {f"{name}.json": shown(value) for name, value in changed.items()})


FORGERIES = {
    "an event": (edited("events.json", lambda part: part["events"][3].update(actor_id="x")), "events.json pwe_"),
    "an event's place": (
        edited("events.json", lambda part: part["events"].pop(2)),
        "does not follow the event before it",
    ),
    "no events": (edited("events.json", lambda part: part.update(events=[])), "chain.json is not the chain"),
    "events of nothing": (
        edited("events.json", lambda part: part.update(events=None)),
        "events.json is not what such a part is",
    ),
    "events that are none": (
        edited("events.json", lambda part: part.update(events=[1])),
        "events.json is not what such a part is: it is no list of events",
    ),
    "a list more": (
        edited("approvals.json", lambda part: part.update(more=[])),
        "approvals.json is not what such a part is: it is no list of approvals",
    ),
    "an approval without its id": (
        edited("approvals.json", lambda part: part["approvals"][0].pop("approval_id")),
        "events.json or versions.json or approvals.json is not whole: KeyError('approval_id')",
    ),
    "a manifest of no proposal": (
        edited("manifest.json", lambda part: part.pop("proposal_id")),
        "manifest.json is no manifest: 'proposal_id'",
    ),
    "the chain": (edited("chain.json", lambda part: part.update(event_count=7)), "chain.json is not the chain"),
    "a version": (
        edited("versions.json", lambda part: part["versions"][1].update(created_by="x")),
        "versions.json ppv_",
    ),
    "a version less": (edited("versions.json", lambda part: part["versions"].pop()), "versions.json lacks ppv_"),
    "a version twice": (
        edited("versions.json", lambda part: part["versions"].append(part["versions"][0])),
        "versions.json has a row twice",
    ),
    "an approval": (
        edited("approvals.json", lambda part: part["approvals"][0].update(approved=False)),
        "approvals.json pap_",
    ),
    "an approval less": (edited("approvals.json", lambda part: part["approvals"].pop()), "approvals.json lacks pap_"),
    "an approval more": (
        edited("approvals.json", lambda part: part["approvals"].append({"approval_id": "pap_0"})),
        "approvals.json pap_0 was made by no event",
    ),
    **{
        f"the proposal's {name}": (
            edited("proposal.json", lambda part, name=name: part.update({name: "x"})),
            f"proposal.json has another {name} than",
        )
        for name in ("title", "advisor_notes", "mandate_id", "jurisdiction", "client", "created_by", "current_state")
    },
    "a member of the proposal more": (
        edited("proposal.json", lambda part: part.update(approved=True)),
        "proposal.json has other members than a proposal",
    ),
    "a document's contents": (
        lambda parts: with_manifest({**parts, next(name for name in parts if "/" in name): b"{}"}),
        "was altered: its SHA-256 is not its name",
    ),
    "a document less": (
        lambda parts: with_manifest({n: p for n, p in parts.items() if n != next(m for m in parts if "/" in m)}),
        "is missing: it is of version",
    ),
    "a document more": (
        lambda parts: with_manifest({**parts, f"documents/{sha256_of('{}')[7:]}.json": b"{}"}),
        "is a document that no version names",
    ),
    "the manifest's proposal": (
        edited("manifest.json", lambda part: part.update(proposal_id="pp_0")),
        "manifest.json has another proposal_id than the parts",
    ),
    "the manifest's engines": (
        edited("manifest.json", lambda part: part.update(engine_versions=["1"])),
        "manifest.json has another engine_versions than the parts",
    ),
    "the manifest's head": (
        edited("manifest.json", lambda part: part.update(last_event_hash="")),
        "manifest.json has another last_event_hash than the parts",
    ),
    "a member of the manifest more": (
        edited("manifest.json", lambda part: part.update(verified=True)),
        "manifest.json has another verified than the parts",
    ),
    "another format": (
        edited("manifest.json", lambda part: part.update(format="x")),
        "manifest.json is no manifest: its format is not proposals-evidence-pack/1",
    ),
    "a replaced manifest": (
        lambda parts: with_hash({**parts, "manifest.json": shown({"parts": []})}),
        "manifest.json is no manifest: 'format'",
    ),
    "a manifest that lists less": (
        lambda parts: with_hash(
            {
                **parts,
                "manifest.json": shown({**json.loads(parts["manifest.json"]), "parts": []}),
            }
        ),
        "manifest.json does not list events.json",
    ),
    "other white space": (
        lambda parts: with_manifest({**parts, "events.json": parts["events.json"].replace(b"\n", b"\n\n", 1)}),
        "events.json is not what such a part is: it is not written as packs are",
    ),
    "a name twice": (
        lambda parts: with_manifest(
            {**parts, "proposal.json": parts["proposal.json"].replace(b"{\n", b'{\n "title": "x",\n', 1)}
        ),
        "proposal.json is not what such a part is",
    ),
    "nested without end": (
        lambda parts: with_manifest({**parts, "approvals.json": b"[" * 100_000}),
        "approvals.json is not what such a part is",
    ),
    "a trail without its end": (lambda parts: rehashed(parts, keep=5), "checkpoint.json saw another event 6"),
    "the checkpoint's root": (
        edited("checkpoint.json", lambda part: part["checkpoint"].update(root=f"sha256:{'0' * 64}")),
        "checkpoint.json has a wrong signature",
    ),
    "the checkpoint's time": (
        edited("checkpoint.json", lambda part: part["checkpoint"].update(taken_at="2020-01-01T00:00:00.000000+00:00")),
        "checkpoint.json has a wrong signature",
    ),
    "the checkpoint's path": (
        edited("checkpoint.json", lambda part: part.update(path=part["path"][::-1])),
        "checkpoint.json does not contain this head",
    ),
    "the checkpoint's place": (
        edited("checkpoint.json", lambda part: part.update(index=part["index"] ^ 1)),
        "checkpoint.json does not contain this head",
    ),
    "the checkpoint's head": (
        edited("checkpoint.json", lambda part: part["head"].update(event_count=5)),
        "checkpoint.json does not contain this head",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_was_forged_with_a_manifest_that_fits_is_named(packed, tmp_path, name):
    forge, words = FORGERIES[name]
    lines = found(forge(parts_of(packed.unsigned)), tmp_path)
    assert any(words in line for line in lines), lines


@pytest.mark.parametrize("name", FORGERIES)
def test_what_was_forged_in_a_signed_pack_breaks_its_signature_too(parts, tmp_path, name):
    lines = found(FORGERIES[name][0](parts), tmp_path)
    broken = "signature.json is wrong: this key did not sign manifest.json"
    assert broken in lines or any("manifest.json is no manifest" in line for line in lines), lines


def signed_by(number: int, parts: dict[str, bytes]) -> dict[str, bytes]:
    """The parts as the holder of another key signs them."""
    key = a_key(number)
    manifest = json.loads(parts["manifest.json"]) | {"signed_by": key.fingerprint}
    parts = with_manifest(parts | {"manifest.json": shown(manifest)})
    signature = {
        "algorithm": "Ed25519",
        "public_key": key.public_key,
        "fingerprint": key.fingerprint,
        "signature": key.sign(parts["manifest.json"].decode()),
    }
    return parts | {"signature.json": shown(signature)}


def test_another_key_is_named(parts, tmp_path):
    forged = signed_by(2, parts)
    assert found(forged, tmp_path) == []  # why the key must come by another way
    lines = found(forged, tmp_path, keys=[KEY.fingerprint])
    assert lines == [f"signature.json is signed by another key: {a_key(2).fingerprint}"]
    lines = found(parts, tmp_path, keys=[a_key(2).public_key])
    assert lines == [
        f"{name} is signed by another key: {KEY.fingerprint}" for name in ("signature.json", "checkpoint.json")
    ]


def test_a_checkpoint_of_another_key_is_named(parts, tmp_path):
    value = json.loads(parts["checkpoint.json"])
    statement = {name: part for name, part in value["checkpoint"].items() if name != "signature"}
    statement["public_key"] = a_key(2).public_key
    value["checkpoint"] = {**statement, "signature": a_key(2).sign(canonical(statement).decode())}
    forged = signed_by(1, parts | {"checkpoint.json": shown(value)})
    assert found(forged, tmp_path, keys=[KEY.fingerprint]) == [
        f"checkpoint.json is signed by another key: {a_key(2).fingerprint}"
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"signature": "00" * 64},
        {"algorithm": "none"},
        {"fingerprint": a_key(2).fingerprint},
        {"public_key": a_key(2).public_key, "fingerprint": a_key(2).fingerprint},
        {"signature": ""},
        {"public_key": "x"},
        {"more": 1},
    ],
)
def test_a_wrong_signature_is_named(parts, tmp_path, change):
    signature = shown(json.loads(parts["signature.json"]) | change)
    lines = found(parts | {"signature.json": signature}, tmp_path)
    assert any(line.startswith("signature.json is ") for line in lines), lines


def test_a_pack_of_another_proposal_is_named(packed, tmp_path):
    name = f"{packed.proposal_id}.zip"
    assert found(packed.signed, tmp_path, name=name, proposal_id=packed.proposal_id) == []
    assert found(packed.other, tmp_path, name=name) == [
        f"manifest.json is about {packed.other_id}, but the pack is named for {packed.proposal_id}"
    ]
    assert found(packed.other, tmp_path, proposal_id=packed.proposal_id) == [
        f"manifest.json is about {packed.other_id}, not about {packed.proposal_id}"
    ]


@pytest.mark.parametrize("name", ["events.json", "checkpoint.json", "approvals.json", "versions.json"])
def test_a_part_of_another_pack_is_named(packed, parts, tmp_path, name):
    mixed = with_manifest(parts | {name: parts_of(packed.other)[name]})
    lines = found(mixed, tmp_path)
    assert any(line.startswith(name) for line in lines), lines


async def test_the_same_evidence_makes_the_same_bytes(storage: Storage, packed):
    proposal_id = await a_reviewed_proposal(storage)
    unseen = await pack_of(storage, proposal_id, key=KEY)
    await take_checkpoint(storage, KEY)
    pack = await pack_of(storage, proposal_id, key=KEY)
    assert pack == await pack_of(storage, proposal_id, key=KEY)
    assert "checkpoint.json" not in parts_of(unseen)
    other_id = (await a_created_proposal(storage)).proposal_id
    assert other_id is not None
    await take_checkpoint(storage, KEY)
    assert pack == await pack_of(storage, proposal_id, key=KEY)


async def test_a_pack_that_is_newer_than_the_checkpoint_says_so(storage: Storage, tmp_path):
    proposal_id = (await a_created_proposal(storage)).proposal_id
    assert proposal_id is not None
    await take_checkpoint(storage, KEY)
    await a_created_version(storage, proposal_id)
    verification = evidence_packs.Verification([KEY.fingerprint])
    (tmp_path / "pack.zip").write_bytes(await pack_of(storage, proposal_id, key=KEY))
    verification.verify(tmp_path / "pack.zip")
    assert verification.failures == []
    assert "note    the checkpoint is older than events 2 to 2" in verification.notes


async def test_an_unknown_proposal_and_altered_evidence_make_no_pack(storage: Storage, database_dsn):
    with pytest.raises(ProposalNotFound):
        await pack_of(storage, "pp_0", key=None)
    proposal_id = await a_reviewed_proposal(storage)
    await take_checkpoint(storage, KEY)
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE checkpoint_heads SET event_count = 5")
        with pytest.raises(EvidenceAltered, match="is not the event that checkpoint 1 saw"):
            await pack_of(storage, proposal_id, key=None)
        connection.execute("UPDATE checkpoint_heads SET event_count = 6")
        connection.execute("INSERT INTO checkpoint_heads VALUES (1, 'pp_0', 1, 'x')")
        with pytest.raises(EvidenceAltered, match="evidence_checkpoints number 1 has another root"):
            await pack_of(storage, proposal_id, key=None)
        connection.execute("UPDATE evidence_checkpoints SET root = 'x'")
        with pytest.raises(EvidenceAltered, match="evidence_checkpoints number 1 is not what its signature says"):
            await pack_of(storage, proposal_id, key=None)
        connection.execute("DELETE FROM evidence_checkpoints")
        with pytest.raises(EvidenceAltered, match="evidence_checkpoints number 1 is missing"):
            await pack_of(storage, proposal_id, key=None)
        connection.execute("UPDATE approvals SET actor_id = 'x'")
        with pytest.raises(EvidenceAltered, match="is not what its hash says"):
            await pack_of(storage, proposal_id, key=None)


def test_the_verifier_in_a_pack_is_that_of_this_release(parts):
    assert parts["verify.py"] == verifier() == (ROOT / "domain" / "pack_verifier.py").read_bytes()


def places(value: object, place: tuple = ()) -> Iterator[tuple]:
    """The place of each value within a JSON value, itself first."""
    yield place
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from places(member, (*place, name))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_that_was_forged_in_any_part_is_named_and_none_breaks_the_verifier(packed, tmp_path, data):
    forged = parts_of(packed.unsigned)
    name = data.draw(st.sampled_from([name for name in names(forged) if name.endswith(".json")]))
    value = json.loads(forged[name])
    *way, last = data.draw(st.sampled_from(list(places(value))[1:]))
    parent = value
    for step in way:
        parent = parent[step]
    if data.draw(st.booleans()):
        del parent[last]
    else:
        others = [None, 0, -1, 2**70, "x", "sha256:", [], {}, True, [None], {"a": 1}]
        parent[last] = data.draw(st.sampled_from([other for other in others if shown(other) != shown(parent[last])]))
    forged[name] = json.dumps(value).encode() if "/" in name else shown(value)
    forged = with_hash(forged) if name == "manifest.json" else with_manifest(forged)
    lines = found(forged, tmp_path)
    assert any(name in line for line in lines) or "signed_by" in (*way, last), lines
