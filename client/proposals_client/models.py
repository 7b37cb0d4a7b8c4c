"""Generated from docs/openapi.json by client/generate.py: requests and answers."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from proposals_client.model import ExactDecimal, Model, OpenEnum


class ApprovalType(OpenEnum):
    RISK = "RISK"
    COMPLIANCE = "COMPLIANCE"
    CLIENT_CONSENT = "CLIENT_CONSENT"


class ArtifactFx(Model):
    """
    An exchange as people read it.
    """

    intent_id: Annotated[str, Field(description="The intent.")]
    pair: Annotated[str, Field(description="Bought and sold currency.")]
    buy_amount: Annotated[str, Field(description="Without trailing zeros.")]
    sell_amount_estimated: Annotated[str, Field(description="Without trailing zeros.")]
    rate: Annotated[
        str | None,
        Field(
            description="Units sold for one bought; 12 digits when only the inverse was given. Engines before 2.0.0 show 4 decimals, and null instead of the inverse."
        ),
    ]


class AssetClassTarget(Model):
    """
    What the model wants of an asset class.
    """

    asset_class: Annotated[str, Field(description="Asset class.")]
    weight: Annotated[ExactDecimal | str, Field(description="Fraction of the total, 1 is all.")]


class AsyncAccepted(Model):
    """
    The promise of a 202: this operation is stored and will end.
    """

    operation_id: Annotated[str, Field(description="The operation; also the id of its Temporal workflow.")]
    operation_type: Annotated[str, Field(description="What is being made.")]
    status: Annotated[
        str, Field(description="PENDING for a new operation, its present status when the request is a replay.")
    ]
    correlation_id: Annotated[str, Field(description="Of the request that made the operation.")]
    created_at: Annotated[str, Field(description="When it was accepted, UTC.")]
    status_url: Annotated[str, Field(description="Where to poll, relative to this server.")]


class AttemptError(OpenEnum):
    """
    Why an attempt has no status code; fixed words, never what an exception said.
    """

    URL_NOT_ALLOWED = "URL_NOT_ALLOWED"
    NAME_NOT_RESOLVED = "NAME_NOT_RESOLVED"
    NOT_CONFIGURED = "NOT_CONFIGURED"
    CONNECTION_FAILED = "CONNECTION_FAILED"
    PROXY_REFUSED = "PROXY_REFUSED"
    TLS_ISSUER_UNKNOWN = "TLS_ISSUER_UNKNOWN"
    TLS_NAME_MISMATCH = "TLS_NAME_MISMATCH"
    TLS_CERTIFICATE_EXPIRED = "TLS_CERTIFICATE_EXPIRED"
    TLS_FAILED = "TLS_FAILED"
    TIMEOUT = "TIMEOUT"
    ANSWER_INVALID = "ANSWER_INVALID"


class BatchCounts(Model):
    """
    The runs of an ended batch.
    """

    total: Annotated[int, Field(description="Items times scenarios.")]
    succeeded: Annotated[int, Field(description="Computed.")]
    failed: Annotated[int, Field(description="That could not be computed.")]


class BatchProgress(Model):
    """
    How far a batch has come, in runs.
    """

    total: Annotated[int, Field(description="Items times scenarios.")]
    succeeded: Annotated[int, Field(description="Computed, whatever came of them.")]
    failed: Annotated[int, Field(description="That could not be computed.")]
    remaining: Annotated[int, Field(description="Neither.")]


class CallbackAttempt(Model):
    """
    One try: answered with a status code, or ended by an error.
    """

    attempt_no: Annotated[int, Field(description="1, 2, 3 without a gap, redeliveries included.")]
    at: Annotated[str, Field(description="When it began, UTC.")]
    duration_ms: Annotated[int, Field(description="Milliseconds until it was answered or given up.")]
    status_code: Annotated[int | None, Field(description="What the receiver answered; only 2xx is success.")]
    error: Annotated[AttemptError | None, Field(description="Why there was no answer.")]


class CallbackDelivery(Model):
    """
    How the callback of an operation fares.
    """

    operation_id: Annotated[str, Field(description="The operation.")]
    webhook_id: Annotated[str, Field(description="The header `webhook-id`, the same at every attempt.")]
    host: Annotated[str | None, Field(description="Where it goes; the url is never shown.")]
    status: Annotated[
        str,
        Field(
            description="NOT_DUE until the operation has ended, PENDING until an attempt succeeds or all have failed."
        ),
    ]
    created_at: Annotated[str | None, Field(description="When the operation ended, UTC.")]
    finished_at: Annotated[str | None, Field(description="When it was DELIVERED or FAILED, UTC.")]
    next_attempt_at: Annotated[str | None, Field(description="While PENDING: when the next attempt is due.")]
    redelivered_by: Annotated[
        str | None,
        Field(
            description="Who asked for the latest redelivery: the subject of the token, `local` without authentication."
        ),
    ]
    attempts: Annotated[list[CallbackAttempt], Field(description="Oldest first.")]


class CallbackRequest(Model):
    """
    Whom to tell that the operation has ended, however it ends.
    """

    url: Annotated[
        str, Field(description="https, of a public host, without user information or fragment; never shown again.")
    ]
    headers: Annotated[
        dict[str, str] | None,
        Field(
            description="Sent with each attempt, at most 10, for credentials of the receiver; never shown again. Names that HTTP, a proxy or this service uses are refused, with `_` or `-`: `Host`, `Content-...`, `Webhook-...`, `X-Forwarded-...`, `X-HTTP-Method-Override` and others (docs/webhooks.md)."
        ),
    ] = None


class CashBalance(Model):
    """
    Cash in one currency.
    """

    currency: Annotated[str, Field(description="ISO 4217 code.")]
    amount: Annotated[ExactDecimal | str, Field(description="Balance in currency units; negative is an overdraft.")]
    settled: Annotated[ExactDecimal | str | None, Field(description="Settled part; echoed, not used.")] = None
    pending: Annotated[ExactDecimal | str | None, Field(description="Unsettled part; echoed, not used.")] = None


class CashBalanceState(Model):
    """
    Cash in one currency.
    """

    currency: Annotated[str, Field(description="ISO 4217 code.")]
    amount: Annotated[str, Field(description="Balance in currency units.")]
    settled: Annotated[str | None, Field(description="Settled part, as it was sent; null once the balance is another.")]
    pending: Annotated[
        str | None, Field(description="Unsettled part, as it was sent; null once the balance is another.")
    ]


class CashFlowIntent(Model):
    """
    A cash flow.
    """

    intent_type: Annotated[Literal["CASH_FLOW"], Field(description="Kind of intent.")]
    intent_id: Annotated[str, Field(description="Unique in the result.")]
    currency: Annotated[str, Field(description="ISO 4217 code.")]
    amount: Annotated[str, Field(description="Currency units, negative for a withdrawal.")]
    description: Annotated[str | None, Field(description="As it was sent.")]


class CodedText(Model):
    """
    A text with a code.
    """

    code: Annotated[str, Field(description="What it is about.")]
    text: Annotated[str, Field(description="For people.")]


class DataQuality(Model):
    """
    What is missing, distinct and in order of first appearance.
    """

    price_missing: Annotated[list[str], Field(description="Instruments without a price.")]
    fx_missing: Annotated[list[str], Field(description="Pairs without a rate.")]
    shelf_missing: Annotated[list[str], Field(description="Instruments without a shelf entry.")]


class DriftBucket(Model):
    """
    One bucket against its target; fractions of the total, unrounded.
    """

    bucket: Annotated[str, Field(description="Asset class or instrument.")]
    model_weight: Annotated[str, Field(description="Target.")]
    portfolio_weight_before: Annotated[str, Field(description="Before.")]
    portfolio_weight_after: Annotated[str, Field(description="After.")]
    drift_before: Annotated[str, Field(description="Before less target.")]
    drift_after: Annotated[str, Field(description="After less target.")]
    abs_drift_before: Annotated[str, Field(description="Its size.")]
    abs_drift_after: Annotated[str, Field(description="Its size.")]
    improvement: Annotated[str, Field(description="By how much the size shrinks.")]


class DriftDimension(Model):
    """
    Drift over one kind of bucket.
    """

    drift_total_before: Annotated[str, Field(description="Half the sum of the sizes.")]
    drift_total_after: Annotated[str, Field(description="Half the sum of the sizes.")]
    drift_total_delta: Annotated[str, Field(description="After less before.")]
    top_contributors_before: Annotated[list[DriftBucket], Field(description="Largest first.")]
    buckets: Annotated[list[DriftBucket], Field(description="All, by name.")]


class DriftImprovement(Model):
    """
    How a bucket changed.
    """

    bucket: Annotated[str, Field(description="The bucket.")]
    improvement: Annotated[str, Field(description="Negative when it got worse.")]


class DriftModel(Model):
    """
    The model that was measured against.
    """

    model_id: Annotated[str, Field(description="The model.")]
    as_of: Annotated[str, Field(description="Its date, as it was sent.")]
    base_currency: Annotated[str, Field(description="Its currency.")]


class DroppedIntent(Model):
    """
    A trade of the request that was not made.
    """

    intent_id: Annotated[str, Field(description="Its number in the request.")]
    instrument_id: Annotated[str, Field(description="The instrument.")]
    reason: Annotated[str, Field(description="Why.")]


class EventType(OpenEnum):
    CREATED = "CREATED"
    SUBMITTED_FOR_RISK_REVIEW = "SUBMITTED_FOR_RISK_REVIEW"
    SUBMITTED_FOR_COMPLIANCE_REVIEW = "SUBMITTED_FOR_COMPLIANCE_REVIEW"
    RISK_APPROVED = "RISK_APPROVED"
    COMPLIANCE_APPROVED = "COMPLIANCE_APPROVED"
    CLIENT_CONSENT_RECORDED = "CLIENT_CONSENT_RECORDED"
    REJECTED = "REJECTED"
    EXECUTION_REQUESTED = "EXECUTION_REQUESTED"
    EXECUTED = "EXECUTED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    NEW_VERSION_CREATED = "NEW_VERSION_CREATED"


class EvidenceHashes(Model):
    """
    What the evidence is proven by.
    """

    request_hash: Annotated[str, Field(description="Of the request.")]
    artifact_hash: Annotated[str, Field(description="Of the artifact without time, caller and this hash.")]


class ExpiredOperation(Model):
    """
    What is still said of an operation that was purged.
    """

    operation_id: Annotated[str, Field(description="The operation.")]
    operation_type: Annotated[str, Field(description="What was made.")]
    status: Annotated[str, Field(description="How it ended.")]
    error_code: Annotated[str | None, Field(description="Class of the failure; null if it SUCCEEDED.")]
    correlation_id: Annotated[str, Field(description="Of the request that made the operation.")]
    idempotency_key: Annotated[str | None, Field(description="The client's key.")]
    proposal_id: Annotated[str | None, Field(description="The proposal that was made.")]
    version_no: Annotated[int | None, Field(description="The version that was made.")]
    created_at: Annotated[str, Field(description="When it was accepted, UTC.")]
    runs_total: Annotated[int | None, Field(description="Runs of a batch; absent for others.")] = None
    runs_succeeded: Annotated[int | None, Field(description="Of these, those that were computed.")] = None
    runs_failed: Annotated[int | None, Field(description="And those that could not be.")] = None
    finished_at: Annotated[str, Field(description="When it ended, UTC.")]
    expired_at: Annotated[str, Field(description="When it was purged, UTC.")]


class Explanation(Model):
    """
    The outcome in a word.
    """

    summary: Annotated[str, Field(description="The status.")]


class FundingPlanEntry(Model):
    """
    What the buys of a currency need.
    """

    target_currency: Annotated[str, Field(description="The currency.")]
    required: Annotated[str, Field(description="Sum of the buys, minor units.")]
    available_before_fx: Annotated[str, Field(description="Cash there is, minor units.")]
    fx_needed: Annotated[str, Field(description="What is missing, rounded up.")]
    fx_pair: Annotated[str | None, Field(description="The exchange that was made.")]
    funding_currency: Annotated[str | None, Field(description="What pays.")]


class FxRate(Model):
    """
    One unit of the first currency costs `rate` units of the second.
    """

    pair: Annotated[str, Field(description="FROM/TO.")]
    rate: Annotated[ExactDecimal | str, Field(description="Units of TO for one FROM.")]


class GateReason(Model):
    """
    One reason for the gate.
    """

    reason_code: Annotated[str, Field(description="What was found.")]
    severity: Annotated[str, Field(description="How bad.")]
    source: Annotated[str, Field(description="Who found it.")]
    details: Annotated[dict[str, str], Field(description="Codes and counts.")]


class GateSummary(Model):
    """
    Counts behind the gate.
    """

    hard_fail_count: Annotated[int, Field(description="Hard rules failed.")]
    soft_fail_count: Annotated[int, Field(description="Soft rules failed.")]
    new_high_suitability_count: Annotated[int, Field(description="New issues of severity HIGH.")]
    new_medium_suitability_count: Annotated[int, Field(description="New issues of severity MEDIUM.")]


class GroupConstraint(Model):
    """
    A cap on a group of instruments.
    """

    max_weight: Annotated[ExactDecimal | str, Field(description="Largest fraction of the total.")]


class Inclusion(Model):
    """
    Whether a topic is modelled.
    """

    included: Annotated[bool, Field(description="Always false.")]
    notes: Annotated[str, Field(description="For people.")]


class InstrumentTarget(Model):
    """
    What the model wants of an instrument.
    """

    instrument_id: Annotated[str, Field(description="The instrument.")]
    weight: Annotated[ExactDecimal | str, Field(description="Fraction of the total, 1 is all.")]


class InsufficientCash(Model):
    """
    The smallest deficit of a currency that nothing pays.
    """

    currency: Annotated[str, Field(description="What would have paid; the bought currency where nothing could.")]
    deficit: Annotated[str, Field(description="What it lacks, in minor units, rounded up.")]


class KeyedProposalResponse(Model):
    """
    What an idempotency key made.
    """

    idempotency_key: Annotated[str, Field(description="The key.")]
    request_hash: Annotated[str, Field(description="Of the request that the key stands for.")]
    proposal_id: Annotated[str, Field(description="The proposal.")]
    proposal_version_no: Annotated[int, Field(description="The version that was made.")]
    created_at: Annotated[str, Field(description="When the request was accepted, UTC.")]


class Lineage(Model):
    """
    What the result was computed from.
    """

    portfolio_snapshot_id: Annotated[str, Field(description="The snapshot, else the portfolio.")]
    market_data_snapshot_id: Annotated[str, Field(description="The snapshot, else `md`.")]
    request_hash: Annotated[str, Field(description="Hash of the request.")]
    idempotency_key: Annotated[str | None, Field(description="The key it was submitted with.")]
    engine_version: Annotated[str, Field(description="The engine that computed it.")]


class LineageItem(Model):
    """
    A version without its contents.
    """

    proposal_version_id: Annotated[str, Field(description="The version.")]
    version_no: Annotated[int, Field(description="1, 2, 3 without a gap.")]
    created_at: Annotated[str, Field(description="When it was accepted, UTC.")]
    status_at_creation: Annotated[str, Field(description="Of the simulation.")]
    request_hash: Annotated[str, Field(description="Of the request.")]
    simulation_hash: Annotated[str, Field(description="Of the result.")]
    artifact_hash: Annotated[str, Field(description="Of the artifact.")]


class ListOrder(OpenEnum):
    newest = "newest"
    waiting = "waiting"


class Live(Model):
    """
    The process answers.
    """

    status: Annotated[Literal["ok"], Field(description="Always `ok`.")]


class Money(Model):
    """
    An amount in a currency.
    """

    amount: Annotated[ExactDecimal | str, Field(description="Amount in currency units.")]
    currency: Annotated[str, Field(description="ISO 4217 code.")]


class MoneyText(Model):
    """
    An amount in a currency.
    """

    amount: Annotated[str, Field(description="Amount in currency units, unrounded.")]
    currency: Annotated[str, Field(description="ISO 4217 code.")]


class OperationLinks(Model):
    """
    Where else to look; null for what does not exist or is not configured.
    """

    self: Annotated[str, Field(description="This operation.")]
    proposal: Annotated[str | None, Field(description="The proposal, once there is one.")]
    callbacks: Annotated[str | None, Field(description="How its callback fares; null when none was asked for.")]
    runs: Annotated[str | None, Field(description="The runs of a batch; null for others.")]
    temporal_ui: Annotated[
        str | None, Field(description="The workflow's page in the Temporal UI, when the service knows where that is.")
    ]


class OperationStatus(OpenEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class OperationType(OpenEnum):
    CREATE_PROPOSAL = "CREATE_PROPOSAL"
    CREATE_PROPOSAL_VERSION = "CREATE_PROPOSAL_VERSION"
    ANALYZE_SCENARIOS = "ANALYZE_SCENARIOS"


class PlacedError(Model):
    """
    One thing that is wrong with a request, and its place: one of `pointer`, `parameter` and `header`.
    """

    pointer: Annotated[
        str | None, Field(description="JSON Pointer into the body, as a URI fragment; `#` is the whole body.")
    ] = None
    parameter: Annotated[str | None, Field(description="Name of a query or path parameter.")] = None
    header: Annotated[str | None, Field(description="Name of a header.")] = None
    detail: Annotated[str, Field(description="What is wrong, for people.")]
    code: Annotated[str, Field(description="Kind of error, for programs.")]


class PositionSummary(Model):
    """
    A valued position.
    """

    instrument_id: Annotated[str, Field(description="The instrument.")]
    quantity: Annotated[str, Field(description="Units.")]
    instrument_currency: Annotated[str, Field(description="Currency of its price.")]
    asset_class: Annotated[str, Field(description="From the shelf, else UNKNOWN.")]
    price: Annotated[MoneyText | None, Field(description="Price of a unit; null when there is none.")]
    value_in_instrument_ccy: Annotated[MoneyText, Field(description="Value in the currency of its price.")]
    value_in_base_ccy: Annotated[MoneyText, Field(description="Value in the base currency.")]
    weight: Annotated[str, Field(description="Fraction of the total, 4 decimals.")]


class Price(Model):
    """
    The price of one unit.
    """

    instrument_id: Annotated[str, Field(description="The instrument.")]
    price: Annotated[ExactDecimal | str, Field(description="Price of a unit in currency units.")]
    currency: Annotated[str, Field(description="ISO 4217 code.")]


class PricingAssumptions(Model):
    """
    Where prices come from.
    """

    market_data_snapshot_id: Annotated[str, Field(description="The snapshot.")]
    prices_as_of: Annotated[str, Field(description="The snapshot.")]
    fx_as_of: Annotated[str, Field(description="The snapshot.")]
    valuation_mode: Annotated[str, Field(description="As it was asked for.")]


class ProblemCode(OpenEnum):
    """
    Every code that an error of this service can have; the page `/docs/errors` explains each.
    """

    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    ACTOR_MISMATCH = "ACTOR_MISMATCH"
    FOUR_EYES_VIOLATION = "FOUR_EYES_VIOLATION"
    INSUFFICIENT_SCOPE = "INSUFFICIENT_SCOPE"
    NOT_FOUND = "NOT_FOUND"
    PROPOSAL_ASYNC_OPERATIONS_DISABLED = "PROPOSAL_ASYNC_OPERATIONS_DISABLED"
    PROPOSAL_ASYNC_OPERATION_NOT_FOUND = "PROPOSAL_ASYNC_OPERATION_NOT_FOUND"
    PROPOSAL_IDEMPOTENCY_KEY_NOT_FOUND = "PROPOSAL_IDEMPOTENCY_KEY_NOT_FOUND"
    PROPOSAL_NOT_FOUND = "PROPOSAL_NOT_FOUND"
    PROPOSAL_SUPPORT_APIS_DISABLED = "PROPOSAL_SUPPORT_APIS_DISABLED"
    PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED = "PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED"
    RUN_NOT_FOUND = "RUN_NOT_FOUND"
    OPERATION_HAS_NO_CALLBACK = "OPERATION_HAS_NO_CALLBACK"
    PROPOSAL_VERSION_NOT_FOUND = "PROPOSAL_VERSION_NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    IDEMPOTENCY_KEY_CONFLICT = "IDEMPOTENCY_KEY_CONFLICT"
    OPERATION_ALREADY_TERMINAL = "OPERATION_ALREADY_TERMINAL"
    OPERATION_CANCELLED = "OPERATION_CANCELLED"
    OPERATION_NOT_FAILED = "OPERATION_NOT_FAILED"
    OPERATION_NOT_TERMINAL = "OPERATION_NOT_TERMINAL"
    OPERATION_TERMINATED = "OPERATION_TERMINATED"
    STATE_CONFLICT = "STATE_CONFLICT"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    OPERATION_EXPIRED = "OPERATION_EXPIRED"
    REQUEST_ENTITY_TOO_LARGE = "REQUEST_ENTITY_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    ANALYSIS_ALL_RUNS_FAILED = "ANALYSIS_ALL_RUNS_FAILED"
    CALLBACKS_NOT_CONFIGURED = "CALLBACKS_NOT_CONFIGURED"
    CALLBACK_URL_NOT_ALLOWED = "CALLBACK_URL_NOT_ALLOWED"
    CORRELATION_ID_INVALID = "CORRELATION_ID_INVALID"
    CURSOR_INVALID = "CURSOR_INVALID"
    INVALID_APPROVAL_STATE = "INVALID_APPROVAL_STATE"
    INVALID_TRANSITION = "INVALID_TRANSITION"
    OPERATION_TOO_EXPENSIVE = "OPERATION_TOO_EXPENSIVE"
    PORTFOLIO_CONTEXT_MISMATCH = "PORTFOLIO_CONTEXT_MISMATCH"
    PROPOSAL_SIMULATION_DISABLED = "PROPOSAL_SIMULATION_DISABLED"
    PROPOSAL_TERMINAL_STATE = "PROPOSAL_TERMINAL_STATE"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    REDELIVERY_TOO_SOON = "REDELIVERY_TOO_SOON"
    TOO_MANY_OPEN_OPERATIONS = "TOO_MANY_OPEN_OPERATIONS"
    REQUEST_HEADER_FIELDS_TOO_LARGE = "REQUEST_HEADER_FIELDS_TOO_LARGE"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
    OPERATION_INTERNAL_ERROR = "OPERATION_INTERNAL_ERROR"
    AUTHENTICATION_UNAVAILABLE = "AUTHENTICATION_UNAVAILABLE"
    OPERATION_IN_PROGRESS = "OPERATION_IN_PROGRESS"
    PROPOSAL_IDEMPOTENCY_STORE_WRITE_FAILED = "PROPOSAL_IDEMPOTENCY_STORE_WRITE_FAILED"
    PROPOSAL_POSTGRES_CONNECTION_FAILED = "PROPOSAL_POSTGRES_CONNECTION_FAILED"
    SERVER_BUSY = "SERVER_BUSY"
    OPERATION_TIMED_OUT = "OPERATION_TIMED_OUT"
    HTTP_VERSION_NOT_SUPPORTED = "HTTP_VERSION_NOT_SUPPORTED"


class ProductDocument(Model):
    """
    Where to read about an instrument.
    """

    instrument_id: Annotated[str, Field(description="The instrument.")]
    doc_ref: Annotated[str, Field(description="The reference.")]


class ProposalMetadata(Model):
    """
    What people call the proposal; never computed on.
    """

    title: Annotated[str | None, Field(description="Title.")] = None
    advisor_notes: Annotated[str | None, Field(description="Stored, never returned.")] = None
    jurisdiction: Annotated[str | None, Field(description="Legal regime.")] = None
    mandate_id: Annotated[str | None, Field(description="The client's mandate.")] = None


class ProposalState(OpenEnum):
    DRAFT = "DRAFT"
    RISK_REVIEW = "RISK_REVIEW"
    COMPLIANCE_REVIEW = "COMPLIANCE_REVIEW"
    AWAITING_CLIENT_CONSENT = "AWAITING_CLIENT_CONSENT"
    EXECUTION_READY = "EXECUTION_READY"
    EXECUTED = "EXECUTED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class ProposalSummary(Model):
    """
    A proposal without its contents.
    """

    proposal_id: Annotated[str, Field(description="The proposal.")]
    portfolio_id: Annotated[str, Field(description="The portfolio.")]
    mandate_id: Annotated[str | None, Field(description="The mandate.")]
    jurisdiction: Annotated[str | None, Field(description="Legal regime.")]
    created_by: Annotated[str, Field(description="Who submitted it.")]
    created_at: Annotated[str, Field(description="When it was accepted, UTC.")]
    last_event_at: Annotated[str, Field(description="When something last happened to it, UTC.")]
    current_state: Annotated[ProposalState, Field(description="Where it is in its review.")]
    current_version_no: Annotated[int, Field(description="Its newest version.")]
    title: Annotated[str | None, Field(description="Title.")]
    waiting_since: Annotated[
        str, Field(description="When that state began, UTC; a new version that leaves the state as it was begins none.")
    ]


class ProposedCashFlow(Model):
    """
    Money that the client brings or takes.
    """

    intent_type: Annotated[Literal["CASH_FLOW"], Field(description="Kind of instruction.")] = "CASH_FLOW"
    currency: Annotated[str, Field(description="ISO 4217 code.")]
    amount: Annotated[
        ExactDecimal | str, Field(description="Currency units, negative for a withdrawal; text or integer.")
    ]
    description: Annotated[str | None, Field(description="Why.")] = None


class ProposedTrade(Model):
    """
    A trade that the advisor proposes, sized by quantity or by notional.
    """

    intent_type: Annotated[Literal["SECURITY_TRADE"], Field(description="Kind of instruction.")] = "SECURITY_TRADE"
    side: Annotated[str, Field(description="Direction.")]
    instrument_id: Annotated[str, Field(description="The instrument.")]
    quantity: Annotated[ExactDecimal | str | None, Field(description="Units; text or integer.")] = None
    notional: Annotated[Money | None, Field(description="Value in the price's currency.")] = None


class Rationale(Model):
    """
    Why an intent exists.
    """

    code: Annotated[str, Field(description="MANUAL_PROPOSAL or FUNDING.")]
    message: Annotated[str, Field(description="For people.")]


class Ready(Model):
    """
    Whether requests can be served, and what of the surroundings is missing.
    """

    status: Annotated[
        str,
        Field(
            description="`degraded`: requests are accepted and kept, and go on when the missing part is back. `unavailable` (503): PostgreSQL cannot be reached, takes no writes, or its schema is older than this release."
        ),
    ]
    database: Annotated[str, Field(description="PostgreSQL, its schema, and whether it takes writes.")]
    reason: Annotated[
        str | None, Field(description="With 503 only: one sentence about what is wrong with the database.")
    ] = None
    temporal: Annotated[str, Field(description="The Temporal server.")]
    workers: Annotated[str, Field(description="Whether a worker polls for proposals.")]
    authentication: Annotated[
        str,
        Field(
            description="`degraded`: the issuer's keys could not be fetched when they were last asked for; tokens are judged by those of before, for an hour at most. `off`: no tokens are asked for."
        ),
    ]


class ReconciliationResult(Model):
    """
    Before and after, compared.
    """

    before_total_value: Annotated[MoneyText, Field(description="Total before.")]
    after_total_value: Annotated[MoneyText, Field(description="Total after.")]
    delta: Annotated[MoneyText, Field(description="After less before.")]
    tolerance: Annotated[MoneyText, Field(description="Largest accepted difference.")]
    status: Annotated[str, Field(description="Whether the totals agree.")]


class ReferenceModel(Model):
    """
    The model portfolio that drift is measured against.
    """

    model_id: Annotated[str, Field(description="The model.")]
    as_of: Annotated[str, Field(description="Date of the model; not parsed.")]
    base_currency: Annotated[str, Field(description="Must be the portfolio's for drift to be measured.")]
    asset_class_targets: Annotated[
        list[AssetClassTarget], Field(description="Targets by asset class.", validate_default=True)
    ] = []
    instrument_targets: Annotated[
        list[InstrumentTarget], Field(description="Targets by instrument.", validate_default=True)
    ] = []


class RuleOutcome(Model):
    """
    One rule and how it came out.
    """

    rule_id: Annotated[str, Field(description="The rule.")]
    severity: Annotated[str, Field(description="HARD blocks, SOFT asks for review.")]
    status: Annotated[str, Field(description="How it came out.")]
    measured: Annotated[str, Field(description="What was measured, unrounded.")]
    threshold: Annotated[dict[str, str], Field(description="The limits.")]
    reason_code: Annotated[str, Field(description="OK, or what is wrong.")]
    remediation_hint: Annotated[str | None, Field(description="What to do about it; null on PASS.")]


class RunCounts(Model):
    """
    How many runs of a batch were computed, and how many could not be, when it ended.
    """

    total: Annotated[int, Field(description="Items times scenarios.")]
    succeeded: Annotated[int, Field(description="Computed.")]
    failed: Annotated[int, Field(description="That could not be computed.")]


class RunLinks(Model):
    """
    Where the run is by itself.
    """

    self: Annotated[str, Field(description="This run, with its result.")]


class RunMetrics(Model):
    """
    A run in numbers, from its result.
    """

    status: Annotated[str, Field(description="READY, PENDING_REVIEW or BLOCKED.")]
    security_intent_count: Annotated[int, Field(description="Security trades.")]
    gross_turnover_notional_base: Annotated[
        MoneyText, Field(description="Their notionals in the base currency, added up.")
    ]
    fx_intent_count: Annotated[int, Field(description="Currency trades.")]
    gate: Annotated[str | None, Field(description="The gate that it should pass next; null without gates.")]
    recommended_next_step: Annotated[str | None, Field(description="What that means.")]
    hard_fail_count: Annotated[int, Field(description="Hard rules that failed.")]
    soft_fail_count: Annotated[int, Field(description="Soft rules that failed.")]
    new_high_suitability_count: Annotated[int, Field(description="New suitability issues of severity HIGH.")]
    new_medium_suitability_count: Annotated[int, Field(description="New suitability issues of severity MEDIUM.")]
    total_value_before: Annotated[MoneyText, Field(description="The portfolio's value before the trades.")]
    total_value_after: Annotated[MoneyText, Field(description="And after them.")]
    cash_weight_before: Annotated[str, Field(description="Cash as a fraction of it, before.")]
    cash_weight_after: Annotated[str, Field(description="And after.")]
    drift_total_before: Annotated[
        str | None,
        Field(
            description="Distance from the model before, by instrument where it has instruments; null without a model."
        ),
    ]
    drift_total_after: Annotated[str | None, Field(description="And after.")]
    warnings: Annotated[list[str], Field(description="Codes, each once.")]


class ScenarioTotals(Model):
    """
    One scenario over all items.
    """

    statuses: Annotated[dict[str, int], Field(description="Runs by simulation status.")]
    failed: Annotated[int, Field(description="Runs that could not be computed.")]
    gates: Annotated[dict[str, int], Field(description="Runs by gate.")]
    gross_turnover_notional_base: Annotated[dict[str, str], Field(description="Traded, by base currency.")]


class SecurityTradeIntent(Model):
    """
    A trade.
    """

    intent_type: Annotated[Literal["SECURITY_TRADE"], Field(description="Kind of intent.")]
    intent_id: Annotated[str, Field(description="Unique in the result.")]
    instrument_id: Annotated[str, Field(description="The instrument.")]
    side: Annotated[str, Field(description="Direction.")]
    quantity: Annotated[str, Field(description="Units.")]
    notional: Annotated[MoneyText, Field(description="Value in the currency of the price.")]
    notional_base: Annotated[MoneyText | None, Field(description="Value in the base currency; null without a rate.")]
    dependencies: Annotated[list[str], Field(description="Intents that must come first.")]
    rationale: Annotated[Rationale, Field(description="Why.")]
    constraints_applied: Annotated[list[str], Field(description="Always empty in advice.")]


class ShelfEntry(Model):
    """
    What the bank says of an instrument that it may offer.
    """

    instrument_id: Annotated[str, Field(description="The instrument.")]
    status: Annotated[str, Field(description="What may be done with it.")]
    asset_class: Annotated[str, Field(description="Asset class of allocations and drift.")] = "UNKNOWN"
    issuer_id: Annotated[str | None, Field(description="Issuer, for concentration.")] = None
    liquidity_tier: Annotated[str | None, Field(description="L1 most liquid, L5 least.")] = None
    settlement_days: Annotated[int, Field(description="Business days to settlement.")] = 2
    min_notional: Annotated[Money | None, Field(description="Smallest trade; not checked by advice.")] = None
    attributes: Annotated[dict[str, str] | None, Field(description="Free attributes; each gives an allocation.")] = None


class SizedTrade(Model):
    """
    A trade sized by quantity or notional, or by what the portfolio holds or is worth: one list for many.
    """

    intent_type: Annotated[Literal["SECURITY_TRADE"], Field(description="Kind of instruction.")] = "SECURITY_TRADE"
    side: Annotated[str, Field(description="Direction.")]
    instrument_id: Annotated[str, Field(description="The instrument.")]
    quantity: Annotated[ExactDecimal | str | None, Field(description="Units; text or integer.")] = None
    notional: Annotated[Money | None, Field(description="Value in the price's currency.")] = None
    fraction_of_position: Annotated[
        ExactDecimal | str | None, Field(description="Of what the portfolio holds of the instrument, 1 is all.")
    ] = None
    fraction_of_portfolio: Annotated[
        ExactDecimal | str | None, Field(description="Of the portfolio's total value, 1 is all.")
    ] = None


class SuitabilityCounts(Model):
    """
    How many.
    """

    new_count: Annotated[int, Field(description="Only after.")]
    resolved_count: Annotated[int, Field(description="Only before.")]
    persistent_count: Annotated[int, Field(description="Both.")]
    highest_severity_new: Annotated[str | None, Field(description="Of the new ones.")]


class SuitabilitySnapshots(Model):
    """
    What was scanned.
    """

    portfolio_snapshot_id: Annotated[str, Field(description="The portfolio's snapshot.")]
    market_data_snapshot_id: Annotated[str, Field(description="The market's snapshot.")]


class SuitabilityThresholds(Model):
    """
    Limits of the suitability scan.
    """

    single_position_max_weight: Annotated[ExactDecimal | str, Field(description="Cap of one instrument.")] = "0.10"
    issuer_max_weight: Annotated[ExactDecimal | str, Field(description="Cap of one issuer.")] = "0.20"
    max_weight_by_liquidity_tier: Annotated[
        dict[str, ExactDecimal | str] | None, Field(description="Cap of each tier that is listed.")
    ] = None
    cash_band_min_weight: Annotated[ExactDecimal | str, Field(description="Least cash.")] = "0.01"
    cash_band_max_weight: Annotated[ExactDecimal | str, Field(description="Most cash.")] = "0.05"
    data_quality_issue_severity: Annotated[str, Field(description="Severity of missing shelf data.")] = "MEDIUM"


class SupportabilityConfig(Model):
    """
    The flags in force, and whether the store can be reached.
    """

    store_backend: Annotated[Literal["POSTGRES"], Field(description="Where everything is kept.")]
    backend_ready: Annotated[bool, Field(description="Whether it can be written to, as `/health/ready` says.")]
    backend_init_error: Annotated[
        str | None, Field(description="Why not: a code, and a sentence if it can be reached.")
    ]
    lifecycle_enabled: Annotated[bool, Field(description="Whether proposals are served.")]
    support_apis_enabled: Annotated[bool, Field(description="Whether approvals, events, lineage are served.")]
    async_operations_enabled: Annotated[bool, Field(description="Whether operations are served.")]
    store_evidence_bundle: Annotated[bool, Field(description="Whether versions show their evidence bundle.")]
    require_expected_state: Annotated[bool, Field(description="Whether reviews must name the state they saw.")]
    allow_portfolio_id_change_on_new_version: Annotated[
        bool, Field(description="Whether a version may be for another portfolio.")
    ]
    require_proposal_simulation_flag: Annotated[
        bool, Field(description="Whether requests must ask for their simulation.")
    ]


class Takeaway(Model):
    """
    A sentence with a code.
    """

    code: Annotated[str, Field(description="What it is about.")]
    value: Annotated[str, Field(description="For people.")]


class TaxLot(Model):
    """
    A purchase that is part of a position.
    """

    lot_id: Annotated[str, Field(description="The lot.")]
    quantity: Annotated[ExactDecimal | str, Field(description="Units bought.")]
    unit_cost: Annotated[Money, Field(description="Price paid for a unit.")]
    purchase_date: Annotated[str, Field(description="As the custodian writes it; not parsed.")]


class TransitionRequest(Model):
    """
    An event of a proposal's review.
    """

    actor_id: Annotated[str, Field(description="Who acts.")]
    related_version_no: Annotated[
        int | None,
        Field(description="The version that was looked at; under strict version binding it must be the current one."),
    ] = None
    expected_state: Annotated[
        ProposalState | None,
        Field(
            description="The state that the actor saw; another one is a conflict. Required unless the service is configured otherwise."
        ),
    ] = None
    event_type: Annotated[EventType, Field(description="What happens.")]
    reason: Annotated[dict[str, Any] | None, Field(description="Free details, at most 64 kB of JSON.")] = None


class UnmodeledExposure(Model):
    """
    A bucket that the model does not know.
    """

    bucket: Annotated[str, Field(description="The bucket.")]
    portfolio_weight_before: Annotated[str, Field(description="Before.")]
    portfolio_weight_after: Annotated[str, Field(description="After.")]
    max_portfolio_weight: Annotated[str, Field(description="The larger of both.")]


class ValidationErrorItem(Model):
    """
    One thing that is wrong with a request; never shows what was sent.
    """

    type: Annotated[str, Field(description="Kind of error.")]
    loc: Annotated[list[str | int], Field(description="Where: part of the request, then fields and indexes.")]
    msg: Annotated[str, Field(description="What is wrong, for people.")]


class ValidationProblem(Model):
    """
    An invalid request, for clients that do not name `application/problem+json` in `Accept`.
    """

    type: Annotated[
        str,
        Field(
            description="Names the kind of problem: its place on the page of errors when the service knows its own public address, else a URN."
        ),
    ]
    title: Annotated[str, Field(description="What the code means, in one sentence for people.")]
    status: Annotated[int, Field(description="The HTTP status.")]
    retryable: Annotated[
        bool,
        Field(
            description="Whether the same request can succeed later without a change to it. Send it with the same key."
        ),
    ]
    instance: Annotated[str, Field(description="The path of the request.")]
    correlation_id: Annotated[str, Field(description="As in the X-Correlation-Id header.")]
    detail: Annotated[list[ValidationErrorItem], Field(description="All that is wrong.")]
    code: Annotated[Literal["VALIDATION_FAILED"], Field(description="The stable code.")]
    errors: Annotated[list[PlacedError], Field(description="The same, with each place as a pointer or a name.")]


class WeightChange(Model):
    """
    How an instrument's weight changes.
    """

    bucket_type: Annotated[Literal["INSTRUMENT"], Field(description="Kind of bucket.")]
    bucket_id: Annotated[str, Field(description="The instrument.")]
    weight_before: Annotated[str, Field(description="Before.")]
    weight_after: Annotated[str, Field(description="After.")]
    delta: Annotated[str, Field(description="After less before.")]


class AllocationMetric(Model):
    """
    A bucket of an allocation.
    """

    key: Annotated[str, Field(description="The bucket.")]
    weight: Annotated[str, Field(description="Fraction of the total, 4 decimals.")]
    value: Annotated[MoneyText, Field(description="Value in the base currency, unrounded.")]


class ApprovalRecord(Model):
    """
    A recorded decision.
    """

    approval_id: Annotated[str, Field(description="The approval.")]
    proposal_id: Annotated[str, Field(description="Its proposal.")]
    approval_type: Annotated[ApprovalType, Field(description="Whose decision.")]
    approved: Annotated[bool, Field(description="Yes or no.")]
    actor_id: Annotated[str, Field(description="Who decided.")]
    occurred_at: Annotated[str, Field(description="When, UTC.")]
    details: Annotated[dict[str, Any], Field(description="Free details.")]
    related_version_no: Annotated[int | None, Field(description="The version that was looked at.")]


class ApprovalRequest(Model):
    """
    A review or consent decision.
    """

    actor_id: Annotated[str, Field(description="Who acts.")]
    related_version_no: Annotated[
        int | None,
        Field(description="The version that was looked at; under strict version binding it must be the current one."),
    ] = None
    expected_state: Annotated[
        ProposalState | None,
        Field(
            description="The state that the actor saw; another one is a conflict. Required unless the service is configured otherwise."
        ),
    ] = None
    approval_type: Annotated[ApprovalType, Field(description="Whose decision.")]
    approved: Annotated[bool, Field(description="`false` rejects the proposal for good.")]
    details: Annotated[dict[str, Any] | None, Field(description="Free details, at most 64 kB of JSON.")] = None


class ApprovalsResponse(Model):
    """
    All decisions about a proposal.
    """

    proposal_id: Annotated[str, Field(description="The proposal.")]
    approvals: Annotated[list[ApprovalRecord], Field(description="Oldest first.")]


class ArtifactSummary(Model):
    """
    The proposal at a glance.
    """

    title: Annotated[str, Field(description="For people.")]
    objective_tags: Annotated[list[str], Field(description="What it is for.")]
    advisor_notes: Annotated[list[CodedText], Field(description="Always empty.")]
    recommended_next_step: Annotated[str, Field(description="What to do next.")]
    key_takeaways: Annotated[list[Takeaway], Field(description="STATUS, INTENTS, CASH, DRIFT, SUITABILITY.")]


class ArtifactTrade(Model):
    """
    A trade as people read it.
    """

    intent_id: Annotated[str, Field(description="The intent.")]
    type: Annotated[Literal["SECURITY_TRADE"], Field(description="Kind.")]
    instrument_id: Annotated[str, Field(description="The instrument.")]
    side: Annotated[str, Field(description="Direction.")]
    quantity: Annotated[str, Field(description="Units, without trailing zeros.")]
    estimated_notional: Annotated[MoneyText | None, Field(description="In the currency of the price.")]
    estimated_notional_base: Annotated[MoneyText | None, Field(description="In the base currency.")]
    dependencies: Annotated[list[str], Field(description="Intents that must come first.")]
    rationale: Annotated[Rationale, Field(description="Why.")]


class AssumptionsAndLimits(Model):
    """
    What the numbers leave out.
    """

    pricing: PricingAssumptions
    costs_and_fees: Annotated[Inclusion, Field(description="Costs.")]
    tax: Annotated[Inclusion, Field(description="Taxes.")]
    execution: Annotated[Inclusion, Field(description="Execution.")]


class BatchResult(Model):
    """
    What came of a batch; its runs are read by themselves.
    """

    counts: Annotated[BatchCounts, Field(description="Its runs.")]
    warnings: Annotated[
        list[str],
        Field(
            description="`PARTIAL_BATCH_FAILURE` when runs failed, `MIXED_ENGINE_VERSIONS` when several computed them."
        ),
    ]
    scenarios: Annotated[dict[str, ScenarioTotals], Field(description="By scenario.")]
    failures: Annotated[dict[str, int], Field(description="Failed runs by code.")]
    engine_version: Annotated[
        str | None,
        Field(
            description="The engine that computed all runs; null when several did, and each run's lineage names its own."
        ),
    ]
    results_hash: Annotated[str, Field(description="Of all lines of the runs, with their results, in order.")]
    runs_url: Annotated[str, Field(description="Where the runs are.")]


class DiagnosticsResult(Model):
    """
    What was noticed on the way.
    """

    warnings: Annotated[list[str], Field(description="Codes, in order.")]
    suppressed_intents: Annotated[list[str], Field(description="Always empty in advice.")]
    dropped_intents: Annotated[
        list[DroppedIntent], Field(description="Trades that were not made, in the order of the request.")
    ]
    group_constraint_events: Annotated[list[str], Field(description="Always empty in advice.")]
    tax_budget_constraint_events: Annotated[list[str], Field(description="Always empty in advice.")]
    cash_ladder: Annotated[list[str], Field(description="Always empty in advice.")]
    cash_ladder_breaches: Annotated[list[str], Field(description="Always empty in advice.")]
    missing_fx_pairs: Annotated[list[str], Field(description="Pairs that funding lacked.")]
    funding_plan: Annotated[list[FundingPlanEntry], Field(description="One entry a bought currency.")]
    insufficient_cash: Annotated[list[InsufficientCash], Field(description="Deficits.")]
    data_quality: Annotated[DataQuality, Field(description="What is missing.")]


class Disclosures(Model):
    """
    What must be said.
    """

    risk_disclaimer: Annotated[str, Field(description="Fixed text.")]
    product_docs: Annotated[list[ProductDocument], Field(description="Of the traded instruments.")]


class DriftHighlights(Model):
    """
    What stands out.
    """

    largest_improvements: Annotated[list[DriftImprovement], Field(description="Largest first.")]
    largest_deteriorations: Annotated[list[DriftImprovement], Field(description="Worst first.")]
    unmodeled_exposures: Annotated[list[UnmodeledExposure], Field(description="Largest first.")]


class DroppedTrade(Model):
    """
    A trade that was not made, as it was requested.
    """

    intent_id: Annotated[str, Field(description="Its number in the request.")]
    instrument_id: Annotated[str, Field(description="The instrument.")]
    side: Annotated[str, Field(description="Direction.")]
    quantity: Annotated[str | None, Field(description="Units; null when it was sized by notional.")]
    notional: Annotated[MoneyText | None, Field(description="Value; null when it was sized by quantity.")]
    reason: Annotated[str, Field(description="Why.")]


class EngineOptions(Model):
    """
    Options in the order in which they are dumped.
    """

    valuation_mode: Annotated[str, Field(description="Value positions by price, or as the custodian did.")] = (
        "CALCULATED"
    )
    target_method: Annotated[str, Field(description="Not read by advice.")] = "HEURISTIC"
    compare_target_methods: Annotated[bool, Field(description="Not read by advice.")] = False
    compare_target_methods_tolerance: Annotated[ExactDecimal | str, Field(description="Not read by advice.")] = "0.0001"
    cash_band_min_weight: Annotated[ExactDecimal | str, Field(description="Least cash of rule CASH_BAND.")] = "0.00"
    cash_band_max_weight: Annotated[ExactDecimal | str, Field(description="Most cash of rule CASH_BAND.")] = "1.00"
    single_position_max_weight: Annotated[
        ExactDecimal | str | None, Field(description="Cap of rule SINGLE_POSITION_MAX; none without it.")
    ] = None
    min_trade_notional: Annotated[Money | None, Field(description="Not read by advice.")] = None
    allow_restricted: Annotated[bool, Field(description="Whether RESTRICTED instruments may be bought.")] = False
    suppress_dust_trades: Annotated[bool, Field(description="Not read by advice.")] = True
    dust_trade_threshold: Annotated[Money | None, Field(description="Not read by advice.")] = None
    fx_buffer_pct: Annotated[ExactDecimal | str, Field(description="Not read by advice.")] = "0.01"
    block_on_missing_prices: Annotated[bool, Field(description="Whether a missing price blocks.")] = True
    block_on_missing_fx: Annotated[bool, Field(description="Whether a missing rate blocks.")] = True
    min_cash_buffer_pct: Annotated[ExactDecimal | str, Field(description="Not read by advice.")] = "0.0"
    max_turnover_pct: Annotated[ExactDecimal | str | None, Field(description="Not read by advice.")] = None
    enable_tax_awareness: Annotated[bool, Field(description="Not read by advice.")] = False
    max_realized_capital_gains: Annotated[ExactDecimal | str | None, Field(description="Not read by advice.")] = None
    enable_settlement_awareness: Annotated[bool, Field(description="Not read by advice.")] = False
    enable_proposal_simulation: Annotated[bool, Field(description="Must be true for a proposal to be simulated.")] = (
        False
    )
    enable_workflow_gates: Annotated[bool, Field(description="Whether the gate decision is made.")] = True
    workflow_requires_client_consent: Annotated[bool, Field(description="No effect: advice always needs consent.")] = (
        False
    )
    client_consent_already_obtained: Annotated[bool, Field(description="Consent is on file.")] = False
    proposal_apply_cash_flows_first: Annotated[
        bool, Field(description="Apply cash flows before the trades, else after them.")
    ] = True
    proposal_block_negative_cash: Annotated[
        bool, Field(description="Whether a withdrawal into an overdraft blocks.")
    ] = True
    link_buy_to_same_currency_sell_dependency: Annotated[
        bool | None, Field(description="Whether a buy depends on the last sell in its currency.")
    ] = None
    enable_drift_analytics: Annotated[bool, Field(description="Whether drift is measured.")] = True
    enable_suitability_scanner: Annotated[bool, Field(description="Whether suitability is scanned.")] = True
    suitability_thresholds: Annotated[
        SuitabilityThresholds | None, Field(description="What the suitability scan lets pass.")
    ] = None
    enable_instrument_drift: Annotated[bool, Field(description="Whether drift is measured by instrument.")] = True
    drift_top_contributors_limit: Annotated[int, Field(description="Length of the top lists.")] = 5
    drift_unmodeled_exposure_threshold: Annotated[
        ExactDecimal | str, Field(description="Weight from which an unmodelled bucket is shown.")
    ] = "0.01"
    auto_funding: Annotated[bool, Field(description="Whether buys are funded by FX.")] = True
    funding_mode: Annotated[Literal["AUTO_FX"], Field(description="How buys are funded.")] = "AUTO_FX"
    fx_funding_source_currency: Annotated[str, Field(description="Which cash may fund.")] = "ANY_CASH"
    fx_generation_policy: Annotated[Literal["ONE_FX_PER_CCY"], Field(description="One FX trade a currency.")] = (
        "ONE_FX_PER_CCY"
    )
    settlement_horizon_days: Annotated[int, Field(description="Not read by advice.")] = 5
    fx_settlement_days: Annotated[int, Field(description="Not read by advice.")] = 2
    max_overdraft_by_ccy: Annotated[dict[str, ExactDecimal | str] | None, Field(description="Not read by advice.")] = (
        None
    )
    group_constraints: Annotated[dict[str, GroupConstraint] | None, Field(description="Not read by advice.")] = None


class ExpiredOperationProblem(Model):
    """
    An operation that is gone; the proposal that it made is not.
    """

    type: Annotated[
        str,
        Field(
            description="Names the kind of problem: its place on the page of errors when the service knows its own public address, else a URN."
        ),
    ]
    title: Annotated[str, Field(description="What the code means, in one sentence for people.")]
    status: Annotated[int, Field(description="The HTTP status.")]
    retryable: Annotated[
        bool,
        Field(
            description="Whether the same request can succeed later without a change to it. Send it with the same key."
        ),
    ]
    instance: Annotated[str, Field(description="The path of the request.")]
    correlation_id: Annotated[str, Field(description="As in the X-Correlation-Id header.")]
    detail: Annotated[str, Field(description="`CODE` or `CODE: text`, or a sentence.")]
    code: Annotated[ProblemCode, Field(description="The stable code.")]
    errors: Annotated[list[PlacedError] | None, Field(description="Of VALIDATION_FAILED: all that is wrong.")] = None
    current_state: Annotated[
        ProposalState | None,
        Field(
            description="Of INVALID_TRANSITION, INVALID_APPROVAL_STATE and STATE_CONFLICT: the proposal's present state."
        ),
    ] = None
    allowed_events: Annotated[
        list[EventType] | None, Field(description="Of the same codes: the events that are possible in this state.")
    ] = None
    required_scopes: Annotated[
        list[str] | None, Field(description="Of INSUFFICIENT_SCOPE: the scopes, one of which is needed.")
    ] = None
    operation: Annotated[ExpiredOperation, Field(description="What is still said of it.")]


class FxSpotIntent(Model):
    """
    An exchange that funds buys.
    """

    intent_type: Annotated[Literal["FX_SPOT"], Field(description="Kind of intent.")]
    intent_id: Annotated[str, Field(description="Unique in the result.")]
    pair: Annotated[str, Field(description="Bought and sold currency.")]
    buy_currency: Annotated[str, Field(description="What is bought.")]
    buy_amount: Annotated[str, Field(description="In minor units, rounded up.")]
    sell_currency: Annotated[str, Field(description="What pays.")]
    sell_amount_estimated: Annotated[str, Field(description="In minor units.")]
    dependencies: Annotated[list[str], Field(description="Intents that must come first.")]
    rationale: Annotated[Rationale, Field(description="Why.")]


class GateDecision(Model):
    """
    Advice only: it constrains no transition.
    """

    gate: Annotated[str, Field(description="The gate.")]
    recommended_next_step: Annotated[str, Field(description="What to do next.")]
    reasons: Annotated[list[GateReason], Field(description="By severity, source, code.")]
    summary: Annotated[GateSummary, Field(description="Counts.")]


class ImpactDelta(Model):
    """
    What changes.
    """

    total_value_delta: Annotated[MoneyText, Field(description="After less before.")]
    largest_weight_changes: Annotated[list[WeightChange], Field(description="Largest first.")]


class ImpactSide(Model):
    """
    One side of the impact, heaviest rows first.
    """

    total_value: Annotated[MoneyText, Field(description="Everything, in the base currency.")]
    allocation_by_asset_class: Annotated[list[AllocationMetric], Field(description="Heaviest first.")]
    allocation_by_instrument: Annotated[list[AllocationMetric], Field(description="Heaviest first.")]


class ItemOptions(Model):
    valuation_mode: Annotated[str | None, Field(description="Value positions by price, or as the custodian did.")] = (
        None
    )
    target_method: Annotated[str | None, Field(description="Not read by advice.")] = None
    compare_target_methods: Annotated[bool | None, Field(description="Not read by advice.")] = None
    compare_target_methods_tolerance: Annotated[ExactDecimal | str | None, Field(description="Not read by advice.")] = (
        None
    )
    cash_band_min_weight: Annotated[ExactDecimal | str | None, Field(description="Least cash of rule CASH_BAND.")] = (
        None
    )
    cash_band_max_weight: Annotated[ExactDecimal | str | None, Field(description="Most cash of rule CASH_BAND.")] = None
    single_position_max_weight: Annotated[
        ExactDecimal | str | None, Field(description="Cap of rule SINGLE_POSITION_MAX; none without it.")
    ] = None
    min_trade_notional: Annotated[Money | None, Field(description="Not read by advice.")] = None
    allow_restricted: Annotated[bool | None, Field(description="Whether RESTRICTED instruments may be bought.")] = None
    suppress_dust_trades: Annotated[bool | None, Field(description="Not read by advice.")] = None
    dust_trade_threshold: Annotated[Money | None, Field(description="Not read by advice.")] = None
    fx_buffer_pct: Annotated[ExactDecimal | str | None, Field(description="Not read by advice.")] = None
    block_on_missing_prices: Annotated[bool | None, Field(description="Whether a missing price blocks.")] = None
    block_on_missing_fx: Annotated[bool | None, Field(description="Whether a missing rate blocks.")] = None
    min_cash_buffer_pct: Annotated[ExactDecimal | str | None, Field(description="Not read by advice.")] = None
    max_turnover_pct: Annotated[ExactDecimal | str | None, Field(description="Not read by advice.")] = None
    enable_tax_awareness: Annotated[bool | None, Field(description="Not read by advice.")] = None
    max_realized_capital_gains: Annotated[ExactDecimal | str | None, Field(description="Not read by advice.")] = None
    enable_settlement_awareness: Annotated[bool | None, Field(description="Not read by advice.")] = None
    enable_proposal_simulation: Annotated[
        bool | None, Field(description="Must be true for a proposal to be simulated.")
    ] = None
    enable_workflow_gates: Annotated[bool | None, Field(description="Whether the gate decision is made.")] = None
    workflow_requires_client_consent: Annotated[
        bool | None, Field(description="No effect: advice always needs consent.")
    ] = None
    client_consent_already_obtained: Annotated[bool | None, Field(description="Consent is on file.")] = None
    proposal_apply_cash_flows_first: Annotated[
        bool | None, Field(description="Apply cash flows before the trades, else after them.")
    ] = None
    proposal_block_negative_cash: Annotated[
        bool | None, Field(description="Whether a withdrawal into an overdraft blocks.")
    ] = None
    link_buy_to_same_currency_sell_dependency: Annotated[
        bool | None, Field(description="Whether a buy depends on the last sell in its currency.")
    ] = None
    enable_drift_analytics: Annotated[bool | None, Field(description="Whether drift is measured.")] = None
    enable_suitability_scanner: Annotated[bool | None, Field(description="Whether suitability is scanned.")] = None
    suitability_thresholds: Annotated[
        SuitabilityThresholds | None, Field(description="What the suitability scan lets pass.")
    ] = None
    enable_instrument_drift: Annotated[bool | None, Field(description="Whether drift is measured by instrument.")] = (
        None
    )
    drift_top_contributors_limit: Annotated[int | None, Field(description="Length of the top lists.")] = None
    drift_unmodeled_exposure_threshold: Annotated[
        ExactDecimal | str | None, Field(description="Weight from which an unmodelled bucket is shown.")
    ] = None
    auto_funding: Annotated[bool | None, Field(description="Whether buys are funded by FX.")] = None
    funding_mode: Annotated[Literal["AUTO_FX"] | None, Field(description="How buys are funded.")] = None
    fx_funding_source_currency: Annotated[str | None, Field(description="Which cash may fund.")] = None
    fx_generation_policy: Annotated[Literal["ONE_FX_PER_CCY"] | None, Field(description="One FX trade a currency.")] = (
        None
    )
    settlement_horizon_days: Annotated[int | None, Field(description="Not read by advice.")] = None
    fx_settlement_days: Annotated[int | None, Field(description="Not read by advice.")] = None
    max_overdraft_by_ccy: Annotated[dict[str, ExactDecimal | str] | None, Field(description="Not read by advice.")] = (
        None
    )
    group_constraints: Annotated[dict[str, GroupConstraint] | None, Field(description="Not read by advice.")] = None


class LineageResponse(Model):
    """
    A proposal and all its versions.
    """

    proposal: Annotated[ProposalSummary, Field(description="The proposal.")]
    versions: Annotated[list[LineageItem], Field(description="Ascending.")]


class MarketDataSnapshot(Model):
    """
    Prices and rates at one moment.
    """

    snapshot_id: Annotated[str | None, Field(description="The snapshot, for lineage.")] = None
    prices: Annotated[list[Price], Field(description="One row an instrument.", validate_default=True)] = []
    fx_rates: Annotated[
        list[FxRate], Field(description="One row a pair; the inverse is derived.", validate_default=True)
    ] = []


class OperationErrorBody(Model):
    """
    Why an operation FAILED.
    """

    code: Annotated[str, Field(description="Class of the failure.")]
    message: Annotated[str, Field(description="The contract's error text.")]
    problem: Annotated[
        ProblemCode, Field(description="The code that `message` begins with, as a problem has it in `code`.")
    ]


class PortfolioImpact(Model):
    """
    Before and after.
    """

    before: Annotated[ImpactSide, Field(description="Before.")]
    after: Annotated[ImpactSide, Field(description="After.")]
    delta: ImpactDelta
    reconciliation: Annotated[ReconciliationResult, Field(description="The totals, compared.")]


class Position(Model):
    """
    Units of one instrument that the client holds.
    """

    instrument_id: Annotated[str, Field(description="The instrument.")]
    quantity: Annotated[ExactDecimal | str, Field(description="Units held; any sign.")]
    market_value: Annotated[
        Money | None, Field(description="The custodian's valuation; used with `valuation_mode` TRUST_SNAPSHOT only.")
    ] = None
    lots: Annotated[
        list[TaxLot], Field(description="Tax lots; their quantities add up to the position's.", validate_default=True)
    ] = []


class Problem(Model):
    """
    An error. `code` is for programs, `title` and `detail` are for people.
    """

    type: Annotated[
        str,
        Field(
            description="Names the kind of problem: its place on the page of errors when the service knows its own public address, else a URN."
        ),
    ]
    title: Annotated[str, Field(description="What the code means, in one sentence for people.")]
    status: Annotated[int, Field(description="The HTTP status.")]
    retryable: Annotated[
        bool,
        Field(
            description="Whether the same request can succeed later without a change to it. Send it with the same key."
        ),
    ]
    instance: Annotated[str, Field(description="The path of the request.")]
    correlation_id: Annotated[str, Field(description="As in the X-Correlation-Id header.")]
    detail: Annotated[str, Field(description="`CODE` or `CODE: text`, or a sentence.")]
    code: Annotated[ProblemCode, Field(description="The stable code.")]
    errors: Annotated[list[PlacedError] | None, Field(description="Of VALIDATION_FAILED: all that is wrong.")] = None
    current_state: Annotated[
        ProposalState | None,
        Field(
            description="Of INVALID_TRANSITION, INVALID_APPROVAL_STATE and STATE_CONFLICT: the proposal's present state."
        ),
    ] = None
    allowed_events: Annotated[
        list[EventType] | None, Field(description="Of the same codes: the events that are possible in this state.")
    ] = None
    required_scopes: Annotated[
        list[str] | None, Field(description="Of INSUFFICIENT_SCOPE: the scopes, one of which is needed.")
    ] = None


class ProposalEvent(Model):
    """
    One link of a proposal's audit trail.
    """

    event_id: Annotated[str, Field(description="The event.")]
    proposal_id: Annotated[str, Field(description="Its proposal.")]
    event_type: Annotated[EventType, Field(description="What happened.")]
    from_state: Annotated[ProposalState | None, Field(description="Before; null for the first.")]
    to_state: Annotated[ProposalState, Field(description="After.")]
    actor_id: Annotated[str, Field(description="Who did it.")]
    occurred_at: Annotated[str, Field(description="When, UTC.")]
    reason: Annotated[dict[str, Any], Field(description="Free details.")]
    related_version_no: Annotated[int | None, Field(description="The version it is about.")]
    sequence: Annotated[int, Field(description="1, 2, 3 without a gap.")]
    subject_hash: Annotated[
        str | None, Field(description="Of the version or approval that the event made; null for other events.")
    ]
    previous_event_hash: Annotated[str, Field(description="Of the event before; zeros for the first.")]
    event_hash: Annotated[str, Field(description="Of all members above, as docs/api.md says.")]


class ProposalListResponse(Model):
    """
    A page of proposals.
    """

    items: Annotated[list[ProposalSummary], Field(description="In the order that was asked for.")]
    next_cursor: Annotated[
        str | None,
        Field(
            description="`cursor` of the next page; null on the last page. By `newest` it is the last proposal's id."
        ),
    ]


class RunError(Model):
    """
    Why a run could not be computed.
    """

    code: Annotated[str, Field(description="The stable code.")]
    message: Annotated[str, Field(description="The code, or the code with a sentence.")]
    errors: Annotated[
        list[ValidationErrorItem],
        Field(
            description="For VALIDATION_FAILED: what is wrong and where, from `shared`, `items` or `scenarios` on.",
            validate_default=True,
        ),
    ] = []


class SharedOptions(Model):
    model_config = ConfigDict(
        extra="forbid",
    )
    valuation_mode: Annotated[str | None, Field(description="Value positions by price, or as the custodian did.")] = (
        None
    )
    target_method: Annotated[str | None, Field(description="Not read by advice.")] = None
    compare_target_methods: Annotated[bool | None, Field(description="Not read by advice.")] = None
    compare_target_methods_tolerance: Annotated[ExactDecimal | str | None, Field(description="Not read by advice.")] = (
        None
    )
    cash_band_min_weight: Annotated[ExactDecimal | str | None, Field(description="Least cash of rule CASH_BAND.")] = (
        None
    )
    cash_band_max_weight: Annotated[ExactDecimal | str | None, Field(description="Most cash of rule CASH_BAND.")] = None
    single_position_max_weight: Annotated[
        ExactDecimal | str | None, Field(description="Cap of rule SINGLE_POSITION_MAX; none without it.")
    ] = None
    min_trade_notional: Annotated[Money | None, Field(description="Not read by advice.")] = None
    allow_restricted: Annotated[bool | None, Field(description="Whether RESTRICTED instruments may be bought.")] = None
    suppress_dust_trades: Annotated[bool | None, Field(description="Not read by advice.")] = None
    dust_trade_threshold: Annotated[Money | None, Field(description="Not read by advice.")] = None
    fx_buffer_pct: Annotated[ExactDecimal | str | None, Field(description="Not read by advice.")] = None
    block_on_missing_prices: Annotated[bool | None, Field(description="Whether a missing price blocks.")] = None
    block_on_missing_fx: Annotated[bool | None, Field(description="Whether a missing rate blocks.")] = None
    min_cash_buffer_pct: Annotated[ExactDecimal | str | None, Field(description="Not read by advice.")] = None
    max_turnover_pct: Annotated[ExactDecimal | str | None, Field(description="Not read by advice.")] = None
    enable_tax_awareness: Annotated[bool | None, Field(description="Not read by advice.")] = None
    max_realized_capital_gains: Annotated[ExactDecimal | str | None, Field(description="Not read by advice.")] = None
    enable_settlement_awareness: Annotated[bool | None, Field(description="Not read by advice.")] = None
    enable_proposal_simulation: Annotated[
        bool | None, Field(description="Must be true for a proposal to be simulated.")
    ] = None
    enable_workflow_gates: Annotated[bool | None, Field(description="Whether the gate decision is made.")] = None
    workflow_requires_client_consent: Annotated[
        bool | None, Field(description="No effect: advice always needs consent.")
    ] = None
    client_consent_already_obtained: Annotated[bool | None, Field(description="Consent is on file.")] = None
    proposal_apply_cash_flows_first: Annotated[
        bool | None, Field(description="Apply cash flows before the trades, else after them.")
    ] = None
    proposal_block_negative_cash: Annotated[
        bool | None, Field(description="Whether a withdrawal into an overdraft blocks.")
    ] = None
    link_buy_to_same_currency_sell_dependency: Annotated[
        bool | None, Field(description="Whether a buy depends on the last sell in its currency.")
    ] = None
    enable_drift_analytics: Annotated[bool | None, Field(description="Whether drift is measured.")] = None
    enable_suitability_scanner: Annotated[bool | None, Field(description="Whether suitability is scanned.")] = None
    suitability_thresholds: Annotated[
        SuitabilityThresholds | None, Field(description="What the suitability scan lets pass.")
    ] = None
    enable_instrument_drift: Annotated[bool | None, Field(description="Whether drift is measured by instrument.")] = (
        None
    )
    drift_top_contributors_limit: Annotated[int | None, Field(description="Length of the top lists.")] = None
    drift_unmodeled_exposure_threshold: Annotated[
        ExactDecimal | str | None, Field(description="Weight from which an unmodelled bucket is shown.")
    ] = None
    auto_funding: Annotated[bool | None, Field(description="Whether buys are funded by FX.")] = None
    funding_mode: Annotated[Literal["AUTO_FX"] | None, Field(description="How buys are funded.")] = None
    fx_funding_source_currency: Annotated[str | None, Field(description="Which cash may fund.")] = None
    fx_generation_policy: Annotated[Literal["ONE_FX_PER_CCY"] | None, Field(description="One FX trade a currency.")] = (
        None
    )
    settlement_horizon_days: Annotated[int | None, Field(description="Not read by advice.")] = None
    fx_settlement_days: Annotated[int | None, Field(description="Not read by advice.")] = None
    max_overdraft_by_ccy: Annotated[dict[str, ExactDecimal | str] | None, Field(description="Not read by advice.")] = (
        None
    )
    group_constraints: Annotated[dict[str, GroupConstraint] | None, Field(description="Not read by advice.")] = None


class SimulatedState(Model):
    """
    The portfolio at one side of the proposal.
    """

    total_value: Annotated[MoneyText, Field(description="Everything, in the base currency.")]
    cash_balances: Annotated[list[CashBalanceState], Field(description="Cash by currency.")]
    positions: Annotated[list[PositionSummary], Field(description="Positions in order of first appearance.")]
    allocation_by_asset_class: Annotated[list[AllocationMetric], Field(description="With CASH last.")]
    allocation_by_instrument: Annotated[list[AllocationMetric], Field(description="One row a position.")]
    allocation: Annotated[list[AllocationMetric], Field(description="The same as by instrument.")]
    allocation_by_attribute: Annotated[
        dict[str, list[AllocationMetric]], Field(description="By each attribute of the shelf.")
    ]


class SuitabilityEvidence(Model):
    """
    Where an issue comes from.
    """

    as_of: Annotated[str, Field(description="The market's snapshot.")]
    snapshot_ids: Annotated[SuitabilitySnapshots, Field(description="Both snapshots.")]


class SuitabilityIssue(Model):
    """
    Something that a reviewer must see.
    """

    issue_id: Annotated[str, Field(description="Kind of issue.")]
    issue_key: Annotated[str, Field(description="The issue across time.")]
    dimension: Annotated[str, Field(description="What it is about.")]
    severity: Annotated[str, Field(description="How bad.")]
    status_change: Annotated[str, Field(description="After against before.")]
    summary: Annotated[str, Field(description="For people.")]
    details: Annotated[dict[str, str], Field(description="Codes and unrounded weights.")]
    evidence: Annotated[SuitabilityEvidence, Field(description="Where it comes from.")]


class SuitabilityResult(Model):
    """
    The scan of both sides.
    """

    summary: SuitabilityCounts
    issues: Annotated[list[SuitabilityIssue], Field(description="By change, severity, dimension, key.")]
    recommended_gate: Annotated[str, Field(description="Review that the new issues call for.")]


class SuitabilitySummary(Model):
    """
    The scan at a glance.
    """

    status: Annotated[str, Field(description="Whether it was made.")]
    new_issues: Annotated[int, Field(description="Only after.")]
    resolved_issues: Annotated[int, Field(description="Only before.")]
    persistent_issues: Annotated[int, Field(description="Both.")]
    highest_severity_new: Annotated[str | None, Field(description="Of the new ones.")]
    highlights: Annotated[list[CodedText], Field(description="The first ones.")]
    issues: Annotated[list[SuitabilityIssue], Field(description="All.")]


class TradesAndFunding(Model):
    """
    What is to be done.
    """

    trade_list: Annotated[list[ArtifactTrade], Field(description="In order.")]
    fx_list: Annotated[list[ArtifactFx], Field(description="By pair.")]
    dropped_trades: Annotated[
        list[DroppedTrade],
        Field(
            description="What is not done, in the order of the request; not in artifacts of engines before 2.0.0.",
            validate_default=True,
        ),
    ] = []
    ordering_policy: Annotated[str, Field(description="Order of execution.")]
    execution_notes: Annotated[list[CodedText], Field(description="What to heed.")]


class TransitionResponse(Model):
    """
    Where the proposal is now, and the event that led there.
    """

    proposal_id: Annotated[str, Field(description="The proposal.")]
    current_state: Annotated[ProposalState, Field(description="Where it is now.")]
    latest_workflow_event: Annotated[ProposalEvent, Field(description="The event.")]
    approval: Annotated[
        ApprovalRecord | None, Field(description="The decision; null for transitions, also when they record one.")
    ]


class WorkflowEventsResponse(Model):
    """
    A proposal's audit trail.
    """

    proposal_id: Annotated[str, Field(description="The proposal.")]
    current_state: Annotated[ProposalState, Field(description="Where the last event led.")]
    events: Annotated[list[ProposalEvent], Field(description="Oldest first.")]


class BatchRun(Model):
    """
    One item in one scenario, without its result.
    """

    run_no: Annotated[int, Field(description="Its number in the batch, from 0: by item, then by scenario.")]
    item_id: Annotated[str, Field(description="The item.")]
    scenario: Annotated[str, Field(description="The scenario.")]
    status: Annotated[str, Field(description="Whether it was computed.")]
    proposal_run_id: Annotated[str | None, Field(description="As a simulation of its request has it.")]
    metrics: Annotated[RunMetrics | None, Field(description="What came of it; null when it FAILED.")]
    error: Annotated[RunError | None, Field(description="Why it FAILED; null otherwise.")]
    links: Annotated[RunLinks, Field(description="Where it is by itself.")]


class CallbackData(Model):
    """
    The ended operation, without what it made.
    """

    operation_id: Annotated[str, Field(description="The operation.")]
    operation_type: Annotated[str, Field(description="What was being made.")]
    status: Annotated[str, Field(description="How it ended.")]
    correlation_id: Annotated[str, Field(description="Of the request that made the operation.")]
    proposal_id: Annotated[str | None, Field(description="The proposal.")]
    version_no: Annotated[int | None, Field(description="The version that was made.")]
    error: Annotated[OperationErrorBody | None, Field(description="Why it FAILED; null otherwise.")]
    progress: Annotated[RunCounts | None, Field(description="The runs of a batch; absent for others.")] = None
    status_url: Annotated[
        str,
        Field(description="Where the result is: absolute where the service knows its own public address, else a path."),
    ]


class CallbackMessage(Model):
    """
    What a receiver gets; the same bytes at every attempt.
    """

    type: Annotated[str, Field(description="What happened.")]
    timestamp: Annotated[str, Field(description="When the operation ended, UTC.")]
    data: Annotated[CallbackData, Field(description="The operation.")]


class DriftAnalysis(Model):
    """
    How far the portfolio is from its model.
    """

    reference_model: Annotated[DriftModel, Field(description="The model.")]
    asset_class: Annotated[DriftDimension, Field(description="By asset class.")]
    instrument: Annotated[DriftDimension | None, Field(description="By instrument; null without targets.")]
    highlights: DriftHighlights


class PortfolioSnapshot(Model):
    """
    The client's portfolio at one moment.
    """

    snapshot_id: Annotated[str | None, Field(description="The snapshot, for lineage.")] = None
    portfolio_id: Annotated[str, Field(description="The portfolio.")]
    base_currency: Annotated[str, Field(description="Currency that everything is valued in.")]
    positions: Annotated[
        list[Position], Field(description="Holdings; equal instruments are added up.", validate_default=True)
    ] = []
    cash_balances: Annotated[
        list[CashBalance], Field(description="Cash; equal currencies are added up.", validate_default=True)
    ] = []


class ProposalResult(Model):
    """
    What a simulation found.
    """

    proposal_run_id: Annotated[str, Field(description="Derived from the request hash.")]
    correlation_id: Annotated[str, Field(description="Of the request.")]
    status: Annotated[str, Field(description="READY, or what is in the way.")]
    before: Annotated[SimulatedState, Field(description="The portfolio as it was sent.")]
    intents: Annotated[
        list[Annotated[CashFlowIntent | FxSpotIntent | SecurityTradeIntent, Field(discriminator="intent_type")]],
        Field(description="What is to be done, in order."),
    ]
    after_simulated: Annotated[SimulatedState, Field(description="The portfolio afterwards.")]
    reconciliation: Annotated[ReconciliationResult, Field(description="The totals, compared.")]
    rule_results: Annotated[list[RuleOutcome], Field(description="The rules, in order.")]
    explanation: Explanation
    diagnostics: Annotated[DiagnosticsResult, Field(description="What was noticed.")]
    drift_analysis: Annotated[DriftAnalysis | None, Field(description="Null without a reference model.")]
    suitability: Annotated[SuitabilityResult | None, Field(description="Null when the scanner is off.")]
    gate_decision: Annotated[GateDecision | None, Field(description="Null when the gates are off.")]
    lineage: Annotated[Lineage, Field(description="What it was computed from.")]


class RunListResponse(Model):
    """
    A page of computed runs.
    """

    items: Annotated[list[BatchRun], Field(description="In the order of their numbers.")]
    next_cursor: Annotated[
        str | None,
        Field(description="`cursor` of the next page: the number of this one's last run; null on the last page."),
    ]


class RunWithResult(Model):
    """
    One item in one scenario: a line of the file.
    """

    run_no: Annotated[int, Field(description="Its number in the batch, from 0: by item, then by scenario.")]
    item_id: Annotated[str, Field(description="The item.")]
    scenario: Annotated[str, Field(description="The scenario.")]
    status: Annotated[str, Field(description="Whether it was computed.")]
    proposal_run_id: Annotated[str | None, Field(description="As a simulation of its request has it.")]
    metrics: Annotated[RunMetrics | None, Field(description="What came of it; null when it FAILED.")]
    error: Annotated[RunError | None, Field(description="Why it FAILED; null otherwise.")]
    result: Annotated[
        ProposalResult | None, Field(description="What a simulation of its request answers; null when it FAILED.")
    ]


class SharedPart(Model):
    """
    What all runs have in common, unless their item or scenario says otherwise.

    An unknown option is refused here, where one misspelt word would leave every run as it was.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    portfolio_snapshot: Annotated[PortfolioSnapshot | None, Field(description="The client's portfolio.")] = None
    market_data_snapshot: Annotated[MarketDataSnapshot | None, Field(description="Prices and rates.")] = None
    shelf_entries: Annotated[list[ShelfEntry] | None, Field(description="What the bank offers.")] = None
    options: Annotated[SharedOptions | None, Field(description="How to compute.")] = None
    proposed_cash_flows: Annotated[list[ProposedCashFlow] | None, Field(description="Cash flows, in order.")] = None
    proposed_trades: Annotated[list[SizedTrade] | None, Field(description="Trades, in order.")] = None
    reference_model: Annotated[ReferenceModel | None, Field(description="Model that drift is measured against.")] = None


