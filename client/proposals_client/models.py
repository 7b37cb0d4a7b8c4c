"""Generated from docs/openapi.json by client/generate.py: requests and answers."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, RootModel

from proposals_client.model import ExactDecimal, Model, OpenEnum, Timestamp


class ApprovalType(OpenEnum):
    """
    - `RISK`: the decision that RISK_REVIEW waits for.
    - `COMPLIANCE`: the decision that COMPLIANCE_REVIEW waits for.
    - `CLIENT_CONSENT`: the decision that AWAITING_CLIENT_CONSENT waits for.
    """

    RISK = "RISK"
    COMPLIANCE = "COMPLIANCE"
    CLIENT_CONSENT = "CLIENT_CONSENT"


class ArtifactFx(Model):
    """
    An exchange as people read it.
    """

    intent_id: Annotated[str, Field(description="The intent of the result that this exchange is.")]
    pair: Annotated[str, Field(description="Bought and sold currency.")]
    buy_amount: Annotated[str, Field(description="Units of the bought currency, without trailing zeros.")]
    sell_amount_estimated: Annotated[
        str, Field(description="Units of the sold currency at the rate of the snapshot, without trailing zeros.")
    ]
    rate: Annotated[
        str | None,
        Field(
            description="Units sold for one bought; 12 digits when only the inverse was given. Engines before 2.0.0 show 4 decimals, and null instead of the inverse."
        ),
    ]


class ArtifactNextStep(OpenEnum):
    RISK_REVIEW = "RISK_REVIEW"
    COMPLIANCE_REVIEW = "COMPLIANCE_REVIEW"
    CLIENT_CONSENT = "CLIENT_CONSENT"
    EXECUTION_READY = "EXECUTION_READY"
    NONE = "NONE"


class AssetClassTarget(Model):
    """
    The model's target for an asset class.
    """

    asset_class: Annotated[str, Field(description="Asset class, as the shelf names it.")]
    weight: Annotated[ExactDecimal | str, Field(description="Fraction of the total, from 0 to 1.")]


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


class AuthenticationState(OpenEnum):
    off = "off"
    ok = "ok"
    degraded = "degraded"


class BatchCounts(Model):
    """
    The runs of an ended batch.
    """

    total: Annotated[int, Field(description="All runs of the batch: items times scenarios.")]
    succeeded: Annotated[int, Field(description="Runs that have a result; BLOCKED is a result, too.")]
    failed: Annotated[int, Field(description="That could not be computed.")]


class BatchProgress(Model):
    """
    How far a batch has come, in runs.
    """

    total: Annotated[int, Field(description="All runs of the batch: items times scenarios.")]
    succeeded: Annotated[int, Field(description="Computed, whatever came of them.")]
    failed: Annotated[int, Field(description="That could not be computed.")]
    remaining: Annotated[int, Field(description="Runs that are not computed yet. 0 when the batch has ended.")]


class CallbackAttempt(Model):
    """
    One attempt: it has a status code, or an error.
    """

    attempt_no: Annotated[int, Field(description="1, 2, 3 without a gap, redeliveries included.")]
    at: Annotated[Timestamp, Field(description="When it began, UTC.")]
    duration_ms: Annotated[int, Field(description="Milliseconds until the receiver responded or the attempt failed.")]
    status_code: Annotated[int | None, Field(description="The status code of the receiver; only 2xx is success.")]
    error: Annotated[AttemptError | None, Field(description="Why the receiver sent no response.")]


class CallbackRequest(Model):
    """
    The receiver to notify when the operation has ended, whether it succeeds or fails.
    """

    url: Annotated[
        str, Field(description="https, of a public host, without user information or fragment; never shown again.")
    ]
    headers: Annotated[
        dict[str, str] | None,
        Field(
            description="Sent with each attempt, at most 10, for credentials of the receiver; never shown again. Names that HTTP, a proxy or this service uses are refused, in any case, with `_` or `-`: `accept-encoding`, `alt-used`, `client-ip`, `connection`, `date`, `expect`, `forwarded`, `front-end-https`, `host`, `http2-settings`, `keep-alive`, `max-forwards`, `remote-addr`, `te`, `trailer`, `transfer-encoding`, `true-client-ip`, `upgrade`, `user-agent`, `via`, `x-client-ip`, `x-cluster-client-ip`, `x-forwarded`, `x-host`, `x-http-method`, `x-http-method-override`, `x-method-override`, `x-real-ip`, `x-scheme`, `x-url-scheme`, `cf-...`, `content-...`, `proxy-...`, `webhook-...`, `x-envoy-...`, `x-forwarded-...`, `x-original-...`, `x-originating-...`, `x-proxy-...`, `x-remote-...`, `x-rewrite-...`."
        ),
    ] = None


class CallbackStatus(OpenEnum):
    """
    - `NOT_DUE`: the operation has not ended.
    - `PENDING`: the next attempt is due at `next_attempt_at`.
    - `DELIVERED`: the receiver returned 2xx.
    - `FAILED`: given up; it can be delivered again.
    """

    NOT_DUE = "NOT_DUE"
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class CallbackType(OpenEnum):
    proposal_operation_succeeded = "proposal.operation.succeeded"
    proposal_operation_failed = "proposal.operation.failed"


class CashBalance(Model):
    """
    Cash in one currency.
    """

    currency: Annotated[str, Field(description="Currency of the balance, by ISO 4217.")]
    amount: Annotated[ExactDecimal | str, Field(description="Balance in currency units; negative is an overdraft.")]
    settled: Annotated[ExactDecimal | str | None, Field(description="Settled part; echoed, not used.")] = None
    pending: Annotated[ExactDecimal | str | None, Field(description="Unsettled part; echoed, not used.")] = None


class CashBalanceState(Model):
    """
    Cash in one currency.
    """

    currency: Annotated[str, Field(description="Currency of the balance, by ISO 4217.")]
    amount: Annotated[str, Field(description="Balance in currency units.")]
    settled: Annotated[str | None, Field(description="Settled part, as it was sent; null once the balance is another.")]
    pending: Annotated[
        str | None, Field(description="Unsettled part, as it was sent; null once the balance is another.")
    ]


class CashFlowIntent(Model):
    """
    A cash flow.
    """

    intent_type: Annotated[Literal["CASH_FLOW"], Field(description="Tells cash flows, exchanges and trades apart.")]
    intent_id: Annotated[str, Field(description="Unique in the result.")]
    currency: Annotated[str, Field(description="Currency of the amount, by ISO 4217.")]
    amount: Annotated[str, Field(description="Currency units, negative for a withdrawal.")]
    description: Annotated[str | None, Field(description="As it was sent.")]


class CodedText(Model):
    """
    A text with a code.
    """

    code: Annotated[str, Field(description="What the text is about, for programs.")]
    text: Annotated[str, Field(description="One sentence for people; do not parse it.")]


class ComponentState(OpenEnum):
    ok = "ok"
    unreachable = "unreachable"
    schema_too_old = "schema_too_old"
    cannot_write = "cannot_write"
    no_pollers = "no_pollers"


class DataQuality(Model):
    """
    Missing data, each item once and in order of first appearance.
    """

    price_missing: Annotated[list[str], Field(description="Instruments without a price.")]
    fx_missing: Annotated[list[str], Field(description="Pairs without a rate.")]
    shelf_missing: Annotated[list[str], Field(description="Instruments without a shelf entry.")]


class DriftBucket(Model):
    """
    One bucket against its target; fractions of the total, unrounded.
    """

    bucket: Annotated[str, Field(description="Asset class or instrument.")]
    model_weight: Annotated[
        str, Field(description="Target weight of the model, a fraction; 0 for a bucket that the model does not have.")
    ]
    portfolio_weight_before: Annotated[str, Field(description="Weight before the proposal, a fraction of the total.")]
    portfolio_weight_after: Annotated[str, Field(description="Weight after the proposal, a fraction of the total.")]
    drift_before: Annotated[str, Field(description="Weight before less target: negative when there is too little.")]
    drift_after: Annotated[str, Field(description="Weight after less target: negative when there is too little.")]
    abs_drift_before: Annotated[str, Field(description="Absolute value of the drift.")]
    abs_drift_after: Annotated[str, Field(description="Absolute value of the drift.")]
    improvement: Annotated[str, Field(description="Reduction of the absolute drift.")]


class DriftDimension(Model):
    """
    Drift over one kind of bucket.
    """

    drift_total_before: Annotated[str, Field(description="Half the sum of the sizes.")]
    drift_total_after: Annotated[str, Field(description="Half the sum of the sizes.")]
    drift_total_delta: Annotated[
        str, Field(description="Total drift after less before: negative when the proposal comes nearer to the model.")
    ]
    top_contributors_before: Annotated[
        list[DriftBucket], Field(description="The buckets with the most drift before the proposal, largest first.")
    ]
    buckets: Annotated[list[DriftBucket], Field(description="All buckets of portfolio and model, by name.")]


class DriftImprovement(Model):
    """
    How a bucket changed.
    """

    bucket: Annotated[str, Field(description="Asset class or instrument of the change.")]
    improvement: Annotated[str, Field(description="Negative when it got worse.")]


class DriftModel(Model):
    """
    The model that was measured against.
    """

    model_id: Annotated[str, Field(description="Id of the reference model, as it was sent.")]
    as_of: Annotated[str, Field(description="Its date, as it was sent.")]
    base_currency: Annotated[
        str, Field(description="Currency of the model; that of the portfolio, or there is no drift analysis.")
    ]


class DropReason(OpenEnum):
    MISSING_SHELF = "MISSING_SHELF"
    SHELF_STATUS = "SHELF_STATUS"
    MISSING_PRICE = "MISSING_PRICE"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    PRICE_ZERO = "PRICE_ZERO"
    UNFUNDED = "UNFUNDED"


class DroppedIntent(Model):
    """
    A trade of the request that was not made.
    """

    intent_id: Annotated[str, Field(description="Its number in the request.")]
    instrument_id: Annotated[str, Field(description="The instrument that was to be traded.")]
    reason: Annotated[DropReason, Field(description="Why the trade was not made.")]


class EventType(OpenEnum):
    """
    - `CREATED`: the service alone records it, with the first version.
    - `SUBMITTED_FOR_RISK_REVIEW`: from DRAFT to RISK_REVIEW.
    - `SUBMITTED_FOR_COMPLIANCE_REVIEW`: from DRAFT to COMPLIANCE_REVIEW.
    - `RISK_APPROVED`: from RISK_REVIEW to AWAITING_CLIENT_CONSENT.
    - `COMPLIANCE_APPROVED`: from COMPLIANCE_REVIEW to AWAITING_CLIENT_CONSENT.
    - `CLIENT_CONSENT_RECORDED`: from AWAITING_CLIENT_CONSENT to EXECUTION_READY.
    - `REJECTED`: from either review, or from AWAITING_CLIENT_CONSENT.
    - `EXECUTION_REQUESTED`: never recorded; it is there for compatibility.
    - `EXECUTED`: from EXECUTION_READY: the trades were made, elsewhere.
    - `EXPIRED`: from EXECUTION_READY: not executed in time.
    - `CANCELLED`: from any state that is not final.
    - `NEW_VERSION_CREATED`: the service alone records it, with each further version.
    """

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


class EvidenceAssetClassTarget(Model):
    """
    The model's target for an asset class.
    """

    asset_class: Annotated[str, Field(description="Asset class, as the shelf names it.")]
    weight: Annotated[str, Field(description="Fraction of the total, from 0 to 1.")]


class EvidenceCashBalance(Model):
    """
    Cash in one currency.
    """

    currency: Annotated[str, Field(description="Currency of the balance, by ISO 4217.")]
    amount: Annotated[str, Field(description="Balance in currency units; negative is an overdraft.")]
    settled: Annotated[str | None, Field(description="Settled part; echoed, not used.")] = None
    pending: Annotated[str | None, Field(description="Unsettled part; echoed, not used.")] = None


class EvidenceFxRate(Model):
    """
    One unit of the first currency costs `rate` units of the second.
    """

    pair: Annotated[str, Field(description="FROM/TO, as in USD/SGD: units of TO for one unit of FROM.")]
    rate: Annotated[str, Field(description="Units of TO for one FROM, greater than zero.")]


class EvidenceGroupConstraint(Model):
    """
    A cap on a group of instruments.
    """

    max_weight: Annotated[str, Field(description="Largest fraction of the total, from 0 to 1.")]


class EvidenceHashes(Model):
    """
    Hashes of request and artifact.
    """

    request_hash: Annotated[str, Field(description="Hash of the request.")]
    artifact_hash: Annotated[str, Field(description="Hash of the artifact without time, caller and this hash.")]


class EvidenceInstrumentTarget(Model):
    """
    The model's target for an instrument.
    """

    instrument_id: Annotated[str, Field(description="The instrument that has this target.")]
    weight: Annotated[str, Field(description="Fraction of the total, from 0 to 1.")]


class EvidenceMoney(Model):
    """
    An amount in a currency.
    """

    amount: Annotated[str, Field(description="Amount in currency units.")]
    currency: Annotated[str, Field(description="Currency of the amount, by ISO 4217.")]


class EvidencePrice(Model):
    """
    The price of one unit.
    """

    instrument_id: Annotated[str, Field(description="The instrument that has this price.")]
    price: Annotated[str, Field(description="Price of a unit in currency units, greater than zero.")]
    currency: Annotated[str, Field(description="Currency of the price, by ISO 4217.")]


class EvidenceProposedCashFlow(Model):
    """
    Money that the bank's customer pays in or withdraws.
    """

    intent_type: Annotated[Literal["CASH_FLOW"], Field(description="Always CASH_FLOW; may be left out.")] = "CASH_FLOW"
    currency: Annotated[str, Field(description="Currency of the amount, by ISO 4217.")]
    amount: Annotated[str, Field(description="Currency units, negative for a withdrawal; text or integer.")]
    description: Annotated[str | None, Field(description="Reason for the cash flow, shown in the artifact.")] = None


class EvidenceReferenceModel(Model):
    """
    The model portfolio that drift is measured against.
    """

    model_id: Annotated[str, Field(description="Your id of the model.")]
    as_of: Annotated[str, Field(description="Date of the model; not parsed.")]
    base_currency: Annotated[str, Field(description="Must be the portfolio's for drift to be measured.")]
    asset_class_targets: Annotated[
        list[EvidenceAssetClassTarget], Field(description="Targets by asset class.", validate_default=True)
    ] = []
    instrument_targets: Annotated[
        list[EvidenceInstrumentTarget],
        Field(
            description="Target weights of instruments; without them drift is measured by asset class alone.",
            validate_default=True,
        ),
    ] = []


class EvidenceTaxLot(Model):
    """
    A purchase that is part of a position.
    """

    lot_id: Annotated[str, Field(description="Your id of the lot.")]
    quantity: Annotated[str, Field(description="Units of the lot; the lots of a position add up to it.")]
    unit_cost: Annotated[EvidenceMoney, Field(description="Price paid for a unit.")]
    purchase_date: Annotated[str, Field(description="As the custodian writes it; not parsed.")]


class Explanation(Model):
    """
    The outcome in one word.
    """

    summary: Annotated[str, Field(description="The status of the result again.")]


class FundingPlanEntry(Model):
    """
    Funding for the buys in one currency.
    """

    target_currency: Annotated[str, Field(description="The currency that the buys need.")]
    required: Annotated[str, Field(description="Sum of the buys, minor units.")]
    available_before_fx: Annotated[str, Field(description="Cash available, in minor units.")]
    fx_needed: Annotated[str, Field(description="Amount that is missing, rounded up.")]
    fx_pair: Annotated[str | None, Field(description="The exchange that was made.")]
    funding_currency: Annotated[
        str | None, Field(description="Currency that pays; null when no exchange is needed or possible.")
    ]


class FundingSource(OpenEnum):
    """
    - `BASE_ONLY`: only cash in the base currency pays for buys in other currencies.
    - `ANY_CASH`: cash in any currency pays.
    """

    BASE_ONLY = "BASE_ONLY"
    ANY_CASH = "ANY_CASH"


class FxRate(Model):
    """
    One unit of the first currency costs `rate` units of the second.
    """

    pair: Annotated[str, Field(description="FROM/TO, as in USD/SGD: units of TO for one unit of FROM.")]
    rate: Annotated[ExactDecimal | str, Field(description="Units of TO for one FROM, greater than zero.")]


class GateName(OpenEnum):
    """
    - `BLOCKED`: a hard rule failed: correct the input.
    - `RISK_REVIEW_REQUIRED`: a soft rule failed, or a new issue is MEDIUM.
    - `COMPLIANCE_REVIEW_REQUIRED`: a new issue is HIGH.
    - `CLIENT_CONSENT_REQUIRED`: nothing stands in the way but the customer's consent.
    - `EXECUTION_READY`: nothing stands in the way, and the customer has consented.
    - `NONE`: never returned.
    """

    BLOCKED = "BLOCKED"
    RISK_REVIEW_REQUIRED = "RISK_REVIEW_REQUIRED"
    COMPLIANCE_REVIEW_REQUIRED = "COMPLIANCE_REVIEW_REQUIRED"
    CLIENT_CONSENT_REQUIRED = "CLIENT_CONSENT_REQUIRED"
    EXECUTION_READY = "EXECUTION_READY"
    NONE = "NONE"


class GateReasonSource(OpenEnum):
    RULE_ENGINE = "RULE_ENGINE"
    SUITABILITY = "SUITABILITY"
    DATA_QUALITY = "DATA_QUALITY"


class GateSummary(Model):
    """
    Counts behind the gate.
    """

    hard_fail_count: Annotated[int, Field(description="Hard rules that failed.")]
    soft_fail_count: Annotated[int, Field(description="Soft rules that failed.")]
    new_high_suitability_count: Annotated[int, Field(description="New issues of severity HIGH.")]
    new_medium_suitability_count: Annotated[int, Field(description="New issues of severity MEDIUM.")]


class GroupConstraint(Model):
    """
    A cap on a group of instruments.
    """

    max_weight: Annotated[ExactDecimal | str, Field(description="Largest fraction of the total, from 0 to 1.")]


class Inclusion(Model):
    """
    Whether a topic is modelled.
    """

    included: Annotated[bool, Field(description="Always false: the figures leave this out.")]
    notes: Annotated[str, Field(description="What the figures leave out, for people.")]


class InstrumentTarget(Model):
    """
    The model's target for an instrument.
    """

    instrument_id: Annotated[str, Field(description="The instrument that has this target.")]
    weight: Annotated[ExactDecimal | str, Field(description="Fraction of the total, from 0 to 1.")]


class InsufficientCash(Model):
    """
    A deficit that no currency could fund: the smallest one.
    """

    currency: Annotated[str, Field(description="Currency that would have paid; the bought currency if none could.")]
    deficit: Annotated[str, Field(description="Amount that is missing, in minor units, rounded up.")]


class FundingModeEnum(OpenEnum):
    """
    How buys are funded.
    """

    AUTO_FX = "AUTO_FX"


class FundingMode(RootModel[FundingModeEnum | None]):
    root: Annotated[FundingModeEnum | None, Field(description="How buys are funded.")] = None


class FxGenerationPolicyEnum(OpenEnum):
    """
    One FX trade for each currency.
    """

    ONE_FX_PER_CCY = "ONE_FX_PER_CCY"


class FxGenerationPolicy(RootModel[FxGenerationPolicyEnum | None]):
    root: Annotated[FxGenerationPolicyEnum | None, Field(description="One FX trade for each currency.")] = None


class KeyedProposalResponse(Model):
    """
    The proposal behind an idempotency key.
    """

    idempotency_key: Annotated[str, Field(description="The key that was looked up.")]
    request_hash: Annotated[str, Field(description="Hash of the request with this key.")]
    proposal_id: Annotated[str, Field(description="The proposal that the key made.")]
    proposal_version_no: Annotated[int, Field(description="The version that was made.")]
    created_at: Annotated[Timestamp, Field(description="When the request was accepted, UTC.")]


class LiquidityTier(OpenEnum):
    """
    - `L1`: the most liquid.
    - `L2`: less liquid than L1.
    - `L3`: less liquid than L2.
    - `L4`: less liquid than L3.
    - `L5`: the least liquid.
    """

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    L5 = "L5"


class ListOrder(OpenEnum):
    """
    - `newest`: the newest proposals first.
    - `waiting`: the proposals whose last event is longest ago first.
    """

    newest = "newest"
    waiting = "waiting"


class Live(Model):
    """
    The process responds.
    """

    status: Annotated[Literal["ok"], Field(description="Always `ok`: a process that cannot answer says nothing.")]


class Money(Model):
    """
    An amount in a currency.
    """

    amount: Annotated[ExactDecimal | str, Field(description="Amount in currency units.")]
    currency: Annotated[str, Field(description="Currency of the amount, by ISO 4217.")]


class MoneyText(Model):
    """
    An amount in a currency.
    """

    amount: Annotated[str, Field(description="Amount in currency units, unrounded.")]
    currency: Annotated[str, Field(description="Currency of the amount, by ISO 4217.")]


class NextStep(OpenEnum):
    FIX_INPUT = "FIX_INPUT"
    RISK_REVIEW = "RISK_REVIEW"
    COMPLIANCE_REVIEW = "COMPLIANCE_REVIEW"
    REQUEST_CLIENT_CONSENT = "REQUEST_CLIENT_CONSENT"
    EXECUTE = "EXECUTE"
    NONE = "NONE"


class ObjectiveTag(OpenEnum):
    RISK_ALIGNMENT = "RISK_ALIGNMENT"
    CASH_DEPLOYMENT = "CASH_DEPLOYMENT"
    DRIFT_REDUCTION = "DRIFT_REDUCTION"
    PORTFOLIO_MAINTENANCE = "PORTFOLIO_MAINTENANCE"


class OperationLinks(Model):
    """
    Related resources; null for one that does not exist or is not configured.
    """

    self: Annotated[str, Field(description="Where this operation is read.")]
    proposal: Annotated[str | None, Field(description="The proposal, once there is one.")]
    callbacks: Annotated[
        str | None, Field(description="The state of its callback; null when the request asked for none.")
    ]
    runs: Annotated[str | None, Field(description="The runs of a batch; null for others.")]
    temporal_ui: Annotated[
        str | None, Field(description="The workflow's page in the Temporal UI, when the service knows where that is.")
    ]


class OperationStatus(OpenEnum):
    """
    - `PENDING`: committed; no worker has begun it, or one has begun it a moment ago.
    - `RUNNING`: a worker has begun it and needs more than a moment.
    - `SUCCEEDED`: final: the result is committed.
    - `FAILED`: final: `error` says why; nothing was made, and the key is free.
    """

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class OperationType(OpenEnum):
    """
    - `CREATE_PROPOSAL`: makes a proposal and its first version.
    - `CREATE_PROPOSAL_VERSION`: adds a version to a proposal.
    - `ANALYZE_SCENARIOS`: computes a batch.
    - `SIMULATE_PROPOSAL`: computes a result and an artifact without a proposal.
    """

    CREATE_PROPOSAL = "CREATE_PROPOSAL"
    CREATE_PROPOSAL_VERSION = "CREATE_PROPOSAL_VERSION"
    ANALYZE_SCENARIOS = "ANALYZE_SCENARIOS"
    SIMULATE_PROPOSAL = "SIMULATE_PROPOSAL"


class OrderingPolicy(OpenEnum):
    CASH_FLOW__SELL__FX__BUY = "CASH_FLOW->SELL->FX->BUY"
    SELL__FX__BUY__CASH_FLOW = "SELL->FX->BUY->CASH_FLOW"


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

    instrument_id: Annotated[str, Field(description="The instrument that is held.")]
    quantity: Annotated[str, Field(description="Units held; negative when more is sold than held.")]
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

    instrument_id: Annotated[str, Field(description="The instrument that has this price.")]
    price: Annotated[ExactDecimal | str, Field(description="Price of a unit in currency units, greater than zero.")]
    currency: Annotated[str, Field(description="Currency of the price, by ISO 4217.")]


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

    instrument_id: Annotated[str, Field(description="The instrument that the document describes.")]
    doc_ref: Annotated[str, Field(description="Where the document is; a reference of the bank.")]


class ProposalMetadata(Model):
    """
    Descriptive data of a proposal; the engine does not read it.
    """

    title: Annotated[str | None, Field(description="Title of the proposal.")] = None
    advisor_notes: Annotated[
        str | None, Field(description="Kept with the proposal for the record, permanently; no endpoint returns it.")
    ] = None
    jurisdiction: Annotated[str | None, Field(description="Jurisdiction of the proposal.")] = None
    mandate_id: Annotated[str | None, Field(description="Mandate of the bank's customer.")] = None


class ProposalState(OpenEnum):
    """
    - `DRAFT`: created, or a new version was added under strict version binding.
    - `RISK_REVIEW`: waits for the decision of risk.
    - `COMPLIANCE_REVIEW`: waits for the decision of compliance.
    - `AWAITING_CLIENT_CONSENT`: approved; waits for the consent of the bank's customer.
    - `EXECUTION_READY`: the customer consents.
    - `EXECUTED`: final: the trades were made, elsewhere.
    - `REJECTED`: final: risk, compliance or the customer refused.
    - `CANCELLED`: final: withdrawn.
    - `EXPIRED`: final: not executed in time.
    """

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

    proposal_id: Annotated[str, Field(description="Id of the proposal, `pp_...`.")]
    portfolio_id: Annotated[str, Field(description="The portfolio, by the id of the request.")]
    mandate_id: Annotated[str | None, Field(description="Mandate of the bank's customer.")]
    jurisdiction: Annotated[str | None, Field(description="Jurisdiction of the proposal.")]
    created_by: Annotated[str, Field(description="The person who submitted the request.")]
    created_at: Annotated[Timestamp, Field(description="When it was accepted, UTC.")]
    last_event_at: Annotated[Timestamp, Field(description="Time of the last event, UTC.")]
    current_state: Annotated[ProposalState, Field(description="State of the review.")]
    current_version_no: Annotated[int, Field(description="Number of the newest version; versions count from 1.")]
    title: Annotated[str | None, Field(description="Title of the proposal.")]
    waiting_since: Annotated[
        Timestamp,
        Field(description="When that state began, UTC; a new version that leaves the state as it was begins none."),
    ]


class ProposedCashFlow(Model):
    """
    Money that the bank's customer pays in or withdraws.
    """

    intent_type: Annotated[Literal["CASH_FLOW"], Field(description="Always CASH_FLOW; may be left out.")] = "CASH_FLOW"
    currency: Annotated[str, Field(description="Currency of the amount, by ISO 4217.")]
    amount: Annotated[
        ExactDecimal | str, Field(description="Currency units, negative for a withdrawal; text or integer.")
    ]
    description: Annotated[str | None, Field(description="Reason for the cash flow, shown in the artifact.")] = None


class Rationale(Model):
    """
    The reason for an intent.
    """

    code: Annotated[
        str, Field(description="MANUAL_PROPOSAL for a trade of the request, FUNDING for an exchange of the engine.")
    ]
    message: Annotated[str, Field(description="The reason in words, for people.")]


class ReadyStatus(OpenEnum):
    ok = "ok"
    degraded = "degraded"
    unavailable = "unavailable"


class RecommendedReview(OpenEnum):
    NONE = "NONE"
    RISK_REVIEW = "RISK_REVIEW"
    COMPLIANCE_REVIEW = "COMPLIANCE_REVIEW"


class ReconciliationStatus(OpenEnum):
    OK = "OK"
    MISMATCH = "MISMATCH"


class ReferenceModel(Model):
    """
    The model portfolio that drift is measured against.
    """

    model_id: Annotated[str, Field(description="Your id of the model.")]
    as_of: Annotated[str, Field(description="Date of the model; not parsed.")]
    base_currency: Annotated[str, Field(description="Must be the portfolio's for drift to be measured.")]
    asset_class_targets: Annotated[
        list[AssetClassTarget], Field(description="Targets by asset class.", validate_default=True)
    ] = []
    instrument_targets: Annotated[
        list[InstrumentTarget],
        Field(
            description="Target weights of instruments; without them drift is measured by asset class alone.",
            validate_default=True,
        ),
    ] = []


class ResultLineage(Model):
    """
    Snapshots, key and engine of a result.
    """

    portfolio_snapshot_id: Annotated[str, Field(description="The snapshot, else the portfolio.")]
    market_data_snapshot_id: Annotated[str, Field(description="The snapshot, else `md`.")]
    request_hash: Annotated[str, Field(description="Hash of the request.")]
    idempotency_key: Annotated[str | None, Field(description="The key it was submitted with.")]
    engine_version: Annotated[str, Field(description="The engine that computed it.")]


class RuleSeverity(OpenEnum):
    HARD = "HARD"
    SOFT = "SOFT"


class RuleStatus(OpenEnum):
    PASS = "PASS"
    FAIL = "FAIL"


class RunCounts(Model):
    """
    How many runs of a batch were computed, and how many could not be, when it ended.
    """

    total: Annotated[int, Field(description="All runs of the batch: items times scenarios.")]
    succeeded: Annotated[int, Field(description="Runs that have a result; BLOCKED is a result, too.")]
    failed: Annotated[int, Field(description="That could not be computed.")]


class RunErrorCode(OpenEnum):
    VALIDATION_FAILED = "VALIDATION_FAILED"
    PROPOSAL_SIMULATION_DISABLED = "PROPOSAL_SIMULATION_DISABLED"
    OPERATION_TOO_EXPENSIVE = "OPERATION_TOO_EXPENSIVE"
    OPERATION_INTERNAL_ERROR = "OPERATION_INTERNAL_ERROR"


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
    security_intent_count: Annotated[int, Field(description="How many security trades the result has.")]
    gross_turnover_notional_base: Annotated[
        MoneyText, Field(description="Their notionals in the base currency, added up.")
    ]
    fx_intent_count: Annotated[int, Field(description="How many currency trades the result has.")]
    gate: Annotated[str | None, Field(description="The gate that it should pass next; null without gates.")]
    recommended_next_step: Annotated[
        str | None, Field(description="What to do because of the gate; null without gates.")
    ]
    hard_fail_count: Annotated[int, Field(description="Hard rules that failed.")]
    soft_fail_count: Annotated[int, Field(description="Soft rules that failed.")]
    new_high_suitability_count: Annotated[int, Field(description="New suitability issues of severity HIGH.")]
    new_medium_suitability_count: Annotated[int, Field(description="New suitability issues of severity MEDIUM.")]
    total_value_before: Annotated[MoneyText, Field(description="The portfolio's value before the trades.")]
    total_value_after: Annotated[MoneyText, Field(description="The portfolio's value after the trades.")]
    cash_weight_before: Annotated[str, Field(description="Cash as a fraction of it, before.")]
    cash_weight_after: Annotated[str, Field(description="Cash as a fraction of the total after the trades.")]
    drift_total_before: Annotated[
        str | None,
        Field(
            description="Distance from the model before, by instrument where it has instruments; null without a model."
        ),
    ]
    drift_total_after: Annotated[
        str | None, Field(description="The same distance after the trades; null without a model.")
    ]
    warnings: Annotated[list[str], Field(description="Codes of warnings, each once.")]


class ScenarioTotals(Model):
    """
    One scenario over all items.
    """

    statuses: Annotated[dict[str, int], Field(description="Runs by simulation status.")]
    failed: Annotated[int, Field(description="Runs that could not be computed.")]
    gates: Annotated[
        dict[str, int], Field(description="How many runs have each gate; runs without gates are left out.")
    ]
    gross_turnover_notional_base: Annotated[dict[str, str], Field(description="Traded, by base currency.")]


class Severity(OpenEnum):
    """
    - `LOW`: calls for no review.
    - `MEDIUM`: calls for a risk review when the issue is new.
    - `HIGH`: calls for a compliance review when the issue is new.
    """

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class FundingMode1Enum(OpenEnum):
    """
    How buys are funded.
    """

    AUTO_FX = "AUTO_FX"


class FundingMode1(RootModel[FundingMode1Enum | None]):
    root: Annotated[FundingMode1Enum | None, Field(description="How buys are funded.")] = None


class FxGenerationPolicy1Enum(OpenEnum):
    """
    One FX trade for each currency.
    """

    ONE_FX_PER_CCY = "ONE_FX_PER_CCY"


class FxGenerationPolicy1(RootModel[FxGenerationPolicy1Enum | None]):
    root: Annotated[FxGenerationPolicy1Enum | None, Field(description="One FX trade for each currency.")] = None


class ShelfStatus(OpenEnum):
    """
    - `APPROVED`: may be bought and sold.
    - `RESTRICTED`: may be bought with the option `allow_restricted` only.
    - `BANNED`: may not be bought; holding it is an issue.
    - `SUSPENDED`: may not be bought; holding it is an issue.
    - `SELL_ONLY`: may not be bought.
    """

    APPROVED = "APPROVED"
    RESTRICTED = "RESTRICTED"
    BANNED = "BANNED"
    SUSPENDED = "SUSPENDED"
    SELL_ONLY = "SELL_ONLY"


class SimulationStatus(OpenEnum):
    """
    - `READY`: no rule failed.
    - `PENDING_REVIEW`: a soft rule failed, and no hard one.
    - `BLOCKED`: a hard rule failed; it can be submitted for review all the same.
    """

    READY = "READY"
    PENDING_REVIEW = "PENDING_REVIEW"
    BLOCKED = "BLOCKED"


class SuitabilityChange(OpenEnum):
    NEW = "NEW"
    PERSISTENT = "PERSISTENT"
    RESOLVED = "RESOLVED"


class SuitabilityCounts(Model):
    """
    Numbers of issues.
    """

    new_count: Annotated[int, Field(description="Issues that only the portfolio after the proposal has.")]
    resolved_count: Annotated[int, Field(description="Issues that only the portfolio before the proposal has.")]
    persistent_count: Annotated[int, Field(description="Issues of both portfolios.")]
    highest_severity_new: Annotated[
        Severity | None, Field(description="Highest severity of the new issues; null without any.")
    ]


class SuitabilityDimension(OpenEnum):
    CONCENTRATION = "CONCENTRATION"
    ISSUER = "ISSUER"
    LIQUIDITY = "LIQUIDITY"
    GOVERNANCE = "GOVERNANCE"
    CASH = "CASH"
    DATA_QUALITY = "DATA_QUALITY"


class SuitabilitySnapshots(Model):
    """
    The scanned snapshots.
    """

    portfolio_snapshot_id: Annotated[str, Field(description="Snapshot id of the portfolio, else its portfolio id.")]
    market_data_snapshot_id: Annotated[str, Field(description="Snapshot id of prices and rates, else `md`.")]


class SuitabilityStatus(OpenEnum):
    AVAILABLE = "AVAILABLE"
    NOT_AVAILABLE = "NOT_AVAILABLE"


class SuitabilityThresholds(Model):
    """
    Limits of the suitability scan.
    """

    single_position_max_weight: Annotated[
        ExactDecimal | str | None, Field(description="Cap of one instrument, a fraction from 0 to 1. 0.10 when absent.")
    ] = None
    issuer_max_weight: Annotated[
        ExactDecimal | str | None, Field(description="Cap of one issuer, a fraction from 0 to 1. 0.20 when absent.")
    ] = None
    max_weight_by_liquidity_tier: Annotated[
        dict[str, ExactDecimal | str] | None,
        Field(description="Cap of each tier that is listed, a fraction from 0 to 1."),
    ] = None
    cash_band_min_weight: Annotated[
        ExactDecimal | str | None, Field(description="Lower bound of cash, a fraction from 0 to 1. 0.01 when absent.")
    ] = None
    cash_band_max_weight: Annotated[
        ExactDecimal | str | None, Field(description="Upper bound of cash, a fraction from 0 to 1. 0.05 when absent.")
    ] = None
    data_quality_issue_severity: Annotated[Severity, Field(description="Severity of missing shelf data.")] = (
        Severity.MEDIUM
    )


class SupportabilityConfig(Model):
    """
    The flags in force, and whether the store can be reached.
    """

    store_backend: Annotated[Literal["POSTGRES"], Field(description="The kind of store.")]
    backend_ready: Annotated[bool, Field(description="Whether it can be written to, as `/health/ready` says.")]
    backend_init_error: Annotated[
        str | None,
        Field(description="The reason if it is not ready: a code, and a sentence if the store can be reached."),
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

    code: Annotated[str, Field(description="What the sentence is about: STATUS, INTENTS, CASH, DRIFT or SUITABILITY.")]
    value: Annotated[str, Field(description="A short text for people; do not parse it.")]


class TargetMethod(OpenEnum):
    """
    - `HEURISTIC`: not read by advice.
    - `SOLVER`: not read by advice.
    """

    HEURISTIC = "HEURISTIC"
    SOLVER = "SOLVER"


class TaxLot(Model):
    """
    A purchase that is part of a position.
    """

    lot_id: Annotated[str, Field(description="Your id of the lot.")]
    quantity: Annotated[ExactDecimal | str, Field(description="Units of the lot; the lots of a position add up to it.")]
    unit_cost: Annotated[Money, Field(description="Price paid for a unit.")]
    purchase_date: Annotated[str, Field(description="As the custodian writes it; not parsed.")]


class TerminalStatus(OpenEnum):
    """
    - `SUCCEEDED`: the run has a result; BLOCKED is a result, too.
    - `FAILED`: `error` of the run says why it has no result.
    """

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class TradeSide(OpenEnum):
    """
    - `BUY`: units are bought.
    - `SELL`: units are sold.
    """

    BUY = "BUY"
    SELL = "SELL"


class TransitionEvent(OpenEnum):
    """
    - `SUBMITTED_FOR_RISK_REVIEW`: from DRAFT to RISK_REVIEW.
    - `SUBMITTED_FOR_COMPLIANCE_REVIEW`: from DRAFT to COMPLIANCE_REVIEW.
    - `RISK_APPROVED`: from RISK_REVIEW to AWAITING_CLIENT_CONSENT.
    - `REJECTED`: from either review, or from AWAITING_CLIENT_CONSENT.
    - `COMPLIANCE_APPROVED`: from COMPLIANCE_REVIEW to AWAITING_CLIENT_CONSENT.
    - `CLIENT_CONSENT_RECORDED`: from AWAITING_CLIENT_CONSENT to EXECUTION_READY.
    - `EXECUTED`: from EXECUTION_READY: the trades were made, elsewhere.
    - `EXPIRED`: from EXECUTION_READY: not executed in time.
    - `CANCELLED`: from any state that is not final.
    """

    SUBMITTED_FOR_RISK_REVIEW = "SUBMITTED_FOR_RISK_REVIEW"
    SUBMITTED_FOR_COMPLIANCE_REVIEW = "SUBMITTED_FOR_COMPLIANCE_REVIEW"
    RISK_APPROVED = "RISK_APPROVED"
    REJECTED = "REJECTED"
    COMPLIANCE_APPROVED = "COMPLIANCE_APPROVED"
    CLIENT_CONSENT_RECORDED = "CLIENT_CONSENT_RECORDED"
    EXECUTED = "EXECUTED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class TransitionRequest(Model):
    """
    An event to record in a proposal's review.
    """

    actor_id: Annotated[str, Field(description="The person who acts.")]
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
    event_type: Annotated[TransitionEvent, Field(description="The event to record.")]
    reason: Annotated[dict[str, Any] | None, Field(description="Free details, at most 64 kB of JSON.")] = None


class UnmodeledExposure(Model):
    """
    A bucket that the model does not contain.
    """

    bucket: Annotated[str, Field(description="Asset class or instrument that the model lacks.")]
    portfolio_weight_before: Annotated[str, Field(description="Weight before the proposal, a fraction of the total.")]
    portfolio_weight_after: Annotated[str, Field(description="Weight after the proposal, a fraction of the total.")]
    max_portfolio_weight: Annotated[str, Field(description="The larger of the two weights.")]


class ValidationErrorItem(Model):
    """
    One thing that is wrong with a request; never shows what was sent.
    """

    type: Annotated[str, Field(description="Kind of error, for programs.")]
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
    status: Annotated[int, Field(description="The HTTP status of the response.")]
    retryable: Annotated[
        bool,
        Field(
            description="Whether the same request can succeed later without a change to it. Send it with the same key."
        ),
    ]
    instance: Annotated[str, Field(description="The path of the request.")]
    correlation_id: Annotated[str, Field(description="As in the X-Correlation-Id header.")]
    detail: Annotated[list[ValidationErrorItem], Field(description="All that is wrong.")]
    code: Annotated[
        Literal["VALIDATION_FAILED"],
        Field(description="What went wrong, for programs to decide by; always VALIDATION_FAILED."),
    ]
    errors: Annotated[list[PlacedError], Field(description="The same, with each place as a pointer or a name.")]


class ValuationMode(OpenEnum):
    """
    - `CALCULATED`: positions are worth quantity times price.
    - `TRUST_SNAPSHOT`: the custodian's market value stands in place of the price.
    """

    CALCULATED = "CALCULATED"
    TRUST_SNAPSHOT = "TRUST_SNAPSHOT"


class WeightChange(Model):
    """
    How an instrument's weight changes.
    """

    bucket_type: Annotated[
        Literal["INSTRUMENT"], Field(description="Always INSTRUMENT: weights are compared by position.")
    ]
    bucket_id: Annotated[str, Field(description="The instrument whose weight changes.")]
    weight_before: Annotated[str, Field(description="Fraction of the total before, 4 decimals.")]
    weight_after: Annotated[str, Field(description="Fraction of the total after, 4 decimals.")]
    delta: Annotated[str, Field(description="Weight after less weight before.")]


class AllocationMetric(Model):
    """
    A bucket of an allocation.
    """

    key: Annotated[str, Field(description="Asset class, instrument or value of an attribute; CASH for cash.")]
    weight: Annotated[str, Field(description="Fraction of the total, 4 decimals.")]
    value: Annotated[MoneyText, Field(description="Value in the base currency, unrounded.")]


class ApprovalRecord(Model):
    """
    A recorded decision.
    """

    approval_id: Annotated[str, Field(description="Id of the decision, `pap_...`.")]
    proposal_id: Annotated[str, Field(description="The proposal that the decision is about.")]
    approval_type: Annotated[ApprovalType, Field(description="The kind of decision.")]
    approved: Annotated[bool, Field(description="Whether the decision is an approval.")]
    actor_id: Annotated[str, Field(description="The person who decided.")]
    occurred_at: Annotated[Timestamp, Field(description="Time of the event, UTC.")]
    details: Annotated[dict[str, Any], Field(description="Free details, as they were sent.")]
    related_version_no: Annotated[int | None, Field(description="The version that was looked at.")]


class ApprovalRequest(Model):
    """
    A review or consent decision.
    """

    actor_id: Annotated[str, Field(description="The person who acts.")]
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
    approval_type: Annotated[ApprovalType, Field(description="The kind of decision.")]
    approved: Annotated[bool, Field(description="`false` rejects the proposal permanently.")]
    details: Annotated[dict[str, Any] | None, Field(description="Free details, at most 64 kB of JSON.")] = None


class ApprovalsResponse(Model):
    """
    All decisions about a proposal.
    """

    proposal_id: Annotated[str, Field(description="The proposal that the decisions are about.")]
    approvals: Annotated[list[ApprovalRecord], Field(description="The list, oldest first.")]


class ArtifactSummary(Model):
    """
    The proposal at a glance.
    """

    title: Annotated[str, Field(description="The title of the proposal, else one that names the portfolio.")]
    objective_tags: Annotated[list[ObjectiveTag], Field(description="Purposes of the proposal.")]
    advisor_notes: Annotated[list[CodedText], Field(description="Always empty: notes are stored and never shown.")]
    recommended_next_step: Annotated[ArtifactNextStep, Field(description="What to do next.")]
    key_takeaways: Annotated[list[Takeaway], Field(description="STATUS, INTENTS, CASH, DRIFT, SUITABILITY.")]


class ArtifactTrade(Model):
    """
    A trade as people read it.
    """

    intent_id: Annotated[str, Field(description="The intent of the result that this trade is.")]
    type: Annotated[
        Literal["SECURITY_TRADE"], Field(description="Always SECURITY_TRADE: currency trades are in `fx_list`.")
    ]
    instrument_id: Annotated[str, Field(description="The instrument to trade, by the id of the request.")]
    side: Annotated[TradeSide, Field(description="Whether units are bought or sold.")]
    quantity: Annotated[str, Field(description="Units, without trailing zeros.")]
    estimated_notional: Annotated[MoneyText | None, Field(description="In the currency of the price.")]
    estimated_notional_base: Annotated[MoneyText | None, Field(description="In the base currency.")]
    dependencies: Annotated[list[str], Field(description="Intents that must come first.")]
    rationale: Annotated[Rationale, Field(description="Why the trade is there.")]


class AsyncAccepted(Model):
    """
    The promise of a 202: this operation is stored and will end.
    """

    operation_id: Annotated[str, Field(description="The operation; also the id of its Temporal workflow.")]
    operation_type: Annotated[OperationType, Field(description="The kind of operation.")]
    status: Annotated[
        OperationStatus,
        Field(description="PENDING for a new operation, its present status when the request is a replay."),
    ]
    correlation_id: Annotated[str, Field(description="The correlation id of the request that made the operation.")]
    created_at: Annotated[Timestamp, Field(description="When it was accepted, UTC.")]
    status_url: Annotated[str, Field(description="Path of the operation to poll, relative to this server.")]


class CallbackDelivery(Model):
    """
    The state of an operation's callback.
    """

    operation_id: Annotated[str, Field(description="The operation whose callback this is.")]
    webhook_id: Annotated[str, Field(description="The header `webhook-id`, the same at every attempt.")]
    host: Annotated[str | None, Field(description="The host of the receiver; the url is never shown.")]
    status: Annotated[
        CallbackStatus,
        Field(
            description="NOT_DUE until the operation has ended, PENDING until an attempt succeeds or all have failed."
        ),
    ]
    created_at: Annotated[Timestamp | None, Field(description="When the operation ended, UTC.")]
    finished_at: Annotated[Timestamp | None, Field(description="When it was DELIVERED or FAILED, UTC.")]
    next_attempt_at: Annotated[Timestamp | None, Field(description="While PENDING: when the next attempt is due.")]
    redelivered_by: Annotated[
        str | None,
        Field(
            description="Who asked for the latest redelivery: the subject of the token, `local` without authentication."
        ),
    ]
    attempts: Annotated[list[CallbackAttempt], Field(description="The list, oldest first.")]


class DiagnosticsResult(Model):
    """
    Warnings, dropped trades and missing data of a simulation.
    """

    warnings: Annotated[list[str], Field(description="Codes of warnings, in the order in which they came up.")]
    suppressed_intents: Annotated[list[str], Field(description="Always empty in advice.")]
    dropped_intents: Annotated[
        list[DroppedIntent], Field(description="Trades that were not made, in the order of the request.")
    ]
    group_constraint_events: Annotated[list[str], Field(description="Always empty in advice.")]
    tax_budget_constraint_events: Annotated[list[str], Field(description="Always empty in advice.")]
    cash_ladder: Annotated[list[str], Field(description="Always empty in advice.")]
    cash_ladder_breaches: Annotated[list[str], Field(description="Always empty in advice.")]
    missing_fx_pairs: Annotated[list[str], Field(description="Pairs that funding lacked.")]
    funding_plan: Annotated[list[FundingPlanEntry], Field(description="One entry for each bought currency.")]
    insufficient_cash: Annotated[
        list[InsufficientCash], Field(description="Buys that no currency can pay for; empty when all are funded.")
    ]
    data_quality: Annotated[DataQuality, Field(description="Missing prices, rates and shelf entries.")]


class Disclosures(Model):
    """
    Disclosures to the bank's customer.
    """

    risk_disclaimer: Annotated[str, Field(description="The same text in every artifact.")]
    product_docs: Annotated[list[ProductDocument], Field(description="Of the traded instruments.")]


class DriftHighlights(Model):
    """
    The largest changes.
    """

    largest_improvements: Annotated[
        list[DriftImprovement], Field(description="Buckets that come nearer to their target, most improved first.")
    ]
    largest_deteriorations: Annotated[
        list[DriftImprovement], Field(description="Buckets that move away from their target, worst first.")
    ]
    unmodeled_exposures: Annotated[
        list[UnmodeledExposure], Field(description="Buckets without a target, largest weight first.")
    ]


class DroppedTrade(Model):
    """
    A trade that was not made, as it was requested.
    """

    intent_id: Annotated[str, Field(description="Its number in the request.")]
    instrument_id: Annotated[str, Field(description="The instrument that was to be traded.")]
    side: Annotated[TradeSide, Field(description="Whether it was to be bought or sold.")]
    quantity: Annotated[str | None, Field(description="Units; null when it was sized by notional.")]
    notional: Annotated[MoneyText | None, Field(description="Value; null when it was sized by quantity.")]
    reason: Annotated[DropReason, Field(description="Why the trade was not made.")]


class EngineOptions(Model):
    """
    Options of the engine, in the order of stored documents.
    """

    valuation_mode: Annotated[
        ValuationMode, Field(description="Value positions by price, or as the custodian did.")
    ] = ValuationMode.CALCULATED
    target_method: Annotated[TargetMethod, Field(description="Not read by advice.")] = TargetMethod.HEURISTIC
    compare_target_methods: Annotated[bool, Field(description="Not read by advice.")] = False
    compare_target_methods_tolerance: Annotated[
        ExactDecimal | str | None, Field(description="Not read by advice. 0.0001 when absent.")
    ] = None
    cash_band_min_weight: Annotated[
        ExactDecimal | str | None,
        Field(description="Lower bound of cash of rule CASH_BAND, a fraction from 0 to 1. 0.00 when absent."),
    ] = None
    cash_band_max_weight: Annotated[
        ExactDecimal | str | None,
        Field(description="Upper bound of cash of rule CASH_BAND, a fraction from 0 to 1. 1.00 when absent."),
    ] = None
    single_position_max_weight: Annotated[
        ExactDecimal | str | None,
        Field(description="Cap of rule SINGLE_POSITION_MAX, a fraction from 0 to 1; no cap without it."),
    ] = None
    min_trade_notional: Annotated[Money | None, Field(description="Not read by advice.")] = None
    allow_restricted: Annotated[bool, Field(description="Whether RESTRICTED instruments may be bought.")] = False
    suppress_dust_trades: Annotated[bool, Field(description="Not read by advice.")] = True
    dust_trade_threshold: Annotated[Money | None, Field(description="Not read by advice.")] = None
    fx_buffer_pct: Annotated[ExactDecimal | str | None, Field(description="Not read by advice. 0.01 when absent.")] = (
        None
    )
    block_on_missing_prices: Annotated[bool, Field(description="Whether a missing price blocks.")] = True
    block_on_missing_fx: Annotated[bool, Field(description="Whether a missing rate blocks.")] = True
    min_cash_buffer_pct: Annotated[
        ExactDecimal | str | None, Field(description="Not read by advice. 0.0 when absent.")
    ] = None
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
        SuitabilityThresholds | None, Field(description="Limits below which the suitability scan raises no issue.")
    ] = None
    enable_instrument_drift: Annotated[bool, Field(description="Whether drift is measured by instrument.")] = True
    drift_top_contributors_limit: Annotated[int, Field(description="Length of the top lists.")] = 5
    drift_unmodeled_exposure_threshold: Annotated[
        ExactDecimal | str | None,
        Field(description="Weight from which an unmodelled bucket is shown, a fraction from 0 to 1. 0.01 when absent."),
    ] = None
    auto_funding: Annotated[bool, Field(description="Whether buys are funded by FX.")] = True
    funding_mode: Annotated[Literal["AUTO_FX"], Field(description="How buys are funded.")] = "AUTO_FX"
    fx_funding_source_currency: Annotated[FundingSource, Field(description="Which cash may fund.")] = (
        FundingSource.ANY_CASH
    )
    fx_generation_policy: Annotated[Literal["ONE_FX_PER_CCY"], Field(description="One FX trade for each currency.")] = (
        "ONE_FX_PER_CCY"
    )
    settlement_horizon_days: Annotated[int, Field(description="Not read by advice.")] = 5
    fx_settlement_days: Annotated[int, Field(description="Not read by advice.")] = 2
    max_overdraft_by_ccy: Annotated[dict[str, ExactDecimal | str] | None, Field(description="Not read by advice.")] = (
        None
    )
    group_constraints: Annotated[dict[str, GroupConstraint] | None, Field(description="Not read by advice.")] = None


class EvidenceMarketDataSnapshot(Model):
    """
    Prices and rates at one moment.
    """

    snapshot_id: Annotated[str | None, Field(description="The snapshot, for lineage.")] = None
    prices: Annotated[
        list[EvidencePrice], Field(description="One row for each instrument.", validate_default=True)
    ] = []
    fx_rates: Annotated[
        list[EvidenceFxRate], Field(description="One row for each pair; the inverse is derived.", validate_default=True)
    ] = []


class EvidencePosition(Model):
    """
    Units of one instrument in the portfolio.
    """

    instrument_id: Annotated[str, Field(description="The instrument that is held.")]
    quantity: Annotated[str, Field(description="Units held; any sign.")]
    market_value: Annotated[
        EvidenceMoney | None,
        Field(description="The custodian's valuation; used with `valuation_mode` TRUST_SNAPSHOT only."),
    ] = None
    lots: Annotated[
        list[EvidenceTaxLot],
        Field(description="Tax lots; their quantities add up to the position's.", validate_default=True),
    ] = []


class EvidenceProposedTrade(Model):
    """
    A trade that the advisor proposes, sized by quantity or by notional.
    """

    intent_type: Annotated[Literal["SECURITY_TRADE"], Field(description="Always SECURITY_TRADE; may be left out.")] = (
        "SECURITY_TRADE"
    )
    side: Annotated[TradeSide, Field(description="Whether to buy or to sell.")]
    instrument_id: Annotated[str, Field(description="The instrument to trade, which needs a shelf entry.")]
    quantity: Annotated[str | None, Field(description="Units, greater than zero.")] = None
    notional: Annotated[EvidenceMoney | None, Field(description="Value in the price's currency.")] = None


class EvidenceShelfEntry(Model):
    """
    An instrument on the bank's shelf.
    """

    instrument_id: Annotated[str, Field(description="The instrument that the bank offers.")]
    status: Annotated[ShelfStatus, Field(description="Which trades the bank allows.")]
    asset_class: Annotated[str, Field(description="Asset class of allocations and drift.")] = "UNKNOWN"
    issuer_id: Annotated[
        str | None,
        Field(description="Issuer, for the limit of concentration; an issue of data quality when it is missing."),
    ] = None
    liquidity_tier: Annotated[LiquidityTier | None, Field(description="L1 most liquid, L5 least.")] = None
    settlement_days: Annotated[int, Field(description="Business days to settlement.")] = 2
    min_notional: Annotated[EvidenceMoney | None, Field(description="Smallest trade; not checked by advice.")] = None
    attributes: Annotated[dict[str, str] | None, Field(description="Free attributes; each gives an allocation.")] = None


class EvidenceSuitabilityThresholds(Model):
    """
    Limits of the suitability scan.
    """

    single_position_max_weight: Annotated[str, Field(description="Cap of one instrument, a fraction from 0 to 1.")] = (
        "0.10"
    )
    issuer_max_weight: Annotated[str, Field(description="Cap of one issuer, a fraction from 0 to 1.")] = "0.20"
    max_weight_by_liquidity_tier: Annotated[
        dict[str, str] | None, Field(description="Cap of each tier that is listed, a fraction from 0 to 1.")
    ] = None
    cash_band_min_weight: Annotated[str, Field(description="Lower bound of cash, a fraction from 0 to 1.")] = "0.01"
    cash_band_max_weight: Annotated[str, Field(description="Upper bound of cash, a fraction from 0 to 1.")] = "0.05"
    data_quality_issue_severity: Annotated[Severity, Field(description="Severity of missing shelf data.")] = (
        Severity.MEDIUM
    )


class ExpiredOperation(Model):
    """
    What remains of an operation that was purged.
    """

    operation_id: Annotated[str, Field(description="The operation that was purged.")]
    operation_type: Annotated[OperationType, Field(description="The kind of operation.")]
    status: Annotated[TerminalStatus, Field(description="How the operation had ended.")]
    error_code: Annotated[str | None, Field(description="Class of the failure; null if it SUCCEEDED.")]
    correlation_id: Annotated[str, Field(description="The correlation id of the request that made the operation.")]
    idempotency_key: Annotated[str | None, Field(description="The idempotency key of the request.")]
    proposal_id: Annotated[str | None, Field(description="The proposal that was made.")]
    version_no: Annotated[int | None, Field(description="The version that was made.")]
    created_at: Annotated[Timestamp, Field(description="When it was accepted, UTC.")]
    runs_total: Annotated[int | None, Field(description="Runs of a batch; absent for others.")] = None
    runs_succeeded: Annotated[int | None, Field(description="Of these, those that were computed.")] = None
    runs_failed: Annotated[int | None, Field(description="And those that could not be.")] = None
    finished_at: Annotated[Timestamp, Field(description="When it ended, UTC.")]
    expired_at: Annotated[Timestamp, Field(description="When it was purged, UTC.")]


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
    status: Annotated[int, Field(description="The HTTP status of the response.")]
    retryable: Annotated[
        bool,
        Field(
            description="Whether the same request can succeed later without a change to it. Send it with the same key."
        ),
    ]
    instance: Annotated[str, Field(description="The path of the request.")]
    correlation_id: Annotated[str, Field(description="As in the X-Correlation-Id header.")]
    detail: Annotated[str, Field(description="`CODE` or `CODE: text`, or a sentence.")]
    code: Annotated[
        ProblemCode, Field(description="What went wrong, for programs to decide by; it never changes its meaning.")
    ]
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
    operation: Annotated[ExpiredOperation, Field(description="What remains of the operation.")]


class FxSpotIntent(Model):
    """
    An exchange that funds buys.
    """

    intent_type: Annotated[Literal["FX_SPOT"], Field(description="Tells cash flows, exchanges and trades apart.")]
    intent_id: Annotated[str, Field(description="Unique in the result.")]
    pair: Annotated[str, Field(description="Bought and sold currency.")]
    buy_currency: Annotated[str, Field(description="Currency that is bought.")]
    buy_amount: Annotated[str, Field(description="In minor units, rounded up.")]
    sell_currency: Annotated[str, Field(description="Currency that is sold to pay for it.")]
    sell_amount_estimated: Annotated[
        str, Field(description="Amount sold at the rate of the snapshot, in minor units; never less than one.")
    ]
    dependencies: Annotated[list[str], Field(description="Intents that must come first.")]
    rationale: Annotated[Rationale, Field(description="Why the exchange is there.")]


class GateReason(Model):
    """
    One reason for the gate.
    """

    reason_code: Annotated[str, Field(description="Code of the finding.")]
    severity: Annotated[Severity, Field(description="How serious the finding is; reasons are sorted by it.")]
    source: Annotated[GateReasonSource, Field(description="The check that found it.")]
    details: Annotated[dict[str, str], Field(description="Codes and counts behind the finding, as texts.")]


class ImpactDelta(Model):
    """
    The change.
    """

    total_value_delta: Annotated[MoneyText, Field(description="Total value after less before, in the base currency.")]
    largest_weight_changes: Annotated[
        list[WeightChange], Field(description="The instruments whose weights change most, largest change first.")
    ]


class ImpactSide(Model):
    """
    One side of the impact, heaviest rows first.
    """

    total_value: Annotated[MoneyText, Field(description="Everything, in the base currency.")]
    allocation_by_asset_class: Annotated[
        list[AllocationMetric], Field(description="A row for each asset class and CASH, heaviest first.")
    ]
    allocation_by_instrument: Annotated[
        list[AllocationMetric], Field(description="A row for each position, heaviest first.")
    ]


class ItemOptions(Model):
    valuation_mode: Annotated[
        ValuationMode | None, Field(description="Value positions by price, or as the custodian did.")
    ] = None
    target_method: Annotated[TargetMethod | None, Field(description="Not read by advice.")] = None
    compare_target_methods: Annotated[bool | None, Field(description="Not read by advice.")] = None
    compare_target_methods_tolerance: Annotated[ExactDecimal | str | None, Field(description="Not read by advice.")] = (
        None
    )
    cash_band_min_weight: Annotated[
        ExactDecimal | str | None, Field(description="Lower bound of cash of rule CASH_BAND, a fraction from 0 to 1.")
    ] = None
    cash_band_max_weight: Annotated[
        ExactDecimal | str | None, Field(description="Upper bound of cash of rule CASH_BAND, a fraction from 0 to 1.")
    ] = None
    single_position_max_weight: Annotated[
        ExactDecimal | str | None,
        Field(description="Cap of rule SINGLE_POSITION_MAX, a fraction from 0 to 1; no cap without it."),
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
        SuitabilityThresholds | None, Field(description="Limits below which the suitability scan raises no issue.")
    ] = None
    enable_instrument_drift: Annotated[bool | None, Field(description="Whether drift is measured by instrument.")] = (
        None
    )
    drift_top_contributors_limit: Annotated[int | None, Field(description="Length of the top lists.")] = None
    drift_unmodeled_exposure_threshold: Annotated[
        ExactDecimal | str | None,
        Field(description="Weight from which an unmodelled bucket is shown, a fraction from 0 to 1."),
    ] = None
    auto_funding: Annotated[bool | None, Field(description="Whether buys are funded by FX.")] = None
    funding_mode: Annotated[FundingMode | None, Field(description="How buys are funded.")] = None
    fx_funding_source_currency: Annotated[FundingSource | None, Field(description="Which cash may fund.")] = None
    fx_generation_policy: Annotated[FxGenerationPolicy | None, Field(description="One FX trade for each currency.")] = (
        None
    )
    settlement_horizon_days: Annotated[int | None, Field(description="Not read by advice.")] = None
    fx_settlement_days: Annotated[int | None, Field(description="Not read by advice.")] = None
    max_overdraft_by_ccy: Annotated[dict[str, ExactDecimal | str] | None, Field(description="Not read by advice.")] = (
        None
    )
    group_constraints: Annotated[dict[str, GroupConstraint] | None, Field(description="Not read by advice.")] = None


class LineageItem(Model):
    """
    A version without its contents.
    """

    proposal_version_id: Annotated[str, Field(description="Id of the version, `ppv_...`.")]
    version_no: Annotated[int, Field(description="1, 2, 3 without a gap.")]
    created_at: Annotated[Timestamp, Field(description="When it was accepted, UTC.")]
    status_at_creation: Annotated[SimulationStatus, Field(description="Status of the simulation.")]
    request_hash: Annotated[str, Field(description="Hash of the request.")]
    simulation_hash: Annotated[str, Field(description="Hash of the result.")]
    artifact_hash: Annotated[str, Field(description="Hash of the artifact.")]


class LineageResponse(Model):
    """
    A proposal and all its versions.
    """

    proposal: Annotated[ProposalSummary, Field(description="The proposal as it is now.")]
    versions: Annotated[list[LineageItem], Field(description="All versions in ascending order.")]


class MarketDataSnapshot(Model):
    """
    Prices and rates at one moment.
    """

    snapshot_id: Annotated[str | None, Field(description="The snapshot, for lineage.")] = None
    prices: Annotated[list[Price], Field(description="One row for each instrument.", validate_default=True)] = []
    fx_rates: Annotated[
        list[FxRate], Field(description="One row for each pair; the inverse is derived.", validate_default=True)
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


class Position(Model):
    """
    Units of one instrument in the portfolio.
    """

    instrument_id: Annotated[str, Field(description="The instrument that is held.")]
    quantity: Annotated[ExactDecimal | str, Field(description="Units held; any sign.")]
    market_value: Annotated[
        Money | None, Field(description="The custodian's valuation; used with `valuation_mode` TRUST_SNAPSHOT only.")
    ] = None
    lots: Annotated[
        list[TaxLot], Field(description="Tax lots; their quantities add up to the position's.", validate_default=True)
    ] = []


class PricingAssumptions(Model):
    """
    Where prices come from.
    """

    market_data_snapshot_id: Annotated[str, Field(description="Snapshot id of prices and rates, else `md`.")]
    prices_as_of: Annotated[str, Field(description="Snapshot id that the prices are from.")]
    fx_as_of: Annotated[str, Field(description="Snapshot id that the rates are from.")]
    valuation_mode: Annotated[ValuationMode, Field(description="As it was asked for.")]


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
    status: Annotated[int, Field(description="The HTTP status of the response.")]
    retryable: Annotated[
        bool,
        Field(
            description="Whether the same request can succeed later without a change to it. Send it with the same key."
        ),
    ]
    instance: Annotated[str, Field(description="The path of the request.")]
    correlation_id: Annotated[str, Field(description="As in the X-Correlation-Id header.")]
    detail: Annotated[str, Field(description="`CODE` or `CODE: text`, or a sentence.")]
    code: Annotated[
        ProblemCode, Field(description="What went wrong, for programs to decide by; it never changes its meaning.")
    ]
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

    event_id: Annotated[str, Field(description="Id of the event, `pwe_...`.")]
    proposal_id: Annotated[str, Field(description="The proposal that the event is about.")]
    event_type: Annotated[EventType, Field(description="The kind of event.")]
    from_state: Annotated[ProposalState | None, Field(description="State before the event; null for the first.")]
    to_state: Annotated[ProposalState, Field(description="State of the proposal after the event.")]
    actor_id: Annotated[str, Field(description="The person who acted.")]
    occurred_at: Annotated[Timestamp, Field(description="Time of the event, UTC.")]
    reason: Annotated[dict[str, Any], Field(description="Free details, as they were sent.")]
    related_version_no: Annotated[int | None, Field(description="The version that the event concerns.")]
    sequence: Annotated[int, Field(description="1, 2, 3 without a gap.")]
    subject_hash: Annotated[
        str | None, Field(description="Hash of the version or approval that the event made; null for other events.")
    ]
    previous_event_hash: Annotated[str, Field(description="Hash of the previous event; zeros for the first.")]
    event_hash: Annotated[
        str, Field(description="Hash of all members above; docs/reference/api/reviews.md says how to compute it.")
    ]


class ProposalListResponse(Model):
    """
    A page of proposals.
    """

    items: Annotated[list[ProposalSummary], Field(description="The list, in the order that was asked for.")]
    next_cursor: Annotated[
        str | None,
        Field(
            description="`cursor` of the next page; null on the last page. By `newest` it is the last proposal's id."
        ),
    ]


class ProposedTrade(Model):
    """
    A trade that the advisor proposes, sized by quantity or by notional.
    """

    intent_type: Annotated[Literal["SECURITY_TRADE"], Field(description="Always SECURITY_TRADE; may be left out.")] = (
        "SECURITY_TRADE"
    )
    side: Annotated[TradeSide, Field(description="Whether to buy or to sell.")]
    instrument_id: Annotated[str, Field(description="The instrument to trade, which needs a shelf entry.")]
    quantity: Annotated[ExactDecimal | str | None, Field(description="Units, greater than zero.")] = None
    notional: Annotated[Money | None, Field(description="Value in the price's currency.")] = None


class Ready(Model):
    """
    Whether requests can be served, and what of the surroundings is missing.
    """

    status: Annotated[
        ReadyStatus,
        Field(
            description="`degraded`: requests are accepted and kept, and go on when the missing part is back. `unavailable` (503): PostgreSQL cannot be reached, takes no writes, or its schema is older than this release."
        ),
    ]
    database: Annotated[ComponentState, Field(description="PostgreSQL, its schema, and whether it takes writes.")]
    reason: Annotated[
        str | None, Field(description="With 503 only: one sentence about what is wrong with the database.")
    ] = None
    temporal: Annotated[
        ComponentState,
        Field(description="Whether the Temporal server can be reached; requests are accepted without it."),
    ]
    workers: Annotated[ComponentState, Field(description="Whether a worker polls for proposals.")]
    authentication: Annotated[
        AuthenticationState,
        Field(
            description="`degraded`: the issuer's keys could not be fetched when they were last asked for; tokens are judged by those of before, for an hour at most. `off`: no tokens are asked for."
        ),
    ]


class ReconciliationResult(Model):
    """
    Before and after, compared.
    """

    before_total_value: Annotated[
        MoneyText, Field(description="Total value before the proposal, in the base currency.")
    ]
    after_total_value: Annotated[MoneyText, Field(description="Total value after the proposal, in the base currency.")]
    delta: Annotated[MoneyText, Field(description="Total value after less before; cash flows are part of it.")]
    tolerance: Annotated[MoneyText, Field(description="Largest difference from the expected total that is accepted.")]
    status: Annotated[ReconciliationStatus, Field(description="Whether the totals agree.")]


class RuleOutcome(Model):
    """
    The outcome of one rule.
    """

    rule_id: Annotated[str, Field(description="The rule, such as CASH_BAND. A rule can have several outcomes.")]
    severity: Annotated[RuleSeverity, Field(description="HARD blocks, SOFT asks for review.")]
    status: Annotated[RuleStatus, Field(description="Outcome of the rule.")]
    measured: Annotated[str, Field(description="What was measured, unrounded.")]
    threshold: Annotated[dict[str, str], Field(description="The limits that it was measured against, by name.")]
    reason_code: Annotated[str, Field(description="OK, or the code of the failure.")]
    remediation_hint: Annotated[str | None, Field(description="What to do about it; null on PASS.")]


class RunError(Model):
    """
    Why a run could not be computed.
    """

    code: Annotated[RunErrorCode, Field(description="Why the run has no result, for programs.")]
    message: Annotated[str, Field(description="The code, or the code with a sentence.")]
    errors: Annotated[
        list[ValidationErrorItem],
        Field(
            description="For VALIDATION_FAILED: what is wrong and where, from `shared`, `items` or `scenarios` on.",
            validate_default=True,
        ),
    ] = []


class SecurityTradeIntent(Model):
    """
    A trade.
    """

    intent_type: Annotated[
        Literal["SECURITY_TRADE"], Field(description="Tells cash flows, exchanges and trades apart.")
    ]
    intent_id: Annotated[str, Field(description="Unique in the result.")]
    instrument_id: Annotated[str, Field(description="The instrument to trade, by the id of the request.")]
    side: Annotated[TradeSide, Field(description="Whether units are bought or sold.")]
    quantity: Annotated[str, Field(description="Units to trade, never negative.")]
    notional: Annotated[MoneyText, Field(description="Value in the currency of the price.")]
    notional_base: Annotated[MoneyText | None, Field(description="Value in the base currency; null without a rate.")]
    dependencies: Annotated[list[str], Field(description="Intents that must come first.")]
    rationale: Annotated[Rationale, Field(description="Why the trade is there.")]
    constraints_applied: Annotated[list[str], Field(description="Always empty in advice.")]


class SharedOptions(Model):
    model_config = ConfigDict(
        extra="forbid",
    )
    valuation_mode: Annotated[
        ValuationMode | None, Field(description="Value positions by price, or as the custodian did.")
    ] = None
    target_method: Annotated[TargetMethod | None, Field(description="Not read by advice.")] = None
    compare_target_methods: Annotated[bool | None, Field(description="Not read by advice.")] = None
    compare_target_methods_tolerance: Annotated[ExactDecimal | str | None, Field(description="Not read by advice.")] = (
        None
    )
    cash_band_min_weight: Annotated[
        ExactDecimal | str | None, Field(description="Lower bound of cash of rule CASH_BAND, a fraction from 0 to 1.")
    ] = None
    cash_band_max_weight: Annotated[
        ExactDecimal | str | None, Field(description="Upper bound of cash of rule CASH_BAND, a fraction from 0 to 1.")
    ] = None
    single_position_max_weight: Annotated[
        ExactDecimal | str | None,
        Field(description="Cap of rule SINGLE_POSITION_MAX, a fraction from 0 to 1; no cap without it."),
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
        SuitabilityThresholds | None, Field(description="Limits below which the suitability scan raises no issue.")
    ] = None
    enable_instrument_drift: Annotated[bool | None, Field(description="Whether drift is measured by instrument.")] = (
        None
    )
    drift_top_contributors_limit: Annotated[int | None, Field(description="Length of the top lists.")] = None
    drift_unmodeled_exposure_threshold: Annotated[
        ExactDecimal | str | None,
        Field(description="Weight from which an unmodelled bucket is shown, a fraction from 0 to 1."),
    ] = None
    auto_funding: Annotated[bool | None, Field(description="Whether buys are funded by FX.")] = None
    funding_mode: Annotated[FundingMode1 | None, Field(description="How buys are funded.")] = None
    fx_funding_source_currency: Annotated[FundingSource | None, Field(description="Which cash may fund.")] = None
    fx_generation_policy: Annotated[
        FxGenerationPolicy1 | None, Field(description="One FX trade for each currency.")
    ] = None
    settlement_horizon_days: Annotated[int | None, Field(description="Not read by advice.")] = None
    fx_settlement_days: Annotated[int | None, Field(description="Not read by advice.")] = None
    max_overdraft_by_ccy: Annotated[dict[str, ExactDecimal | str] | None, Field(description="Not read by advice.")] = (
        None
    )
    group_constraints: Annotated[dict[str, GroupConstraint] | None, Field(description="Not read by advice.")] = None


class ShelfEntry(Model):
    """
    An instrument on the bank's shelf.
    """

    instrument_id: Annotated[str, Field(description="The instrument that the bank offers.")]
    status: Annotated[ShelfStatus, Field(description="Which trades the bank allows.")]
    asset_class: Annotated[str, Field(description="Asset class of allocations and drift.")] = "UNKNOWN"
    issuer_id: Annotated[
        str | None,
        Field(description="Issuer, for the limit of concentration; an issue of data quality when it is missing."),
    ] = None
    liquidity_tier: Annotated[LiquidityTier | None, Field(description="L1 most liquid, L5 least.")] = None
    settlement_days: Annotated[int, Field(description="Business days to settlement.")] = 2
    min_notional: Annotated[Money | None, Field(description="Smallest trade; not checked by advice.")] = None
    attributes: Annotated[dict[str, str] | None, Field(description="Free attributes; each gives an allocation.")] = None


class SimulatedState(Model):
    """
    The portfolio at one side of the proposal.
    """

    total_value: Annotated[MoneyText, Field(description="Everything, in the base currency.")]
    cash_balances: Annotated[
        list[CashBalanceState], Field(description="Cash of the portfolio, a balance for each currency.")
    ]
    positions: Annotated[list[PositionSummary], Field(description="Positions in order of first appearance.")]
    allocation_by_asset_class: Annotated[
        list[AllocationMetric], Field(description="Weight of each asset class, with CASH last.")
    ]
    allocation_by_instrument: Annotated[list[AllocationMetric], Field(description="One row for each position.")]
    allocation: Annotated[list[AllocationMetric], Field(description="The same as by instrument.")]
    allocation_by_attribute: Annotated[
        dict[str, list[AllocationMetric]], Field(description="By each attribute of the shelf.")
    ]


class SizedTrade(Model):
    """
    A trade sized by quantity or notional, or by what the portfolio holds or is worth: one list for many.
    """

    intent_type: Annotated[Literal["SECURITY_TRADE"], Field(description="Always SECURITY_TRADE; may be left out.")] = (
        "SECURITY_TRADE"
    )
    side: Annotated[TradeSide, Field(description="Whether to buy or to sell.")]
    instrument_id: Annotated[str, Field(description="The instrument to trade, which needs a shelf entry.")]
    quantity: Annotated[ExactDecimal | str | None, Field(description="Units, greater than zero.")] = None
    notional: Annotated[Money | None, Field(description="Value in the price's currency.")] = None
    fraction_of_position: Annotated[
        ExactDecimal | str | None, Field(description="Of what the portfolio holds of the instrument, 1 is all.")
    ] = None
    fraction_of_portfolio: Annotated[
        ExactDecimal | str | None, Field(description="Of the portfolio's total value, 1 is all.")
    ] = None


class SuitabilityEvidence(Model):
    """
    Snapshots behind an issue.
    """

    as_of: Annotated[str, Field(description="Snapshot id of prices and rates, else `md`.")]
    snapshot_ids: Annotated[SuitabilitySnapshots, Field(description="The snapshots that were scanned.")]


class SuitabilityIssue(Model):
    """
    A finding for reviewers.
    """

    issue_id: Annotated[str, Field(description="The rule that found it, such as SUIT_SINGLE_POSITION_MAX.")]
    issue_key: Annotated[str, Field(description="Key of the issue, the same in every version.")]
    dimension: Annotated[SuitabilityDimension, Field(description="What the rule looks at.")]
    severity: Annotated[Severity, Field(description="HIGH calls for compliance, MEDIUM for risk, LOW for neither.")]
    status_change: Annotated[SuitabilityChange, Field(description="Change from before to after.")]
    summary: Annotated[str, Field(description="One sentence for reviewers. Decide by `issue_id` and `issue_key`.")]
    details: Annotated[dict[str, str], Field(description="Codes and unrounded weights.")]
    evidence: Annotated[SuitabilityEvidence, Field(description="Snapshots behind the issue.")]


class SuitabilityResult(Model):
    """
    The scan of both sides.
    """

    summary: SuitabilityCounts
    issues: Annotated[list[SuitabilityIssue], Field(description="By change, severity, dimension, key.")]
    recommended_gate: Annotated[RecommendedReview, Field(description="Review that the new issues call for.")]


class SuitabilitySummary(Model):
    """
    The scan at a glance.
    """

    status: Annotated[SuitabilityStatus, Field(description="Whether the scan ran.")]
    new_issues: Annotated[int, Field(description="Issues that only the portfolio after the proposal has.")]
    resolved_issues: Annotated[int, Field(description="Issues that only the portfolio before the proposal has.")]
    persistent_issues: Annotated[int, Field(description="Issues of both portfolios.")]
    highest_severity_new: Annotated[
        Severity | None, Field(description="Highest severity of the new issues; null without any.")
    ]
    highlights: Annotated[list[CodedText], Field(description="The most severe issues.")]
    issues: Annotated[list[SuitabilityIssue], Field(description="All issues of both portfolios.")]


class TradesAndFunding(Model):
    """
    Trades and exchanges to execute.
    """

    trade_list: Annotated[list[ArtifactTrade], Field(description="Security trades in the order of execution.")]
    fx_list: Annotated[list[ArtifactFx], Field(description="Currency trades that fund buys, sorted by pair.")]
    dropped_trades: Annotated[
        list[DroppedTrade],
        Field(
            description="Trades that were not made, in request order; absent in artifacts of engines before 2.0.0.",
            validate_default=True,
        ),
    ] = []
    ordering_policy: Annotated[OrderingPolicy, Field(description="Order in which kinds of intents are executed.")]
    execution_notes: Annotated[list[CodedText], Field(description="What to observe when the trades are made.")]


class TransitionResponse(Model):
    """
    The state of a proposal after an event, and the event.
    """

    proposal_id: Annotated[str, Field(description="The proposal that the event is about.")]
    current_state: Annotated[ProposalState, Field(description="State after the event.")]
    latest_workflow_event: Annotated[ProposalEvent, Field(description="The event that this request recorded.")]
    approval: Annotated[
        ApprovalRecord | None,
        Field(
            description="The decision that was recorded. Always null on `/transitions`, also when the event is a decision: list it with `GET .../approvals`."
        ),
    ]


class WorkflowEventsResponse(Model):
    """
    A proposal's audit trail.
    """

    proposal_id: Annotated[str, Field(description="The proposal whose trail this is.")]
    current_state: Annotated[ProposalState, Field(description="State after the last event.")]
    events: Annotated[list[ProposalEvent], Field(description="The list, oldest first.")]


class AssumptionsAndLimits(Model):
    """
    Assumptions, and costs and taxes that the numbers leave out.
    """

    pricing: PricingAssumptions
    costs_and_fees: Annotated[Inclusion, Field(description="Whether the figures include costs and fees.")]
    tax: Annotated[Inclusion, Field(description="Whether the figures include taxes.")]
    execution: Annotated[Inclusion, Field(description="Whether the figures include effects of execution.")]


class BatchRun(Model):
    """
    One item in one scenario, without its result.
    """

    run_no: Annotated[int, Field(description="Its number in the batch, from 0: by item, then by scenario.")]
    item_id: Annotated[str, Field(description="`id` of the item in the request.")]
    scenario: Annotated[str, Field(description="Name of the scenario in the request.")]
    status: Annotated[TerminalStatus, Field(description="Whether it was computed.")]
    proposal_run_id: Annotated[str | None, Field(description="As a simulation of its request has it.")]
    metrics: Annotated[RunMetrics | None, Field(description="What came of it; null when it FAILED.")]
    error: Annotated[RunError | None, Field(description="Why it FAILED; null otherwise.")]
    links: Annotated[RunLinks, Field(description="Where it is by itself.")]


class CallbackData(Model):
    """
    The ended operation, without what it made.
    """

    operation_id: Annotated[str, Field(description="The operation that has ended, `pop_...`.")]
    operation_type: Annotated[OperationType, Field(description="The kind of operation.")]
    status: Annotated[TerminalStatus, Field(description="How the operation ended. It stays so.")]
    correlation_id: Annotated[str, Field(description="The correlation id of the request that made the operation.")]
    proposal_id: Annotated[
        str | None,
        Field(
            description="The proposal that was made or got a version; null for a failed create, a simulation and a batch."
        ),
    ]
    version_no: Annotated[int | None, Field(description="The version that was made.")]
    error: Annotated[OperationErrorBody | None, Field(description="The reason for FAILED; null otherwise.")]
    progress: Annotated[RunCounts | None, Field(description="The runs of a batch; absent for others.")] = None
    status_url: Annotated[
        str,
        Field(
            description="The operation with its result: absolute where the service knows its public address, else a path."
        ),
    ]


class CallbackMessage(Model):
    """
    The message to a receiver; the same bytes at every attempt.
    """

    type: Annotated[CallbackType, Field(description="The kind of event.")]
    timestamp: Annotated[Timestamp, Field(description="When the operation ended, UTC.")]
    data: Annotated[CallbackData, Field(description="What became of the operation; its result is at `status_url`.")]


class DriftAnalysis(Model):
    """
    How far the portfolio is from its model.
    """

    reference_model: Annotated[DriftModel, Field(description="The model that the weights are compared with.")]
    asset_class: Annotated[DriftDimension, Field(description="Drift over the asset classes of the model.")]
    instrument: Annotated[DriftDimension | None, Field(description="By instrument; null without targets.")]
    highlights: DriftHighlights


class EvidenceEngineOptions(Model):
    """
    Options of the engine, in the order of stored documents.
    """

    valuation_mode: Annotated[
        ValuationMode, Field(description="Value positions by price, or as the custodian did.")
    ] = ValuationMode.CALCULATED
    target_method: Annotated[TargetMethod, Field(description="Not read by advice.")] = TargetMethod.HEURISTIC
    compare_target_methods: Annotated[bool, Field(description="Not read by advice.")] = False
    compare_target_methods_tolerance: Annotated[str, Field(description="Not read by advice.")] = "0.0001"
    cash_band_min_weight: Annotated[
        str, Field(description="Lower bound of cash of rule CASH_BAND, a fraction from 0 to 1.")
    ] = "0.00"
    cash_band_max_weight: Annotated[
        str, Field(description="Upper bound of cash of rule CASH_BAND, a fraction from 0 to 1.")
    ] = "1.00"
    single_position_max_weight: Annotated[
        str | None, Field(description="Cap of rule SINGLE_POSITION_MAX, a fraction from 0 to 1; no cap without it.")
    ] = None
    min_trade_notional: Annotated[EvidenceMoney | None, Field(description="Not read by advice.")] = None
    allow_restricted: Annotated[bool, Field(description="Whether RESTRICTED instruments may be bought.")] = False
    suppress_dust_trades: Annotated[bool, Field(description="Not read by advice.")] = True
    dust_trade_threshold: Annotated[EvidenceMoney | None, Field(description="Not read by advice.")] = None
    fx_buffer_pct: Annotated[str, Field(description="Not read by advice.")] = "0.01"
    block_on_missing_prices: Annotated[bool, Field(description="Whether a missing price blocks.")] = True
    block_on_missing_fx: Annotated[bool, Field(description="Whether a missing rate blocks.")] = True
    min_cash_buffer_pct: Annotated[str, Field(description="Not read by advice.")] = "0.0"
    max_turnover_pct: Annotated[str | None, Field(description="Not read by advice.")] = None
    enable_tax_awareness: Annotated[bool, Field(description="Not read by advice.")] = False
    max_realized_capital_gains: Annotated[str | None, Field(description="Not read by advice.")] = None
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
        EvidenceSuitabilityThresholds | None,
        Field(description="Limits below which the suitability scan raises no issue."),
    ] = None
    enable_instrument_drift: Annotated[bool, Field(description="Whether drift is measured by instrument.")] = True
    drift_top_contributors_limit: Annotated[int, Field(description="Length of the top lists.")] = 5
    drift_unmodeled_exposure_threshold: Annotated[
        str, Field(description="Weight from which an unmodelled bucket is shown, a fraction from 0 to 1.")
    ] = "0.01"
    auto_funding: Annotated[bool, Field(description="Whether buys are funded by FX.")] = True
    funding_mode: Annotated[Literal["AUTO_FX"], Field(description="How buys are funded.")] = "AUTO_FX"
    fx_funding_source_currency: Annotated[FundingSource, Field(description="Which cash may fund.")] = (
        FundingSource.ANY_CASH
    )
    fx_generation_policy: Annotated[Literal["ONE_FX_PER_CCY"], Field(description="One FX trade for each currency.")] = (
        "ONE_FX_PER_CCY"
    )
    settlement_horizon_days: Annotated[int, Field(description="Not read by advice.")] = 5
    fx_settlement_days: Annotated[int, Field(description="Not read by advice.")] = 2
    max_overdraft_by_ccy: Annotated[dict[str, str] | None, Field(description="Not read by advice.")] = None
    group_constraints: Annotated[
        dict[str, EvidenceGroupConstraint] | None, Field(description="Not read by advice.")
    ] = None


class EvidencePortfolioSnapshot(Model):
    """
    The portfolio of the bank's customer at one moment.
    """

    snapshot_id: Annotated[str | None, Field(description="The snapshot, for lineage.")] = None
    portfolio_id: Annotated[str, Field(description="Your id of the portfolio. Operators see it: put no name in it.")]
    base_currency: Annotated[str, Field(description="Currency that everything is valued in.")]
    positions: Annotated[
        list[EvidencePosition],
        Field(description="Holdings; rows of the same instrument are added up.", validate_default=True),
    ] = []
    cash_balances: Annotated[
        list[EvidenceCashBalance],
        Field(description="Cash; rows of the same currency are added up.", validate_default=True),
    ] = []


class GateDecision(Model):
    """
    Advice only: it constrains no transition.
    """

    gate: Annotated[GateName, Field(description="What the proposal should pass next; it blocks nothing.")]
    recommended_next_step: Annotated[NextStep, Field(description="What to do next.")]
    reasons: Annotated[list[GateReason], Field(description="By severity, source, code.")]
    summary: Annotated[GateSummary, Field(description="Counts of the findings behind the gate.")]


class PortfolioImpact(Model):
    """
    Before and after.
    """

    before: Annotated[ImpactSide, Field(description="The portfolio before the proposal.")]
    after: Annotated[ImpactSide, Field(description="The portfolio after the proposal.")]
    delta: ImpactDelta
    reconciliation: Annotated[
        ReconciliationResult, Field(description="Whether total before, cash flows and total after agree.")
    ]


class PortfolioSnapshot(Model):
    """
    The portfolio of the bank's customer at one moment.
    """

    snapshot_id: Annotated[str | None, Field(description="The snapshot, for lineage.")] = None
    portfolio_id: Annotated[str, Field(description="Your id of the portfolio. Operators see it: put no name in it.")]
    base_currency: Annotated[str, Field(description="Currency that everything is valued in.")]
    positions: Annotated[
        list[Position], Field(description="Holdings; rows of the same instrument are added up.", validate_default=True)
    ] = []
    cash_balances: Annotated[
        list[CashBalance], Field(description="Cash; rows of the same currency are added up.", validate_default=True)
    ] = []


class ProposalResult(Model):
    """
    The result of a simulation.
    """

    proposal_run_id: Annotated[str, Field(description="Derived from the request hash.")]
    correlation_id: Annotated[str, Field(description="Hash of the request.")]
    status: Annotated[SimulationStatus, Field(description="READY, or the reason why the proposal cannot proceed.")]
    before: Annotated[SimulatedState, Field(description="The portfolio as it was sent.")]
    intents: Annotated[
        list[Annotated[CashFlowIntent | FxSpotIntent | SecurityTradeIntent, Field(discriminator="intent_type")]],
        Field(description="Cash flows, exchanges and trades in the order of execution."),
    ]
    after_simulated: Annotated[SimulatedState, Field(description="The portfolio after all intents.")]
    reconciliation: Annotated[
        ReconciliationResult, Field(description="Whether total before, cash flows and total after agree.")
    ]
    rule_results: Annotated[list[RuleOutcome], Field(description="The rules, in order.")]
    explanation: Explanation
    diagnostics: Annotated[DiagnosticsResult, Field(description="Warnings, dropped trades and missing data.")]
    drift_analysis: Annotated[DriftAnalysis | None, Field(description="Null without a reference model.")]
    suitability: Annotated[SuitabilityResult | None, Field(description="Null when the scanner is off.")]
    gate_decision: Annotated[GateDecision | None, Field(description="Null when the gates are off.")]
    lineage: Annotated[ResultLineage, Field(description="Snapshots, key and engine of the result.")]


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
    item_id: Annotated[str, Field(description="`id` of the item in the request.")]
    scenario: Annotated[str, Field(description="Name of the scenario in the request.")]
    status: Annotated[TerminalStatus, Field(description="Whether it was computed.")]
    proposal_run_id: Annotated[str | None, Field(description="As a simulation of its request has it.")]
    metrics: Annotated[RunMetrics | None, Field(description="What came of it; null when it FAILED.")]
    error: Annotated[RunError | None, Field(description="Why it FAILED; null otherwise.")]
    result: Annotated[
        ProposalResult | None, Field(description="What a simulation of its request returns; null when it FAILED.")
    ]


class SharedPart(Model):
    """
    The members of all runs, unless their item or scenario overrides them.

    An unknown option is refused here, where one misspelt word would leave every run as it was.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    portfolio_snapshot: Annotated[
        PortfolioSnapshot | None, Field(description="The portfolio of the bank's customer.")
    ] = None
    market_data_snapshot: Annotated[
        MarketDataSnapshot | None, Field(description="Prices of instruments and rates of currencies.")
    ] = None
    shelf_entries: Annotated[list[ShelfEntry] | None, Field(description="Instruments that the bank offers.")] = None
    options: Annotated[SharedOptions | None, Field(description="Options of the engine.")] = None
    proposed_cash_flows: Annotated[list[ProposedCashFlow] | None, Field(description="Cash flows, in order.")] = None
    proposed_trades: Annotated[
        list[SizedTrade] | None, Field(description="Buys and sells to simulate, in the order of the proposal.")
    ] = None
    reference_model: Annotated[ReferenceModel | None, Field(description="Model that drift is measured against.")] = None


