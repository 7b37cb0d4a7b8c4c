"""Every setting of API, worker and commands, in the order of docs/reference/configuration.md, generated from here."""

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from domain.callback import CallbackRules
from domain.egress_proxy import EgressProxy
from domain.evidence_key import EvidenceKey
from domain.operation import Policy
from runtime.setting_values import (
    BuildId,
    Claim,
    Claims,
    DatabaseUrl,
    DeploymentName,
    EvidenceKeyText,
    ExactText,
    Hosts,
    KeyUrl,
    LongSecrets,
    ProxyUrl,
    PublicUrl,
    WebUrl,
    secrets_in,
)
from runtime.telemetry import LogFormat, LogLevel

PREFIX: Final = "PROPOSAL_"


class Settings(BaseModel):
    """Built once a process from `PROPOSAL_*` variables and passed on as values; `TEMPORAL_*` stays with temporalio.

    Values come through `load_settings` alone, so that what a test builds does not depend on its environment.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    # Profile
    profile: Literal["LOCAL", "PRODUCTION"] = Field(
        "LOCAL",
        description="PRODUCTION refuses to start without [what security asks](../explanation/security.md#profiles); "
        "LOCAL without authentication listens on loopback only.",
    )

    # Database
    database_url: DatabaseUrl = Field(
        SecretStr("postgresql://postgres@127.0.0.1:5432/proposals"),
        description="PostgreSQL 15 or newer, as a libpq URL.",
    )
    owner_database_url: DatabaseUrl | None = Field(
        None,
        description="The same database by the role that owns the tables, for `proposals migrate` alone; the role of "
        "`PROPOSAL_DATABASE_URL` then gets no more than the service needs, and cannot disable what protects evidence.",
    )
    database_insecure: bool = Field(
        default=False,
        description="Whether PRODUCTION may talk to PostgreSQL on another machine without TLS, as within a network of "
        "its own. Otherwise `sslmode` of the URL, `PGSSLMODE` or a service file must be `require`, `verify-ca` or "
        "`verify-full`; loopback addresses and Unix sockets need none.",
    )
    database_pool_size: int = Field(
        16, ge=1, le=100, description="Connections in the pool of a process; a probe and a listener hold one more each."
    )

    # HTTP API
    api_host: str = Field("127.0.0.1", description="Address that the API listens on.")
    api_port: int = Field(8000, ge=1, le=65535, description="Port that the API listens on.")
    max_body_bytes: int = Field(
        8 * 1024 * 1024, ge=1024, le=64 * 1024 * 1024, description="Largest request body, in bytes; beyond it 413."
    )
    public_url: PublicUrl | None = Field(
        None,
        description="Base URL that clients and operators reach this API at, with the path of a gateway in front of it. "
        "With it `status_url` in callbacks, the links of workflows in the Temporal UI, and the `type` of errors are "
        "absolute; API and workers need the same value.",
    )
    temporal_ui_url: WebUrl | None = Field(
        None,
        repr=False,
        description="Base URL of the Temporal UI, shown in the links of an operation without user information, query "
        "and fragment; none is shown without it.",
    )

    # Authentication
    auth_mode: Literal["none", "jwt"] = Field(
        "none",
        description="`jwt`: every endpoint but health, metrics, docs and the supportability config needs an OAuth 2.0 "
        "bearer token of the issuer. `none`: every caller that reaches the API may do everything.",
    )
    auth_issuer: ExactText | None = Field(
        None, min_length=1, description="The exact `iss` that tokens must have. Needed by `jwt`."
    )
    auth_audience: ExactText | None = Field(
        None, min_length=1, description="The value that `aud` of tokens must be or contain. Needed by `jwt`."
    )
    auth_token_url: KeyUrl | None = Field(
        None,
        description="Where clients get their tokens, by https. Only shown, in the OpenAPI document.",
    )
    auth_jwks_url: KeyUrl | None = Field(
        None,
        repr=False,
        description="Where the issuer publishes its keys (JWKS), by https. `jwt` needs this or a file.",
    )
    auth_jwks_file: Path | None = Field(None, description="A file with the issuer's keys (JWKS) instead of a URL.")
    auth_jwks_refresh_seconds: int = Field(
        300, ge=5, le=86_400, description="Seconds after which the keys are fetched, or the file is read, again."
    )
    auth_subject_claim: Claim = Field(
        "sub",
        description="The claim that names the person, such as `oid` of Entra ID. `sub` is required all the same.",
    )
    auth_client_claims: Claims = Field(
        ("client_id", "azp"),
        description="Claims, separated by commas, that name the client: the first that a token has counts, else the "
        "person is the client. `cid` for Okta, `appid` for tokens of version 1 of Entra ID. Another client sees "
        "nothing of what was written before.",
    )
    auth_scope_claims: Claims = Field(
        ("scope", "scp"),
        description="Claims, separated by commas, that hold scopes, as a text or a list: the first that a token has "
        "counts. `roles` for the app roles of Entra ID. A claim is named as it stands at the top of a token: a dot in "
        "its name leads into no other claim.",
    )
    auth_leeway_seconds: int = Field(
        10, ge=0, le=60, description="Seconds by which the clocks of issuer and service may differ."
    )
    four_eyes: bool = Field(
        default=False,
        description="Whether the author of a proposal or of its current version may not record its risk or "
        "compliance decision; 403 then.",
    )

    # Features
    workflow_lifecycle_enabled: bool = Field(
        default=True, description="Whether proposals and operations are served; 404 if not."
    )
    support_apis_enabled: bool = Field(
        default=True, description="Whether approvals, events, lineage and key lookups are served; 404 if not."
    )
    async_operations_enabled: bool = Field(
        default=True, description="Whether operations and asynchronous submissions are served; 404 if not."
    )
    store_evidence_bundle: bool = Field(
        default=True,
        description="Whether versions show their evidence bundle of their own; the artifact always holds one.",
    )
    require_simulation_flag: bool = Field(
        default=True,
        description="Whether create and version requests must set `options.enable_proposal_simulation`; simulating "
        "without a proposal always asks for it.",
    )
    require_expected_state: bool = Field(
        default=True,
        description="Whether transitions and approvals must name the `expected_state`; 409 if they do not.",
    )
    allow_portfolio_change_on_new_version: bool = Field(
        default=False, description="Whether a new version may be for another portfolio; 422 if not."
    )
    strict_version_binding: bool = Field(
        default=False,
        description="Whether a review counts for one version alone: a new version puts its proposal back to DRAFT, and "
        "transitions and approvals must send the current version as `related_version_no`, else 409. Needed in "
        "PRODUCTION.",
    )
    strict_requests: bool = Field(
        default=False,
        description="Whether a member of a body that its endpoint does not know is a 422 in every request, as "
        "`Prefer: handling=strict` makes it in one; ignored if not.",
    )
    sync_wait_seconds: float = Field(
        25,
        ge=0,
        le=300,
        description="Seconds that synchronous creates wait for their operation before they answer 202.",
    )

    # Operations
    large_request_rows: int = Field(
        1000,
        ge=1,
        le=1_000_000,
        description="Rows beyond which a request is computed in a process of its own, as is one whose text is larger "
        "than 1 MiB. All lists of a request count together: positions, lots, cash balances, prices, rates, shelf "
        "entries and their attributes, trades, flows, targets.",
    )
    max_request_rows: int = Field(
        100_000,
        ge=1,
        le=1_000_000,
        description="Rows, counted the same way, beyond which a request is refused with 422.",
    )
    compute_seconds: int = Field(
        60,
        ge=1,
        le=600,
        description="Seconds that the computation of a request may take in a process of its own. One that takes longer "
        "is ended and tried once more; then its operation ends FAILED with OPERATION_TOO_EXPENSIVE.",
    )
    compute_memory_mb: int = Field(
        1024,
        ge=256,
        le=65_536,
        description="Memory of such a process, in MiB, on Linux; a computation that needs more is ended the same way.",
    )
    max_started_operations: int = Field(
        300,
        ge=10,
        le=100_000,
        description="Open operations whose workflows are started at a time; the others wait in PostgreSQL, and "
        "clients take turns. After an outage Temporal recovers faster when it has few workflows to take up.",
    )
    engine_processes: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes that compute large requests, of each worker and each API process; each "
        "may take PROPOSAL_COMPUTE_MEMORY_MB.",
    )
    max_open_operations: int = Field(
        10_000,
        ge=1,
        le=1_000_000,
        description="Operations of all clients that may be open at a time; beyond that new ones get 429.",
    )
    max_open_operations_per_client: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Operations of one client that may be open at a time; beyond that its new ones get 429, and other "
        "clients notice nothing. 0: as many as of all clients.",
    )
    max_open_batches: int = Field(
        50,
        ge=1,
        le=10_000,
        description="Batches of all clients that may be open at a time; beyond that new ones get 429. Those that are "
        "submitted at the same moment do not see each other, and can exceed it by their number.",
    )
    max_batch_runs: int = Field(
        5_000,
        ge=1,
        le=50_000,
        description="Runs, items times scenarios, beyond which a batch is refused with 422.",
    )
    max_batch_rows: int = Field(
        5_000_000,
        ge=1,
        le=1_000_000_000,
        description="Rows of all runs of a batch together, beyond which it is refused with 422. They are counted as "
        "those of a request, and long texts as a row for each 200 bytes: a few bytes that all runs share can be hours "
        "of work. A run of 60 positions has about 300.",
    )
    operation_retention_days: int = Field(
        30, ge=1, le=3650, description="Days after its end for which an operation can be read; `expires_at` tells it."
    )
    idempotency_retention_days: int = Field(
        90,
        ge=1,
        le=3650,
        description="Days for which an idempotency key is kept after the end of its operation, or after the use of a "
        "key that makes none.",
    )

    # Callbacks
    callback_secrets: LongSecrets | None = Field(
        None,
        description="Secrets that sign callbacks, of at least 24 characters each, separated by commas or spaces, the "
        "newest first. Without one, requests with a callback are refused. Each host has a key of its own: "
        "`proposals callback-secret HOST`.",
    )
    callback_allowed_hosts: Hosts = Field(
        (),
        description="Hosts, separated by commas, that callbacks may reach by http and at private addresses; all others "
        "must be https and public.",
    )

    # Network
    egress_proxy: ProxyUrl | None = Field(
        None,
        description="Proxy, as `http://[user:password@]host:port`, through which callbacks and the fetching of the "
        "issuer's keys go, by CONNECT: callbacks to the address that was checked. Without it connections go out "
        "directly; variables like `HTTPS_PROXY` are not read.",
    )

    # Evidence
    evidence_key: EvidenceKeyText | None = Field(
        None,
        description="The Ed25519 private key, in PEM, that signs packs of evidence and checkpoints; `openssl genpkey "
        "-algorithm ed25519` makes one, and `proposals audit key` prints its public half. Workers that have it take a "
        "checkpoint of all trails every hour.",
    )

    # Worker
    worker_workflow_tasks: int = Field(50, ge=2, le=1000, description="Workflow tasks at a time, a worker.")
    worker_local_activities: int = Field(10, ge=1, le=1000, description="Steps of small requests at a time, a worker.")
    worker_activities: int = Field(
        20, ge=1, le=1000, description="Steps of large requests and steps that wait out an outage at a time, a worker."
    )
    worker_build_id: BuildId | None = Field(
        None,
        description="Version of the worker deployment that this worker is of: it gets work only after `temporal worker "
        "deployment set-current-version`, and workflows stay with the version that began them. Without it workers are "
        "of no version. `TEMPORAL_WORKER_BUILD_ID`, which Temporal's Worker Controller sets, means the same.",
    )
    worker_deployment_name: DeploymentName = Field(
        "proposals",
        description="The worker deployment that `PROPOSAL_WORKER_BUILD_ID` is a version of. "
        "`TEMPORAL_DEPLOYMENT_NAME`, which Temporal's Worker Controller sets, means the same.",
    )
    worker_metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Port of a worker's `/metrics` for Prometheus; not served without it."
    )
    worker_metrics_host: str = Field("127.0.0.1", description="Address that a worker serves `/metrics` on.")

    # Temporal
    temporal_insecure: bool = Field(
        default=False,
        description="Whether PRODUCTION may talk to Temporal without TLS, as within a network of its own.",
    )

    # Process
    shutdown_grace_seconds: int = Field(
        25,
        ge=1,
        le=600,
        description="Seconds that requests and steps under way get to end after SIGTERM. "
        "Give the container ten more: `stop_grace_period` of compose, `terminationGracePeriodSeconds` of Kubernetes.",
    )
    log_level: LogLevel = Field("INFO", description="Least severe level that is logged.")
    log_format: LogFormat = Field(
        "auto", description="`json`, `console`, or `auto`: console when stderr is a terminal."
    )
    access_log: bool = Field(
        default=True,
        description="Whether the API logs one line, at INFO, for each request under `/rebalance`: method, route, ids "
        "of the path, status, duration, client and subject; never a value of a query, a header or a body. Bytes "
        "that are no request of HTTP get a line, too, with the route `unmatched`.",
    )

    def policy(self) -> Policy:
        """The rules that an operation is accepted under from now on."""
        return Policy(
            require_simulation_flag=self.require_simulation_flag,
            store_evidence_bundle=self.store_evidence_bundle,
            allow_portfolio_change_on_new_version=self.allow_portfolio_change_on_new_version,
            strict_version_binding=self.strict_version_binding,
        )

    @property
    def callback_rules(self) -> CallbackRules:
        return CallbackRules(
            secrets=() if self.callback_secrets is None else secrets_in(self.callback_secrets),
            allowed_hosts=frozenset(self.callback_allowed_hosts),
            public_url=self.public_url,
        )

    @property
    def signing_key(self) -> EvidenceKey | None:
        return None if self.evidence_key is None else EvidenceKey.from_pem(self.evidence_key.get_secret_value())

    @property
    def proxy(self) -> EgressProxy | None:
        return None if self.egress_proxy is None else EgressProxy.of(self.egress_proxy.get_secret_value())


def variable_name(field: str) -> str:
    return f"{PREFIX}{field.upper()}"
