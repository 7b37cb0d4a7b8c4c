"""Immutable texts, addressed by the SHA-256 of their bytes and compressed by the application."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import zstandard

from domain.canonical import canonical_hash, sha256_of
from domain.errors import StorageUnavailable
from domain.timestamps import wire_timestamp
from storage.rows import Repository, insert_statement
from storage.tables import metadata

COMPRESSION_LEVEL: Final = 1
ENCODING: Final = "zstd"

INSERT_DOCUMENT: Final = f"""
{insert_statement("documents", metadata.tables["documents"].columns.keys())} ON CONFLICT (sha256) DO NOTHING
"""
SELECT_CONTENTS: Final = "SELECT sha256, content FROM documents WHERE sha256 = ANY(%(addresses)s)"
SELECT_SMALL_CONTENTS: Final = """
SELECT sha256, size, CASE WHEN sum(size) OVER () <= %(limit)s THEN content END
FROM documents WHERE sha256 = ANY(%(addresses)s)
"""


class DocumentKind(StrEnum):
    REQUEST = "request"
    RESULT = "result"
    INPUTS = "inputs"
    ARTIFACT = "artifact"


def document_seal(*, sha256: str, kind: str, content: bytes, encoding: str, size: int, created_at: datetime) -> str:
    """The hash of a document's row; its address is the hash of its text alone, whatever the row says besides.

    Migration 0004 computes the same.
    """
    return canonical_hash(
        {
            "sha256": sha256,
            "kind": kind,
            "content": sha256_of(content),
            "encoding": encoding,
            "size": size,
            "created_at": wire_timestamp(created_at),
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


class Documents(DocumentReader):
    async def add(self, document: Document, *, at: datetime) -> None:
        """Store the document; one that is there already stays as it is."""
        row: dict[str, Any] = {
            "sha256": document.sha256,
            "kind": document.kind,
            "content": document.content,
            "encoding": ENCODING,
            "size": document.size,
            "created_at": at,
        }
        await self._connection.execute(INSERT_DOCUMENT, {**row, "seal": document_seal(**row)})

    async def let_go(self, *addresses: str) -> None:
        """Leave documents, which the caller does not refer to or does so no more, to the purge."""
        if addresses:
            await self._connection.execute(ADD_LOOSE, {"addresses": list(addresses)})
