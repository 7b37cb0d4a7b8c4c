"""Lists, over all of their pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final

from proposals_client._async.transport import AsyncTransport
from proposals_client.calls import Filter, get
from proposals_client.documents import Json, json_object

PAGE: Final = ("items", "next_cursor")


async def items_of(transport: AsyncTransport, path: str, filters: Mapping[str, Filter]) -> AsyncIterator[Json]:
    """Of all pages; each page is fetched when the one before it is used up."""
    cursor = filters.get("cursor")
    while True:
        page = json_object(await transport.send(get(path, **{**filters, "cursor": cursor})), *PAGE)
        for item in page["items"]:
            yield item
        cursor = page["next_cursor"]
        if cursor is None:
            return
