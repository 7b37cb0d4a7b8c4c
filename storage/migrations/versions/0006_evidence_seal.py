"""What an operation has of its evidence is sealed with the engine version that made it, until a version is committed.

Workers of the version before do not write the column. What they made has no seal, and is made again.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE operations ADD COLUMN evidence_seal text")


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: see docs/adr/0005-forward-only-migrations.md")
