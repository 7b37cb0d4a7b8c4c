"""The callback at an operation's end: its message, and the signature by which a receiver recognises it.

Signed as Standard Webhooks 1.0 has it, with a key for each host, so that no receiver can forge a call to another.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.canonical import wire_text
from domain.errors import InvariantBroken
from domain.operation import Operation, OperationStatus
from domain.public_links import linked, operation_path
from domain.timestamps import wire_timestamp

KEY_BYTES: Final = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackSubscription:
    """The callback that a client asks for. Both fields may hold credentials and are never shown."""

    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def headers_text(self) -> str | None:
        """As the operation's row keeps them."""
        return json.dumps(dict(self.headers)) if self.headers else None

    @classmethod
    def stored(cls, url: str, headers_text: str | None) -> "CallbackSubscription":
        headers = {} if headers_text is None else json.loads(headers_text)
        return cls(url=url, headers=tuple(headers.items()))


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackRules:
    """The operator's settings for callbacks: signing secrets, newest first, the hosts that may be private, and the
    address that receivers reach this service at.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    allowed_hosts: frozenset[str] = frozenset()
    public_url: str | None = None


def callback_body(operation: Operation, *, public_url: str | None) -> bytes:
    """The message about an ended operation, the same bytes at every attempt. Raises InvariantBroken for an open one."""
    if operation.finished_at is None:
        raise InvariantBroken("a callback is for an operation that has ended")
    failure, progress = operation.failure, operation.progress
    error = failure and {"code": failure.code, "message": failure.message, "problem": failure.problem}
    outcome = "succeeded" if operation.status is OperationStatus.SUCCEEDED else "failed"
    message = {
        "type": f"proposal.operation.{outcome}",
        "timestamp": wire_timestamp(operation.finished_at),
        "data": {
            "operation_id": operation.operation_id,
            "operation_type": operation.operation_type,
            "status": operation.status,
            "correlation_id": operation.correlation_id,
            "proposal_id": operation.proposal_id,
            "version_no": operation.version_no,
            "error": error,
            **({} if progress is None else {"progress": asdict(progress)}),
            "status_url": linked(operation_path(operation.operation_id), public_url=public_url),
        },
    }
    return wire_text(message).encode()


def webhook_id(operation_id: str) -> str:
    """The same for every attempt and redelivery, so that a receiver recognises a repeat."""
    return f"msg_{operation_id.partition('_')[2]}"


def host_key(secret: str, host: str) -> bytes:
    """The signing key of a host, which is lower case and without port."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=host.encode()).derive(secret.encode())


def shown_key(key: bytes) -> str:
    """A key as receivers configure it."""
    return f"whsec_{base64.b64encode(key).decode()}"


def signatures(keys: Sequence[bytes], *, message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one signature a key, in this order; `timestamp` is in Unix seconds."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
