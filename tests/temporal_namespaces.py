"""The namespaces of the tests' Temporal: that of tests with a worker, and one that no worker polls."""

from datetime import timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from cli.local.temporal_server import NAMESPACE
from runtime.temporal import register_search_attributes
from workflows.identity import SEARCH_ATTRIBUTES

# Where tests without a worker begin workflows: in the other the next test's worker would run all of them.
UNATTENDED: Final = "unattended"


async def prepared(address: str) -> dict[str, Client]:
    """Make the second one, register the search attributes of both, and connect with each."""
    day = Duration()
    day.FromTimedelta(timedelta(days=1))
    client = await Client.connect(address)
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=UNATTENDED, workflow_execution_retention_period=day)
    )
    clients = {
        namespace: await Client.connect(address, namespace=namespace, data_converter=pydantic_data_converter)
        for namespace in (NAMESPACE, UNATTENDED)
    }
    for client in clients.values():
        await register_search_attributes(client, SEARCH_ATTRIBUTES)
    return clients
