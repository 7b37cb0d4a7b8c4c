"""`proposals audit verify` on a standby of PostgreSQL, as auditors run it beside a busy primary."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import data_folders
import evidence_packs
import migrated_postgres
import psycopg
import pytest
from evidence_keys import a_key_text
from migrated_postgres import DATABASE
from running_service import ROOT
from waiting import PATIENCE_SECONDS

from cli.local.ports import free_port
from cli.local.postgres import EmbeddedPostgres


@pytest.fixture(scope="module")
def standby(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A copy of a server with evidence, which waits in recovery for a primary that never comes."""
    folder, log = data_folders.new_folder(), tmp_path_factory.mktemp("standby") / "postgres.log"
    migrated_postgres.copy(migrated, folder / "primary")
    with EmbeddedPostgres(folder / "primary", free_port(), durable=False, log=log) as primary:
        evidence_packs.make(primary.dsn(DATABASE))
    migrated_postgres.copy(folder / "primary", folder / "standby")
    (folder / "standby" / "standby.signal").touch()
    with EmbeddedPostgres(folder / "standby", free_port(), durable=False, log=log) as server:
        yield server


def audit(dsn: str, *command: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PROPOSAL_")}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "audit", *command],
        env=environ | {"PROPOSAL_DATABASE_URL": dsn, "PROPOSAL_EVIDENCE_KEY": a_key_text()},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,  # a refused write once kept the command from its end
        check=False,
    )


def test_everything_is_verified_and_exported(standby, tmp_path):
    dsn = standby.dsn(DATABASE)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
    heads = tmp_path / "heads.jsonl"
    verified = audit(dsn, "verify", "--export", str(heads))
    assert (verified.returncode, verified.stderr.strip()) == (0, "")
    assert "nothing was altered: 3 proposals" in verified.stdout
    again = audit(dsn, "verify", "--against", str(heads), "--export", str(tmp_path / "next.jsonl"))
    assert (again.returncode, (tmp_path / "next.jsonl").exists()) == (0, True)


def test_a_pack_is_made_and_a_checkpoint_is_not(standby, tmp_path):
    dsn = standby.dsn(DATABASE)
    with psycopg.connect(dsn) as connection:
        [(proposal_id,)] = connection.execute("SELECT min(proposal_id) FROM proposals").fetchall()
    assert audit(dsn, "pack", proposal_id, "-o", str(tmp_path / "pack.zip")).returncode == 0
    refused = audit(dsn, "checkpoint")
    assert refused.returncode == 2
    assert (
        refused.stderr
        == "proposals audit checkpoint: PostgreSQL is a standby: it takes no writes until it is promoted.\n"
    )


def test_the_nightly_commands_of_the_guide_take_the_file_of_yesterday_and_give_that_of_today(standby, tmp_path):
    page = (ROOT / "docs" / "guides" / "verify-every-day.md").read_text()
    assert len(re.findall(r'[ /]worker (?:-- )?sh -c "\$VERIFY" < yesterday\.jsonl > today\.jsonl`', page)) == 2
    [script] = re.findall(r"^VERIFY='([^']+)'$", page, re.MULTILINE)
    script = script.replace("/tmp/", f"{tmp_path}/")  # noqa: S108 -- a path in the container
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PROPOSAL_")}
    environ |= {"PROPOSAL_DATABASE_URL": standby.dsn(DATABASE), "PROPOSAL_EVIDENCE_KEY": a_key_text()}
    environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"

    def night(script: str, yesterday: str) -> subprocess.CompletedProcess[str]:
        ran = subprocess.run(
            ["sh", "-c", script],
            env=environ,
            input=yesterday,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert list(tmp_path.iterdir()) == []
        return ran

    first = night(script.replace(f"--against {tmp_path}/before ", ""), "")
    assert (first.returncode, first.stdout.count("\n")) == (0, 4)
    second = night(script, first.stdout)
    assert (second.returncode, second.stdout.count("\n")) == (0, 4)
    altered = night(script, first.stdout.replace("pp_", "pp_f", 1))
    assert (altered.returncode, altered.stdout) == (1, "")
