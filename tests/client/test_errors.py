"""Each problem becomes the exception of its code, and of its status where the code is new."""

from pathlib import Path

import pytest
from proposals_client import errors
from proposals_client.advice import WHAT_TO_DO
from proposals_client.problems import BY_CODE, BY_STATUS
from scripted_service import Answer

from domain import errors as of_service

PROBLEM = {
    "type": "urn:x",
    "title": "The proposal is no longer in the state that you expect.",
    "status": 409,
    "detail": "STATE_CONFLICT: expected_state mismatch",
    "code": "STATE_CONFLICT",
    "instance": "/x",
    "correlation_id": "corr_1",
    "retryable": False,
    "current_state": "RISK_REVIEW",
    "allowed_events": ["CANCELLED"],
}


def raised_by(played, desk_of, answer):
    played.answers = [answer]
    with pytest.raises(errors.ApiError) as raised:
        desk_of(played.url, repeat_seconds=0).proposal("pp_1")
    return raised.value


def test_all_that_a_problem_says_is_on_the_exception(played, desk_of):
    error = raised_by(played, desk_of, Answer(409, PROBLEM))
    assert type(error) is errors.StateConflict
    assert isinstance(error, errors.Conflict)
    assert (error.status, error.code, error.detail) == (409, "STATE_CONFLICT", PROBLEM["detail"])
    assert (error.what_to_do, error.retryable, error.correlation_id) == (WHAT_TO_DO["STATE_CONFLICT"], False, "corr_1")
    assert (error.current_state, error.allowed_events) == ("RISK_REVIEW", ("CANCELLED",))
    assert error.problem == PROBLEM
    assert str(error) == "refused (409): STATE_CONFLICT: expected_state mismatch"


def test_what_an_older_service_does_not_say_is_absent(played, desk_of):
    old = {"title": "Conflict", "status": 409, "detail": "STATE_CONFLICT: expected_state mismatch"}
    error = raised_by(played, desk_of, Answer(409, old, {"X-Correlation-Id": "corr_2"}))
    assert type(error) is errors.StateConflict
    assert (error.current_state, error.allowed_events, error.errors) == (None, (), ())
    assert error.correlation_id == "corr_2"


@pytest.mark.parametrize(("status", "kind"), [*BY_STATUS.items(), (500, errors.ServerError), (418, errors.ApiError)])
def test_a_code_that_is_not_known_falls_back_to_its_status(played, desk_of, status, kind):
    assert type(raised_by(played, desk_of, Answer(status, {"code": "OF_A_LATER_RELEASE"}))) is kind
    of_a_proxy = raised_by(played, desk_of, Answer(status, b"<html>"))
    assert type(of_a_proxy) is kind
    assert of_a_proxy.code.isupper()


LIST = [
    {"type": "missing", "loc": ["body", "positions", 3, "quantity"], "msg": "Field required"},
    {"type": "extra_forbidden", "loc": ["query", "porfolio_id"], "msg": "did you mean portfolio_id?"},
]
ERRORS = [
    {"pointer": "/positions/3/quantity", "detail": "Field required", "code": "missing"},
    {"parameter": "porfolio_id", "detail": "did you mean portfolio_id?", "code": "extra_forbidden"},
]


@pytest.mark.parametrize(
    "said", [{"detail": LIST}, {"detail": LIST, "errors": ERRORS}, {"detail": "VALIDATION_FAILED", "errors": ERRORS}]
)
def test_each_place_of_an_invalid_request_is_named(played, desk_of, said):
    error = raised_by(played, desk_of, Answer(422, {"code": "VALIDATION_FAILED"} | said))
    assert type(error) is errors.ValidationFailed
    assert [(one.place, one.detail, one.code) for one in error.errors] == [
        ("/positions/3/quantity", "Field required", "missing"),
        ("porfolio_id", "did you mean portfolio_id?", "extra_forbidden"),
    ]
    assert "/positions/3/quantity: Field required" in str(error)


def test_lists_of_another_server_are_no_places(played, desk_of):
    for said in ({"detail": ["no", {"loc": []}, {"loc": ["a"]}]}, {"errors": ["no"]}):
        assert raised_by(played, desk_of, Answer(422, said)).errors == ()


def test_scopes_and_tombstones_are_on_their_exceptions(played, desk_of):
    scope = raised_by(played, desk_of, Answer(403, {"code": "INSUFFICIENT_SCOPE", "required_scopes": ["audit:read"]}))
    assert (type(scope), scope.required_scopes) == (errors.InsufficientScope, ("audit:read",))
    gone = raised_by(played, desk_of, Answer(410, {"code": "OPERATION_EXPIRED", "operation": {"proposal_id": "pp_1"}}))
    assert (type(gone), gone.operation) == (errors.OperationExpired, {"proposal_id": "pp_1"})


def test_every_code_of_the_table_is_one_of_the_service():
    """Or of another release that is called, too."""
    said = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text()
    ours = {
        value.code
        for value in vars(of_service).values()
        if isinstance(value, type) and issubclass(value, of_service.ProposalError) and "code" in vars(value)
    }
    of_other_releases = {"CALLBACKS_NOT_CONFIGURED", "CALLBACK_NOT_FOUND"}
    assert {code for code in BY_CODE if code not in ours and code not in said} <= of_other_releases
