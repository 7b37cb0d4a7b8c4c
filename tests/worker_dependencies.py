"""What a worker's activities need, for tests in which nothing is purged, called back or signed."""

from typing import Any

from prometheus_client import CollectorRegistry

from activities.metrics import WorkerMetrics
from domain.callback import CallbackRules
from services.purging import Periods
from worker.registry import Dependencies


def some_dependencies(**given: Any) -> Dependencies:
    """Those that are given, and what does nothing for the others."""
    nothing = {"storage": None, "client": None, "pool": None, "egress_proxy": None, "evidence_key": None}
    besides = {
        "periods": Periods(operations=None, keys=None),  # type: ignore[arg-type]  # nothing is purged
        "max_started": 300,
        "callback_rules": CallbackRules(),
        "metrics": WorkerMetrics(CollectorRegistry()),
    }
    return Dependencies(**nothing | besides | given)
