"""The statement that accepts an operation."""

import psycopg
import pytest
from builders import a_submission
from psycopg import AsyncCursor
from psycopg.rows import dict_row
from storage_rows import a_limit, submitting

from domain.errors import TooManyOpenOperations
from runtime.database import READ_ONLY_STATE
from runtime.sql_spans import _described
from services import open_operations
from storage.documents import document_seal
from storage.submissions import ACCEPT, ACCEPT_WITH_NEW_KEY
from storage.unit_of_work import Storage


@pytest.mark.parametrize(("key", "statement"), [("key-1", ACCEPT_WITH_NEW_KEY), (None, ACCEPT)])
async def test_what_is_new_is_accepted_by_one_statement(storage: Storage, monkeypatch, key, statement):
    monkeypatch.setattr(open_operations, "COUNT_EVERY_SECONDS", 60.0)
    service = submitting(storage)
    await service.submit(a_submission(key="counted"))
    executed, execute = [], AsyncCursor.execute

    async def noted(cursor: AsyncCursor, query, *arguments, **options):
        if query != READ_ONLY_STATE:  # the probe asks twice a second
            executed.append(query)
        return await execute(cursor, query, *arguments, **options)

    monkeypatch.setattr(AsyncCursor, "execute", noted)
    monkeypatch.delattr(Storage, "transaction")
    accepted = await service.submit(a_submission(key=key))
    assert not accepted.is_replay
    assert executed == [statement]


async def test_a_document_has_the_seal_of_the_time_that_postgresql_gives_it(storage: Storage, database_dsn):
    await submitting(storage).submit(a_submission())
    with psycopg.connect(database_dsn, row_factory=dict_row) as connection:
        row = connection.execute("SELECT * FROM documents").fetchone()
    assert row is not None
    assert row.pop("seal") == document_seal(**row)


async def test_a_replay_takes_no_place_of_an_operation(storage: Storage, monkeypatch):
    monkeypatch.setattr(open_operations, "COUNT_EVERY_SECONDS", 60.0)
    service = submitting(storage, limit=a_limit(2))
    await service.submit(a_submission(key="a"))
    for _ in range(3):
        assert (await service.submit(a_submission(key="a"))).is_replay
    assert not (await service.submit(a_submission(key="b"))).is_replay
    for _ in range(3):
        assert (await service.submit(a_submission(key="a"))).is_replay
    with pytest.raises(TooManyOpenOperations):
        await service.submit(a_submission(key="c"))


@pytest.mark.parametrize("statement", [ACCEPT, ACCEPT_WITH_NEW_KEY])
def test_its_span_is_named_by_what_it_is_for(statement):
    assert _described(statement) == ("INSERT", "operations")
