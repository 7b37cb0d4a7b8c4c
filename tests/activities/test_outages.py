"""Steps while PostgreSQL does not let them write: an outage, which uses up none of the attempts of a bug."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from broken_postgres import alter
from builders import a_stored_operation
from prometheus_client import CollectorRegistry
from storage_rows import Steps, reconciling
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.metrics import WorkerMetrics
from activities.purge import PurgeStep
from cli.local.postgres import SERVICE_ROLE
from services.purging import Periods
from workflows.messages import PurgeInput, ReconcileInput

PERIODS = Periods(operations=timedelta(days=30), keys=timedelta(days=90))
METRICS = WorkerMetrics(CollectorRegistry())


async def test_a_step_whose_grant_is_lost_waits_however_often_it_has_been_tried(storage, database_dsn):
    operation = await a_stored_operation(storage)
    alter(database_dsn, f"REVOKE UPDATE ON operations FROM {SERVICE_ROLE}")
    steps = Steps(storage)
    for _ in range(6):  # a bug is final at the fifth
        with pytest.raises(ApplicationError) as raised:
            await steps.persist(operation.operation_id)
        assert (raised.value.type, raised.value.non_retryable) == ("StorageUnavailable", False)
    alter(database_dsn, f"GRANT UPDATE ON operations TO {SERVICE_ROLE}")
    assert (await steps.persist(operation.operation_id)).outcome.status == "SUCCEEDED"


async def test_housekeeping_whose_grant_is_lost_is_tried_again(storage, database_dsn, temporal_client):
    alter(database_dsn, f"REVOKE UPDATE, DELETE ON operations FROM {SERVICE_ROLE}")
    reconcile = reconciling(storage, temporal_client)
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, started_time=datetime.now(UTC))
    with pytest.raises(ApplicationError) as raised:
        await environment.run(reconcile.reconcile, ReconcileInput(idle_seconds=0.0))
    assert raised.value.type == "StorageUnavailable"
    with pytest.raises(ApplicationError) as raised:
        await environment.run(PurgeStep(storage, PERIODS, METRICS).purge, PurgeInput())
    assert raised.value.type == "StorageUnavailable"
