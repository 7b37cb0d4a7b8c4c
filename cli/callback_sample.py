"""The command `callback-test`: a signed sample for a receiver, sent as a worker sends callbacks."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from cli.output import fail, print_fields
from cli.settings import settings_or_exit
from domain.callback import CallbackRules, callback_body, webhook_id
from domain.callback_headers import TWICE, refused_headers
from domain.callback_retries import AttemptError
from domain.egress_proxy import EgressProxy
from domain.errors import OperationCancelled
from domain.ids import new_operation_id
from domain.operation import Operation, OperationFailure, OperationStatus, OperationType
from runtime.signals import exit_process
from services.callback_sender import CallbackSender
from services.callback_target import AttemptFailed, CallbackTargets
from services.callback_transport import CallbackTransport

COMMAND: Final = "proposals callback-test"
CORRELATION_ID: Final = "callback-test"
SUCCESS: Final = range(200, 300)


def callback_test(
    url: Annotated[str, typer.Argument(help="The receiver's url, as `callback.url` of a request has it.")],
    *,
    header: Annotated[
        list[str] | None, typer.Option(help="A header to send with it, as `Name: value`. Repeat it for more.")
    ] = None,
) -> None:
    """Send a signed sample to a receiver, as a worker would, and print what it returned.

    The sample says that a create was cancelled, under a new id each time and the correlation id `callback-test`. Run it
    where workers run: rules, secrets, proxy and authorities are those of the settings.

    Exits 0 when the receiver returned 2xx, 1 when it did not or the url is not allowed, 2 on invalid settings.
    """
    settings = settings_or_exit(secrets=("callback_secrets", "egress_proxy"))
    given = [_split(one) for one in header or ()]
    added = dict(given)
    if len(added) < len(given):
        fail(COMMAND, TWICE)
    if (refused := refused_headers(added)) is not None:
        fail(COMMAND, refused)
    exit_process(asyncio.run(_send(url, added, rules=settings.callback_rules, proxy=settings.proxy)))


def _split(header: str) -> tuple[str, str]:
    name, _, value = header.partition(":")
    return name.strip(), value.strip()


async def _send(url: str, added: dict[str, str], *, rules: CallbackRules, proxy: EgressProxy | None) -> int:
    targets = CallbackTargets(rules)
    sender = CallbackSender(targets, CallbackTransport(proxy=proxy), rules)
    operation = _sample()
    message_id = webhook_id(operation.operation_id)
    try:
        answer = await sender.send(
            targets.parse(url),
            message_id=message_id,
            body=callback_body(operation, public_url=rules.public_url),
            added=added.items(),
            now=lambda: datetime.now(UTC),
        )
    except AttemptFailed as failed:
        fail(COMMAND, _why(failed))
    print_fields("Callback", {"webhook id": message_id, "status code": answer.status_code})
    if answer.status_code not in SUCCESS:
        fail(COMMAND, "the receiver must return 2xx: a worker would try again")
    return 0


def _why(failed: AttemptFailed) -> str:
    if failed.error is AttemptError.NOT_CONFIGURED:
        return "no secret is configured: set PROPOSAL_CALLBACK_SECRETS"
    return failed.error if failed.rule is None else f"{failed.error}: {failed.rule}"


def _sample() -> Operation:
    failure = OperationFailure.of(OperationCancelled)
    at = datetime.now(UTC)
    return Operation(
        operation_id=new_operation_id(),
        operation_type=OperationType.CREATE_PROPOSAL,
        status=OperationStatus.FAILED,
        client="",
        error_code=failure.code,
        error_message=failure.message,
        correlation_id=CORRELATION_ID,
        idempotency_key=None,
        proposal_id=None,
        created_at=at,
        attempt=1,
        request_hash="",
        request_document="",
        portfolio_id=None,
        created_by="",
        policy="",
        is_large=False,
        updated_at=at,
        finished_at=at,
        progress_at=at,
    )
