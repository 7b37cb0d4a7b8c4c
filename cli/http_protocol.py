"""HTTP connections of clients that send or read too slowly: uvicorn by itself waits for them for ever."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS: Final = 30.0
MAX_HEAD_BYTES: Final = 64 * 1024
STALLED_SECONDS: Final = 30.0
MAX_PIPELINED: Final = 20  # requests that wait for the answer of an earlier one, each in memory


class ImpatientProtocol(HttpToolsProtocol):
    """Ends a connection with a late or endless request head, too many requests, or an answer that nobody reads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_awaiting_head = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._stalled_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self._stop_stalled_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_awaiting_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self.transport.abort()
        # Something of a head, be it a line feed, or the rest of a body that was refused: uvicorn has stopped its clock.
        elif self._is_idle() and self._head_timer is None and not self.transport.is_closing():
            self._await_head()

    def on_headers_complete(self) -> None:
        self._is_awaiting_head = False
        self._head_bytes = 0
        self._stop_head_timer()
        if len(self.pipeline) >= MAX_PIPELINED:
            self.transport.abort()
        else:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_awaiting_head = True
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_writing(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        self._stop_stalled_timer()
        super().resume_writing()

    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn says that it is never None, and sets it so
        return cycle is None or cycle.response_complete

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _watch_writing(self, unsent: int) -> None:
        self._stop_stalled_timer()
        self._stalled_timer = self.loop.call_later(STALLED_SECONDS, self._abort_if_stalled, unsent)

    def _abort_if_stalled(self, unsent: int) -> None:
        """A slow reader is fine as long as it reads."""
        still_unsent = self.transport.get_write_buffer_size()
        if still_unsent >= unsent:
            self.transport.abort()
        else:
            self._watch_writing(still_unsent)

    def _stop_stalled_timer(self) -> None:
        if self._stalled_timer is not None:
            self._stalled_timer.cancel()
            self._stalled_timer = None
