"""Operations are listed, cancelled, retried and purged: what each of these must find without reading the table.

An operation's key and documents outlive it or not, each by its own rule: the key's reference to its operation is no
foreign key any more, and every column that refers to a document has an index, because the deletion of a document asks
each of them. A document's row gets a seal, so that a change of what its address does not cover is found.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE operations ADD COLUMN successor_id text;
ALTER TABLE operations ADD COLUMN workflow_to_cancel boolean DEFAULT false NOT NULL;
ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_operation;

CREATE TABLE documents_to_purge (
    sha256 text NOT NULL CONSTRAINT documents_to_purge_pkey PRIMARY KEY
);
"""
# As storage.documents.document_seal: canonical JSON has its keys in order and no white space.
SEAL_DOCUMENTS = """
ALTER TABLE documents ADD COLUMN seal text;
ALTER TABLE documents DISABLE TRIGGER documents_immutable;
UPDATE documents SET seal = 'sha256:' || encode(sha256(convert_to(format(
    '{"content":"sha256:%s","created_at":"%s","encoding":"%s","kind":"%s","sha256":"%s","size":%s}',
    encode(sha256(content), 'hex'), to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
    encoding, kind, sha256, size), 'UTF8')), 'hex');
ALTER TABLE documents ENABLE TRIGGER documents_immutable;
ALTER TABLE documents ALTER COLUMN seal SET NOT NULL;
"""
INDEXES = """
CREATE INDEX operations_list ON operations (client, operation_type, status, created_at DESC, operation_id DESC);
CREATE INDEX operations_list_by_author ON operations
    (client, created_by, operation_type, status, created_at DESC, operation_id DESC);
CREATE INDEX operations_by_proposal ON operations (proposal_id, created_at DESC, operation_id DESC)
    WHERE proposal_id IS NOT NULL;
CREATE INDEX operations_to_purge ON operations (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX operations_workflows_to_cancel ON operations (updated_at) WHERE workflow_to_cancel;
CREATE INDEX operations_started ON operations (operation_id)
    WHERE status IN ('PENDING', 'RUNNING') AND started_workflow_at IS NOT NULL;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
CREATE INDEX expired_operations_by_expiry ON expired_operations (expired_at);
CREATE INDEX review_keys_by_age ON review_keys (created_at);
CREATE INDEX simulations_by_age ON simulations (created_at);
"""
REFERENCES_TO_DOCUMENTS = {
    "operations": ("request", "result", "inputs", "artifact"),
    "proposal_versions": ("request", "result", "inputs", "artifact"),
    "simulations": ("result", "inputs", "artifact"),
}


def upgrade() -> None:
    op.execute(TABLES)
    op.get_bind().exec_driver_sql(SEAL_DOCUMENTS.replace("%", "%%"))
    op.execute(INDEXES)
    for table, roles in REFERENCES_TO_DOCUMENTS.items():
        for role in roles:
            op.execute(f"CREATE INDEX {table}_{role}_document ON {table} ({role}_document)")


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: see docs/adr/0005-forward-only-migrations.md")
