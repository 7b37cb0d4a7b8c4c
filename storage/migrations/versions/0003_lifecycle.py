"""Versions, reviews and lists: what a version operation targets, keys of reviews, an index for each set of filters."""

from itertools import combinations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE operations ADD COLUMN expected_version_no integer;
ALTER TABLE operations ADD CONSTRAINT operations_version_target
    CHECK (operation_type <> 'CREATE_PROPOSAL_VERSION' OR proposal_id IS NOT NULL);

CREATE TABLE review_keys (
    client text NOT NULL,
    scope text NOT NULL,
    key text NOT NULL,
    request_hash text NOT NULL,
    event_id text NOT NULL CONSTRAINT review_keys_event REFERENCES workflow_events (event_id),
    created_at timestamptz NOT NULL,
    CONSTRAINT review_keys_pkey PRIMARY KEY (client, scope, key)
);
"""
FILTERS = ("portfolio_id", "current_state", "created_by")


def upgrade() -> None:
    op.execute(TABLES)
    # A page must not read what it does not show, whichever filters are combined: one ordered index for each set.
    for count in range(len(FILTERS) + 1):
        for filters in combinations(FILTERS, count):
            name = "_".join(("proposals_list", *filters))
            columns = ", ".join(("client", *filters, "created_at DESC", "proposal_id DESC"))
            op.execute(f"CREATE INDEX {name} ON proposals ({columns})")


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: see docs/adr/0005-forward-only-migrations.md")
