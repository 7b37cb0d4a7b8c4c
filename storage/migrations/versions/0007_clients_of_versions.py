"""Versions carry the calling client, so that their hash covers it.

Rows that are there keep none: their hash was computed without it (docs/adr/0019-the-client-is-evidence.md). The release
before writes none either, and may go on doing so during a roll-out.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE proposal_versions ADD COLUMN client text")


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: see docs/adr/0005-forward-only-migrations.md")
