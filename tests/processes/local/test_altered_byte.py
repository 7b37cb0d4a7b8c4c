"""The byte that the demo alters comes back, however the demo ends."""

import asyncio
from types import SimpleNamespace

import pytest
from storage_rows import a_created_proposal

from cli.local.altered_byte import NOTE, StoredByte, put_back_noted
from cli.local.children import LocalServerError
from cli.local.issuer import Issuer
from cli.local.people_tour import Tour
from cli.local.ports import free_port
from services.audit import AuditVerification


async def altered(storage):
    audit = AuditVerification(storage, against={}, progress=lambda _: None)
    return [(row.table, row.row) async for row in audit.everything()]


async def test_a_demo_that_is_stopped_between_puts_it_back(storage, database_dsn, tmp_path, monkeypatch):
    proposal_id = (await a_created_proposal(storage)).proposal_id
    document = StoredByte.of_artifact(database_dsn, proposal_id).document
    tour = Tour(SimpleNamespace(superuser_dsn=database_dsn, data_dir=tmp_path), Issuer(tmp_path))
    found = []

    async def verify(*_, exit_code):
        found.append(await altered(storage))
        if exit_code == 1:
            assert (tmp_path / NOTE).exists()
            raise asyncio.CancelledError

    monkeypatch.setattr(tour, "_verify", verify)
    with pytest.raises(asyncio.CancelledError):
        await tour.alteration(proposal_id)

    assert found == [[], [("documents", document)]]
    assert await altered(storage) == []
    assert not (tmp_path / NOTE).exists()


async def test_a_start_after_a_kill_puts_it_back_and_says_so(storage, database_dsn, tmp_path):
    proposal_id = (await a_created_proposal(storage)).proposal_id
    said = []
    put_back_noted(database_dsn, tmp_path, say=said.append)
    assert said == []
    StoredByte.of_artifact(database_dsn, proposal_id).alter(database_dsn, tmp_path)
    assert await altered(storage) != []

    put_back_noted(database_dsn, tmp_path, say=said.append)

    assert said == ["put back the byte of a stored document that a demo had altered before it was killed"]
    assert await altered(storage) == []
    put_back_noted(database_dsn, tmp_path, say=said.append)
    assert len(said) == 1


def test_the_note_stays_when_postgresql_has_ended(tmp_path):
    (tmp_path / NOTE).write_text("{}")
    byte = StoredByte(document="sha256:00", place=1, value=2)
    with pytest.raises(LocalServerError, match="PostgreSQL does not answer"):
        byte.put_back(f"postgresql://postgres@127.0.0.1:{free_port()}/proposals", tmp_path)
    assert (tmp_path / NOTE).exists()
