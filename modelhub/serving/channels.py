"""Connections of a worker: waitress's channels with further limits.

waitress reads a whole request before a thread sees it and buffers the answer, so a client holds a socket, not a thread.
"""

import json
import re
import socket
import threading
import time
from collections import deque
from typing import Any
from urllib.parse import quote_from_bytes

import structlog
from django.conf import settings
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask
from waitress.utilities import BadRequest, Error

from modelhub.core import metrics
from modelhub.core.ids import new_request_id
from modelhub.core.problems import CONTENT_TYPE, problem

log = structlog.get_logger("modelhub.requests")

MAX_HEAD_BYTES = 16 * 1024
# waitress collects these two without a limit: the line before a chunk, and the fields behind the last one.
MAX_CHUNK_LINE_BYTES, MAX_TRAILER_BYTES = 1024, MAX_HEAD_BYTES
# Each 16 KB received extend the deadline of a request by a second, and each 16 KB sent that of an unread answer.
SLOWEST_BYTES_PER_SECOND = 16 * 1024
# Closing with unread bytes resets a connection, and the client loses the answer: read on for this long.
LINGER_SECONDS = 2

# Answered without the database, and so without a thread that may wait for it; `/readyz` asks the database.
PROBE_PATHS = frozenset({"/healthz", "/metrics"})
STREAMED_SUFFIX = "/export/"
LARGE_BODY_BYTES = 1024 * 1024
MAX_SERVED_KEYS = 100

# Code and sentence of a problem by the status that waitress chose. None of them quotes the request: keys are in it.
REFUSALS = {
    400: ("malformed_request", "This is not a request that HTTP/1.1 allows."),
    408: ("request_timeout", "The request did not come to its end in time."),
    413: ("request_too_large", f"The body must have at most {settings.MAX_BODY_BYTES} bytes"),
    431: ("headers_too_large", f"The head of a request must have less than {MAX_HEAD_BYTES} bytes."),
    500: ("server_error", "Something went wrong inside the server; its log has the details."),
    501: ("unsupported_transfer_coding", "The only transfer coding is chunked."),
    503: ("service_unavailable", "The server has no room for the body now; try it again."),
}
ASCII = bytes(range(128))
# Two of these fields can disagree about the end of the body, and a proxy in front may believe the other one.
FRAMING_FIELD = re.compile(rb"^(?:content-length|transfer-encoding)\s*:", re.IGNORECASE | re.MULTILINE)


class RequestTimeout(Error):
    """408, an error that waitress does not have."""

    code = 408
    reason = "Request Timeout"


class NoRoom(Error):
    """503, an error that waitress does not have."""

    code = 503
    reason = "Service Unavailable"