class SimulateRequest(Model):
    """
    Everything that a simulation reads.
    """

    portfolio_snapshot: Annotated[PortfolioSnapshot, Field(description="The client's portfolio.")]
    market_data_snapshot: Annotated[MarketDataSnapshot, Field(description="Prices and rates.")]
    shelf_entries: Annotated[list[ShelfEntry], Field(description="What the bank offers.")]
    options: Annotated[EngineOptions | None, Field(description="How to compute.")] = None
    proposed_cash_flows: Annotated[
        list[ProposedCashFlow], Field(description="Cash flows, in order.", validate_default=True)
    ] = []
    proposed_trades: Annotated[list[ProposedTrade], Field(description="Trades, in order.", validate_default=True)] = []
    reference_model: Annotated[ReferenceModel | None, Field(description="Model that drift is measured against.")] = None


class SimulationRequest(Model):
    """
    What to simulate.
    """

    portfolio_snapshot: Annotated[PortfolioSnapshot, Field(description="The client's portfolio.")]
    market_data_snapshot: Annotated[MarketDataSnapshot, Field(description="Prices and rates.")]
    shelf_entries: Annotated[list[ShelfEntry], Field(description="What the bank offers.")]
    options: Annotated[EngineOptions | None, Field(description="How to compute.")] = None
    proposed_cash_flows: Annotated[
        list[ProposedCashFlow], Field(description="Cash flows, in order.", validate_default=True)
    ] = []
    proposed_trades: Annotated[list[ProposedTrade], Field(description="Trades, in order.", validate_default=True)] = []
    reference_model: Annotated[ReferenceModel | None, Field(description="Model that drift is measured against.")] = None


