"""Codes and class names are the wire: a rename is a breaking change, so both lists are pinned here."""

import pickle

import pytest

from api.http.error_catalogue import STATUS
from domain.errors import ErrorKind, ProposalError, error_classes, is_recorded_failure, recorded_error

NOT_FOUND, VALIDATION = "ProposalNotFoundError", "ProposalValidationError"
STATE_CONFLICT = "ProposalStateConflictError"
PINNED = {
    ("PROPOSAL_NOT_FOUND", NOT_FOUND, 404),
    ("PROPOSAL_VERSION_NOT_FOUND", NOT_FOUND, 404),
    ("PROPOSAL_VERSION_NOT_FOUND", VALIDATION, 422),
    ("PROPOSAL_IDEMPOTENCY_KEY_NOT_FOUND", NOT_FOUND, 404),
    ("PROPOSAL_ASYNC_OPERATION_NOT_FOUND", NOT_FOUND, 404),
    ("OPERATION_EXPIRED", NOT_FOUND, 410),
    ("OPERATION_ALREADY_TERMINAL", STATE_CONFLICT, 409),
    ("OPERATION_NOT_FAILED", STATE_CONFLICT, 409),
    ("IDEMPOTENCY_KEY_CONFLICT: request hash mismatch", "ProposalIdempotencyConflictError", 409),
    ("STATE_CONFLICT: expected_state is required", STATE_CONFLICT, 409),
    ("STATE_CONFLICT: expected_state mismatch", STATE_CONFLICT, 409),
    ("VERSION_CONFLICT", STATE_CONFLICT, 409),
    ("PROPOSAL_TERMINAL_STATE: cannot create version", VALIDATION, 422),
    ("PORTFOLIO_CONTEXT_MISMATCH", VALIDATION, 422),
    ("INVALID_TRANSITION", VALIDATION, 422),
    ("INVALID_APPROVAL_STATE", VALIDATION, 422),
    ("CURSOR_INVALID", VALIDATION, 422),
    ("PROPOSAL_SIMULATION_DISABLED: set options.enable_proposal_simulation=true", VALIDATION, 422),
    ("PROPOSAL_IDEMPOTENCY_STORE_WRITE_FAILED", VALIDATION, 503),
    ("PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED", VALIDATION, 404),
    ("PROPOSAL_SUPPORT_APIS_DISABLED", VALIDATION, 404),
    ("PROPOSAL_ASYNC_OPERATIONS_DISABLED", VALIDATION, 404),
    ("PROPOSAL_POSTGRES_CONNECTION_FAILED", VALIDATION, 503),
    ("OPERATION_IN_PROGRESS", VALIDATION, 503),
    ("SERVER_BUSY: too many large requests are being computed", VALIDATION, 503),
    ("OPERATION_CANCELLED", "ProposalOperationCancelledError", 409),
    ("OPERATION_TERMINATED", "ProposalOperationTerminatedError", 409),
    ("OPERATION_TIMED_OUT", "ProposalOperationTimedOutError", 504),
    ("OPERATION_INTERNAL_ERROR", "ProposalInternalError", 500),
    ("OPERATION_TOO_EXPENSIVE", VALIDATION, 422),
    (
        "CALLBACK_URL_NOT_ALLOWED: the url must be https and name a public host, without user information or fragment",
        VALIDATION,
        422,
    ),
    ("CALLBACKS_NOT_CONFIGURED: this service has no secret to sign callbacks with", VALIDATION, 422),
    ("OPERATION_HAS_NO_CALLBACK", NOT_FOUND, 404),
    ("OPERATION_NOT_TERMINAL", STATE_CONFLICT, 409),
    ("OPERATION_HAS_NO_CALLBACK", STATE_CONFLICT, 409),
    ("REDELIVERY_TOO_SOON", VALIDATION, 429),
    ("TOO_MANY_OPEN_OPERATIONS", VALIDATION, 429),
    ("ANALYSIS_ALL_RUNS_FAILED", VALIDATION, 422),
    ("RUN_NOT_FOUND", NOT_FOUND, 404),
    ("INSUFFICIENT_SCOPE: the token has no scope for this", VALIDATION, 403),
    ("ACTOR_MISMATCH: created_by and actor_id must be the subject of the token", VALIDATION, 403),
    ("FOUR_EYES_VIOLATION: the author of a proposal or of its current version cannot review it", VALIDATION, 403),
}


def leaves() -> list[type[ProposalError]]:
    return [error for error in error_classes() if error.__module__ == "domain.errors"]


def test_details_classes_and_statuses_are_the_contracts():
    assert {(error.detail(), error.wire_class, STATUS[error.kind].value) for error in leaves()} == PINNED


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


@pytest.mark.parametrize("error", leaves(), ids=lambda error: f"{error.code}-{error.kind}")
def test_a_recorded_error_is_raised_again_as_it_was(error):
    assert type(recorded_error(error.wire_class, error.detail())) is error


def test_what_was_never_recorded_is_no_error():
    with pytest.raises(LookupError):
        recorded_error("ProposalInternalError", "KeyError: 'secret'")