class SimulateProposalRequest(Model):
    """
    The same, with the receiver to notify of its end.
    """

    portfolio_snapshot: Annotated[PortfolioSnapshot, Field(description="The portfolio of the bank's customer.")]
    market_data_snapshot: Annotated[
        MarketDataSnapshot, Field(description="Prices of instruments and rates of currencies.")
    ]
    shelf_entries: Annotated[list[ShelfEntry], Field(description="Instruments that the bank offers.")]
    options: Annotated[EngineOptions | None, Field(description="Options of the engine.")] = None
    proposed_cash_flows: Annotated[
        list[ProposedCashFlow], Field(description="Cash flows, in order.", validate_default=True)
    ] = []
    proposed_trades: Annotated[
        list[ProposedTrade],
        Field(description="Buys and sells to simulate, in the order of the proposal.", validate_default=True),
    ] = []
    reference_model: Annotated[ReferenceModel | None, Field(description="Model that drift is measured against.")] = None
    callback: Annotated[
        CallbackRequest | None,
        Field(description="The receiver to notify when the operation has ended; ignored in a replay."),
    ] = None


class SimulateRequest(Model):
    """
    The input of a simulation.
    """

    portfolio_snapshot: Annotated[PortfolioSnapshot, Field(description="The portfolio of the bank's customer.")]
    market_data_snapshot: Annotated[
        MarketDataSnapshot, Field(description="Prices of instruments and rates of currencies.")
    ]
    shelf_entries: Annotated[list[ShelfEntry], Field(description="Instruments that the bank offers.")]
    options: Annotated[EngineOptions | None, Field(description="Options of the engine.")] = None
    proposed_cash_flows: Annotated[
        list[ProposedCashFlow], Field(description="Cash flows, in order.", validate_default=True)
    ] = []
    proposed_trades: Annotated[
        list[ProposedTrade],
        Field(description="Buys and sells to simulate, in the order of the proposal.", validate_default=True),
    ] = []
    reference_model: Annotated[ReferenceModel | None, Field(description="Model that drift is measured against.")] = None


