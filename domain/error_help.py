"""What a person reads about each code of `domain.errors`: one entry a code, whichever classes have it.

The page `/docs/errors`, docs/reference/errors.md and the titles of problems are made from these entries, together with
those of `api.http.http_errors`. Texts are Markdown of one paragraph, with code in backticks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Repeat(Enum):
    """Whether the same request helps, sent again with the same idempotency key."""

    YES = "Yes. Wait for the seconds of `Retry-After` if the response has it, and longer after each further failure."
    A_FEW_TIMES = "Yes, a few times, with longer waits. If the error stays, report its `correlation_id`."
    ONCE_IT_ENDS = "Not at once, but as soon as the operation has ended."
    IF_STILL_WANTED = "If the result is still wanted: the same key starts a new attempt."
    AFTER_A_CHANGE = "No. Change the request first."
    NO = "No."

    @property
    def is_automatic(self) -> bool:
        """Whether a client may repeat by itself: nothing has to change, and nothing has to be decided first."""
        return self in (Repeat.YES, Repeat.A_FEW_TIMES)


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorHelp:
    """`title` is one sentence for a person; `ends_operations` marks the codes that a FAILED operation can have."""

    title: str
    meaning: str
    action: str
    repeat: Repeat
    ends_operations: bool = False


HELP: Final[Mapping[str, ErrorHelp]] = {
    "PROPOSAL_NOT_FOUND": ErrorHelp(
        title="You have no proposal with this id.",
        meaning="The proposal does not exist, or it belongs to another client.",
        action="Check the id, and that your token is one of the client that created the proposal.",
        repeat=Repeat.AFTER_A_CHANGE,
        ends_operations=True,
    ),
    "PROPOSAL_VERSION_NOT_FOUND": ErrorHelp(
        title="The proposal has no version with this number.",
        meaning="404: the path names a version, or a proposal, that does not exist or belongs to another client. 422: "
        "`related_version_no` in the body is higher than the current version.",
        action="Read the proposal; its current version is `current_version_no`. Versions count from 1 without a gap.",
        repeat=Repeat.AFTER_A_CHANGE,
    ),
    "PROPOSAL_IDEMPOTENCY_KEY_NOT_FOUND": ErrorHelp(
        title="No proposal has been created with this idempotency key.",
        meaning="The key is unknown, or its operation has not made a proposal: it is still open, or it failed.",
        action="Look for the operation by its correlation id, and wait until it has ended.",
        repeat=Repeat.ONCE_IT_ENDS,
    ),
    "PROPOSAL_ASYNC_OPERATION_NOT_FOUND": ErrorHelp(
        title="You have no operation with this id or correlation id.",
        meaning="The operation does not exist, belongs to another client, or was purged so long ago that no record of "
        "it is left.",
        action="Check the id, and that your token is one of the client that submitted the operation. Look for a purged "
        "operation's proposal in the list of proposals.",
        repeat=Repeat.AFTER_A_CHANGE,
    ),
    "OPERATION_EXPIRED": ErrorHelp(
        title="The details of this operation have been purged.",
        meaning="Operations are kept for `PROPOSAL_OPERATION_RETENTION_DAYS` (30) after their end. For 90 days more at "
        "least, this error has what is left of it in `operation`; then it is not found. The proposal is kept.",
        action="Read the proposal: the member `operation` has `proposal_id` and `version_no`.",
        repeat=Repeat.NO,
    ),
    "OPERATION_ALREADY_TERMINAL": ErrorHelp(
        title="The operation has already ended.",
        meaning="The cancel came too late: the operation is SUCCEEDED or FAILED, and stays so.",
        action="Read the operation. To undo the proposal that it made, record the event `CANCELLED` for it.",
        repeat=Repeat.NO,
    ),
    "OPERATION_NOT_FAILED": ErrorHelp(
        title="Only a failed operation can be retried.",
        meaning="The operation is still open, or it has SUCCEEDED.",
        action="Read the operation. An open one ends by itself; a SUCCEEDED one needs no retry.",
        repeat=Repeat.NO,
    ),
    "IDEMPOTENCY_KEY_CONFLICT": ErrorHelp(
        title="This idempotency key already stands for a different request.",
        meaning="A key always stands for the same request, and this key came with a different body before.",
        action="Send the original body again, or use a new key for the new request. A retry gets this error when a "
        "newer operation of the key has another request: read that operation instead.",
        repeat=Repeat.AFTER_A_CHANGE,
    ),
    "PROPOSAL_TERMINAL_STATE": ErrorHelp(
        title="The proposal is closed and takes no new versions.",
        meaning="The proposal is EXECUTED, REJECTED, CANCELLED or EXPIRED.",
        action="Create a new proposal.",
        repeat=Repeat.NO,
        ends_operations=True,
    ),
    "PORTFOLIO_CONTEXT_MISMATCH": ErrorHelp(
        title="A new version must be for the same portfolio as its proposal.",
        meaning="`portfolio_snapshot.portfolio_id` of the request is not the proposal's.",
        action="Send the proposal's `portfolio_id`, or create a proposal for the other portfolio.",
        repeat=Repeat.AFTER_A_CHANGE,
        ends_operations=True,
    ),
    "STATE_CONFLICT": ErrorHelp(
        title="The proposal is not in the state that the request expects, or the request names no state.",
        meaning="`expected_state` is missing, or another person has changed the proposal since you read it. "
        "`current_state` has the present state, `allowed_events` the events that are possible in it.",
        action="Read the proposal again, decide on what it shows now, and send its state as `expected_state`.",
        repeat=Repeat.AFTER_A_CHANGE,
    ),
    "VERSION_CONFLICT": ErrorHelp(
        title="The proposal's current version is not the one that the request expects.",
        meaning="A new version: `expected_current_version_no` is not the current version. A review, under strict "
        "version binding: `related_version_no` is missing or is not the current version.",
        action="Read the proposal again, decide on its current version, and send the number of that version.",
        repeat=Repeat.AFTER_A_CHANGE,
        ends_operations=True,
    ),
    "INVALID_TRANSITION": ErrorHelp(
        title="This event is not possible in the proposal's current state.",
        meaning="`current_state` has the state, `allowed_events` the events that are possible in it. The service alone "
        "records `CREATED` and `NEW_VERSION_CREATED`, and nothing records `EXECUTION_REQUESTED`.",
        action="Send one of `allowed_events`. If the list is empty, the proposal is closed.",
        repeat=Repeat.AFTER_A_CHANGE,
    ),
    "INVALID_APPROVAL_STATE": ErrorHelp(
        title="The proposal is not waiting for this decision.",
        meaning="RISK is decided in RISK_REVIEW, COMPLIANCE in COMPLIANCE_REVIEW, CLIENT_CONSENT in "
        "AWAITING_CLIENT_CONSENT. `current_state` has the state, `allowed_events` the events that are possible in it.",
        action="Read the proposal, and send the decision that it waits for.",
        repeat=Repeat.AFTER_A_CHANGE,
    ),
    "CURSOR_INVALID": ErrorHelp(
        title="This cursor does not belong to this list.",
        meaning="A cursor is good for the list and the client that it was given to.",
        action="Send `next_cursor` of the page before, unchanged. To start over, leave `cursor` out.",
        repeat=Repeat.AFTER_A_CHANGE,
    ),
    "PROPOSAL_SIMULATION_DISABLED": ErrorHelp(
        title="The request does not allow the simulation of its proposal.",
        meaning="`options.enable_proposal_simulation` is not `true`.",
        action="Set `options.enable_proposal_simulation` to `true`.",
        repeat=Repeat.AFTER_A_CHANGE,
        ends_operations=True,
    ),
    "PROPOSAL_IDEMPOTENCY_STORE_WRITE_FAILED": ErrorHelp(
        title="The simulation was computed, but its result could not be stored.",
        meaning="The database failed while the result was written under your idempotency key; nothing is stored.",
        action="Send the same request again.",
        repeat=Repeat.YES,
    ),
    "PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED": ErrorHelp(
        title="Proposals are switched off on this service.",
        meaning="`PROPOSAL_WORKFLOW_LIFECYCLE_ENABLED` is `false`: proposals, reviews and operations are not served.",
        action="Ask the operator of the service whether it should be on.",
        repeat=Repeat.NO,
    ),
    "PROPOSAL_SUPPORT_APIS_DISABLED": ErrorHelp(
        title="The support endpoints are switched off on this service.",
        meaning="`PROPOSAL_SUPPORT_APIS_ENABLED` is `false`: approvals, events, lineage and key lookups are not "
        "served.",
        action="Ask the operator of the service whether it should be on.",
        repeat=Repeat.NO,
    ),
    "PROPOSAL_ASYNC_OPERATIONS_DISABLED": ErrorHelp(
        title="Asynchronous operations are switched off on this service.",
        meaning="`PROPOSAL_ASYNC_OPERATIONS_ENABLED` is `false`: operations and asynchronous submissions are not "
        "served.",
        action="Use the endpoints that wait for their result, or ask the operator of the service to switch it on.",
        repeat=Repeat.NO,
    ),
    "PROPOSAL_POSTGRES_CONNECTION_FAILED": ErrorHelp(
        title="The service is temporarily unavailable.",
        meaning="The service cannot use its database at the moment. If a create was under way, only its idempotency "
        "key can show later whether it was accepted.",
        action="Send the same request with the same key again. Operators: `/health/ready` has the reason.",
        repeat=Repeat.YES,
    ),
    "OPERATION_IN_PROGRESS": ErrorHelp(
        title="The operation takes longer than this request could wait.",
        meaning="The operation goes on. This service does not serve operations, so there is no address to poll.",
        action="Send the same request with the same key again: it waits for the same operation.",
        repeat=Repeat.YES,
    ),
    "OPERATION_CANCELLED": ErrorHelp(
        title="The operation was cancelled before it made anything.",
        meaning="Its client cancelled it, or an operator did.",
        action="Find out who cancelled it, and why. Retry it only if that was a mistake.",
        repeat=Repeat.IF_STILL_WANTED,
        ends_operations=True,
    ),
    "OPERATION_TERMINATED": ErrorHelp(
        title="An operator ended the operation before it made anything.",
        meaning="The workflow of the operation was terminated in Temporal.",
        action="Ask the operator of the service for the reason, then retry the operation.",
        repeat=Repeat.IF_STILL_WANTED,
        ends_operations=True,
    ),
    "OPERATION_TIMED_OUT": ErrorHelp(
        title="The operation waited too long for something that it needs.",
        meaning="A part of the service was unavailable for about a day. Nothing was made.",
        action="Retry the operation once the service is healthy again.",
        repeat=Repeat.YES,
        ends_operations=True,
    ),
    "OPERATION_INTERNAL_ERROR": ErrorHelp(
        title="The operation failed because of a fault in the service.",
        meaning="A step failed unexpectedly five times, or Temporal lost the operation's workflow four times. Nothing "
        "was made.",
        action="Retry the operation. Operators find the cause in the worker's log, by the id of the operation.",
        repeat=Repeat.A_FEW_TIMES,
        ends_operations=True,
    ),
    "SERVER_BUSY": ErrorHelp(
        title="The service has no room for this request at the moment.",
        meaning="The service limits what large requests and responses take together, and the limit is reached; "
        "`detail` says which. If only the response had no room, the work is done: the create or simulation is stored.",
        action="Send the same request with the same key again: it gets what is stored.",
        repeat=Repeat.YES,
    ),
    "ANALYSIS_ALL_RUNS_FAILED": ErrorHelp(
        title="No run of the batch could be computed.",
        meaning="Every run failed. `GET /rebalance/proposals/operations/{id}/runs` says of each run why.",
        action="Correct the request and send it with a new key.",
        repeat=Repeat.AFTER_A_CHANGE,
        ends_operations=True,
    ),
    "RUN_NOT_FOUND": ErrorHelp(
        title="The operation has no computed run with this number, or is no batch.",
        meaning="The number is that of no run, or of one that is not computed yet; or the operation is no batch.",
        action="List the runs that are computed: `GET /rebalance/proposals/operations/{id}/runs`.",
        repeat=Repeat.AFTER_A_CHANGE,
    ),
    "OPERATION_TOO_EXPENSIVE": ErrorHelp(
        title="The request takes more time or memory to compute than one request may.",
        meaning="Its computation was ended twice, at `PROPOSAL_COMPUTE_SECONDS` or `PROPOSAL_COMPUTE_MEMORY_MB`.",
        action="Make the request smaller, or ask the operator of the service to raise the limit.",
        repeat=Repeat.AFTER_A_CHANGE,
        ends_operations=True,
    ),
    "CALLBACK_URL_NOT_ALLOWED": ErrorHelp(
        title="The service may not call this callback URL.",
        meaning="The URL breaks a rule, which `detail` names: it must be `https` and name a public host, without user "
        "information or fragment.",
        action="Send another URL. For a host inside the bank's network, ask the operator of the service to add it to "
        "`PROPOSAL_CALLBACK_ALLOWED_HOSTS`.",
        repeat=Repeat.AFTER_A_CHANGE,
    ),
    "CALLBACKS_NOT_CONFIGURED": ErrorHelp(
        title="This service makes no callbacks.",
        meaning="The service has no secret to sign callbacks with. The URL of the request was not looked at.",
        action="Leave `callback` out and poll the operation, or ask the operator of the service to set "
        "`PROPOSAL_CALLBACK_SECRETS`.",
        repeat=Repeat.AFTER_A_CHANGE,
    ),
    "OPERATION_NOT_TERMINAL": ErrorHelp(
        title="The operation has not ended, so there is nothing to deliver yet.",
        meaning="A callback is delivered when its operation ends.",
        action="Wait for the end of the operation: its callback is then delivered without a further request.",
        repeat=Repeat.ONCE_IT_ENDS,
    ),
    "OPERATION_HAS_NO_CALLBACK": ErrorHelp(
        title="The operation was submitted without a callback.",
        meaning="Its request had no `callback`, or the request repeated a key: the callback of the first one counts. "
        "404 where the callback is read, 409 where it is delivered again.",
        action="Poll the operation instead. A callback cannot be added later.",
        repeat=Repeat.NO,
    ),
    "REDELIVERY_TOO_SOON": ErrorHelp(
        title="The callback was delivered again less than a minute ago.",
        meaning="An operation's callback can be delivered again once a minute.",
        action="Wait for the seconds of `Retry-After`.",
        repeat=Repeat.YES,
    ),
    "INSUFFICIENT_SCOPE": ErrorHelp(
        title="Your token does not have the scope that this request needs.",
        meaning="`required_scopes` lists the scopes, one of which is needed; `WWW-Authenticate` has the same list.",
        action="Get a token with one of these scopes. The operator of the issuer decides which clients may have it.",
        repeat=Repeat.AFTER_A_CHANGE,
    ),
    "ACTOR_MISMATCH": ErrorHelp(
        title="Your token does not allow you to act in another person's name.",
        meaning="`created_by` or `actor_id` of the request is not the `sub` of the token.",
        action="Send the subject of the token. To act for others, get a token with the scope `actors:any`.",
        repeat=Repeat.AFTER_A_CHANGE,
    ),
    "FOUR_EYES_VIOLATION": ErrorHelp(
        title="The author of a proposal cannot review it.",
        meaning="The actor created the proposal or its current version, and this service keeps authors from risk and "
        "compliance decisions.",
        action="Another person has to decide.",
        repeat=Repeat.NO,
    ),
    "TOO_MANY_OPEN_OPERATIONS": ErrorHelp(
        title="Too many operations are open at the moment.",
        meaning="The limit of open operations of the service, or of this client, is reached. This request was not "
        "accepted; open operations go on.",
        action="Send the same request with the same key again after `Retry-After`.",
        repeat=Repeat.YES,
    ),
}
