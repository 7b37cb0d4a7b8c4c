"""What the service refuses reaches a Python caller as the exception of its code."""

import httpx2
import pytest
from builders import a_body, a_version_body, without_simulation_flag
from http_clients import TLS
from issuer import EVERY_SCOPE, a_token
from proposals_client import (
    ActorMismatch,
    ApiError,
    AsyncProposals,
    CallbackNotAllowed,
    FeatureDisabled,
    FourEyesViolation,
    InsufficientScope,
    InvalidApprovalState,
    InvalidTransition,
    KeyConflict,
    KeyNotFound,
    NoCallback,
    OperationEnded,
    OperationExpired,
    OperationFailed,
    OperationNotEnded,
    OperationNotFailed,
    OperationNotFound,
    ProposalNotFound,
    RateLimited,
    Refused,
    RequestTooLarge,
    SimulationDisabled,
    StateConflict,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
    VersionConflict,
    VersionNotFound,
)
from purged_rows import purged_after
from pydantic import SecretStr
from receiver import SETTINGS

from cli.local.ports import free_port
from services import open_operations

IN_DRAFT = {"version": 1, "expected_state": "DRAFT"}


@pytest.fixture
async def http():
    async with httpx2.AsyncClient(trust_env=False, verify=TLS) as http:
        yield http


@pytest.fixture
def desk(api, http):
    return AsyncProposals(api.url, actor="reviewer_1", repeat_seconds=0, http=http)


async def refusal(awaitable, kind: type[ApiError], status: int, code: str) -> ApiError:
    with pytest.raises(kind) as raised:
        await awaitable
    error = raised.value
    assert (type(error), error.status, error.code) == (kind, status, code)
    assert error.correlation_id
    return error