class Parser(HTTPRequestParser):
    """Parse one request, strictly where a proxy could see another end of it."""

    path = ""
    completed: bool
    error: Error | None

    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self.began = time.time()

    def received(self, data: bytes) -> int:
        """Consume bytes of the request and return their number."""
        try:
            consumed: int = super().received(data)
        except OSError:  # of a temporary file
            self.error, self.completed, consumed = NoRoom(""), True, len(data)
        if self.chunked and self.error is None:  # complete or not: a piece of 64 KB may hold all of it
            body = self.body_rcv
            if len(body.control_line) > MAX_CHUNK_LINE_BYTES or len(body.trailer) > MAX_TRAILER_BYTES:
                self.error, self.completed = BadRequest("chunk line or trailer too long"), True
        if self.completed:
            # waitress would answer 100 Continue and wait for a body that was refused, or that there is not.
            self.expect_continue = False
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the head. Raise `ParsingError` for an ambiguous or unsupported one."""
        if len(FRAMING_FIELD.findall(header_plus)) > 1:
            raise ParsingError("more than one Content-Length or Transfer-Encoding")
        line, end, fields = header_plus.partition(b"\r\n")
        # curl sends a URL as it was typed, in UTF-8.
        header_plus = quote_from_bytes(line, safe=ASCII).encode() + end + fields
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # urlsplit's, or int's for thousands of digits
            raise ParsingError("unreadable path or length") from error
        if self.version not in {"1.0", "1.1"} or self.command == "CONNECT":
            raise ParsingError("unsupported version or method")
        if "TRANSFER_ENCODING" in self.headers:  # removed by waitress in 1.1
            raise ParsingError("a transfer coding in HTTP/1.0")

    def is_late(self, now: float) -> bool:
        """Return whether the request should be complete by now."""
        received: int = self.header_bytes_received + self.body_bytes_received
        return now > self.began + settings.SERVE_CLIENT_TIMEOUT + received / SLOWEST_BYTES_PER_SECOND


class Answer(WSGITask):
    """Answer a request by the application."""

    def build_response_header(self) -> bytes:
        """Return the head; after the port was closed, the last answer closes its connection."""
        if not self.channel.server.listens and len(self.channel.requests) == 1:
            self.request.headers["CONNECTION"] = "close"
        return bytes(super().build_response_header())

    def finish(self) -> None:
        """Send the rest of the answer: to HEAD no last chunk, which belongs to a body."""
        if self.request.command == "HEAD":
            self.write(b"")
            self.chunked_response = False
        super().finish()


class Refusal(ErrorTask):
    """Answer a request that never reached Django with a problem, count it and log it."""

    def execute(self) -> None:
        """Write the answer; the connection ends with it."""
        status = self.request.error.code
        code, sentence = REFUSALS[status]
        request_id = new_request_id()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        body = problem(status, sentence, code=code)
        content = json.dumps(body).encode()
        self.version, self.status = "1.1", f"{status} {body['title']}"
        self.response_headers += [("Content-Type", CONTENT_TYPE), ("X-Request-Id", request_id)]
        self.response_headers += cors_headers(self.request)
        self.content_length = len(content)
        self.set_close_on_finish()
        metrics.count_request(method="other", route="", status=status, seconds=0.0)
        log.info("request", status=status, reason=code)
        self.write(content)


def cors_headers(request: Parser) -> list[tuple[str, str]]:
    """Return the headers of CORS, without which pages cannot read a refusal."""
    every, origin = settings.CORS_ALLOW_ALL_ORIGINS, request.headers.get("ORIGIN", "")
    if not (every or origin in settings.CORS_ALLOWED_ORIGINS) or not re.match(settings.CORS_URLS_REGEX, request.path):
        return []
    return [
        ("Access-Control-Allow-Origin", "*" if every else origin),
        ("Access-Control-Expose-Headers", ", ".join(settings.CORS_EXPOSE_HEADERS)),
        ("Vary", "Origin"),
    ]


class Channel(HTTPChannel):
    """One connection.

    `service` and `postpone` run in threads of the worker, too, all else in the event loop.
    """

    parser_class = Parser
    task_class = Answer
    error_task_class = Refusal
    request: Parser | None
    will_close: bool
    lingers_until = 0.0
    postponed = False
    # Since the buffer was empty: its time, and the bytes that the client has taken.
    unread_since = 0.0
    sent = 0

    @property
    def api_key(self) -> str:
        """Return the key that the first request names, unchecked; "" without one."""
        # A copy, because another thread may end the request.
        [headers] = [request.headers for request in self.requests[:1]] or [{}]
        bearer = headers.get("AUTHORIZATION", "").partition(" ")[2].partition(":")[0]
        return str(headers.get("X_API_KEY", bearer))

    def readable(self) -> bool:
        """Return whether the loop waits for bytes of the client."""
        return bool(self.lingers_until or super().readable())

    def writable(self) -> bool:
        """Return whether the loop waits for room to send."""
        return not self.lingers_until and bool(super().writable())

    def handle_write(self) -> None:
        """Send from the buffer, then go on with a postponed request."""
        super().handle_write()
        if self.postponed:
            with self.outbuf_lock:
                if self.connected and self.requests and not self.total_outbufs_len:
                    self.postponed = False
                    self.server.add_task(self)

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send to the client and count the bytes that it takes."""
        sent = int(super().send(data, do_close=do_close))
        self.sent += sent
        return sent

    def write_soon(self, data: Any) -> int:
        """Append to the buffer. A disk without room for the buffer's file cuts the answer."""
        if not self.total_outbufs_len:
            # The client has its time from here on, however long the request took.
            self.last_activity = self.unread_since = time.time()
            self.sent = 0
        try:
            return int(super().write_soon(data))
        except OSError as error:
            log.error("answer_cut", bytes=len(data), reason=error.strerror)  # noqa: TRY400 - not a fault of the code
            raise

    def postpone(self) -> bool:
        """Postpone the next request while an answer is unread. Return whether it waits.

        A thread would wait for the client otherwise, once pipelined answers exceed `outbuf_high_watermark`.
        """
        with self.outbuf_lock:
            self.postponed = bool(self.total_outbufs_len)
            return self.postponed

    def service(self) -> None:
        """Execute one request, in a thread of the worker."""
        # By thread: the next request of the channel may begin in another one before this call returns.
        busy, thread = self.server.task_dispatcher.busy, threading.get_ident()
        busy[thread] = (self, time.time())
        try:
            super().service()
        finally:
            del busy[thread]
            if request := self.request:  # pipelined: it could not be read meanwhile
                request.began = time.time()

    def handle_close(self) -> None:
        """Close the connection, after an answer by half: the client can still read it."""
        if self.will_close and self.connected and not self.lingers_until:
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                self.cut()
            else:
                self.lingers_until = time.time() + LINGER_SECONDS
            return
        self.cut()

    def cut(self) -> None:
        """Close the connection at once; waiting writers get `ClientDisconnected`."""
        super().handle_close()

    def check_client(self, now: float) -> None:
        """End a connection with a slow client; `channel_timeout` ends idle ones."""
        if self.lingers_until:
            if now > self.lingers_until:
                self.cut()
        elif self.total_outbufs_len:
            late = now - self.unread_since - self.sent / SLOWEST_BYTES_PER_SECOND
            if max(late, now - self.last_activity) > settings.SERVE_CLIENT_TIMEOUT:
                log.info("client_does_not_read", bytes=self.total_outbufs_len)
                self.cut()
        elif self.request and not self.requests and self.request.is_late(now):
            with self.requests_lock:
                self.request.error = RequestTimeout("")
                self.requests.append(self.request)
                self.request = None
            self.server.add_task(self)

    def wind_down(self, now: float) -> None:
        """End the connection soon if it is idle; the last answer of others closes it."""
        if not (self.requests or self.request or self.total_outbufs_len) and now > self.last_activity + 1:
            self.will_close = True