class SimulationInput(Model):
    """
    The request of a simulation without a proposal.
    """

    portfolio_snapshot: Annotated[PortfolioSnapshot, Field(description="The portfolio of the bank's customer.")]
    market_data_snapshot: Annotated[
        MarketDataSnapshot, Field(description="Prices of instruments and rates of currencies.")
    ]
    shelf_entries: Annotated[list[ShelfEntry], Field(description="Instruments that the bank offers.")]
    options: Annotated[EngineOptions | None, Field(description="Options of the engine.")] = None
    proposed_cash_flows: Annotated[
        list[ProposedCashFlow], Field(description="Cash flows, in order.", validate_default=True)
    ] = []
    proposed_trades: Annotated[
        list[ProposedTrade],
        Field(description="Buys and sells to simulate, in the order of the proposal.", validate_default=True),
    ] = []
    reference_model: Annotated[ReferenceModel | None, Field(description="Model that drift is measured against.")] = None


class BatchItem(Model):
    """
    One portfolio, or whatever varies.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    portfolio_snapshot: Annotated[
        PortfolioSnapshot | None, Field(description="The portfolio of the bank's customer.")
    ] = None
    market_data_snapshot: Annotated[
        MarketDataSnapshot | None, Field(description="Prices of instruments and rates of currencies.")
    ] = None
    shelf_entries: Annotated[list[ShelfEntry] | None, Field(description="Instruments that the bank offers.")] = None
    options: Annotated[ItemOptions | None, Field(description="Options of the engine.")] = None
    proposed_cash_flows: Annotated[list[ProposedCashFlow] | None, Field(description="Cash flows, in order.")] = None
    proposed_trades: Annotated[
        list[SizedTrade] | None, Field(description="Buys and sells to simulate, in the order of the proposal.")
    ] = None
    reference_model: Annotated[ReferenceModel | None, Field(description="Model that drift is measured against.")] = None
    id: Annotated[str, Field(description="Names the item; unique in the batch.")]


class BatchScenario(Model):
    """
    A change for all items; it overrides item and `shared`.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    portfolio_snapshot: Annotated[
        PortfolioSnapshot | None, Field(description="The portfolio of the bank's customer.")
    ] = None
    market_data_snapshot: Annotated[
        MarketDataSnapshot | None, Field(description="Prices of instruments and rates of currencies.")
    ] = None
    shelf_entries: Annotated[list[ShelfEntry] | None, Field(description="Instruments that the bank offers.")] = None
    options: Annotated[SharedOptions | None, Field(description="Options of the engine.")] = None
    proposed_cash_flows: Annotated[list[ProposedCashFlow] | None, Field(description="Cash flows, in order.")] = None
    proposed_trades: Annotated[
        list[SizedTrade] | None, Field(description="Buys and sells to simulate, in the order of the proposal.")
    ] = None
    reference_model: Annotated[ReferenceModel | None, Field(description="Model that drift is measured against.")] = None
    description: Annotated[str | None, Field(description="For people; never computed on.")] = None


