"""A workflow that is started by hand without its argument, or with more, fails instead of hanging."""

from typing import Any

from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)


class OneArgument(Interceptor):
    """The workers' interceptor: all workflows of this service take one argument."""

    def workflow_interceptor_class(self, _: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor] | None:
        return _OneArgument


class _OneArgument(WorkflowInboundInterceptor):
    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002 -- the name is the base class's
        if len(input.args) != 1:
            raise ApplicationError("it was started without its one argument: nothing was changed", non_retryable=True)
        return await super().execute_workflow(input)
