"""Callbacks: when a delivery's next attempt is due, who starts it, and where its present round of attempts began.

The defaults are for the commits of the version before, which write a delivery without these columns.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE callback_deliveries
    ADD COLUMN due_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN start_claimed_at timestamptz,
    ADD COLUMN redelivered_at timestamptz,
    ADD COLUMN attempts_before integer NOT NULL DEFAULT 0,
    ADD COLUMN checked_at timestamptz,
    ADD CONSTRAINT callback_deliveries_finished CHECK ((status = 'PENDING') = (finished_at IS NULL));
CREATE INDEX callback_deliveries_to_reconcile ON callback_deliveries (due_at) WHERE status = 'PENDING';
"""


def upgrade() -> None:
    op.execute(COLUMNS)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: see docs/adr/0005-forward-only-migrations.md")
