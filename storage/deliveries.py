"""The outbox of callbacks: a row is written by the transaction that ends the operation."""

from typing import Final

from psycopg import AsyncConnection

INSERT_DELIVERY: Final = """
INSERT INTO callback_deliveries (operation_id, status, created_at) VALUES (%(operation_id)s, 'PENDING', now())
ON CONFLICT (operation_id) DO NOTHING
"""
SELECT_STATUS: Final = "SELECT status FROM callback_deliveries WHERE operation_id = %(operation_id)s"


class DeliveryReader:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def status(self, operation_id: str) -> str | None:
        """PENDING, DELIVERED or FAILED; None when no callback was asked for, or the operation has not ended."""
        cursor = await self._connection.execute(SELECT_STATUS, {"operation_id": operation_id})
        row = await cursor.fetchone()
        return None if row is None else str(row[0])


class Deliveries(DeliveryReader):
    async def add(self, operation_id: str) -> None:
        """Owe the callback of an operation that the same transaction ends."""
        await self._connection.execute(INSERT_DELIVERY, {"operation_id": operation_id})
