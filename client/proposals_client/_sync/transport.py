# Generated from _async/transport.py by client/generate.py.
"""Sends a call, with its token, until there is an answer or a repeat makes no sense."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from typing import Final

import httpx2

from proposals_client.calls import Call
from proposals_client.errors import ConnectionLost, InvalidArgument, ServiceUnreachable
from proposals_client.problems import api_error
from proposals_client.repeats import Repeats
from proposals_client.tokens import authorization
from proposals_client.version import __version__

TokenSource = str | Callable[[], str]

log: Final = logging.getLogger("proposals_client")
USER_AGENT: Final = f"proposals-client/{__version__}"
UNAUTHORIZED: Final = 401


class Transport:
    """Holds the connections and the token. No log line has a query, header or body."""

    def __init__(
        self,
        url: str,
        *,
        token: TokenSource | None,
        timeout: float,
        repeat_seconds: float,
        http: httpx2.Client | None,
    ) -> None:
        try:
            self._url = httpx2.URL(url.rstrip("/"))
        except httpx2.InvalidURL:
            raise InvalidArgument("the URL of the service is not a URL") from None
        if self._url.scheme not in ("http", "https") or not self._url.host:
            raise InvalidArgument("the URL of the service must begin with https:// or http:// and name a host")
        if self._url.query or self._url.fragment:
            raise InvalidArgument("the URL of the service must have no query and no fragment")
        self._token_source = token
        self._token: str | None = None
        if isinstance(token, str):
            authorization(token)  # a malformed one is refused here
            self._token = token
        self._timeout = timeout
        self._repeat_seconds = repeat_seconds
        self._owns_http = http is None
        self._http = http or httpx2.Client()

    def close(self) -> None:
        """Close the connections, unless they are the caller's."""
        if self._owns_http:
            self._http.close()

    def token(self) -> str | None:
        """The present token; fetched when there is none yet."""
        if self._token is None and self._token_source is not None:
            self._fetch_token()
        return self._token

    def send(self, call: Call, *, repeat_seconds: float | None = None) -> httpx2.Response:
        """Raises ApiError, ServiceUnreachable."""
        return self._answer(call, seconds=self._repeat_seconds if repeat_seconds is None else repeat_seconds)

    def lines(self, call: Call) -> Generator[bytes, None, None]:
        """Yield whole lines, with their ends, as they arrive. Raises as `send` does, and ConnectionLost."""
        answer = self._answer(call, seconds=self._repeat_seconds, is_streamed=True)
        try:
            begun = b""
            for piece in answer.iter_bytes():
                *whole, begun = (begun + piece).split(b"\n")
                for line in whole:
                    yield line + b"\n"
        except httpx2.TransportError as failure:
            raise ConnectionLost(f"the answer broke off: {type(failure).__name__}") from None
        finally:
            answer.close()

    def _answer(self, call: Call, *, seconds: float, is_streamed: bool = False) -> httpx2.Response:
        repeats = Repeats(seconds=seconds, is_safe=call.is_safe_to_repeat)
        has_new_token = False
        while True:
            try:
                answer = self._attempt(call, is_streamed=is_streamed)
                if not answer.is_success:
                    answer.read()
            except httpx2.TransportError as failure:
                pause = repeats.pause_after_failure(failure)
                reason = type(failure).__name__
                if pause is None:
                    raise self._unreachable(call, failure) from None
            else:
                if answer.is_success:
                    return answer
                if answer.status_code == UNAUTHORIZED and callable(self._token_source) and not has_new_token:
                    has_new_token = True
                    self._fetch_token()
                    continue
                error = api_error(answer, key=call.key)
                pause = repeats.pause_after_answer(answer, retryable=error.retryable)
                reason = f"{error.status} {error.code}"
                if pause is None:
                    raise error
            log.info("%s %s again in %.1f s: %s", call.method, call.path, pause, reason)
            time.sleep(pause)

    def _attempt(self, call: Call, *, is_streamed: bool) -> httpx2.Response:
        token = self.token()
        headers = {"User-Agent": USER_AGENT} | ({} if token is None else authorization(token))
        request = self._http.build_request(
            call.method,
            self._url.copy_with(raw_path=self._url.raw_path.rstrip(b"/") + call.path.encode()),
            params=call.parameters(),
            headers={name.encode(): value.encode() for name, value in headers.items()} | call.headers(),
            content=call.body,
            timeout=httpx2.Timeout(self._timeout, read=self._timeout + call.held),
        )
        return self._http.send(request, stream=is_streamed, follow_redirects=False)

    def _fetch_token(self) -> None:
        if callable(self._token_source):
            self._token = self._token_source()

    def _unreachable(self, call: Call, failure: httpx2.TransportError) -> ServiceUnreachable:
        was_sent = not isinstance(failure, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout))
        service = f"{self._url.scheme}://{self._url.netloc.decode()}"  # netloc: without user information
        return ServiceUnreachable(service, was_sent=was_sent, key=call.key)
