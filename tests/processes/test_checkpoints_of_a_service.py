"""Checkpoints of a service: while proposals are created, several at once, other keys, a restore, a hot standby."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from evidence_keys import a_key, a_key_text
from evidence_packs import parts_of
from processes.test_backup import run
from running_service import ROOT, Service, proposals, running
from waiting import until

from cli.local.ports import free_port
from cli.local.postgres import SERVICE_ROLE, EmbeddedPostgres
from cli.local.system_user import unprivileged_user
from domain.evidence_key import EvidenceKey
from domain.pack_verifier import Verification

OLD, NEW = a_key(1), a_key(2)
BUSY = "proposals audit checkpoint: another checkpoint was taken at the same time: try again\n"


@pytest.fixture
def service(tmp_path: Path, migrated: Path) -> Iterator[Service]:
    """Without a key, so that no schedule takes a checkpoint: commands have it."""
    with running(Service(tmp_path, migrated)) as service:
        service.more_environment["PROPOSAL_EVIDENCE_KEY"] = a_key_text()
        yield service


async def checkpoint(service: Service, *options: str) -> tuple[int | None, str]:
    """The exit code and what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", "audit", "checkpoint", *options),
        env=service.environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


def failures(pack: Path, *keys: EvidenceKey) -> list[str]:
    verification = Verification(key.fingerprint for key in keys)
    verification.verify(pack)
    return [f"{part} {reason}" for part, reason in verification.failures]


async def test_checkpoints_during_creates_and_several_at_once_leave_nothing_to_complain_of(service, clients, tmp_path):
    said = await checkpoint(service)
    assert (said[0], "  proposals: 0\n" in said[1]) == (0, True)
    assert "nothing was altered: 0 proposals" in proposals(service, "audit", "verify").stdout

    async def create() -> None:
        for _ in range(30):
            await clients.submit()
            await asyncio.sleep(0.02)
        await clients.all_succeed()

    creating = asyncio.create_task(create())
    results = [said]
    while not creating.done():
        results += await asyncio.gather(*(checkpoint(service) for _ in range(3)))
    await creating
    results.append(await checkpoint(service))

    assert {code for code, _ in results} <= {0, 2}
    assert {text for code, text in results if code == 2} <= {BUSY}
    taken = sorted(int(*re.findall(r"^  number: (\d+)$", text, re.MULTILINE)) for code, text in results if code == 0)
    assert taken == list(range(1, len(taken) + 1))
    assert "  proposals: 30\n" in results[-1][1]
    verified = proposals(service, "audit", "verify")
    assert (verified.returncode, verified.stderr.strip()) == (0, "")
    assert f"{len(taken)} checkpoints, the last of " in verified.stdout
    for number, (proposal_id,) in enumerate(service.rows("SELECT proposal_id FROM proposals LIMIT 5")):
        pack = tmp_path / f"{number}.zip"
        assert proposals(service, "audit", "pack", proposal_id, "-o", str(pack)).returncode == 0
        assert "checkpoint.json" in parts_of(pack.read_bytes())
        assert failures(pack, OLD) == []


async def test_checkpoints_of_a_key_that_was_replaced_verify_with_its_public_half(service, clients, tmp_path):
    await clients.submit()
    await clients.all_succeed()
    ((proposal_id,),) = service.rows("SELECT proposal_id FROM proposals")
    assert (await checkpoint(service))[0] == 0
    service.more_environment["PROPOSAL_EVIDENCE_KEY"] = a_key_text(2)
    assert (await checkpoint(service))[0] == 0

    refused = proposals(service, "audit", "verify")
    assert refused.returncode == 1
    assert f"ALTERED: evidence_checkpoints number 1 is signed by another key, {OLD.fingerprint}" in refused.stdout
    assert "evidence_checkpoints number 2" not in refused.stdout
    for old in (OLD.fingerprint, OLD.public_key):
        assert proposals(service, "audit", "verify", "--key", old).returncode == 0
    pack = tmp_path / "pack.zip"
    assert proposals(service, "audit", "pack", proposal_id, "-o", str(pack)).returncode == 0
    assert failures(pack, NEW) == [f"checkpoint.json is signed by another key: {OLD.fingerprint}"]
    assert failures(pack, OLD) == [f"signature.json is signed by another key: {NEW.fingerprint}"]
    assert failures(pack, NEW, OLD) == []


