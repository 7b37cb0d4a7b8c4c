"""Claiming a key that the purge removes at that moment."""

import pytest

from domain.operation import IdempotencyKey
from storage.idempotency import IdempotencyKeys
from storage.unit_of_work import Storage

KEY = IdempotencyKey.of_creates("k", client="local")


async def test_a_key_that_is_purged_while_it_is_claimed_is_free(storage: Storage, monkeypatch: pytest.MonkeyPatch):
    held = {"request_hash": "sha256:0", "operation_id": "pop_0"}
    async with storage.transaction() as transaction:
        assert (await transaction.keys.claim(KEY, **held)).attempts == 0
    lock, calls = IdempotencyKeys._held, []

    async def purged_before(keys: IdempotencyKeys, key: IdempotencyKey):
        calls.append(key)
        await keys._connection.execute("DELETE FROM idempotency_keys")
        return await lock(keys, key)

    monkeypatch.setattr(IdempotencyKeys, "_held", purged_before)
    async with storage.transaction() as transaction:
        assert (await transaction.keys.claim(KEY, **(held | {"operation_id": "pop_1"}))).attempts == 0
    assert calls == [KEY]
