"""Indexes of the reviewers' queue (docs/adr/0035-the-queue-of-reviewers.md)."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEXES = """
CREATE INDEX proposals_waiting ON proposals (client, current_state, last_event_at, proposal_id);
CREATE INDEX proposals_waiting_portfolio_id ON proposals
    (client, portfolio_id, current_state, last_event_at, proposal_id);
CREATE INDEX proposals_waiting_created_by ON proposals (client, created_by, current_state, last_event_at, proposal_id);
CREATE INDEX proposals_waiting_portfolio_id_created_by ON proposals
    (client, portfolio_id, created_by, current_state, last_event_at, proposal_id);
CREATE INDEX workflow_events_of_states ON workflow_events (proposal_id, sequence DESC)
    WHERE from_state IS DISTINCT FROM to_state;
"""


def upgrade() -> None:
    op.execute(INDEXES)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: see docs/adr/0005-forward-only-migrations.md")
