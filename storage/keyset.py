"""Pages by keyset, newest first: each begins after the row that the page before ended with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, Self, TypeVar

from psycopg import AsyncConnection
from psycopg.rows import AsyncRowFactory

from domain.errors import CursorInvalid
from domain.text import is_identifier
from storage.rows import Repository

Filter = TypeVar("Filter")
Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[Row]):
    """`next_cursor` is where the next page begins; None on the last page."""

    items: list[Row]
    next_cursor: str | None

    @classmethod
    def of(cls, found: list[Row], *, limit: int, cursor_of: Callable[[Row], str]) -> Self:
        """The page of what a statement found that asks for one row more than the page has."""
        items = found[:limit]
        return cls(items=items, next_cursor=None if len(found) <= limit else cursor_of(items[-1]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Keyset(Generic[Filter, Row]):
    """A list in the order of (created_at, id), and the statements that read it.

    `statement` gets the filter and the cursor, None for the first page. It binds the filter's members by name, `client`
    and `limit`, on later pages also `after_created_at` and `after_id`; `select_position` finds the former.
    """

    id_column: str
    row: AsyncRowFactory[Row]
    filters: Iterable[str]
    statement: Callable[[Filter, str | None], str]
    select_position: str


class KeysetReader(Repository, Generic[Filter, Row]):
    def __init__(self, connection: AsyncConnection, keyset: Keyset[Filter, Row]) -> None:
        super().__init__(connection)
        self._keyset = keyset

    async def page(self, filters: Filter, *, client: str, cursor: str | None, limit: int) -> Page[Row]:
        """At most `limit` rows after the one whose id is `cursor`. Raises CursorInvalid."""
        parameters = filter_parameters(filters, self._keyset.filters)
        parameters |= {"client": client, "limit": limit + 1, "after_id": cursor}
        if cursor is not None:
            parameters["after_created_at"] = await self._position(cursor, client=client)
        found = await self._all(self._keyset.row, self._keyset.statement(filters, cursor), **parameters)
        return Page.of(found, limit=limit, cursor_of=attrgetter(self._keyset.id_column))

    async def _position(self, cursor: str, *, client: str) -> Any:
        if is_identifier(cursor):
            created_at = await self._value(self._keyset.select_position, id=cursor, client=client)
            if created_at is not None:
                return created_at
        raise CursorInvalid


def filter_parameters(filters: object, names: Iterable[str]) -> dict[str, Any]:
    """The filter's members as parameters of a statement: several values are an array."""
    given = {name: getattr(filters, name) for name in names}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
