"""The commands for auditors, in this process: what they write and refuse, and that nothing is left half written."""

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import broken_postgres
import evidence_packs
import pytest
import structlog
from click.testing import Result
from evidence_keys import a_key, a_key_text
from evidence_packs import Packed, found, parts_of
from typer.testing import CliRunner

from cli import audit, evidence
from cli.local.ports import free_port
from domain.canonical import sha256_of
from domain.checkpoint import Checkpoint
from domain.evidence_pack import PackTooLarge
from storage.checkpoints import CheckpointTaken

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def packed(database_of_module) -> Packed:
    return evidence_packs.make(database_of_module)


@pytest.fixture
def run(database_of_module, monkeypatch) -> Iterator[Run]:
    """Runs `proposals audit ...` with key 1 against the database with the packed proposal."""

    def leave(code: int) -> NoReturn:
        raise SystemExit(code)

    for name in [name for name in os.environ if name.startswith("PROPOSAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PROPOSAL_DATABASE_URL", database_of_module)
    monkeypatch.setenv("PROPOSAL_EVIDENCE_KEY", a_key_text())
    for module in (audit, evidence):
        monkeypatch.setattr(module, "exit_process", leave)
        monkeypatch.setattr(module, "configure_logging", lambda **_: None)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield lambda *arguments: CliRunner().invoke(audit.commands, [str(argument) for argument in arguments])
    structlog.reset_defaults()


def test_a_pack_is_written_and_shown(run: Run, packed, tmp_path, monkeypatch):
    file = tmp_path / f"{packed.proposal_id}.zip"
    ran = run("pack", packed.proposal_id, "-o", file)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert file.read_bytes() == packed.signed
    assert f"  hash: {sha256_of(packed.signed)}\n" in ran.stdout
    assert f"  signed by: {a_key().fingerprint}\n" in ran.stdout
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    monkeypatch.delenv("PROPOSAL_EVIDENCE_KEY")
    ran = run("pack", packed.proposal_id, "--output", tmp_path / "unsigned.zip")
    assert "  signed by: none: no PROPOSAL_EVIDENCE_KEY is set\n" in ran.stdout
    assert (tmp_path / "unsigned.zip").read_bytes() == packed.unsigned


def test_a_file_that_is_there_is_replaced_by_force_alone(run: Run, packed, tmp_path):
    file = tmp_path / "pack.zip"
    file.write_text("mine")
    ran = run("pack", packed.proposal_id, "-o", file)
    assert (ran.exit_code, ran.stdout, file.read_text()) == (2, "", "mine")
    assert ran.stderr == f"proposals audit pack: {file} is there already: give --force to replace it\n"
    assert run("pack", packed.proposal_id, "-o", file, "--force").exit_code == 0
    assert found(file.read_bytes(), tmp_path) == []
    ran = run("pack", packed.proposal_id, "-o", tmp_path, "--force")
    assert (ran.exit_code, ran.stderr) == (2, f"proposals audit pack: {tmp_path} is no file\n")


def test_a_file_that_cannot_be_written_is_named_and_nothing_is_left(run: Run, packed, tmp_path, monkeypatch):
    file = tmp_path / "none" / "pack.zip"
    ran = run("pack", packed.proposal_id, "-o", file)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == f"proposals audit pack: {file} cannot be written: No such file or directory\n"

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    (tmp_path / "pack.zip").write_text("the one before")
    ran = run("pack", packed.proposal_id, "-o", tmp_path / "pack.zip", "--force")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.endswith("pack.zip cannot be written: No space left on device\n")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("pack.zip", "the one before")]


def test_evidence_that_no_zip_can_hold_is_refused(run: Run, packed, tmp_path, monkeypatch):
    async def too_large(*_: object, **__: object) -> NoReturn:
        raise PackTooLarge

    monkeypatch.setattr(evidence, "pack_of", too_large)
    ran = run("pack", packed.proposal_id, "-o", tmp_path / "pack.zip")
    assert (ran.exit_code, ran.stdout, list(tmp_path.iterdir())) == (2, "", [])
    assert "has more evidence than a zip can hold: 65,535 parts, or 4 GiB" in ran.stderr


def test_a_pack_is_readable_by_its_owner_alone(run: Run, packed, tmp_path):
    run("pack", packed.proposal_id, "-o", tmp_path / "pack.zip")
    assert stat.S_IMODE((tmp_path / "pack.zip").stat().st_mode) == 0o600


@pytest.mark.parametrize("proposal_id", ["pp_0", "", "nonsense", "pp_" + "0" * 32])
def test_an_unknown_proposal_is_named(run: Run, tmp_path, proposal_id):
    ran = run("pack", proposal_id, "-o", tmp_path / "pack.zip")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == f"proposals audit pack: {proposal_id} is not known\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["pack", "checkpoint"])