class BatchItem(Model):
    """
    One portfolio, or whatever varies.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    portfolio_snapshot: Annotated[PortfolioSnapshot | None, Field(description="The client's portfolio.")] = None
    market_data_snapshot: Annotated[MarketDataSnapshot | None, Field(description="Prices and rates.")] = None
    shelf_entries: Annotated[list[ShelfEntry] | None, Field(description="What the bank offers.")] = None
    options: Annotated[ItemOptions | None, Field(description="How to compute.")] = None
    proposed_cash_flows: Annotated[list[ProposedCashFlow] | None, Field(description="Cash flows, in order.")] = None
    proposed_trades: Annotated[list[SizedTrade] | None, Field(description="Trades, in order.")] = None
    reference_model: Annotated[ReferenceModel | None, Field(description="Model that drift is measured against.")] = None
    id: Annotated[str, Field(description="Names the item; unique in the batch.")]


class BatchScenario(Model):
    """
    What if it were otherwise for all items; it has the last word.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    portfolio_snapshot: Annotated[PortfolioSnapshot | None, Field(description="The client's portfolio.")] = None
    market_data_snapshot: Annotated[MarketDataSnapshot | None, Field(description="Prices and rates.")] = None
    shelf_entries: Annotated[list[ShelfEntry] | None, Field(description="What the bank offers.")] = None
    options: Annotated[SharedOptions | None, Field(description="How to compute.")] = None
    proposed_cash_flows: Annotated[list[ProposedCashFlow] | None, Field(description="Cash flows, in order.")] = None
    proposed_trades: Annotated[list[SizedTrade] | None, Field(description="Trades, in order.")] = None
    reference_model: Annotated[ReferenceModel | None, Field(description="Model that drift is measured against.")] = None
    description: Annotated[str | None, Field(description="For people; never computed on.")] = None