class FairQueue(deque[Channel]):
    """Queue of exports in which API keys take turns.

    A client that reads none of its exports holds a thread until its timeout, once per turn and not for all of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.served: list[str] = []

    def popleft(self) -> Channel:
        """Remove the first export of the key that was served longest ago."""
        turns = {key: turn for turn, key in enumerate(self.served)}
        first = min(self, key=lambda channel: turns.get(channel.api_key, -1))
        self.remove(first)
        turns.pop(first.api_key, None)
        self.served = [*turns, first.api_key][-MAX_SERVED_KEYS:]
        return first


class Lanes:
    """Threads by kind of request: probes, exports, large bodies and all others.

    Neither a silent database nor exports that clients do not read delay the other kinds. Large bodies are parsed one
    after the other.
    """

    def __init__(self, requests: ThreadedTaskDispatcher, *, exports: int, large: int) -> None:
        self.busy: dict[int, tuple[Channel, float]] = {}
        self.requests = requests
        self.probes, self.exports, self.large = (ThreadedTaskDispatcher() for _ in range(3))
        self.probes.set_thread_count(1)
        self.exports.queue = FairQueue()
        self.exports.set_thread_count(exports)
        self.large.set_thread_count(large)

    def are_stuck(self, now: float) -> bool:
        """Return whether a thread is stuck for twice the request timeout."""
        limit = 2 * settings.SERVE_TIMEOUT
        return any(now > max(began, channel.last_activity) + limit for channel, began in list(self.busy.values()))

    def add_task(self, channel: Channel) -> None:
        """Queue the next request of a channel."""
        if channel.postpone():
            return
        request = channel.requests[0]
        path = request.path
        if path in PROBE_PATHS:
            self.probes.add_task(channel)
        elif path.endswith(STREAMED_SUFFIX):
            self.exports.add_task(channel)
        elif request.body_bytes_received > LARGE_BODY_BYTES and not request.error:
            self.large.add_task(channel)
        else:
            self.requests.add_task(channel)