def test_without_a_database_one_line_says_so(run: Run, tmp_path, monkeypatch, command):
    monkeypatch.setenv("PROPOSAL_DATABASE_URL", f"postgresql://postgres@127.0.0.1:{free_port()}/proposals")
    file = tmp_path / "file"
    ran = run(*{"pack": ("pack", "pp_0", "-o", file), "checkpoint": ("checkpoint", "--export", file)}[command])
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"proposals audit {command}: PostgreSQL cannot be reached")
    assert len(ran.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_takes_no_writes_is_verified_and_packed_but_takes_no_checkpoint(
    run: Run, packed, tmp_path, database_of_module
):
    broken_postgres.take_no_writes(database_of_module)
    try:
        verified = run("verify", "--proposal", packed.proposal_id)
        everything = run("verify")
        made = run("pack", packed.proposal_id, "-o", tmp_path / "pack.zip")
        refused = run("checkpoint", "--export", tmp_path / "checkpoint.json")
    finally:
        broken_postgres.take_writes(database_of_module)
    assert [ran.exit_code for ran in (verified, everything, made, refused)] == [0, 0, 0, 2]
    assert (tmp_path / "pack.zip").read_bytes() == packed.signed
    words = "PostgreSQL gives read-only sessions (default_transaction_read_only)."
    assert refused.stderr == f"proposals audit checkpoint: {words}\n"
    assert not (tmp_path / "checkpoint.json").exists()


@pytest.mark.parametrize("command", [("checkpoint",), ("key",)])
def test_without_a_key_it_is_said_how_to_make_one(run: Run, monkeypatch, command):
    monkeypatch.delenv("PROPOSAL_EVIDENCE_KEY")
    ran = run(*command)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "PROPOSAL_EVIDENCE_KEY_FILE" in ran.stderr
    assert "openssl genpkey -algorithm ed25519" in ran.stderr


def test_the_public_key_is_printed_and_its_fingerprint_and_the_script_s_and_nothing_private(run: Run, packed):
    ran = run("key")
    assert ran.exit_code == 0
    script = f"sha256:{hashlib.sha256(parts_of(packed.signed)['verify.py']).hexdigest()}"
    key = f"  public key: {a_key().public_key}\n  fingerprint: {a_key().fingerprint}\n"
    assert ran.stdout == f"Evidence key\n{key}  verify.py: {script}\n"


def test_a_checkpoint_is_stored_exported_and_compared_with(run: Run, packed, tmp_path):
    file = tmp_path / "checkpoint.json"
    ran = run("checkpoint", "--export", file)
    assert (ran.exit_code, ran.stderr) == (0, "")
    shown = json.loads(file.read_text())
    assert shown.pop("format") == "proposals-evidence-checkpoint/1"
    checkpoint = Checkpoint(**shown)
    assert checkpoint.is_signed()
    assert f"  number: {checkpoint.checkpoint_no}\n" in ran.stdout
    assert f"  root: {checkpoint.root}\n" in ran.stdout
    verified = run("verify", "--against", file)
    assert (verified.exit_code, verified.stderr.strip()) == (0, "")
    summary = f"{checkpoint.checkpoint_no} checkpoints, the last of {checkpoint.taken_at}, signed by "
    assert f"{summary}{a_key().fingerprint}\n" in verified.stdout
    both = run("verify", "--against", tmp_path / "other", "--against", file)
    assert (both.exit_code, "--against takes one value, but was given 2 times" in both.stderr) == (2, True)
    alone = run("verify", "--against", file, "--proposal", packed.proposal_id)
    assert (alone.exit_code, "leave out --proposal" in alone.stderr) == (2, True)
    later = json.loads(file.read_text()) | {"checkpoint_no": checkpoint.checkpoint_no + 1}
    later = Checkpoint(**{name: value for name, value in later.items() if name != "format"}).signed(a_key()).shown()
    file.write_text(json.dumps(later))
    verified = run("verify", "--against", file)
    assert verified.exit_code == 1
    missing = f"ALTERED: evidence_checkpoints number {checkpoint.checkpoint_no + 1} is missing, but was exported\n"
    assert missing in verified.stdout


def test_a_checkpoint_that_another_came_before_is_to_be_tried_again(run: Run, monkeypatch):
    async def too_late(*_: object) -> NoReturn:
        raise CheckpointTaken

    monkeypatch.setattr(evidence, "take_checkpoint", too_late)
    ran = run("checkpoint")
    said = "proposals audit checkpoint: another checkpoint was taken at the same time: try again\n"
    assert (ran.exit_code, ran.stdout, ran.stderr) == (2, "", said)


def test_a_checkpoint_that_cannot_be_exported_is_stored_and_said(run: Run, tmp_path):
    ran = run("checkpoint", "--export", tmp_path / "none" / "file")
    assert ran.exit_code == 2
    assert "it is stored, but" in ran.stderr
    assert "Checkpoint\n  number: " in ran.stdout


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "proposals-evidence-checkpoint/1"}', "x", "[" * 100_000])
def test_a_file_that_no_command_wrote_is_refused(run: Run, tmp_path, text):
    (tmp_path / "file").write_text(text)
    ran = run("verify", "--against", tmp_path / "file")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert f"{tmp_path / 'file'} is no export of an audit command, or not whole" in ran.stderr


def test_a_checkpoint_that_was_altered_in_its_file_is_refused(run: Run, packed, tmp_path):
    file = tmp_path / "checkpoint.json"
    run("checkpoint", "--export", file)
    file.write_text(file.read_text().replace('"proposals":3', '"proposals":4'))
    assert run("verify", "--against", file).exit_code == 2


def test_checkpoints_must_be_by_the_own_key_or_one_that_is_named(run: Run, packed, monkeypatch):
    monkeypatch.setenv("PROPOSAL_EVIDENCE_KEY", a_key_text(2))
    ran = run("verify")
    assert ran.exit_code == 1
    assert f"evidence_checkpoints number 1 is signed by another key, {a_key().fingerprint}" in ran.stdout
    for known in (a_key().fingerprint, a_key().public_key):
        assert run("verify", "--key", known).exit_code == 0
    monkeypatch.delenv("PROPOSAL_EVIDENCE_KEY")
    assert run("verify").exit_code == 0
    assert run("verify", "--key", a_key(2).fingerprint).exit_code == 1
    for none in ("x", "sha256:0", a_key().public_key[:-2]):
        refused = run("verify", "--key", none)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert f"{none} is no key" in refused.stderr
