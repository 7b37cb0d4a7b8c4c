"""Simulations as operations: a key's row is there before its result, and says which operation has it (docs/adr/0040).

The correlation id is that of the request whose result is stored, so a row without a result has none.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE simulations ADD COLUMN operation_id text;
ALTER TABLE simulations ADD COLUMN attempt integer NOT NULL DEFAULT 1;
ALTER TABLE simulations ALTER COLUMN correlation_id DROP NOT NULL;
ALTER TABLE simulations ALTER COLUMN result_document DROP NOT NULL;
ALTER TABLE simulations ALTER COLUMN inputs_document DROP NOT NULL;
ALTER TABLE simulations ALTER COLUMN artifact_document DROP NOT NULL;
ALTER TABLE simulations ADD CONSTRAINT simulations_whole_result
    CHECK (num_nulls(correlation_id, result_document, inputs_document, artifact_document) IN (0, 4));
ALTER TABLE simulations ADD CONSTRAINT simulations_stands_for_something
    CHECK (operation_id IS NOT NULL OR result_document IS NOT NULL);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: see docs/adr/0005-forward-only-migrations.md")
