"""Batches: many portfolios, each in several scenarios, submitted as one operation."""

from typing import Annotated, Any, Final

from fastapi import Response
from pydantic import Field

from api.callbacks import callback_routes
from api.gates import Gate
from api.http.headers import IdempotencyKeyHeader
from api.http.router import Context, GuardedRouter, Prepared
from api.requests import AnalyzeScenariosRequest
from api.submissions import answer_accepted, promised, submission_of
from api.wire import HASH_EXAMPLE, OPERATION_ID_EXAMPLE, DecimalText, Hash, Wire
from domain.operation import IdempotencyKey
from domain.public_links import PROPOSALS_PATH, runs_path

TURNOVER_EXAMPLE: Final[dict[str, Any]] = {"SGD": "2700.0000"}

router = GuardedRouter(f"{PROPOSALS_PATH}/analyze", gate=Gate.ASYNC, tag="Batches")


class BatchProgress(Wire):
    """How far a batch has come, in runs."""

    total: int = Field(description="All runs of the batch: items times scenarios.", examples=[1500])
    succeeded: int = Field(description="Computed, whatever came of them.", examples=[824])
    failed: int = Field(description="That could not be computed.", examples=[1])
    remaining: int = Field(description="Runs that are not computed yet. 0 when the batch has ended.", examples=[675])


class BatchCounts(Wire):
    """The runs of an ended batch."""

    total: int = Field(description="All runs of the batch: items times scenarios.", examples=[4])
    succeeded: int = Field(description="Runs that have a result; BLOCKED is a result, too.", examples=[2])
    failed: int = Field(description="That could not be computed.", examples=[2])


class ScenarioTotals(Wire):
    """One scenario over all items."""

    statuses: dict[str, int] = Field(
        description="Runs by simulation status.", examples=[{"READY": 1, "PENDING_REVIEW": 0, "BLOCKED": 0}]
    )
    failed: int = Field(description="Runs that could not be computed.", examples=[1])
    gates: dict[str, int] = Field(
        description="How many runs have each gate; runs without gates are left out.",
        examples=[{"CLIENT_CONSENT_REQUIRED": 1}],
    )
    gross_turnover_notional_base: dict[str, DecimalText] = Field(
        description="Traded, by base currency.", examples=[TURNOVER_EXAMPLE]
    )


class BatchResult(Wire):
    """The result of a batch; its runs are read separately."""

    counts: BatchCounts = Field(description="How many runs the batch has, and how they ended.")
    warnings: list[str] = Field(
        description="`PARTIAL_BATCH_FAILURE` when runs failed, `MIXED_ENGINE_VERSIONS` when several computed them.",
        examples=[["PARTIAL_BATCH_FAILURE"]],
    )
    scenarios: dict[str, ScenarioTotals] = Field(description="Totals of each scenario, by its name.")
    failures: dict[str, int] = Field(description="Failed runs by code.", examples=[{"VALIDATION_FAILED": 2}])
    engine_version: str | None = Field(
        description="The engine that computed all runs; null when several did, and each run's lineage names its own.",
        examples=["2.0.0"],
    )
    results_hash: Hash = Field(
        description="Of all lines of the runs, with their results, in order.", examples=[HASH_EXAMPLE]
    )
    runs_url: Annotated[str, Field(description="Where the runs are.", examples=[runs_path(OPERATION_ID_EXAMPLE)])]


@promised(
    router,
    body=AnalyzeScenariosRequest,
    summary="Submit a batch",
    callbacks=callback_routes("submit_batch"),
)
async def submit_batch(prepared: Prepared, idempotency_key: IdempotencyKeyHeader, context: Context) -> Response:
    """Accept portfolios and scenarios to be simulated; the same key and body return the same operation.

    A run is computed on `shared`, overridden by its item, overridden by its scenario: field by field, `options` option
    by option. A malformed item or scenario fails its own runs; a wrong envelope or `shared` refuses the whole.
    """
    key = IdempotencyKey.of_batches(idempotency_key, client=context.client)
    return await answer_accepted(context, submission_of(prepared, context, key=key))
