"""Simulations that were asked for by key: the first stored result is every later answer's."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.errors import StorageUnavailable
from storage.rows import Repository, columns_of, insert_statement, parameters_of, value_row


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredSimulation:
    """The simulation of a key; the `*_document` fields are addresses of stored documents."""

    client: str
    key: str
    request_hash: str
    correlation_id: str
    result_document: str
    inputs_document: str
    artifact_document: str
    created_at: datetime


_COLUMNS: Final = columns_of("simulations", StoredSimulation)

INSERT_SIMULATION: Final = (
    f"{insert_statement('simulations', _COLUMNS)} ON CONFLICT (client, key) DO NOTHING RETURNING key"
)
SELECT_SIMULATION: Final = f"SELECT {', '.join(_COLUMNS)} FROM simulations WHERE client = %(client)s AND key = %(key)s"
# One row always: without a simulation it has the time alone.
SELECT_SIMULATION_OR_TIME: Final = f"""
SELECT asked.at, {", ".join(f"s.{column}" for column in _COLUMNS)}
FROM (SELECT now() AS at) asked LEFT JOIN simulations s ON s.client = %(client)s AND s.key = %(key)s
"""
SIMULATION_ROW: Final = value_row(StoredSimulation)


class SimulationReader(Repository):
    async def get(self, key: str, *, client: str) -> StoredSimulation | None:
        return await self._one(SIMULATION_ROW, SELECT_SIMULATION, client=client, key=key)

    async def get_or_now(self, key: str, *, client: str) -> StoredSimulation | datetime:
        """The simulation of the key; without one PostgreSQL's time, which becomes that of the new simulation."""
        cursor = await self._connection.execute(SELECT_SIMULATION_OR_TIME, {"client": client, "key": key})
        ((at, *values),) = await cursor.fetchall()
        if values[0] is None:
            moment: datetime = at
            return moment
        return StoredSimulation(**dict(zip(_COLUMNS, values, strict=True)))


class Simulations(SimulationReader):
    async def add_or_get(self, simulation: StoredSimulation) -> StoredSimulation:
        """The simulation that the key stands for: this one, or the one that came first.

        Waits for a concurrent one of the same key to commit or roll back.
        """
        cursor = await self._connection.execute(INSERT_SIMULATION, parameters_of(simulation, _COLUMNS))
        if await cursor.fetchone() is not None:
            return simulation
        earlier = await self.get(simulation.key, client=simulation.client)
        if earlier is None:
            raise StorageUnavailable  # purged in between: the same request again finds its key free
        return earlier