class CreateProposalRequest(Model):
    """
    A new proposal for a portfolio, and the person who submits it.
    """

    created_by: Annotated[str, Field(description="The person who submits the request.")]
    simulate_request: Annotated[SimulateRequest, Field(description="The input of the simulation.")]
    metadata: Annotated[
        ProposalMetadata | None, Field(description="Title, advisor's notes, jurisdiction and mandate.")
    ] = None
    callback: Annotated[
        CallbackRequest | None,
        Field(description="The receiver to notify when the operation has ended; ignored in a replay."),
    ] = None


class CreateVersionRequest(Model):
    """
    A new version of a proposal, and the person who submits it.
    """

    created_by: Annotated[str, Field(description="The person who submits the request.")]
    simulate_request: Annotated[SimulateRequest, Field(description="The input of the simulation.")]
    expected_current_version_no: Annotated[int | None, Field(description="The version that this one must follow.")] = (
        None
    )
    callback: Annotated[
        CallbackRequest | None,
        Field(description="The receiver to notify when the operation has ended; ignored in a replay."),
    ] = None


class EngineOutputs(Model):
    """
    The computed result.
    """

    proposal_result: Annotated[ProposalResult, Field(description="The whole result, as the version has it.")]


class EvidenceInputs(Model):
    """
    The request with defaults; decimals are text in normal form.
    """

    portfolio_snapshot: Annotated[
        EvidencePortfolioSnapshot, Field(description="The portfolio as it was computed from.")
    ]
    market_data_snapshot: Annotated[
        EvidenceMarketDataSnapshot, Field(description="Prices and rates as they were computed with.")
    ]
    shelf_entries: Annotated[list[EvidenceShelfEntry], Field(description="The shelf as it was computed with.")]
    options: Annotated[EvidenceEngineOptions, Field(description="All options of the engine, defaults included.")]
    proposed_cash_flows: Annotated[
        list[EvidenceProposedCashFlow], Field(description="Cash flows of the request, in their order.")
    ]
    proposed_trades: Annotated[list[EvidenceProposedTrade], Field(description="Trades of the request, in their order.")]
    reference_model: Annotated[
        EvidenceReferenceModel | None, Field(description="The model of the request; null when it has none.")
    ]


