"""Simulations by key: one stored result and artifact a key, so that a replay answers the same bytes.

The references are checked at commit: the key is claimed first, and only who gets it stores documents.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE simulations (
    client text NOT NULL,
    key text NOT NULL,
    request_hash text NOT NULL,
    correlation_id text NOT NULL,
    result_document text NOT NULL CONSTRAINT simulations_result REFERENCES documents (sha256)
        DEFERRABLE INITIALLY DEFERRED,
    inputs_document text NOT NULL CONSTRAINT simulations_inputs REFERENCES documents (sha256)
        DEFERRABLE INITIALLY DEFERRED,
    artifact_document text NOT NULL CONSTRAINT simulations_artifact REFERENCES documents (sha256)
        DEFERRABLE INITIALLY DEFERRED,
    created_at timestamptz NOT NULL,
    CONSTRAINT simulations_pkey PRIMARY KEY (client, key)
);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: see docs/adr/0005-forward-only-migrations.md")
