"""Stage 8: how far the portfolio is from its model, before and after (D28)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from heapq import nsmallest
from typing import Any, Final, NamedTuple

from domain.engine.codes import CASH, MODEL_CURRENCY_MISMATCH, MODEL_TOLERANCE, MODEL_WEIGHTS_NOT_ONE
from domain.engine.diagnostics import Diagnostics
from domain.engine.numbers import ONE, ZERO
from domain.engine.value import ValuedState
from domain.options import EngineOptions
from domain.portfolio import ReferenceModel

HALF: Final = Decimal("0.5")


class Bucket(NamedTuple):
    """An asset class or an instrument; fractions of the total, unrounded."""

    name: str
    model: Decimal
    before: Decimal
    after: Decimal
    drift_before: Decimal
    drift_after: Decimal
    improvement: Decimal

    @classmethod
    def of(cls, name: str, model: Decimal, before: Decimal, after: Decimal) -> "Bucket":
        drift_before, drift_after = before - model, after - model
        return cls(name, model, before, after, drift_before, drift_after, abs(drift_before) - abs(drift_after))

    def as_json(self) -> dict[str, str]:
        return {
            "bucket": self.name,
            "model_weight": str(self.model),
            "portfolio_weight_before": str(self.before),
            "portfolio_weight_after": str(self.after),
            "drift_before": str(self.drift_before),
            "drift_after": str(self.drift_after),
            "abs_drift_before": str(abs(self.drift_before)),
            "abs_drift_after": str(abs(self.drift_after)),
            "improvement": str(self.improvement),
        }


def analyse_drift(
    before: ValuedState,
    after: ValuedState,
    model: ReferenceModel | None,
    options: EngineOptions,
    traded: Iterable[str],
    diagnostics: Diagnostics,
) -> dict[str, Any] | None:
    """The result's drift_analysis; None when there is nothing to measure against."""
    if not options.enable_drift_analytics or model is None:
        return None
    class_targets = {target.asset_class: target.weight for target in model.asset_class_targets}
    instrument_targets = {target.instrument_id: target.weight for target in model.instrument_targets}
    if not _adds_up(class_targets, instrument_targets):
        diagnostics.warn(MODEL_WEIGHTS_NOT_ONE)
    if model.base_currency != before.base_currency:
        diagnostics.warn(MODEL_CURRENCY_MISMATCH)
        return None
    limit = options.drift_top_contributors_limit
    by_class = _buckets(
        {row.key: row.weight for row in before.by_asset_class},
        {row.key: row.weight for row in after.by_asset_class},
        class_targets,
        [CASH],
    )
    by_instrument = None
    if options.enable_instrument_drift and instrument_targets:
        by_instrument = _buckets(
            before.weight_by_instrument(),
            after.weight_by_instrument(),
            instrument_targets,
            traded,
        )
    return {
        "reference_model": {
            "model_id": model.model_id,
            "as_of": model.as_of,
            "base_currency": model.base_currency,
        },
        "asset_class": _dimension(by_class, limit),
        "instrument": None if by_instrument is None else _dimension(by_instrument, limit),
        "highlights": _highlights(
            by_class if by_instrument is None else by_instrument,
            limit=limit,
            threshold=options.drift_unmodeled_exposure_threshold,
        ),
    }


def _adds_up(class_targets: Mapping[str, Decimal], instrument_targets: Mapping[str, Decimal]) -> bool:
    """Classes make one whole; instruments, if there are any, make one less the cash that the classes want, or more."""
    if abs(sum(class_targets.values(), ZERO) - ONE) > MODEL_TOLERANCE:
        return False
    if not instrument_targets:
        return True
    invested = sum(instrument_targets.values(), ZERO)
    return ONE - class_targets.get(CASH, ZERO) - MODEL_TOLERANCE <= invested <= ONE + MODEL_TOLERANCE


def _buckets(
    before: Mapping[str, Decimal], after: Mapping[str, Decimal], model: Mapping[str, Decimal], further: Iterable[str]
) -> list[Bucket]:
    names = sorted({*before, *after, *model, *further})
    return [Bucket.of(name, model.get(name, ZERO), before.get(name, ZERO), after.get(name, ZERO)) for name in names]


def _dimension(buckets: Sequence[Bucket], limit: int) -> dict[str, Any]:
    total_before = HALF * sum((abs(bucket.drift_before) for bucket in buckets), ZERO)
    total_after = HALF * sum((abs(bucket.drift_after) for bucket in buckets), ZERO)
    return {
        "drift_total_before": str(total_before),
        "drift_total_after": str(total_after),
        "drift_total_delta": str(total_after - total_before),
        "top_contributors_before": [
            bucket.as_json() for bucket in _top(buckets, limit, lambda bucket: -abs(bucket.drift_before))
        ],
        "buckets": [bucket.as_json() for bucket in buckets],
    }


def _highlights(buckets: Sequence[Bucket], *, limit: int, threshold: Decimal) -> dict[str, Any]:
    improved = _top((b for b in buckets if b.improvement > 0), limit, lambda b: -b.improvement)
    worsened = _top((b for b in buckets if b.improvement < 0), limit, lambda b: b.improvement)
    unmodelled = _top(
        (b for b in buckets if not b.model and max(b.before, b.after) >= threshold),
        limit,
        lambda b: -max(b.before, b.after),
    )
    return {
        "largest_improvements": [{"bucket": b.name, "improvement": str(b.improvement)} for b in improved],
        "largest_deteriorations": [{"bucket": b.name, "improvement": str(b.improvement)} for b in worsened],
        "unmodeled_exposures": [
            {
                "bucket": b.name,
                "portfolio_weight_before": str(b.before),
                "portfolio_weight_after": str(b.after),
                "max_portfolio_weight": str(max(b.before, b.after)),
            }
            for b in unmodelled
        ],
    }


def _top(buckets: Iterable[Bucket], limit: int, rank: Callable[[Bucket], Decimal]) -> list[Bucket]:
    """The first by rank; equal ranks by name."""
    return nsmallest(limit, buckets, key=lambda bucket: (rank(bucket), bucket.name))
