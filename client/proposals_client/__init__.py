"""Python client of the proposals service.

`Proposals` is the client, `AsyncProposals` the same for asyncio, `verify_callback` is for receivers of callbacks, and
`proposals_client.models` has requests and answers as types.
"""

from proposals_client._async.batch import AsyncBatch
from proposals_client._async.client import AsyncProposals
from proposals_client._async.operation import AsyncOperation, AsyncSimulation, AsyncWaitTimeout
from proposals_client._sync.batch import Batch
from proposals_client._sync.client import Proposals
from proposals_client._sync.operation import Operation, Simulation, WaitTimeout
from proposals_client.callbacks import CallbackEvent, verify_callback
from proposals_client.errors import *  # noqa: F403 -- each of them is part of the interface
from proposals_client.errors import __all__ as _errors
from proposals_client.operation_state import Analyzed, Created, OperationFailed, OperationState, Progress
from proposals_client.version import __version__

__all__ = [  # noqa: PLE0604 -- names of errors are listed where they are
    "Analyzed",
    "AsyncBatch",
    "AsyncOperation",
    "AsyncProposals",
    "AsyncSimulation",
    "AsyncWaitTimeout",
    "Batch",
    "CallbackEvent",
    "Created",
    "Operation",
    "OperationFailed",
    "OperationState",
    "Progress",
    "Proposals",
    "Simulation",
    "WaitTimeout",
    "__version__",
    "verify_callback",
    *_errors,
]
