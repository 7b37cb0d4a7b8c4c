"""Operations, documents, proposals and their audit trail.

The evidence tables refuse what would change them (UPDATE, DELETE, TRUNCATE): an audit trail that its own service can
rewrite proves nothing.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE documents (
    sha256 text NOT NULL CONSTRAINT documents_pkey PRIMARY KEY,
    kind text NOT NULL,
    content bytea NOT NULL,
    encoding text NOT NULL,
    size integer NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT documents_address CHECK (sha256 ~ '^sha256:[0-9a-f]{64}$'),
    CONSTRAINT documents_kind CHECK (kind IN ('request', 'result', 'inputs', 'artifact')),
    CONSTRAINT documents_encoding CHECK (encoding IN ('zstd')),
    CONSTRAINT documents_size CHECK (size >= 0)
);
ALTER TABLE documents ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE proposals (
    proposal_id text NOT NULL CONSTRAINT proposals_pkey PRIMARY KEY,
    client text NOT NULL,
    portfolio_id text NOT NULL,
    mandate_id text,
    jurisdiction text,
    title text,
    advisor_notes text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    current_state text NOT NULL,
    current_version_no integer NOT NULL,
    last_event_at timestamptz NOT NULL,
    event_count integer NOT NULL,
    last_event_hash text NOT NULL,
    CONSTRAINT proposals_state CHECK (current_state IN ('DRAFT', 'RISK_REVIEW', 'COMPLIANCE_REVIEW',
        'AWAITING_CLIENT_CONSENT', 'EXECUTION_READY', 'EXECUTED', 'REJECTED', 'CANCELLED', 'EXPIRED')),
    CONSTRAINT proposals_counts CHECK (current_version_no >= 1 AND event_count >= 1)
);

CREATE TABLE proposal_versions (
    proposal_version_id text NOT NULL CONSTRAINT proposal_versions_pkey PRIMARY KEY,
    proposal_id text NOT NULL CONSTRAINT proposal_versions_proposal REFERENCES proposals (proposal_id),
    version_no integer NOT NULL,
    operation_id text NOT NULL,
    portfolio_id text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    request_hash text NOT NULL,
    simulation_hash text NOT NULL,
    artifact_hash text NOT NULL,
    status_at_creation text NOT NULL,
    gate_decision text,
    evidence_stored boolean NOT NULL,
    engine_version text NOT NULL,
    request_document text NOT NULL CONSTRAINT proposal_versions_request REFERENCES documents (sha256),
    result_document text NOT NULL CONSTRAINT proposal_versions_result REFERENCES documents (sha256),
    inputs_document text NOT NULL CONSTRAINT proposal_versions_inputs REFERENCES documents (sha256),
    artifact_document text NOT NULL CONSTRAINT proposal_versions_artifact REFERENCES documents (sha256),
    CONSTRAINT proposal_versions_number UNIQUE (proposal_id, version_no),
    CONSTRAINT proposal_versions_operation UNIQUE (operation_id),
    CONSTRAINT proposal_versions_status CHECK (status_at_creation IN ('READY', 'PENDING_REVIEW', 'BLOCKED')),
    CONSTRAINT proposal_versions_positive CHECK (version_no >= 1)
);

CREATE TABLE workflow_events (
    event_id text NOT NULL CONSTRAINT workflow_events_pkey PRIMARY KEY,
    proposal_id text NOT NULL CONSTRAINT workflow_events_proposal REFERENCES proposals (proposal_id),
    sequence integer NOT NULL,
    event_type text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    actor_id text NOT NULL,
    occurred_at timestamptz NOT NULL,
    reason text NOT NULL,
    related_version_no integer,
    subject_hash text,
    previous_event_hash text NOT NULL,
    event_hash text NOT NULL,
    CONSTRAINT workflow_events_sequence UNIQUE (proposal_id, sequence),
    CONSTRAINT workflow_events_positive CHECK (sequence >= 1),
    CONSTRAINT workflow_events_type CHECK (event_type IN ('CREATED', 'SUBMITTED_FOR_RISK_REVIEW',
        'SUBMITTED_FOR_COMPLIANCE_REVIEW', 'RISK_APPROVED', 'COMPLIANCE_APPROVED', 'CLIENT_CONSENT_RECORDED',
        'REJECTED', 'EXECUTION_REQUESTED', 'EXECUTED', 'EXPIRED', 'CANCELLED', 'NEW_VERSION_CREATED')),
    CONSTRAINT workflow_events_from_state CHECK (from_state IN ('DRAFT', 'RISK_REVIEW', 'COMPLIANCE_REVIEW',
        'AWAITING_CLIENT_CONSENT', 'EXECUTION_READY', 'EXECUTED', 'REJECTED', 'CANCELLED', 'EXPIRED')),
    CONSTRAINT workflow_events_to_state CHECK (to_state IN ('DRAFT', 'RISK_REVIEW', 'COMPLIANCE_REVIEW',
        'AWAITING_CLIENT_CONSENT', 'EXECUTION_READY', 'EXECUTED', 'REJECTED', 'CANCELLED', 'EXPIRED'))
);

CREATE TABLE approvals (
    approval_id text NOT NULL CONSTRAINT approvals_pkey PRIMARY KEY,
    proposal_id text NOT NULL CONSTRAINT approvals_proposal REFERENCES proposals (proposal_id),
    event_id text NOT NULL CONSTRAINT approvals_event REFERENCES workflow_events (event_id),
    approval_type text NOT NULL,
    approved boolean NOT NULL,
    actor_id text NOT NULL,
    occurred_at timestamptz NOT NULL,
    details text NOT NULL,
    related_version_no integer,
    CONSTRAINT approvals_type CHECK (approval_type IN ('RISK', 'COMPLIANCE', 'CLIENT_CONSENT')),
    CONSTRAINT approvals_one_per_event UNIQUE (event_id)
);
CREATE INDEX approvals_by_proposal ON approvals (proposal_id, occurred_at);

CREATE TABLE operations (
    operation_id text NOT NULL CONSTRAINT operations_pkey PRIMARY KEY,
    operation_type text NOT NULL,
    status text NOT NULL,
    client text NOT NULL,
    idempotency_key text,
    attempt integer NOT NULL,
    correlation_id text NOT NULL,
    request_hash text NOT NULL,
    request_document text NOT NULL CONSTRAINT operations_request REFERENCES documents (sha256),
    portfolio_id text NOT NULL,
    created_by text NOT NULL,
    metadata text NOT NULL,
    policy text NOT NULL,
    is_large boolean NOT NULL,
    callback_url text,
    callback_headers text,
    proposal_id text,
    version_no integer,
    proposal_version_id text CONSTRAINT operations_version REFERENCES proposal_versions (proposal_version_id),
    error_code text,
    error_message text,
    result_document text CONSTRAINT operations_result REFERENCES documents (sha256),
    simulation_status text,
    simulation_hash text,
    gate_decision text,
    inputs_document text CONSTRAINT operations_inputs REFERENCES documents (sha256),
    artifact_document text CONSTRAINT operations_artifact REFERENCES documents (sha256),
    artifact_hash text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    progress_at timestamptz NOT NULL,
    start_claimed_at timestamptz,
    started_workflow_at timestamptz,
    workflow_restarts integer DEFAULT 0 NOT NULL,
    CONSTRAINT operations_type CHECK (operation_type IN ('CREATE_PROPOSAL', 'CREATE_PROPOSAL_VERSION')),
    CONSTRAINT operations_status CHECK (status IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED')),
    CONSTRAINT operations_attempt CHECK (attempt >= 1),
    CONSTRAINT operations_succeeded_with_version CHECK ((status = 'SUCCEEDED') = (proposal_version_id IS NOT NULL)),
    CONSTRAINT operations_failed_with_error CHECK ((status = 'FAILED') = (error_code IS NOT NULL)
        AND (error_code IS NULL) = (error_message IS NULL)),
    CONSTRAINT operations_finished CHECK ((status IN ('SUCCEEDED', 'FAILED')) = (finished_at IS NOT NULL)),
    CONSTRAINT operations_running_started CHECK (status <> 'RUNNING' OR started_at IS NOT NULL)
);
CREATE INDEX operations_by_correlation ON operations (correlation_id, created_at DESC, operation_id DESC);
CREATE INDEX operations_to_start ON operations (created_at)
    WHERE status = 'PENDING' AND started_workflow_at IS NULL;
CREATE INDEX operations_to_reconcile ON operations (progress_at) WHERE status IN ('PENDING', 'RUNNING');

CREATE TABLE idempotency_keys (
    client text NOT NULL,
    scope text NOT NULL,
    key text NOT NULL,
    request_hash text NOT NULL,
    operation_id text NOT NULL,
    attempt integer NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (client, scope, key),
    CONSTRAINT idempotency_keys_operation FOREIGN KEY (operation_id) REFERENCES operations (operation_id)
        DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX idempotency_keys_by_operation ON idempotency_keys (operation_id);

CREATE TABLE callback_deliveries (
    operation_id text NOT NULL CONSTRAINT callback_deliveries_pkey PRIMARY KEY
        CONSTRAINT callback_deliveries_operation REFERENCES operations (operation_id) ON DELETE CASCADE,
    status text NOT NULL,
    created_at timestamptz NOT NULL,
    started_workflow_at timestamptz,
    finished_at timestamptz,
    CONSTRAINT callback_deliveries_status CHECK (status IN ('PENDING', 'DELIVERED', 'FAILED'))
);
CREATE INDEX callback_deliveries_to_start ON callback_deliveries (created_at)
    WHERE status = 'PENDING' AND started_workflow_at IS NULL;

CREATE TABLE callback_attempts (
    operation_id text NOT NULL
        CONSTRAINT callback_attempts_delivery REFERENCES callback_deliveries (operation_id) ON DELETE CASCADE,
    attempt_no integer NOT NULL,
    attempted_at timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    status_code integer,
    error_class text,
    CONSTRAINT callback_attempts_pkey PRIMARY KEY (operation_id, attempt_no),
    CONSTRAINT callback_attempts_outcome CHECK ((status_code IS NULL) <> (error_class IS NULL))
);

CREATE TABLE expired_operations (
    operation_id text NOT NULL CONSTRAINT expired_operations_pkey PRIMARY KEY,
    operation_type text NOT NULL,
    status text NOT NULL,
    client text NOT NULL,
    error_code text,
    correlation_id text NOT NULL,
    idempotency_key text,
    proposal_id text,
    version_no integer,
    created_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    expired_at timestamptz NOT NULL,
    CONSTRAINT expired_operations_type CHECK (operation_type IN ('CREATE_PROPOSAL', 'CREATE_PROPOSAL_VERSION')),
    CONSTRAINT expired_operations_status CHECK (status IN ('SUCCEEDED', 'FAILED'))
);
CREATE INDEX expired_operations_by_correlation ON expired_operations (correlation_id, created_at DESC);
"""

REFUSALS = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are evidence', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER workflow_events_append_only BEFORE UPDATE OR DELETE ON workflow_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER workflow_events_no_truncate BEFORE TRUNCATE ON workflow_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER approvals_append_only BEFORE UPDATE OR DELETE ON approvals
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER approvals_no_truncate BEFORE TRUNCATE ON approvals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER proposal_versions_append_only BEFORE UPDATE OR DELETE ON proposal_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER proposal_versions_no_truncate BEFORE TRUNCATE ON proposal_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER documents_immutable BEFORE UPDATE ON documents
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER documents_no_truncate BEFORE TRUNCATE ON documents
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(REFUSALS)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: see docs/adr/0005-forward-only-migrations.md")
