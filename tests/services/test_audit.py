"""Every alteration that a superuser can make is found, in the very row."""

import psycopg
import pytest
import zstandard
from builders import a_stored_operation
from copied_rows import Rows, copied, put
from pydantic import model_validator
from storage_rows import a_created_proposal, a_reviewed_proposal

from domain import evidence
from domain.checkpoint import ChainHead
from domain.request import CreateRequest
from services import audit
from services.audit import AuditVerification
from storage.documents import Document, DocumentKind
from storage.unit_of_work import Storage


@pytest.fixture(scope="module")
def made() -> dict[str, Rows]:
    """The rows of two proposals by the id of the second; the first test that needs them makes them."""
    return {}


@pytest.fixture
async def proposal_id(storage: Storage, database_dsn: str, made: dict[str, Rows]) -> str:
    for proposal_id, rows in made.items():
        put(database_dsn, rows)
        return proposal_id
    await a_created_proposal(storage)
    proposal_id = await a_reviewed_proposal(storage)
    made[proposal_id] = copied(database_dsn)
    return proposal_id


async def found(storage: Storage, against: dict[str, ChainHead] | None = None) -> list[str]:
    audit = AuditVerification(storage, against=against or {}, progress=lambda _: None)
    return [str(row) async for row in audit.everything()]