async def test_what_is_not_there_is_named_by_what_it_is(desk):
    await refusal(desk.proposal("pp_0"), ProposalNotFound, 404, "PROPOSAL_NOT_FOUND")
    await refusal(desk.version("pp_0", 1), VersionNotFound, 404, "PROPOSAL_VERSION_NOT_FOUND")
    await refusal(desk.version_page("pp_0", 1), VersionNotFound, 404, "PROPOSAL_VERSION_NOT_FOUND")
    await refusal(desk.operation("pop_0"), OperationNotFound, 404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND")
    await refusal(desk.find_operation("a/b"), OperationNotFound, 404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND")
    await refusal(desk.proposal_of_key("k"), KeyNotFound, 404, "PROPOSAL_IDEMPOTENCY_KEY_NOT_FOUND")


async def test_what_a_request_has_wrong_is_named_by_its_place(desk):
    body = a_body()
    del body["created_by"]
    body["simulate_request"]["portfolio_snapshot"]["positions"][0]["quantity"] = "many"
    invalid = await refusal(desk.submit(body), ValidationFailed, 422, "VALIDATION_FAILED")
    places = {error.place for error in invalid.errors}
    assert "/created_by" in places
    assert any(place.startswith("/simulate_request/portfolio_snapshot/positions/0/quantity") for place in places)
    assert not invalid.retryable
    await refusal(desk.submit(a_body(), correlation_id="a b"), Refused, 422, "CORRELATION_ID_INVALID")
    without = without_simulation_flag()["simulate_request"]
    await refusal(desk.simulate(without), SimulationDisabled, 422, "PROPOSAL_SIMULATION_DISABLED")
    private = {"callback": {"url": "http://127.0.0.1/hook"}}
    with pytest.raises(CallbackNotAllowed):
        await desk.submit(a_body(**private))
    with pytest.raises(Refused) as no_cursor:
        _ = [proposal async for proposal in desk.proposals(cursor="pp_0")]
    assert no_cursor.value.code == "CURSOR_INVALID"


async def test_operations_refuse_what_comes_too_early_or_too_late(serve, settings, http, temporal_client):
    async with serve(settings.model_copy(update=SETTINGS)) as api:  # no worker: an operation stays open
        desk = AsyncProposals(api.url, repeat_seconds=0, http=http)
        operation = await desk.submit(a_body(callback={"url": "http://127.0.0.1:9/hook"}), key="k")
        other = a_body(created_by="advisor_2")
        await refusal(desk.submit(other, key="k"), KeyConflict, 409, "IDEMPOTENCY_KEY_CONFLICT")
        await refusal(operation.retry(), OperationNotFailed, 409, "OPERATION_NOT_FAILED")
        await refusal(operation.redeliver(), OperationNotEnded, 409, "OPERATION_NOT_TERMINAL")
        assert (await operation.cancel()).has_ended
        await refusal(operation.cancel(), OperationEnded, 409, "OPERATION_ALREADY_TERMINAL")
        with pytest.raises(OperationFailed) as cancelled:
            await operation.wait()
        assert (cancelled.value.code, cancelled.value.retryable) == ("OPERATION_CANCELLED", True)
        without = await desk.submit(a_body())
        await without.cancel()
        with pytest.raises(NoCallback):
            await without.callback()


async def test_a_decision_about_another_state_or_version(desk, worker):
    proposal_id = (await (await desk.submit(a_body())).wait()).proposal_id
    await refusal(
        desk.transition(proposal_id, "EXECUTED", version=1, expected_state="EXECUTION_READY"),
        StateConflict,
        409,
        "STATE_CONFLICT",
    )
    await refusal(desk.transition(proposal_id, "EXECUTED", **IN_DRAFT), InvalidTransition, 422, "INVALID_TRANSITION")
    await refusal(desk.approve(proposal_id, "RISK", **IN_DRAFT), InvalidApprovalState, 422, "INVALID_APPROVAL_STATE")
    await refusal(
        desk.transition(proposal_id, "CANCELLED", version=9, expected_state="DRAFT"),
        VersionNotFound,
        422,
        "PROPOSAL_VERSION_NOT_FOUND",
    )
    late = await desk.submit_version(proposal_id, a_version_body(expected_current_version_no=5))
    with pytest.raises(OperationFailed) as failed:
        await late.wait()
    assert failed.value.code == "VERSION_CONFLICT"


async def test_a_decision_about_a_version_that_is_not_the_current_one(serve, settings, http, worker):
    async with serve(settings.model_copy(update={"strict_version_binding": True})) as api:
        desk = AsyncProposals(api.url, actor="reviewer_1", repeat_seconds=0, http=http)
        proposal_id = (await (await desk.submit(a_body())).wait()).proposal_id
        await (await desk.submit_version(proposal_id, a_version_body())).wait()
        await refusal(desk.transition(proposal_id, "CANCELLED", **IN_DRAFT), VersionConflict, 409, "VERSION_CONFLICT")


async def test_a_purged_operation_says_what_it_made(desk, worker, storage, database_dsn):
    operation = await desk.submit(a_body(), correlation_id="mine")
    created = await operation.wait()
    await purged_after(storage, database_dsn, days=31)
    for awaitable in (operation.state(), operation.wait(), desk.find_operation("mine"), operation.retry()):
        gone = await refusal(awaitable, OperationExpired, 410, "OPERATION_EXPIRED")
        assert gone.operation["proposal_id"] == created.proposal_id


async def test_a_body_over_the_limit(serve, settings, http, temporal_client):
    async with serve(settings.model_copy(update={"max_body_bytes": 2000})) as api:
        desk = AsyncProposals(api.url, repeat_seconds=0, http=http)
        large = a_body(metadata={"advisor_notes": "a" * 4000})
        await refusal(desk.submit(large), RequestTooLarge, 413, "REQUEST_ENTITY_TOO_LARGE")


async def test_as_many_open_operations_as_the_service_takes(serve, settings, http, temporal_client, monkeypatch):
    monkeypatch.setattr(open_operations, "COUNT_EVERY_SECONDS", 0.0)
    async with serve(settings.model_copy(update={"max_open_operations": 1})) as api:
        desk = AsyncProposals(api.url, repeat_seconds=0, http=http)
        await desk.submit(a_body())
        full = await refusal(desk.submit(a_body()), RateLimited, 429, "TOO_MANY_OPEN_OPERATIONS")
        assert (full.retryable, full.retry_after) == (True, 5)


async def test_a_service_without_its_database(serve, settings, http):
    nowhere = SecretStr(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    async with serve(settings.model_copy(update={"database_url": nowhere})) as api:
        desk = AsyncProposals(api.url, repeat_seconds=0, http=http)
        down = await refusal(desk.submit(a_body(), key="k"), Unavailable, 503, "PROPOSAL_POSTGRES_CONNECTION_FAILED")
        assert (down.retryable, down.key, down.retry_after is not None) == (True, "k", True)


async def test_a_feature_that_is_switched_off(serve, settings, http, temporal_client):
    async with serve(settings.model_copy(update={"async_operations_enabled": False})) as api:
        desk = AsyncProposals(api.url, repeat_seconds=0, http=http)
        await refusal(desk.submit(a_body()), FeatureDisabled, 404, "PROPOSAL_ASYNC_OPERATIONS_DISABLED")


async def test_who_may_not(secured, worker, http):
    def desk_of(*token: str) -> AsyncProposals:
        return AsyncProposals(secured.url, token=a_token(*token), repeat_seconds=0, http=http)

    nobody = AsyncProposals(secured.url, repeat_seconds=0, http=http)
    await refusal(nobody.submit(a_body()), Unauthenticated, 401, "UNAUTHENTICATED")
    reader = desk_of("advisor_1", "proposals:read")
    await refusal(reader.submit(a_body()), InsufficientScope, 403, "INSUFFICIENT_SCOPE")
    await refusal(desk_of("advisor_2").submit(a_body()), ActorMismatch, 403, "ACTOR_MISMATCH")

    author = desk_of("advisor_1", EVERY_SCOPE)
    created = await (await author.submit(a_body())).wait()
    await author.transition(created.proposal_id, "SUBMITTED_FOR_RISK_REVIEW", **IN_DRAFT)
    about = {"version": 1, "expected_state": "RISK_REVIEW"}
    await refusal(author.approve(created.proposal_id, "RISK", **about), FourEyesViolation, 403, "FOUR_EYES_VIOLATION")
    decided = await desk_of("risk_1").approve(created.proposal_id, "RISK", **about)
    assert (decided.approval.actor_id, decided.current_state) == ("risk_1", "AWAITING_CLIENT_CONSENT")
