"""Callbacks at a receiver: one call verifies and reads one, as Standard Webhooks 1.0 has it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from proposals_client.errors import CallbackRefused, InvalidArgument
from proposals_client.lazy_models import models
from proposals_client.reading import read_object

if TYPE_CHECKING:
    from proposals_client.models import CallbackMessage

TOLERANCE_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class CallbackEvent:
    """A verified call. Calls come at least once: act on each `webhook_id` once."""

    webhook_id: str
    document: Mapping[str, Any]

    @property
    def type(self) -> str:
        """`proposal.operation.succeeded` or `proposal.operation.failed`."""
        return str(self.document["type"])

    @property
    def operation_id(self) -> str:
        return str(self.document["data"]["operation_id"])

    @property
    def is_success(self) -> bool:
        return self.type == "proposal.operation.succeeded"

    @property
    def proposal_id(self) -> str | None:
        proposal_id: str | None = self.document["data"].get("proposal_id")
        return proposal_id

    def model(self) -> CallbackMessage:
        return read_object(models.CallbackMessage, self.document)


def verify_callback(
    secret: str | Iterable[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance_seconds: float = TOLERANCE_SECONDS,
) -> CallbackEvent:
    """The event of a call, from its headers and the raw bytes of its body.

    `secret` is what `proposals callback-secret HOST` prints (`whsec_...`), or several while secrets rotate. Raises
    CallbackRefused for a call that is not from the service or not from now: answer it with 401.
    """
    given = {name.lower(): value for name, value in headers.items()}
    webhook_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not webhook_id or not (timestamp.isascii() and timestamp.isdecimal()):
        raise CallbackRefused("webhook-id or webhook-timestamp is missing")
    if abs(time.time() - int(timestamp)) > tolerance_seconds:
        raise CallbackRefused("the timestamp is not of now")
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    expected = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in _keys(secret)]
    signatures = [
        part.removeprefix("v1,").encode()
        for part in given.get("webhook-signature", "").split(" ")
        if part.startswith("v1,")
    ]
    # All comparisons are made and each takes the same time: the time that it takes tells nothing.
    if not any([hmac.compare_digest(one, other) for one in signatures for other in expected]):  # noqa: C419 -- see above
        raise CallbackRefused("no signature is of a secret that we have")
    try:
        document = json.loads(body)
    except ValueError:
        raise CallbackRefused("the body is not JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("data"), dict):
        raise CallbackRefused("the body is not a callback of this service")
    return CallbackEvent(webhook_id, document)


def _keys(secret: str | Iterable[str]) -> list[bytes]:
    secrets = secret.split() if isinstance(secret, str) else list(secret)
    try:
        keys = [base64.b64decode(one.removeprefix("whsec_"), validate=True) for one in secrets]
    except ValueError:
        keys = []
    if not keys or not all(keys):  # an empty key would let anyone sign
        raise InvalidArgument("the callback secret is missing or not whsec_ and base64")
    return keys
