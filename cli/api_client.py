"""The HTTP API from a client's side: submit a request, then follow its operation to the end."""

import asyncio
import json
import re
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any, Final, Self
from urllib.parse import quote

import httpx2

from runtime.shown_url import shown_url

PREFIX: Final = "/rebalance/proposals"
CALL_SECONDS: Final = 30.0
HELD_POLL_SECONDS: Final = 2.0  # how long the service holds a poll; short enough to see RUNNING
DEFAULT_PAUSE_SECONDS: Final = 1.0
BEARER_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1

Json = dict[str, Any]


class ApiCallError(Exception):
    """A call that failed: lines to print, the first with the reason."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class FollowTimeoutError(Exception):
    """The operation of this id has not ended in time; it goes on."""


class ApiClient:
    """Calls the service at this base URL, with a bearer token if there is one; closes its connections with its block.

    Raises ApiCallError for an invalid URL or token.
    """

    def __init__(self, url: str, *, token: str | None = None) -> None:
        self._shown_url = shown_url(url)
        if token is not None and not BEARER_TOKEN.fullmatch(token):
            raise ApiCallError("the token has characters that no bearer token has")
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        try:
            self._http = httpx2.AsyncClient(base_url=url, headers=headers, timeout=CALL_SECONDS, trust_env=False)
        except httpx2.InvalidURL:
            raise ApiCallError(f"{shown_url(url)} is not a URL") from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def submit(self, document: bytes, *, idempotency_key: str | None, correlation_id: str | None) -> Json:
        """Send a create request; a key is made when none is given. Returns what `submit --json` prints.

        `is_replay`: the key stood for this operation before. Raises ApiCallError with what the service says.
        """
        key = idempotency_key or f"cli-{secrets.token_hex(8)}"
        headers = {b"Idempotency-Key": key.encode(), b"Content-Type": b"application/json"}
        if correlation_id is not None:
            headers[b"X-Correlation-Id"] = correlation_id.encode()
        safe_retry = f"whether it was accepted is not known: try again with --idempotency-key {key}"
        try:
            answer = await self._http.post(f"{PREFIX}/async", content=document, headers=headers)
        except (httpx2.ConnectError, httpx2.UnsupportedProtocol):
            raise ApiCallError(f"the service at {self._shown_url} cannot be reached") from None
        except httpx2.TransportError:
            raise ApiCallError(f"the service at {self._shown_url} did not answer", safe_retry) from None
        body = _json_object(answer)
        if answer.is_server_error:
            raise ApiCallError(*_problem_lines(answer.status_code, body), safe_retry)
        if answer.status_code != httpx2.codes.ACCEPTED:
            raise ApiCallError(*_problem_lines(answer.status_code, body))
        return {
            "operation_id": body["operation_id"],
            "correlation_id": body["correlation_id"],
            "idempotency_key": key,
            "is_replay": answer.headers.get("Idempotent-Replayed") == "true",
        }

    async def follow(self, operation_id: str, *, seconds: float) -> AsyncIterator[Json | None]:
        """Yield its AsyncStatus repeatedly, the terminal one last; None while the service cannot be reached.

        Raises FollowTimeoutError when time is up, ApiCallError when the service does not know the operation.
        """
        deadline = time.monotonic() + seconds
        while (remaining := deadline - time.monotonic()) > 0:
            asked_at, held = time.monotonic(), min(HELD_POLL_SECONDS, remaining)
            answer = await self._poll(operation_id, held=held)
            if answer is None or answer.is_server_error:
                yield None
            elif answer.status_code != httpx2.codes.OK:
                raise ApiCallError(*_problem_lines(answer.status_code, _json_object(answer)))
            else:
                status = _json_object(answer)
                yield status
                if status["status"] in ("SUCCEEDED", "FAILED"):
                    return
            if time.monotonic() - asked_at < held:  # the service did not hold the poll: pause here instead
                await asyncio.sleep(min(_retry_after(answer), max(0.0, deadline - time.monotonic())))
        raise FollowTimeoutError(operation_id)

    async def _poll(self, operation_id: str, *, held: float) -> httpx2.Response | None:
        try:
            return await self._http.get(
                f"{PREFIX}/operations/{quote(operation_id, safe='')}",
                params={"wait": f"{held:.2f}"},
                timeout=CALL_SECONDS + held,
            )
        except httpx2.TransportError:
            return None


def _retry_after(answer: httpx2.Response | None) -> float:
    """Seconds; the header's other form, a date, is not used by this service."""
    given = "" if answer is None else answer.headers.get("Retry-After", "")
    return float(given) if given.isdecimal() else DEFAULT_PAUSE_SECONDS


def _json_object(answer: httpx2.Response) -> Json:
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ApiCallError(f"the answer ({answer.status_code}) is not one of this service")
    return body


def _problem_lines(status: int, problem: Json) -> list[str]:
    detail = problem.get("detail")
    if not isinstance(detail, list):
        return [f"refused ({status}): {detail}"]
    return [f"refused ({status}):", *(f"  {_place(item['loc'])}: {item['msg']}" for item in detail)]


def _place(loc: list[str | int]) -> str:
    return ".".join(str(part) for part in loc)