def alter(dsn: str, statements: str, proposal_id: str) -> str:
    """Run the statements as only a superuser can; returns the rows of the first SELECT among them."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        said = ""
        for statement in statements.split(";"):
            cursor = connection.execute(statement.replace("$P", f"'{proposal_id}'"))
            if cursor.description:
                row = cursor.fetchone()
                said = said or (row[0] if row else "")
    return said


EVENT = "SELECT event_id FROM workflow_events WHERE proposal_id = $P AND sequence = {}"
VERSION = "SELECT proposal_version_id FROM proposal_versions WHERE proposal_id = $P AND version_no = {}"
APPROVAL = "SELECT approval_id FROM approvals WHERE proposal_id = $P AND approval_type = '{}'"
DOCUMENT = "SELECT {}_document FROM proposal_versions WHERE proposal_id = $P AND version_no = 2"
PROPOSAL = "SELECT proposal_id FROM proposals WHERE proposal_id = $P"
SWAP_EVENTS = ";".join(
    f"UPDATE workflow_events SET sequence = {to} WHERE proposal_id = $P AND sequence = {of}"
    for of, to in ((3, 1003), (4, 3), (1003, 4))
)
SWAP_VERSIONS = ";".join(
    f"UPDATE proposal_versions SET version_no = {to} WHERE proposal_id = $P AND version_no = {of}"
    for of, to in ((1, 1001), (2, 1), (1001, 2))
)
NOTHING = Document.of(DocumentKind.ARTIFACT, "[]")
LATER = "+ interval '1 microsecond'"
ALTERATIONS = {
    "event, byte": (EVENT.format(4), "UPDATE workflow_events SET reason = '{{}}' WHERE event_id = '{}'"),
    "event, white space": (
        EVENT.format(4),
        "UPDATE workflow_events SET reason = replace(reason, ':', ': ') WHERE event_id = '{}'",
    ),
    "event, a name twice": (
        EVENT.format(4),
        "UPDATE workflow_events SET reason = '{{\"event\":0,' || substr(reason, 2) WHERE event_id = '{}'",
    ),
    "event, nested without end": (
        EVENT.format(4),
        "UPDATE workflow_events SET reason = repeat('[', 100000) WHERE event_id = '{}'",
    ),
    "event, no JSON": (EVENT.format(4), "UPDATE workflow_events SET reason = '' WHERE event_id = '{}'"),
    "event, time": (
        EVENT.format(4),
        f"UPDATE workflow_events SET occurred_at = occurred_at {LATER} WHERE event_id = '{{}}'",
    ),
    "event, time without end": (
        EVENT.format(4),
        "UPDATE workflow_events SET occurred_at = 'infinity' WHERE event_id = '{}'",
    ),
    "event, unknown type": (
        EVENT.format(4),
        (
            "ALTER TABLE workflow_events DROP CONSTRAINT workflow_events_type;"
            " UPDATE workflow_events SET event_type = 'X' WHERE event_id = '{}'"
        ),
    ),
    "event, moved far away": (
        EVENT.format(4),
        "UPDATE workflow_events SET sequence = 2000000000 WHERE event_id = '{}'",
    ),
    "event, hash": (EVENT.format(4), "UPDATE workflow_events SET event_hash = 'sha256:0' WHERE event_id = '{}'"),
    "event, swapped": (EVENT.format(4), SWAP_EVENTS),
    "version, byte": (
        VERSION.format(2),
        "UPDATE proposal_versions SET artifact_hash = 'sha256:0' WHERE proposal_version_id = '{}'",
    ),
    "version, time": (
        VERSION.format(2),
        f"UPDATE proposal_versions SET created_at = created_at {LATER} WHERE proposal_version_id = '{{}}'",
    ),
    "version, documents of nothing": (
        VERSION.format(2),
        (
            f"INSERT INTO documents SELECT '{NOTHING.sha256}', 'artifact', '\\x{NOTHING.content.hex()}', encoding, 2,"
            " created_at, seal FROM documents LIMIT 1;"
            f" UPDATE proposal_versions SET artifact_document = '{NOTHING.sha256}' WHERE proposal_version_id = '{{}}'"
        ),
    ),
    "version, swapped": (VERSION.format(1), SWAP_VERSIONS),
    "version, last deleted": (VERSION.format(2), "DELETE FROM proposal_versions WHERE proposal_version_id = '{}'"),
    "approval, byte": (APPROVAL.format("RISK"), "UPDATE approvals SET actor_id = 'x' WHERE approval_id = '{}'"),
    "approval, time": (
        APPROVAL.format("RISK"),
        f"UPDATE approvals SET occurred_at = occurred_at {LATER} WHERE approval_id = '{{}}'",
    ),
    "approval, swapped": (
        APPROVAL.format("RISK"),
        "UPDATE approvals SET approval_type = CASE approval_type WHEN 'RISK' THEN 'CLIENT_CONSENT' ELSE 'RISK' END",
    ),
    "approval, last deleted": (
        APPROVAL.format("CLIENT_CONSENT"),
        "DELETE FROM approvals WHERE approval_id = '{}'",
    ),
    "approval, added": (
        EVENT.format(2).replace("event_id", "replace(event_id, 'pwe', 'pap')"),
        (
            "INSERT INTO approvals SELECT '{}', proposal_id, event_id, 'RISK', true, 'x', occurred_at, '{{}}', NULL"
            " FROM workflow_events WHERE proposal_id = $P AND sequence = 2"
        ),
    ),
    **{
        f"proposal, {column}": (PROPOSAL, f"UPDATE proposals SET {column} = {value} WHERE proposal_id = '{{}}'")
        for column, value in {
            "title": "'x'",
            "advisor_notes": "'x'",
            "mandate_id": "'x'",
            "jurisdiction": "'x'",
            "client": "'x'",
            "created_by": "'x'",
            "portfolio_id": "'x'",
            "current_state": "'DRAFT'",
            "current_version_no": "1",
            "event_count": "5",
            "last_event_hash": "'sha256:0'",
            "created_at": f"created_at {LATER}",
            "last_event_at": f"last_event_at {LATER}",
        }.items()
    },
    "proposal, many events": (PROPOSAL, "UPDATE proposals SET event_count = 2000000000 WHERE proposal_id = '{}'"),
    "proposal, no time": (PROPOSAL, "UPDATE proposals SET last_event_at = '-infinity' WHERE proposal_id = '{}'"),
    **{
        f"document, {role}": (
            DOCUMENT.format(role),
            (
                "UPDATE documents SET content = set_byte(content, length(content) - 1,"
                " (get_byte(content, length(content) - 1) + 1) % 256) WHERE sha256 = '{}'"
            ),
        )
        for role in ("request", "result", "inputs", "artifact")
    },
    "document, swapped": (
        DOCUMENT.format("result"),
        (
            "UPDATE documents SET content = (SELECT content FROM documents WHERE kind = 'artifact' LIMIT 1)"
            " WHERE sha256 = '{}'"
        ),
    ),
    "document, byte added": (
        DOCUMENT.format("result"),
        "UPDATE documents SET content = content || '\\x00' WHERE sha256 = '{}'",
    ),
    "document, promises too much": (
        DOCUMENT.format("request"),
        "UPDATE documents SET content = '\\x28b52ffde0ffffffffffffff7f' || substr(content, 9) WHERE sha256 = '{}'",
    ),
    **{
        f"document, time of {role}": (
            DOCUMENT.format(role),
            f"UPDATE documents SET created_at = created_at {LATER} WHERE sha256 = '{{}}'",
        )
        for role in ("request", "result", "inputs", "artifact")
    },
    "document, time without end": (
        DOCUMENT.format("request"),
        "UPDATE documents SET created_at = 'infinity' WHERE sha256 = '{}'",
    ),
    "document, size": (DOCUMENT.format("result"), "UPDATE documents SET size = size + 1 WHERE sha256 = '{}'"),
    "document, kind": (DOCUMENT.format("result"), "UPDATE documents SET kind = 'inputs' WHERE sha256 = '{}'"),
    "document, deleted": (DOCUMENT.format("inputs"), "DELETE FROM documents WHERE sha256 = '{}'"),
}


async def test_what_was_not_altered_is_found_whole(storage: Storage, proposal_id):
    audit = AuditVerification(storage, against={}, progress=lambda _: None)
    assert [row async for row in audit.everything()] == []
    verified = audit.verified
    assert (len(verified.heads), verified.versions, verified.events, verified.approvals) == (2, 3, 7, 2)
    assert verified.documents == await audit.size() - 2 > 6


async def test_a_request_that_a_later_engine_refuses_is_no_alteration(storage: Storage, proposal_id, monkeypatch):
    class Stricter(CreateRequest):
        @model_validator(mode="after")
        def _is_refused_since(self):
            raise ValueError

    monkeypatch.setattr(evidence, "REQUEST_MODELS", dict.fromkeys(evidence.REQUEST_MODELS, Stricter))
    assert len(await found(storage)) == 3  # the two versions of the proposal, and the other proposal's
    monkeypatch.setattr(audit, "ENGINE_VERSION", "of a later release")
    assert await found(storage) == []


@pytest.mark.parametrize("name", ALTERATIONS)
async def test_an_altered_row_is_named(storage: Storage, database_dsn, proposal_id, name):
    select, statements = ALTERATIONS[name]
    row = alter(database_dsn, select, proposal_id)
    alter(database_dsn, statements.format(row) if "{}" in statements else statements, proposal_id)
    broken = await found(storage)
    assert any(row in line.split()[1] for line in broken), broken
    audit = AuditVerification(storage, against={}, progress=lambda _: None)
    assert any([row in str(line) async for line in audit.proposal(proposal_id)])


async def test_a_missing_event_is_named_by_its_place(storage: Storage, database_dsn, proposal_id):
    alter(database_dsn, "DELETE FROM workflow_events WHERE proposal_id = $P AND sequence = 6", proposal_id)
    assert await found(storage) == [f"workflow_events number 6 of {proposal_id} is missing"]
    alter(database_dsn, "DELETE FROM workflow_events WHERE proposal_id = $P AND sequence = 3", proposal_id)
    assert f"workflow_events number 3 of {proposal_id} is missing" in await found(storage)


async def test_rows_of_a_deleted_proposal_are_named(storage: Storage, database_dsn, proposal_id):
    alter(database_dsn, "DELETE FROM proposals WHERE proposal_id = $P", proposal_id)
    missing, *orphans = await found(storage)
    assert missing == f"proposals {proposal_id} is missing"
    assert len(orphans) == 2 + 6 + 2
    assert all(line.endswith(f"of {proposal_id} belongs to no proposal") for line in orphans)


async def test_a_document_of_two_versions_is_named_once(storage: Storage, database_dsn, proposal_id):
    address = alter(database_dsn, DOCUMENT.format("request").replace("= 2", "= 1"), proposal_id)
    alter(database_dsn, f"UPDATE documents SET size = 1 WHERE sha256 = '{address}'", proposal_id)
    (broken,) = await found(storage)
    assert broken.startswith(f"documents {address} ")


async def test_another_form_of_the_very_same_text_is_named(storage: Storage, database_dsn, proposal_id):
    address = alter(database_dsn, DOCUMENT.format("request"), proposal_id)
    async with storage.reading() as reading:
        text = await reading.documents.text(address)
    again = zstandard.ZstdCompressor(level=19, write_checksum=True).compress(text.encode())
    alter(database_dsn, f"UPDATE documents SET content = '\\x{again.hex()}' WHERE sha256 = '{address}'", proposal_id)
    (broken,) = await found(storage)
    assert broken == f"documents {address} of {proposal_id} is not what its seal says"


async def test_a_version_that_was_altered_does_not_accuse_its_artifact(storage: Storage, database_dsn, proposal_id):
    alter(database_dsn, f"UPDATE proposal_versions SET created_at = created_at {LATER} WHERE version_no = 2", "")
    (broken,) = await found(storage)
    assert broken.startswith("proposal_versions ")


async def test_a_gap_is_one_row(storage: Storage, database_dsn, proposal_id):
    alter(database_dsn, "DELETE FROM workflow_events WHERE proposal_id = $P AND sequence BETWEEN 2 AND 4", proposal_id)
    assert f"workflow_events numbers 2 to 4 of {proposal_id} is missing" in await found(storage)


async def test_what_an_operation_remembers_is_missed(storage: Storage, database_dsn, proposal_id):
    everything = "; ".join(
        f"DELETE FROM {table} WHERE proposal_id = $P"
        for table in ("approvals", "workflow_events", "proposal_versions", "proposals")
    )
    version_id = alter(database_dsn, VERSION.format(1), proposal_id)
    alter(database_dsn, everything, proposal_id)
    broken = await found(storage)
    assert broken[0] == f"proposals {proposal_id} is missing"
    assert f"proposal_versions {version_id} of {proposal_id} is missing" in broken
    assert len(broken) == 1 + 2


async def test_a_document_that_an_operation_alone_refers_to_is_missed(storage: Storage, database_dsn):
    operation = await a_stored_operation(storage)
    assert await found(storage) == []
    alter(database_dsn, "DELETE FROM documents", "")
    assert await found(storage) == [f"documents {operation.request_document} is missing"]


async def test_a_document_that_no_proposal_refers_to_is_checked_too(storage: Storage, database_dsn, proposal_id):
    alter(
        database_dsn,
        "INSERT INTO documents SELECT 'sha256:' || repeat('0', 64), kind, content, encoding, size, created_at, seal"
        " FROM documents LIMIT 1",
        proposal_id,
    )
    assert await found(storage) == [f"documents sha256:{'0' * 64} is not what its hash says"]


async def heads(storage: Storage) -> dict[str, ChainHead]:
    audit = AuditVerification(storage, against={}, progress=lambda _: None)
    assert [row async for row in audit.everything()] == []
    return {head.proposal_id: head for head in audit.verified.heads}


async def test_what_is_rewritten_from_the_first_row_on_is_found_against_an_export(
    storage: Storage, database_dsn, proposal_id
):
    exported = await heads(storage)
    everything = "; ".join(
        f"DELETE FROM {table} WHERE proposal_id = $P"
        for table in ("approvals", "workflow_events", "proposal_versions", "proposals", "operations")
    )
    alter(database_dsn, everything, proposal_id)
    assert await found(storage) == []
    assert await found(storage, exported) == [f"proposals {proposal_id} is missing"]


async def test_a_trail_that_was_cut_and_made_consistent_is_found_against_an_export(
    storage: Storage, database_dsn, proposal_id
):
    exported = await heads(storage)
    alter(
        database_dsn,
        "DELETE FROM workflow_events WHERE proposal_id = $P AND sequence = 6;"
        " UPDATE proposals p SET event_count = 5, last_event_hash = e.event_hash, current_state = e.to_state,"
        " last_event_at = e.occurred_at FROM workflow_events e"
        " WHERE e.proposal_id = p.proposal_id AND p.proposal_id = $P AND e.sequence = 5",
        proposal_id,
    )
    assert await found(storage) == []
    assert await found(storage, exported) == [f"workflow_events number 6 of {proposal_id} is missing, but was exported"]


async def test_what_came_after_an_export_is_no_alteration(storage: Storage, proposal_id):
    exported = await heads(storage)
    await a_created_proposal(storage)
    assert await found(storage, exported) == []
