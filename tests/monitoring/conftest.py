"""The whole service with its metrics on a port and its traces sent to the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from evidence_keys import a_key_text
from running_service import Service, running
from span_receiver import SpanReceiver

from cli.local.ports import free_port


@pytest.fixture(scope="session")
def collector() -> Iterator[SpanReceiver]:
    with SpanReceiver().serving() as collector:
        yield collector


@pytest.fixture(scope="session")
def worker_metrics_port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def observed(
    tmp_path_factory: pytest.TempPathFactory, migrated: Path, collector: SpanReceiver, worker_metrics_port: int
) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("observed"), migrated)
    service.more_environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "PROPOSAL_WORKER_METRICS_PORT": str(worker_metrics_port),
        "PROPOSAL_EVIDENCE_KEY": a_key_text(),
    }
    with running(service):
        yield service