class CreateProposalRequest(Model):
    """
    What an advisor proposes for a client's portfolio, and who proposes it.
    """

    created_by: Annotated[str, Field(description="Who submits it.")]
    simulate_request: Annotated[SimulateRequest, Field(description="What to simulate.")]
    metadata: Annotated[ProposalMetadata | None, Field(description="Title, notes, regime, mandate.")] = None
    callback: Annotated[
        CallbackRequest | None, Field(description="Whom to tell when the operation has ended; ignored in a replay.")
    ] = None


class CreateVersionRequest(Model):
    """
    What an advisor proposes instead of a proposal's current version.
    """

    created_by: Annotated[str, Field(description="Who submits it.")]
    simulate_request: Annotated[SimulateRequest, Field(description="What to simulate.")]
    expected_current_version_no: Annotated[int | None, Field(description="The version that this one must follow.")] = (
        None
    )
    callback: Annotated[
        CallbackRequest | None, Field(description="Whom to tell when the operation has ended; ignored in a replay.")
    ] = None


class EngineOutputs(Model):
    """
    What was computed.
    """

    proposal_result: Annotated[ProposalResult, Field(description="The whole result.")]


class EvidenceInputs(Model):
    """
    What was sent, with defaults, decimals in normal form.
    """

    portfolio_snapshot: Annotated[PortfolioSnapshot, Field(description="The portfolio.")]
    market_data_snapshot: Annotated[MarketDataSnapshot, Field(description="The market.")]
    shelf_entries: Annotated[list[ShelfEntry], Field(description="The shelf.")]
    options: Annotated[EngineOptions, Field(description="The options.")]
    proposed_cash_flows: Annotated[list[ProposedCashFlow], Field(description="The flows.")]
    proposed_trades: Annotated[list[ProposedTrade], Field(description="The trades.")]
    reference_model: Annotated[ReferenceModel | None, Field(description="The model.")]


