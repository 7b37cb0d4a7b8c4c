"""Who cancelled, retried and redelivered; and whose turn it is among the clients whose operations wait to be started.

The release before this one records no names and starts the oldest first, without its own index: it then reads all that
waits, which is little and only until the roll-out is done (docs/adr/0036-each-client-has-its-turn.md).
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ACTORS = """
ALTER TABLE operations ADD COLUMN cancelled_by text;
ALTER TABLE operations ADD COLUMN retried_by text;
ALTER TABLE callback_deliveries ADD COLUMN redelivered_by text;
"""
TURNS = """
CREATE TABLE start_turns (
    client text NOT NULL CONSTRAINT start_turns_pkey PRIMARY KEY,
    had_turn_at timestamptz NOT NULL
);
CREATE INDEX operations_to_start_by_client ON operations (client, is_large, created_at)
    WHERE status = 'PENDING' AND started_workflow_at IS NULL;
DROP INDEX operations_to_start;
"""


def upgrade() -> None:
    op.execute(ACTORS)
    op.execute(TURNS)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: see docs/adr/0005-forward-only-migrations.md")
