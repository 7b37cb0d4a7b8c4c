"""Limits of time and size for HTTP connections; uvicorn by itself has none."""

import asyncio
from enum import Enum, auto
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.http.http_errors import RequestRefused
from api.http.request_context import malformed, version_refused
from api.http.request_state import RequestState

HEAD_SECONDS: Final = 30.0
MAX_FRAMING_BYTES: Final = 64 * 1024  # of one request: its head, chunk sizes and extensions, trailers
MAX_FIELDS: Final = 256  # of one head; each costs the memory of a hundred bytes, be it ever so short
STALLED_SECONDS: Final = 30.0
FRAMING_FIELDS: Final = frozenset({b"content-length", b"transfer-encoding"})
LINGER_SECONDS: Final = 5.0
MAX_PIPELINED: Final = 20  # requests that wait for the answer of an earlier one, each in memory
# The parser holds whatever it was fed of an unfinished field, and cannot say where in its food a request ended.
PIECE_BYTES: Final = 4096
LAST_PIECES_BYTES: Final = 256


class _Part(Enum):
    """What of a request comes next."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()  # and trailers


class LimitingProtocol(HttpToolsProtocol):
    """Ends a connection whose request head is late or too large, that pipelines too much, or that does not read.

    A refusal is a response of the application, sent in turn after the responses to earlier requests.

    An offer of another protocol (`Upgrade`) is ignored, as RFC 9110 (7.8) lets a server do.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parser = self._new_parser()
        self.ws_protocol_class = None  # whatever library happens to be installed
        self._served: RequestResponseCycle | None = None  # uvicorn only knows the last that came, which may wait
        self._part = _Part.NOTHING
        self._piece_bytes = 0
        self._framing_bytes = 0
        self._offers_upgrade = False  # the request whose head has just come: the parser stops behind it
        self._is_repeating = False  # a head that the application knows is fed again
        self._is_deaf = False  # whatever else comes is thrown away
        self._head_timer: asyncio.TimerHandle | None = None
        self._stalled_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_deaf = True
        self._stop_head_timer()
        self._stop_stalled_timer()
        if self._served is not None and not self._served.response_complete:
            self._served.disconnected = True
            self._served.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        start = 0
        while start < len(data) and not self._is_deaf and not self.transport.is_closing():
            piece = data[start : start + self._bytes_of_next_piece()]
            start += len(piece)
            self._piece_bytes = len(piece)
            self._framing_bytes += len(piece)
            self._unset_keepalive_if_required()
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as stopped:
                (parsed,) = stopped.args
                start -= len(piece) - parsed
                self._framing_bytes -= len(piece) - parsed
                self._ignore_upgrade()
            except httptools.HttpParserError:
                self.send_400_response("Invalid HTTP request received.")
            if self._is_too_large():
                self._refuse(_too_large())
        # Something of a head, be it a line feed, or the rest of a body that was refused: uvicorn has stopped its clock.
        if self._is_idle() and self._head_timer is None and not self._is_deaf and not self.transport.is_closing():
            self._await_head()

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        # The version is refused by the application, with a problem; the other leniency is uvicorn's.
        parser.set_dangerous_leniencies(lenient_data_after_close=True, lenient_version=True)
        return parser

    def _ignore_upgrade(self) -> None:
        """Go on behind a head that offers another protocol: another parser is fed what it says of the body.

        The parser that has read the offer takes whatever follows for the other protocol.
        """
        if self._is_deaf or self.transport.is_closing():
            return
        self.parser = self._new_parser()
        self._offers_upgrade, self._is_repeating = False, True
        framing = b"".join(b"%b: %b\r\n" % field for field in self.headers if field[0] in FRAMING_FIELDS)
        try:
            self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % framing)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def on_message_begin(self) -> None:
        if self._is_repeating:
            return
        super().on_message_begin()
        self._part = _Part.HEAD
        self._framing_bytes = self._piece_bytes  # all of it, since where in the piece this request begins is unknown

    def on_url(self, url: bytes) -> None:
        if not self._is_repeating:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._part is _Part.HEAD:  # uvicorn would take a trailer for a header
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._is_repeating:
            self._is_repeating = False
            return
        if self._is_deaf:
            return
        self._stop_head_timer()
        if self._is_too_large():
            self._refuse(_too_large())
        elif len(self.pipeline) >= MAX_PIPELINED:
            self.transport.abort()
        else:
            self._use_origin_form()
            if self.parser.get_http_version() == "1.0":
                self.expect_100_continue = False  # RFC 9110, 10.1.1: such a client does not know of it
            super().on_headers_complete()
            self.cycle.transport = _Lingering(self)
            self._part = _Part.BODY
            self._offers_upgrade = self.parser.should_upgrade()

    def _use_origin_form(self) -> None:
        """A target as a proxy gets it becomes what a server gets (RFC 9112, 3.2.2): its host is no part of a path."""
        if b"://" in self.url and not self.url.startswith(b"/"):
            target = httptools.parse_url(self.url)
            query = b"?" + target.query if target.query else b""
            nothing = b"*" if self.parser.get_method() == b"OPTIONS" else b"/"
            self.url = (target.path or nothing) + query

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._served = cycle
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        self._framing_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._offers_upgrade:  # it is not: the parser leaves the body to the other protocol
            return
        self._part = _Part.NOTHING
        self._framing_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn does with bytes that are no request."""
        if self.parser.get_method() == b"PRI":  # how a client of HTTP/2 begins
            self._refuse(version_refused())
        else:
            self._refuse(malformed(msg))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_writing(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        self._stop_stalled_timer()
        super().resume_writing()

    def end(self) -> None:
        """Ends the connection, in two steps while its client still sends.

        A socket that is closed with bytes unread is reset, and its client loses the answer.
        """
        if self._part is not _Part.BODY and not self._is_deaf:
            self.transport.close()
        elif not self.transport.is_closing():
            self._is_deaf = True
            self.pipeline.clear()
            self.transport.write_eof()
            self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn says that it is never None, and sets it so
        return cycle is None or cycle.response_complete

    def _bytes_of_next_piece(self) -> int:
        """No more than a head has left, so that none that is too long is ever complete; about that for trailers."""
        left = MAX_FRAMING_BYTES - self._framing_bytes
        return max(1 if self._part is _Part.HEAD else LAST_PIECES_BYTES, min(PIECE_BYTES, left))

    def _is_too_large(self) -> bool:
        return self._framing_bytes > MAX_FRAMING_BYTES or (self._part is _Part.HEAD and len(self.headers) > MAX_FIELDS)

    def _refuse(self, refusal: RequestRefused) -> None:
        """Lets the application answer with this refusal, and ends the connection."""
        if self._is_deaf or self.transport.is_closing():
            return
        self._is_deaf = True
        self._stop_head_timer()
        received = self.cycle if self._part is _Part.BODY else None
        if received is not None and received.response_complete:
            self.end()
            return
        if received is not None and received.response_started:
            self.transport.abort()
            return
        has_turn = self._is_idle()
        if received is not None:
            received.disconnected = True  # nothing that its application sends goes out any more, 100 Continue neither
            received.waiting_for_100_continue = False
            received.message_event.set()
            has_turn = not self.pipeline
            if self.pipeline:
                self.pipeline.popleft()
        self.cycle = self._refused_cycle(refusal)
        if has_turn:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.pipeline.appendleft((self.cycle, self.app))

    def _refused_cycle(self, refusal: RequestRefused) -> RequestResponseCycle:
        if self._part is _Part.NOTHING:
            super().on_message_begin()
        path = self.url.partition(b"?")[0]
        asked = {"method": "", "path": path.decode("latin-1"), "raw_path": path, "query_string": b""}
        return RequestResponseCycle(
            scope={**asked, **self.scope, "state": {**self.app_state, **RequestState(refused=refusal)}},  # type: ignore[typeddict-item]  # as uvicorn has it
            transport=_Lingering(self),
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )

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


class _Lingering(asyncio.Transport):
    """What a request's answer is written to, and closes when it is the connection's last."""

    def __init__(self, protocol: LimitingProtocol) -> None:
        super().__init__()
        self._protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._protocol.transport.write(data)

    def is_closing(self) -> bool:
        return self._protocol.transport.is_closing()

    def close(self) -> None:
        self._protocol.end()


def _too_large() -> RequestRefused:
    return RequestRefused(
        "REQUEST_HEADER_FIELDS_TOO_LARGE",
        f"Head, chunk sizes and trailers of a request are at most {MAX_FRAMING_BYTES} bytes, its head has at most "
        f"{MAX_FIELDS} fields.",
        headers={"Connection": "close"},
    )
