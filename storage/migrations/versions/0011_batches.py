"""Batches: one operation for many runs, which are computed and stored in chunks (docs/adr/0038).

A batch of several portfolios has none of its own, and makes a result in place of a version. SIMULATE_PROPOSAL is
allowed from now on, so that the release that has it needs no migration before it.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE batch_chunks (
    operation_id text NOT NULL CONSTRAINT batch_chunks_operation REFERENCES operations (operation_id),
    chunk_no integer NOT NULL,
    first_run integer NOT NULL,
    runs integer NOT NULL,
    request_document text NOT NULL CONSTRAINT batch_chunks_request REFERENCES documents (sha256),
    result_document text CONSTRAINT batch_chunks_result REFERENCES documents (sha256),
    summaries text,
    succeeded integer,
    failed integer,
    engine_version text,
    done_at timestamptz,
    CONSTRAINT batch_chunks_pkey PRIMARY KEY (operation_id, chunk_no),
    CONSTRAINT batch_chunks_positive CHECK (chunk_no >= 0 AND first_run >= 0 AND runs >= 1),
    CONSTRAINT batch_chunks_done
        CHECK (num_nulls(result_document, summaries, succeeded, failed, engine_version, done_at) IN (0, 6)),
    CONSTRAINT batch_chunks_counts CHECK (succeeded + failed = runs)
);
CREATE INDEX batch_chunks_request_document ON batch_chunks (request_document);
CREATE INDEX batch_chunks_result_document ON batch_chunks (result_document);

ALTER TABLE operations ALTER COLUMN portfolio_id DROP NOT NULL;
ALTER TABLE operations ADD COLUMN scenario_count integer;
ALTER TABLE operations ADD COLUMN chunk_count integer;
ALTER TABLE operations ADD COLUMN runs_total integer;
ALTER TABLE operations ADD COLUMN runs_succeeded integer;
ALTER TABLE operations ADD COLUMN runs_failed integer;
ALTER TABLE operations DROP CONSTRAINT operations_type;
ALTER TABLE operations ADD CONSTRAINT operations_type CHECK (operation_type IN
    ('CREATE_PROPOSAL', 'CREATE_PROPOSAL_VERSION', 'ANALYZE_SCENARIOS', 'SIMULATE_PROPOSAL'));
ALTER TABLE operations ADD CONSTRAINT operations_portfolio
    CHECK (portfolio_id IS NOT NULL OR operation_type = 'ANALYZE_SCENARIOS');
ALTER TABLE operations ADD CONSTRAINT operations_runs CHECK (
    num_nulls(scenario_count, chunk_count, runs_total, runs_succeeded, runs_failed)
        = CASE operation_type WHEN 'ANALYZE_SCENARIOS' THEN 0 ELSE 5 END
    AND coalesce(runs_succeeded + runs_failed <= runs_total, true));
ALTER TABLE operations DROP CONSTRAINT operations_succeeded_with_version;
ALTER TABLE operations ADD CONSTRAINT operations_succeeded_with_version CHECK (
    (status = 'SUCCEEDED' AND operation_type IN ('CREATE_PROPOSAL', 'CREATE_PROPOSAL_VERSION'))
        = (proposal_version_id IS NOT NULL)
    AND (status <> 'SUCCEEDED' OR proposal_version_id IS NOT NULL OR result_document IS NOT NULL));
CREATE INDEX operations_open_batches ON operations (progress_at)
    WHERE status IN ('PENDING', 'RUNNING') AND operation_type = 'ANALYZE_SCENARIOS';
CREATE INDEX operations_batches_to_purge ON operations (finished_at)
    WHERE finished_at IS NOT NULL AND operation_type = 'ANALYZE_SCENARIOS';

ALTER TABLE expired_operations ADD COLUMN runs_total integer;
ALTER TABLE expired_operations ADD COLUMN runs_succeeded integer;
ALTER TABLE expired_operations ADD COLUMN runs_failed integer;
ALTER TABLE expired_operations DROP CONSTRAINT expired_operations_type;
ALTER TABLE expired_operations ADD CONSTRAINT expired_operations_type CHECK (operation_type IN
    ('CREATE_PROPOSAL', 'CREATE_PROPOSAL_VERSION', 'ANALYZE_SCENARIOS', 'SIMULATE_PROPOSAL'));
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: see docs/adr/0005-forward-only-migrations.md")
