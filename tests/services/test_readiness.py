from types import SimpleNamespace

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.taskqueue.v1 import PollerInfo
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeTaskQueueResponse

from services.readiness import polling_workers


def client_of_a_worker_seen(*, seconds_ago: int) -> SimpleNamespace:
    seen = Timestamp()
    seen.GetCurrentTime()
    seen.seconds -= seconds_ago

    async def describe_task_queue(_: DescribeTaskQueueRequest) -> DescribeTaskQueueResponse:
        return DescribeTaskQueueResponse(pollers=[PollerInfo(identity="w", last_access_time=seen)])

    return SimpleNamespace(
        namespace="default", workflow_service=SimpleNamespace(describe_task_queue=describe_task_queue)
    )


@pytest.mark.parametrize(("seconds_ago", "polling"), [(0, ["w"]), (65, ["w"]), (120, [])])
async def test_a_worker_polls_while_the_minute_of_a_poll_may_still_last(seconds_ago, polling):
    client = client_of_a_worker_seen(seconds_ago=seconds_ago)
    assert await polling_workers(client, seconds=20) == polling