class AnalyzeScenariosRequest(Model):
    """
    Portfolios and scenarios, and what they have in common: one run for each item in each scenario.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    created_by: Annotated[str, Field(description="Who submits it.")]
    description: Annotated[str | None, Field(description="For people; never computed on.")] = None
    shared: Annotated[SharedPart | None, Field(description="What all runs have in common.")] = None
    items: Annotated[
        list[BatchItem], Field(description="What varies; each overrides `shared`, field by field and option by option.")
    ]
    scenarios: Annotated[
        dict[str, Any] | None,
        Field(
            description="What if: each overrides every item; ordered by name. One run for each item in each scenario."
        ),
    ] = None
    callback: Annotated[
        CallbackRequest | None, Field(description="Whom to tell when the operation has ended; ignored in a replay.")
    ] = None


class EvidenceBundle(Model):
    """
    Everything needed to compute the artifact again.
    """

    inputs: Annotated[EvidenceInputs, Field(description="What was sent.")]
    engine_outputs: EngineOutputs
    hashes: Annotated[EvidenceHashes, Field(description="What it is proven by.")]
    engine_version: Annotated[str, Field(description="The engine that computed it.")]


class ProposalArtifact(Model):
    """
    The package that people read and approve.
    """

    artifact_id: Annotated[str, Field(description="Derived from the run.")]
    proposal_run_id: Annotated[str, Field(description="The run.")]
    correlation_id: Annotated[str, Field(description="Of the request.")]
    created_at: Annotated[str, Field(description="When the request was accepted, UTC.")]
    status: Annotated[str, Field(description="Of the simulation.")]
    gate_decision: Annotated[GateDecision, Field(description="Which review comes next.")]
    summary: Annotated[ArtifactSummary, Field(description="At a glance.")]
    portfolio_impact: PortfolioImpact
    trades_and_funding: TradesAndFunding
    suitability_summary: Annotated[SuitabilitySummary, Field(description="The scan.")]
    assumptions_and_limits: Annotated[AssumptionsAndLimits, Field(description="What is left out.")]
    disclosures: Disclosures
    evidence_bundle: Annotated[EvidenceBundle, Field(description="The proof.")]


class VersionDetail(Model):
    """
    The immutable contents of a proposal's version.
    """

    proposal_version_id: Annotated[str, Field(description="The version.")]
    proposal_id: Annotated[str, Field(description="Its proposal.")]
    version_no: Annotated[int, Field(description="1, 2, 3 without a gap.")]
    created_at: Annotated[str, Field(description="When it was accepted, UTC.")]
    request_hash: Annotated[str, Field(description="Of the request.")]
    artifact_hash: Annotated[str, Field(description="Of the artifact.")]
    simulation_hash: Annotated[str, Field(description="Of the result.")]
    status_at_creation: Annotated[str, Field(description="Of the simulation.")]
    proposal_result: Annotated[ProposalResult, Field(description="The result.")]
    artifact: Annotated[ProposalArtifact, Field(description="The artifact.")]
    evidence_bundle: Annotated[
        EvidenceBundle | dict[str, Any],
        Field(description="The artifact's bundle once more; `{}` when hidden or not stored."),
    ]
    gate_decision: Annotated[GateDecision | None, Field(description="The result's gate decision.")]


class CreateResponse(Model):
    """
    A proposal as its operation left it.
    """

    proposal: Annotated[ProposalSummary, Field(description="The proposal.")]
    version: Annotated[VersionDetail, Field(description="Its version.")]
    latest_workflow_event: Annotated[ProposalEvent, Field(description="The event that made it.")]


class ProposalDetailResponse(Model):
    """
    A proposal with its current version.
    """

    proposal: Annotated[ProposalSummary, Field(description="The proposal.")]
    current_version: Annotated[VersionDetail, Field(description="Its newest version.")]
    last_gate_decision: Annotated[GateDecision | None, Field(description="That version's gate decision.")]


class AsyncStatus(Model):
    """
    One operation as it is now; once it is terminal this body never changes.
    """

    operation_id: Annotated[str, Field(description="The operation; also the id of its Temporal workflow.")]
    operation_type: Annotated[str, Field(description="What is being made.")]
    status: Annotated[str, Field(description="SUCCEEDED and FAILED are final.")]
    correlation_id: Annotated[str, Field(description="Of the request that made the operation.")]
    idempotency_key: Annotated[str | None, Field(description="The client's key.")]
    attempt: Annotated[int, Field(description="The n-th operation of its key; a FAILED one frees the key.")]
    proposal_id: Annotated[str | None, Field(description="The proposal that was made.")]
    version_no: Annotated[int | None, Field(description="The version that was made.")]
    created_by: Annotated[str, Field(description="Who submitted it.")]
    created_at: Annotated[str, Field(description="When it was accepted, UTC.")]
    started_at: Annotated[str | None, Field(description="When a worker began it, UTC.")]
    finished_at: Annotated[str | None, Field(description="When it ended, UTC.")]
    updated_at: Annotated[str, Field(description="When its row last changed, UTC.")]
    expires_at: Annotated[
        str | None, Field(description="From when on the ended operation may be purged, UTC; the proposal stays.")
    ]
    cancelled_by: Annotated[
        str | None,
        Field(
            description="Who cancelled it: the subject of the token, `local` without authentication. Of one that was cancelled or terminated in the Temporal UI, the identity that Temporal gives, which is not verified."
        ),
    ]
    retried_by: Annotated[
        str | None,
        Field(description="Who made this attempt by retrying the one before; null when a client submitted it."),
    ]
    progress: Annotated[BatchProgress | None, Field(description="How far a batch has come; null for others.")]
    result: Annotated[
        CreateResponse | BatchResult | None,
        Field(
            description="What was made, as it was when the operation ended, or a batch's result; null unless SUCCEEDED. Left out with `include_result=false`."
        ),
    ] = None
    error: Annotated[OperationErrorBody | None, Field(description="Why it FAILED; null otherwise.")]
    links: Annotated[OperationLinks, Field(description="Where else to look.")]


class OperationListResponse(Model):
    """
    A page of operations, without their results.
    """

    items: Annotated[list[AsyncStatus], Field(description="Newest first.")]
    next_cursor: Annotated[
        str | None,
        Field(description="`cursor` of the next page: the last operation of this one; null on the last page."),
    ]
