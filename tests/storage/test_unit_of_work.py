import asyncio

import psycopg
import pytest
from builders import NOW, a_storage, a_stored_operation

from domain.errors import StorageUnavailable
from runtime.database import Database
from storage.documents import Document, DocumentKind
from storage.schema import required_revision
from storage.unit_of_work import Storage


async def test_a_transaction_commits_when_its_block_ends_well(storage: Storage):
    operation = await a_stored_operation(storage)
    async with storage.reading() as reading:
        assert await reading.operations.get(operation.operation_id) is not None


async def test_a_transaction_rolls_back_when_its_block_raises(storage: Storage):
    document = Document.of(DocumentKind.REQUEST, "{}")
    with pytest.raises(RuntimeError, match="on purpose"):
        async with storage.transaction() as transaction:
            await transaction.documents.add(document, at=NOW)
            raise RuntimeError("on purpose")
    async with storage.reading() as reading:
        with pytest.raises(KeyError):
            await reading.documents.read(document.sha256)


async def test_a_transaction_that_is_cancelled_rolls_back_and_leaves_the_pool_usable(storage: Storage):
    written = asyncio.Event()

    async def never_ends() -> None:
        async with storage.transaction() as transaction:
            await transaction.documents.add(Document.of(DocumentKind.REQUEST, "{}"), at=NOW)
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(never_ends())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await a_stored_operation(storage)


async def test_documents_come_back_as_they_were_and_are_stored_once(storage: Storage, database_dsn):
    text = '{"name":"Zürich","amount":"1.00"}' * 1000
    document = Document.of(DocumentKind.RESULT, text)
    for _ in range(2):
        async with storage.transaction() as transaction:
            await transaction.documents.add(document, at=NOW)
    async with storage.reading() as reading:
        assert await reading.documents.text(document.sha256) == text
    with psycopg.connect(database_dsn) as connection:
        row = connection.execute("SELECT count(*), sum(size), sum(length(content)) FROM documents").fetchone()
    assert row is not None
    count, size, stored = row
    assert (count, size) == (1, len(text.encode()))
    assert stored < size / 10


async def test_an_older_schema_is_refused_and_accepted_once_it_is_migrated(database: Database, database_dsn):
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
        storage = a_storage(database)
        with pytest.raises(StorageUnavailable):
            await a_stored_operation(storage)
        assert "proposals migrate" in (await storage.schema_problem() or "")
        connection.execute("UPDATE alembic_version SET version_num = %s", [required_revision()])
        assert await a_stored_operation(storage)


async def test_a_newer_schema_is_accepted(database: Database, database_dsn):
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert await a_stored_operation(a_storage(database))
