"""Checkpoints of all trails, signed, and the heads that each was the first to see (docs/adr/0044).

A head is stored once, by the first checkpoint that saw it: those of a checkpoint are the newest of each proposal up to
its number.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE evidence_checkpoints (
    checkpoint_no integer NOT NULL CONSTRAINT evidence_checkpoints_pkey PRIMARY KEY,
    taken_at timestamptz NOT NULL,
    proposals integer NOT NULL,
    root text NOT NULL,
    changed integer NOT NULL,
    changed_root text NOT NULL,
    previous_hash text NOT NULL,
    public_key text NOT NULL,
    signature text NOT NULL,
    CONSTRAINT evidence_checkpoints_counts CHECK (checkpoint_no >= 1 AND changed BETWEEN 0 AND proposals)
);
CREATE TABLE checkpoint_heads (
    checkpoint_no integer NOT NULL,
    proposal_id text NOT NULL,
    event_count integer NOT NULL,
    last_event_hash text NOT NULL,
    CONSTRAINT checkpoint_heads_pkey PRIMARY KEY (checkpoint_no, proposal_id)
);
CREATE INDEX checkpoint_heads_by_proposal ON checkpoint_heads (proposal_id, checkpoint_no DESC);

CREATE TRIGGER evidence_checkpoints_append_only BEFORE UPDATE OR DELETE ON evidence_checkpoints
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER evidence_checkpoints_no_truncate BEFORE TRUNCATE ON evidence_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checkpoint_heads_append_only BEFORE UPDATE OR DELETE ON checkpoint_heads
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checkpoint_heads_no_truncate BEFORE TRUNCATE ON checkpoint_heads
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: see docs/adr/0005-forward-only-migrations.md")
