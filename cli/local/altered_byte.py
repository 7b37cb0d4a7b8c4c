"""One byte of a stored document, altered as only a superuser of the database can, and put back by the same means.

A note in the data directory stands before the alteration and goes after the byte is back: a run that is killed between
leaves the note, and the next one puts the byte back before it serves.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import psycopg

from cli.local.children import LocalServerError
from cli.whole_file import write_whole

NOTE: Final = "altered-byte.json"
ARTIFACT: Final = """
SELECT sha256, length(content) / 2, get_byte(content, length(content) / 2)
FROM documents JOIN proposal_versions ON artifact_document = sha256 WHERE proposal_id = %s AND version_no = 1
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredByte:
    """The byte at `place` of the stored contents of a document, and its true `value`."""

    document: str
    place: int
    value: int

    @classmethod
    def of_artifact(cls, dsn: str, proposal_id: str) -> Self:
        """A byte in the middle of the artifact of the proposal's first version."""
        with _connected(dsn) as connection:
            document, place, value = connection.execute(ARTIFACT, [proposal_id]).fetchone() or ("", 0, 0)
        return cls(document=document, place=place, value=value)

    @property
    def alteration(self) -> str:
        """Statements for a superuser: the triggers that refuse every UPDATE of evidence are off for this session."""
        return self._set_to(self.value ^ 1)

    @property
    def restoration(self) -> str:
        return self._set_to(self.value)

    def alter(self, dsn: str, folder: Path) -> None:
        write_whole(folder / NOTE, json.dumps(asdict(self)).encode())
        _run(dsn, self.alteration)

    def put_back(self, dsn: str, folder: Path) -> None:
        _run(dsn, self.restoration)
        (folder / NOTE).unlink(missing_ok=True)

    def _set_to(self, value: int) -> str:
        byte = f"set_byte(content, {self.place}, {value})"
        update = f"UPDATE documents SET content = {byte} WHERE sha256 = '{self.document}'"  # noqa: S608 -- of the database
        return f"SET session_replication_role = replica; {update}"


def put_back_noted(dsn: str, folder: Path, *, say: Callable[[str], None]) -> None:
    """Put back the byte of a demo that was killed before it could, if there is one."""
    note = folder / NOTE
    if note.exists():
        StoredByte(**json.loads(note.read_text())).put_back(dsn, folder)
        say("put back the byte of a stored document that a demo had altered before it was killed")


def _run(dsn: str, statements: str) -> None:
    with _connected(dsn) as connection:
        connection.execute(statements.encode())


@contextmanager
def _connected(dsn: str) -> Iterator[psycopg.Connection]:
    """Raises LocalServerError when PostgreSQL has ended, or ends meanwhile."""
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            yield connection
    except psycopg.OperationalError:
        raise LocalServerError("PostgreSQL does not answer") from None
