"""A client that waits for its namespace, and what it says meanwhile."""

import asyncio
from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from structlog.testing import capture_logs
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.service import RPCError, RPCStatusCode
from waiting import until

from runtime.temporal import connect_with_back_off, temporal_problem


async def test_a_worker_waits_for_its_namespace_and_names_the_setting(temporal_server, temporal_client, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "comes-later")
    with capture_logs() as logged:
        connecting = asyncio.create_task(connect_with_back_off(identity="test"))
        await until(lambda: logged)
        await asyncio.sleep(1)
        assert not connecting.done()
        retention = Duration()
        retention.FromTimedelta(timedelta(days=1))
        await temporal_client.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace="comes-later", workflow_execution_retention_period=retention)
        )
        client = await connecting

    assert client.namespace == "comes-later"
    assert [line["reason"] for line in logged] == ["TEMPORAL_NAMESPACE: Temporal has no such namespace"]


@pytest.mark.parametrize(
    ("status", "settings"),
    [
        (RPCStatusCode.UNAUTHENTICATED, "TEMPORAL_API_KEY, TEMPORAL_TLS_*"),
        (RPCStatusCode.PERMISSION_DENIED, "TEMPORAL_API_KEY, TEMPORAL_TLS_*"),
        (RPCStatusCode.INVALID_ARGUMENT, "TEMPORAL_NAMESPACE"),
        (RPCStatusCode.UNAVAILABLE, "TEMPORAL_ADDRESS"),
    ],
)
def test_each_refusal_names_its_setting_and_quotes_nothing(status, settings):
    said = temporal_problem(RPCError("a-text-of-the-server", status, b""))

    assert said.startswith(f"{settings}: ")
    assert "a-text" not in said


def test_a_certificate_that_is_refused_is_no_unreachable_server():
    failure = RuntimeError("Failed client connect: transport error: invalid peer certificate: UnknownIssuer")

    assert temporal_problem(failure).startswith("TEMPORAL_TLS_*: ")


async def test_a_file_of_the_key_that_goes_while_a_worker_waits_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TEMPORAL_API_KEY_FILE", str(tmp_path / "api-key"))
    with capture_logs() as logged:
        connecting = asyncio.create_task(connect_with_back_off(identity="test"))
        await until(lambda: logged)
        connecting.cancel()

    reason = "TEMPORAL_API_KEY_FILE: the file cannot be read (No such file or directory)"
    assert logged[0]["reason"] == reason
