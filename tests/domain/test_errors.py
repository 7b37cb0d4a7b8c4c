"""Codes and class names are the wire: a rename is a breaking change, so both lists are pinned here."""

import pickle

import pytest

from api.problems import STATUS
from domain.errors import ErrorKind, ProposalError, is_recorded_failure

PINNED = {
    "PROPOSAL_NOT_FOUND": ("ProposalNotFoundError", 404),
    "PROPOSAL_ASYNC_OPERATION_NOT_FOUND": ("ProposalNotFoundError", 404),
    "IDEMPOTENCY_KEY_CONFLICT: request hash mismatch": ("ProposalIdempotencyConflictError", 409),
    "PROPOSAL_SIMULATION_DISABLED: set options.enable_proposal_simulation=true": ("ProposalValidationError", 422),
    "PROPOSAL_IDEMPOTENCY_STORE_WRITE_FAILED": ("ProposalValidationError", 503),
    "PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED": ("ProposalValidationError", 404),
    "PROPOSAL_ASYNC_OPERATIONS_DISABLED": ("ProposalValidationError", 404),
    "PROPOSAL_POSTGRES_CONNECTION_FAILED": ("ProposalValidationError", 503),
    "OPERATION_CANCELLED": ("ProposalOperationCancelledError", 409),
    "OPERATION_TERMINATED": ("ProposalOperationTerminatedError", 409),
    "OPERATION_TIMED_OUT": ("ProposalOperationTimedOutError", 504),
    "OPERATION_INTERNAL_ERROR": ("ProposalInternalError", 500),
}


def leaves() -> list[type[ProposalError]]:
    return [error for error in ProposalError.__subclasses__() if error.__module__ == "domain.errors"]


def test_details_classes_and_statuses_are_the_contracts():
    assert {error.detail(): (error.wire_class, STATUS[error.kind].value) for error in leaves()} == PINNED


def test_every_kind_has_a_status():
    assert set(STATUS) == set(ErrorKind)


@pytest.mark.parametrize("error", leaves(), ids=lambda error: error.code)
def test_an_error_comes_back_whole_from_another_process(error):
    copy = pickle.loads(pickle.dumps(error()))  # noqa: S301 -- its own
    assert (type(copy), str(copy)) == (error, error.detail())


def test_only_the_contracts_pairs_are_recorded():
    assert is_recorded_failure("ProposalInternalError", "OPERATION_INTERNAL_ERROR")
    assert not is_recorded_failure("ProposalInternalError", "KeyError: 'secret'")
    assert not is_recorded_failure(None, "")