class VersionEvidence(Model):
    """
    The artifact's evidence bundle, without any member when it is hidden or not stored.
    """

    inputs: Annotated[EvidenceInputs | None, Field(description="The request, with defaults.")] = None
    engine_outputs: EngineOutputs | None = None
    hashes: EvidenceHashes | None = None
    engine_version: Annotated[str | None, Field(description="The engine that computed it.")] = None


class AnalyzeScenariosRequest(Model):
    """
    Portfolios and scenarios, and what they have in common: one run for each item in each scenario.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    created_by: Annotated[
        str, Field(description="The person who submits the batch; the `sub` of the token, or anyone with `actors:any`.")
    ]
    description: Annotated[str | None, Field(description="For people; never computed on.")] = None
    shared: Annotated[SharedPart | None, Field(description="What all runs have in common.")] = None
    items: Annotated[
        list[BatchItem], Field(description="What varies; each overrides `shared`, field by field and option by option.")
    ]
    scenarios: Annotated[
        dict[str, BatchScenario] | None,
        Field(
            description="What if: each overrides every item; ordered by name. One run for each item in each scenario."
        ),
    ] = None
    callback: Annotated[
        CallbackRequest | None,
        Field(description="The receiver to notify when the operation has ended; ignored in a replay."),
    ] = None


class EvidenceBundle(Model):
    """
    Everything that is needed to compute the artifact again.
    """

    inputs: Annotated[EvidenceInputs, Field(description="The request, with defaults.")]
    engine_outputs: EngineOutputs
    hashes: EvidenceHashes
    engine_version: Annotated[str, Field(description="The engine that computed it.")]


class ProposalArtifact(Model):
    """
    The package that people read and approve.
    """

    artifact_id: Annotated[str, Field(description="Derived from the run.")]
    proposal_run_id: Annotated[
        str, Field(description="The run that computed the result; the same request has the same run id.")
    ]
    correlation_id: Annotated[str, Field(description="Hash of the request.")]
    created_at: Annotated[Timestamp, Field(description="When the request was accepted, UTC.")]
    status: Annotated[SimulationStatus, Field(description="Status of the simulation.")]
    gate_decision: Annotated[GateDecision, Field(description="Which review comes next.")]
    summary: ArtifactSummary
    portfolio_impact: PortfolioImpact
    trades_and_funding: TradesAndFunding
    suitability_summary: Annotated[SuitabilitySummary, Field(description="Summary of the suitability scan.")]
    assumptions_and_limits: AssumptionsAndLimits
    disclosures: Disclosures
    evidence_bundle: Annotated[
        EvidenceBundle, Field(description="Inputs and outputs of the computation, with their hashes.")
    ]


class VersionDetail(Model):
    """
    The immutable contents of a proposal's version.
    """

    proposal_version_id: Annotated[str, Field(description="Id of the version, `ppv_...`.")]
    proposal_id: Annotated[str, Field(description="The proposal that the version is of.")]
    version_no: Annotated[int, Field(description="1, 2, 3 without a gap.")]
    created_at: Annotated[Timestamp, Field(description="When it was accepted, UTC.")]
    request_hash: Annotated[str, Field(description="Hash of the request.")]
    artifact_hash: Annotated[str, Field(description="Hash of the artifact.")]
    simulation_hash: Annotated[str, Field(description="Hash of the result.")]
    status_at_creation: Annotated[SimulationStatus, Field(description="Status of the simulation.")]
    proposal_result: Annotated[ProposalResult, Field(description="What the engine computed for this version.")]
    artifact: Annotated[ProposalArtifact, Field(description="The document that people approve, made from the result.")]
    evidence_bundle: Annotated[
        VersionEvidence, Field(description="The artifact's bundle once more; `{}` when hidden or not stored.")
    ]
    gate_decision: Annotated[GateDecision | None, Field(description="The result's gate decision.")]


class CreateResponse(Model):
    """
    A proposal as its operation left it.
    """

    proposal: Annotated[ProposalSummary, Field(description="The proposal as it is now.")]
    version: Annotated[VersionDetail, Field(description="The version that this request made.")]
    latest_workflow_event: Annotated[ProposalEvent, Field(description="The event that made it.")]


class OperationResult(Model):
    """
    What an operation made: the members of a create, from `proposal` on; of a simulation, from `request_hash` on; or
    of a batch, from `counts` on.
    """

    counts: Annotated[BatchCounts | None, Field(description="How many runs the batch has, and how they ended.")] = None
    warnings: Annotated[
        list[str] | None,
        Field(
            description="`PARTIAL_BATCH_FAILURE` when runs failed, `MIXED_ENGINE_VERSIONS` when several computed them."
        ),
    ] = None
    scenarios: Annotated[
        dict[str, ScenarioTotals] | None, Field(description="Totals of each scenario, by its name.")
    ] = None
    failures: Annotated[dict[str, int] | None, Field(description="Failed runs by code.")] = None
    engine_version: Annotated[
        str | None,
        Field(
            description="The engine that computed all runs; null when several did, and each run's lineage names its own."
        ),
    ] = None
    results_hash: Annotated[
        str | None, Field(description="Of all lines of the runs, with their results, in order.")
    ] = None
    runs_url: Annotated[str | None, Field(description="Where the runs are.")] = None
    request_hash: Annotated[str | None, Field(description="Hash of the request.")] = None
    simulation_hash: Annotated[str | None, Field(description="Hash of the result.")] = None
    artifact_hash: Annotated[str | None, Field(description="Hash of the artifact.")] = None
    status: Annotated[SimulationStatus | None, Field(description="Status of the simulation.")] = None
    proposal_result: Annotated[
        ProposalResult | None,
        Field(description="The result, byte for byte what `POST /simulate` answers for this key."),
    ] = None
    artifact: Annotated[
        ProposalArtifact | None,
        Field(description="The artifact, byte for byte what `POST /artifact` answers for this key."),
    ] = None
    gate_decision: Annotated[GateDecision | None, Field(description="The result's gate decision.")] = None
    proposal: Annotated[ProposalSummary | None, Field(description="The proposal as it is now.")] = None
    version: Annotated[VersionDetail | None, Field(description="The version that this request made.")] = None
    latest_workflow_event: Annotated[ProposalEvent | None, Field(description="The event that made it.")] = None


class ProposalDetailResponse(Model):
    """
    A proposal with its current version.
    """

    proposal: Annotated[ProposalSummary, Field(description="The proposal as it is now.")]
    current_version: Annotated[
        VersionDetail, Field(description="The newest version, with result, artifact and evidence.")
    ]
    last_gate_decision: Annotated[GateDecision | None, Field(description="That version's gate decision.")]


class AsyncStatus(Model):
    """
    One operation as it is now; once it is terminal this body never changes.
    """

    operation_id: Annotated[str, Field(description="The operation; also the id of its Temporal workflow.")]
    operation_type: Annotated[OperationType, Field(description="The kind of operation.")]
    status: Annotated[OperationStatus, Field(description="SUCCEEDED and FAILED are final.")]
    correlation_id: Annotated[str, Field(description="The correlation id of the request that made the operation.")]
    idempotency_key: Annotated[str | None, Field(description="The idempotency key of the request.")]
    attempt: Annotated[
        int,
        Field(
            description="1 for the first operation of its idempotency key, 2 after the first retry of a FAILED one, and so on."
        ),
    ]
    proposal_id: Annotated[str | None, Field(description="The proposal that was made.")]
    version_no: Annotated[int | None, Field(description="The version that was made.")]
    created_by: Annotated[str, Field(description="The person who submitted the request.")]
    created_at: Annotated[Timestamp, Field(description="When it was accepted, UTC.")]
    started_at: Annotated[Timestamp | None, Field(description="When a worker began it, UTC.")]
    finished_at: Annotated[Timestamp | None, Field(description="When it ended, UTC.")]
    updated_at: Annotated[Timestamp, Field(description="When its row last changed, UTC.")]
    expires_at: Annotated[
        Timestamp | None,
        Field(
            description="After this time, UTC, the operation may be purged: reads then return 410, later 404. Null while it is open. The proposal stays."
        ),
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
        OperationResult | None,
        Field(
            description="What was made, as it was when the operation ended, or a batch's result; null unless SUCCEEDED. Left out with `include_result=false`."
        ),
    ] = None
    error: Annotated[OperationErrorBody | None, Field(description="The reason for FAILED; null otherwise.")]
    links: Annotated[OperationLinks, Field(description="Addresses of the operation and of what it made.")]


class OperationListResponse(Model):
    """
    A page of operations, without their results.
    """

    items: Annotated[list[AsyncStatus], Field(description="The list, newest first.")]
    next_cursor: Annotated[
        str | None,
        Field(description="`cursor` of the next page: the last operation of this one; null on the last page."),
    ]
