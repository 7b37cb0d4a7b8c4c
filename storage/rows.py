"""Between rows and frozen domain values whose fields are named as the columns."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_type_hints

from psycopg import AsyncCursor
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
        names = [column.name for column in cursor.description or ()]

        def make(values: Sequence[Any]) -> Value:
            row = dict(zip(names, values, strict=True))
            for name, enum in enums.items():
                if row[name] is not None:
                    row[name] = enum(row[name])
            return value_class(**row)

        return make

    return factory


def insert_statement(table: str, columns: Sequence[str]) -> str:
    """An INSERT that takes its values by column name."""
    values = ", ".join(f"%({column})s" for column in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"
