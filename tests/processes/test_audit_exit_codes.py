"""The audit commands as processes, about a proposal that a superuser alters step by step, past triggers and keys."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import forked_commands
import psycopg
from storage_rows import a_created_proposal

from cli.local.ports import free_port
from domain.engine.codes import ENGINE_VERSION
from storage.documents import Document, DocumentKind

ROOT = forked_commands.ROOT


def audit(*arguments: object, database: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PROPOSAL_")}
    return forked_commands.run("audit", *arguments, env=inherited | {"PROPOSAL_DATABASE_URL": database})


def exit_code_of_verifier(pack: Path) -> int:
    verifier = [sys.executable, "-I", "-S", str(ROOT / "domain" / "pack_verifier.py"), str(pack)]
    return subprocess.run(verifier, env={}, capture_output=True, check=False).returncode


async def test_what_the_audit_says_and_exits_with(storage, database_dsn, service_dsn, tmp_path):
    def alter(statement):
        with psycopg.connect(database_dsn) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(statement)

    run = partial(audit, database=service_dsn)
    proposal_id = (await a_created_proposal(storage)).proposal_id
    with psycopg.connect(database_dsn) as connection:
        [(version_id,)] = connection.execute("SELECT proposal_version_id FROM proposal_versions").fetchall()
    heads = tmp_path / "heads.jsonl"
    verified = run("verify", "--export", str(heads))
    assert verified.returncode == 0, verified.stderr
    assert "nothing was altered: 1 proposals, 1 versions, 1 events, 0 approvals, 4 documents" in verified.stdout
    assert run("verify", "--against", str(heads)).returncode == 0
    assert run("verify", "--proposal", proposal_id).returncode == 0
    replayed = run("replay", version_id)
    assert (replayed.returncode, replayed.stdout.splitlines()[-1]) == (0, "OK: the same hashes")
    pack = tmp_path / f"{proposal_id}.zip"
    packed = run("pack", proposal_id, "-o", str(pack))
    assert (packed.returncode, packed.stderr) == (0, "")
    assert exit_code_of_verifier(pack) == 0

    alter("UPDATE proposal_versions SET engine_version = '0.9.0'")
    other = run("replay", version_id)
    assert other.returncode == 3
    assert "another engine version" in other.stderr
    alter(f"UPDATE proposal_versions SET engine_version = '{ENGINE_VERSION}', artifact_hash = 'sha256:0'")
    assert run("replay", version_id).returncode == 1
    empty = Document.of(DocumentKind.REQUEST, "[]").content.hex()
    for engine, code in ((ENGINE_VERSION, 1), ("0.9.0", 3)):
        alter(f"UPDATE documents SET content = '\\x{empty}' WHERE kind = 'request'")
        alter(f"UPDATE proposal_versions SET engine_version = '{engine}'")
        unreadable = run("replay", version_id)
        assert (unreadable.returncode, "cannot read the request" in unreadable.stdout) == (code, True)
    for arguments in ((), ("--proposal", proposal_id)):
        altered = run("verify", *arguments)
        assert altered.returncode == 1
        assert f"ALTERED: proposal_versions {version_id} of {proposal_id} is not what its hash says" in altered.stdout
    refused = run("verify", "--export", str(tmp_path / "none"))
    assert (refused.returncode, (tmp_path / "none").exists()) == (1, False)
    for table in ("operations", "idempotency_keys", "workflow_events", "proposal_versions", "proposals", "documents"):
        alter(f"DELETE FROM {table}")
    assert run("verify").returncode == 0
    gone = run("verify", "--against", str(heads))
    assert (gone.returncode, gone.stdout) == (1, f"ALTERED: proposals {proposal_id} is missing\n")

    heads.write_text(heads.read_text().splitlines()[0])
    assert run("verify", "--against", str(heads)).returncode == 2
    assert run("verify", "--against", str(tmp_path / "nowhere")).returncode == 2
    assert run("replay", "ppv_0").returncode == 2
    gone = run("verify", database=f"postgresql://postgres@127.0.0.1:{free_port()}/proposals")
    assert (gone.returncode, gone.stdout) == (2, "")
