"""Between rows and frozen domain values whose fields are named as the columns.

Statements are put together from the fields once, when their module is imported. `storage.tables`, which names every
column, is not loaded for that: it would be half of what a process needs to start. A test compares the two.
"""

from collections.abc import Collection, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Any, Final, TypeVar, get_args, get_type_hints

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import AsyncRowFactory, RowMaker

Value = TypeVar("Value")


def value_row(value_class: type[Value]) -> AsyncRowFactory[Value]:
    """A row factory for a dataclass whose fields are named as the columns; enum fields become members of their enum."""
    enums = {
        name: member
        for name, hint in get_type_hints(value_class).items()
        for member in (hint, *get_args(hint))
        if isinstance(member, type) and issubclass(member, StrEnum)
    }

    def factory(cursor: AsyncCursor[Any]) -> RowMaker[Value]:
        result = cursor.pgresult  # `cursor.description` makes an object of each column
        names = [] if result is None else [_name(result.fname(place)) for place in range(result.nfields)]

        def make(values: Sequence[Any]) -> Value:
            row = dict(zip(names, values, strict=True))
            for name, enum in enums.items():
                if row[name] is not None:
                    row[name] = enum(row[name])
            return value_class(**row)

        return make

    return factory


def _name(column: bytes | None) -> str:
    return "" if column is None else column.decode()


# A moment in SQL, as `domain.timestamps` writes it: to be hashed and signed.
WIRE_TIME: Final = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""


class Repository:
    """Statements on one connection; a repository is for one table, or for one use of several."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def _one(self, row: AsyncRowFactory[Value], statement: str, **parameters: Any) -> Value | None:
        """The first row of a constant statement, None without one."""
        async with self._connection.cursor(row_factory=row) as cursor:
            await cursor.execute(statement, parameters)
            return await cursor.fetchone()

    async def _all(self, row: AsyncRowFactory[Value], statement: str, **parameters: Any) -> list[Value]:
        async with self._connection.cursor(row_factory=row) as cursor:
            await cursor.execute(statement, parameters)
            return await cursor.fetchall()

    async def _value(self, statement: str, **parameters: Any) -> Any:
        """The first column of the first row, None without one."""
        cursor = await self._connection.execute(statement, parameters)
        row = await cursor.fetchone()
        return None if row is None else row[0]


def columns_of(value_class: type[Any], *, computed: Collection[str] = ()) -> tuple[str, ...]:
    """The columns that a dataclass has fields for; `computed` fields are no columns."""
    return tuple(field.name for field in fields(value_class) if field.name not in computed)


def parameters_of(value: object, columns: Sequence[str]) -> dict[str, Any]:
    """The parameters of an `insert_statement`, from the fields of a value."""
    return {column: getattr(value, column) for column in columns}


def insert_statement(table: str, columns: Sequence[str]) -> str:
    """An INSERT that takes its values by column name."""
    values = ", ".join(f"%({column})s" for column in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"