async def test_a_backup_that_is_older_than_the_last_checkpoint_is_found_by_a_kept_one(service, clients, tmp_path):
    kept, dump = tmp_path / "kept.json", tmp_path / "dump"
    await clients.submit()
    await clients.all_succeed()
    assert (await checkpoint(service))[0] == 0
    run("pg_dump", "--format=custom", "--file", dump, service.postgres.dsn("proposals"))
    await clients.submit()
    await clients.all_succeed()
    assert (await checkpoint(service, "--export", str(kept)))[0] == 0
    assert proposals(service, "audit", "verify", "--against", str(kept)).returncode == 0

    service.postgres.create_database("restored")
    run("pg_restore", "--exit-on-error", "--dbname", service.postgres.dsn("restored"), dump)
    service.more_environment["PROPOSAL_DATABASE_URL"] = service.postgres.dsn("restored", role=SERVICE_ROLE)
    assert proposals(service, "audit", "verify").returncode == 0  # a backup is whole in itself
    gone = proposals(service, "audit", "verify", "--against", str(kept))
    assert gone.returncode == 1
    assert "ALTERED: evidence_checkpoints number 2 is missing, but was exported\n" in gone.stdout
    said = await checkpoint(service)
    assert "  number: 2\n" in said[1]
    replaced = proposals(service, "audit", "verify", "--against", str(kept))
    assert replaced.returncode == 1
    assert "ALTERED: evidence_checkpoints number 2 is not the checkpoint that was exported\n" in replaced.stdout
    assert proposals(service, "audit", "verify").returncode == 0


@contextmanager
def standby_of(service: Service, folder: Path) -> Iterator[str]:
    """The address of a hot standby."""
    data, port = folder / "standby", free_port()
    run(
        "pg_basebackup",
        "--pgdata",
        data,
        "--dbname",
        service.postgres.dsn(),
        "--write-recovery-conf",
        "--checkpoint=fast",
    )
    if (user := unprivileged_user()) is not None:
        subprocess.run(["chown", "-R", user, data], check=True)
    server = EmbeddedPostgres(data, port, log=folder / "standby.log")
    server.launch()
    try:
        yield server.dsn("proposals", role=SERVICE_ROLE)
    finally:
        server.stop()


async def test_a_hot_standby_serves_the_audit_but_takes_no_checkpoint(service, clients, tmp_path):
    await clients.submit()
    with standby_of(service, tmp_path) as dsn:
        await clients.submit()
        await clients.all_succeed()
        assert (await checkpoint(service))[0] == 0
        primary = proposals(service, "audit", "verify")
        ((proposal_id,), _) = service.rows("SELECT proposal_id FROM proposals")
        packs = [tmp_path / "primary.zip", tmp_path / "standby.zip"]
        assert proposals(service, "audit", "pack", proposal_id, "-o", str(packs[0])).returncode == 0

        service.more_environment["PROPOSAL_DATABASE_URL"] = dsn
        await until(lambda: proposals(service, "audit", "verify").stdout == primary.stdout)
        assert proposals(service, "audit", "pack", proposal_id, "-o", str(packs[1])).returncode == 0
        said = await checkpoint(service)
    assert packs[0].read_bytes() == packs[1].read_bytes()
    assert "nothing was altered: 2 proposals" in primary.stdout
    refusal = "PostgreSQL is a standby: it takes no writes until it is promoted."
    assert said == (2, f"proposals audit checkpoint: {refusal}\n")
