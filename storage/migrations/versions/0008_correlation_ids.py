"""Further correlation ids that an operation was answered under (docs/adr/0030-every-correlation-id.md).

The release before this one writes none: what it answers during a roll-out is found by the operation's own id.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE operation_correlation_ids (
    operation_id text NOT NULL,
    correlation_id text NOT NULL,
    client text NOT NULL,
    operation_created_at timestamptz NOT NULL,
    answered_at timestamptz NOT NULL,
    CONSTRAINT operation_correlation_ids_pkey PRIMARY KEY (operation_id, correlation_id)
);
CREATE INDEX operation_correlation_ids_newest ON operation_correlation_ids
    (client, correlation_id, operation_created_at DESC, operation_id DESC);
CREATE INDEX operation_correlation_ids_by_age ON operation_correlation_ids (operation_created_at);
"""


def upgrade() -> None:
    op.execute(TABLE)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: see docs/adr/0005-forward-only-migrations.md")
