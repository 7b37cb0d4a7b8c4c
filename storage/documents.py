"""Immutable texts, addressed by the SHA-256 of their bytes and compressed by the application."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import zstandard

from domain.canonical import canonical_text, sha256_of
from domain.errors import StorageUnavailable
from domain.timestamps import wire_timestamp
from storage.rows import WIRE_TIME, Repository, insert_statement

COMPRESSION_LEVEL: Final = 1
ENCODING: Final = "zstd"

DOCUMENT_COLUMNS: Final = ("sha256", "kind", "content", "encoding", "size", "created_at", "seal")
INSERT_DOCUMENT: Final = f"{insert_statement('documents', DOCUMENT_COLUMNS)} ON CONFLICT (sha256) DO NOTHING"
# The values of a row of now, from `Document.parameters`: the seal covers a time that only PostgreSQL knows.
_NOW: Final = "{now}"
DOCUMENT_VALUES: Final = {column: f"%({column})s" for column in DOCUMENT_COLUMNS} | {
    "created_at": "now()",
    "seal": f"""'sha256:' || encode(sha256(convert_to(replace(%(sealed)s, '{_NOW}',
        {WIRE_TIME.format("now()")}), 'UTF8')), 'hex')""",
}
SELECT_CONTENTS: Final = "SELECT sha256, content FROM documents WHERE sha256 = ANY(%(addresses)s)"
SELECT_SMALL_CONTENTS: Final = """
SELECT sha256, size, CASE WHEN sum(size) OVER () <= %(limit)s THEN content END
FROM documents WHERE sha256 = ANY(%(addresses)s)
"""


# The columns that refer to documents, by table: `{role}_document`, with the foreign key `{table}_{role}`.
REFERRERS: Final = {
    "operations": ("request", "result", "inputs", "artifact"),
    "proposal_versions": ("request", "result", "inputs", "artifact"),
    "simulations": ("result", "inputs", "artifact"),
    "batch_chunks": ("request", "result"),
}
FOREIGN_KEYS: Final = frozenset((table, f"{table}_{role}") for table, roles in REFERRERS.items() for role in roles)


class DocumentKind(StrEnum):
    REQUEST = "request"
    RESULT = "result"
    INPUTS = "inputs"
    ARTIFACT = "artifact"


def document_seal(*, sha256: str, kind: str, content: bytes, encoding: str, size: int, created_at: datetime) -> str:
    """The hash of a document's row; its address is the hash of its text alone, whatever the row says besides.

    Migration 0004 computes the same.
    """
    at = wire_timestamp(created_at)
    return sha256_of(_sealed(sha256=sha256, kind=kind, content=content, encoding=encoding, size=size, created_at=at))


def _sealed(*, sha256: str, kind: str, content: bytes, encoding: str, size: int, created_at: str) -> str:
    return canonical_text(
        {
            "sha256": sha256,
            "kind": kind,
            "content": sha256_of(content),
            "encoding": encoding,
            "size": size,
            "created_at": created_at,
        }
    )


class DocumentPurged(StorageUnavailable):
    """A document was there when the transaction stored it and gone when it referred to it: the same again works."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A text ready to be stored; made outside the transaction, because hashing and compressing take time."""

    sha256: str
    kind: DocumentKind
    content: bytes
    size: int

    @classmethod
    def of(cls, kind: DocumentKind, text: str) -> "Document":
        plain = text.encode()
        content = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).compress(plain)
        return cls(sha256=sha256_of(plain), kind=kind, content=content, size=len(plain))

    def text(self) -> str:
        return decompressed(self.content).decode()

    def row(self) -> dict[str, Any]:
        """The columns that depend on no time."""
        return {
            "sha256": self.sha256,
            "kind": self.kind,
            "content": self.content,
            "encoding": ENCODING,
            "size": self.size,
        }

    def parameters(self) -> dict[str, Any]:
        """What DOCUMENT_VALUES takes."""
        row = self.row()
        return {**row, "sealed": _sealed(**row, created_at=_NOW)}


def decompressed(content: bytes) -> bytes:
    """The bytes whose hash is the address."""
    return zstandard.ZstdDecompressor().decompress(content)


ADD_LOOSE: Final = """
INSERT INTO documents_to_purge (sha256) SELECT unnest(%(addresses)s::text[]) ON CONFLICT DO NOTHING
"""


class DocumentReader(Repository):
    async def read(self, *addresses: str) -> dict[str, str]:
        """The texts by address. Raises KeyError for an address that is not stored: foreign keys rule that out."""
        contents = await self.contents(*addresses)
        return {address: decompressed(content).decode() for address, content in zip(addresses, contents, strict=True)}

    async def text(self, address: str) -> str:
        """One of them alone. Raises KeyError as `read` does."""
        return (await self.read(address))[address]

    async def contents(self, *addresses: str) -> list[bytes]:
        """Still compressed, in this order. Raises KeyError as `read` does."""
        cursor = await self._connection.execute(SELECT_CONTENTS, {"addresses": list(addresses)})
        found: dict[str, bytes] = dict(await cursor.fetchall())
        return [found[address] for address in addresses]

    async def small_contents(self, *addresses: str, limit: int) -> list[bytes] | int:
        """As `contents`; of documents that are over the limit together (decompressed), only how large they are."""
        cursor = await self._connection.execute(SELECT_SMALL_CONTENTS, {"addresses": list(addresses), "limit": limit})
        rows = await cursor.fetchall()
        whole: int = sum(size for _, size, _ in rows)
        if whole > limit:
            return whole
        found = {address: content for address, _, content in rows}
        return [found[address] for address in addresses]


def document_row(document: Document, *, at: datetime) -> dict[str, Any]:
    """The values of all columns, by name."""
    row = {**document.row(), "created_at": at}
    return {**row, "seal": document_seal(**row)}


class Documents(DocumentReader):
    async def add(self, document: Document, *, at: datetime) -> None:
        """Store the document; one that is there already stays as it is."""
        await self._connection.execute(INSERT_DOCUMENT, document_row(document, at=at))

    async def let_go(self, *addresses: str) -> None:
        """Leave documents, which the caller does not refer to or does so no more, to the purge."""
        if addresses:
            await self._connection.execute(ADD_LOOSE, {"addresses": list(addresses)})
