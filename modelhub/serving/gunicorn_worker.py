"""What one worker does: threads that no client can hold for long, and problems in place of gunicorn's own pages."""

import json
import signal
import threading
import time
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from gunicorn import util
from gunicorn.http.errors import (
    ExpectationFailed,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

from modelhub.core import metrics
from modelhub.core.ids import new_id
from modelhub.core.problems import CONTENT_TYPE, problem
from modelhub.serving.gunicorn_connections import ConnectionWorker, HeadIsLate
from modelhub.serving.whole_body import WholeBody

log = structlog.get_logger("modelhub.requests")

DRAIN_SECONDS = 0.2
POOL_SECONDS = 1
# How the master ends a worker: at once, or after its last requests.
STOPS = (signal.SIGTERM, signal.SIGQUIT)

# What gunicorn refuses before there is a request. Its own words quote what was sent, keys included: ours do not.
REFUSALS: dict[type[Exception], tuple[int, str, str]] = {
    LimitRequestLine: (414, "uri_too_long", "The path and query of a request may have about 4000 characters."),
    LimitRequestHeaders: (431, "headers_too_large", "The request has too many headers, or one that is too long."),
    ExpectationFailed: (417, "expectation_failed", "The only thing to expect is 100-continue."),
    UnsupportedTransferCoding: (501, "unsupported_transfer_coding", "The only transfer coding is chunked."),
    HeadIsLate: (408, "request_timeout", "The request did not come to its end in time."),
    ParseException: (400, "malformed_request", "This is not a request that HTTP/1.1 allows."),
    Exception: (500, "server_error", "Something went wrong inside the server; its log has the details."),
}
OURS = (InvalidResponseHeader, InvalidResponseHeaderName)


class Worker(ConnectionWorker):
    """Threads that no client can hold for longer than it takes to be silent."""

    def init_signals(self) -> None:
        """Ctrl-C and a closed terminal reach every process of the group; what they mean is the master's to say.

        A worker that got SIGINT of the terminal and SIGQUIT of the master at once could wait for a lock that it held
        itself, until it was killed after the whole grace period. Stops have waited for this (`Master.spawn_worker`).
        """
        super().init_signals()
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    def init_process(self) -> None:
        """Show the pool from the side: a worker whose threads all wait for the database counts no requests."""
        threading.Thread(target=_show_pool, daemon=True).start()
        super().init_process()

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Waiting for a body, or for who does not read the answer, ends after `MODELHUB_CLIENT_TIMEOUT`."""
        conn.sock.settimeout(settings.SERVE_CLIENT_TIMEOUT)
        req.body.reader = WholeBody(req.body.reader)
        try:
            return super().handle_request(req, conn)
        except TimeoutError:
            log.info("nobody_reads_the_answer")
            return False

    def _keepalive_after(self, conn: Any, keepalive: Any) -> bool:
        """A body that nobody read (a request without a key, say) is waited for briefly, then the connection ends."""
        return bool(keepalive) and bool(conn.parser.finish_body(deadline=time.monotonic() + DRAIN_SECONDS))

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """What is no request, or could not be answered, gets a problem and a line in the log, and the end."""
        kind = Exception if isinstance(exc, OURS) else type(exc)
        status, code, sentence = next(REFUSALS[base] for base in kind.__mro__ if base in REFUSALS)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=str(new_id()))
        body = problem(status, sentence, code=code)
        if status == 500:
            log.error("unforeseen_error", exc_info=exc)
        metrics.count_request(method="other", route="", status=status, seconds=0.0)
        log.info("request", status=status, reason=type(exc).__name__)
        try:
            util.write_nonblock(client, _answer(body))
        except OSError:
            log.debug("nobody_reads_the_refusal")


def _show_pool() -> None:
    while True:
        if pool := getattr(connection, "pool", None):
            metrics.show_pool(pool.get_stats())
        time.sleep(POOL_SECONDS)


def _answer(body: dict[str, Any]) -> bytes:
    """The bytes of an error answer, for where there is no request to answer with a response."""
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {body['status']} {body['title']}\r\nConnection: close\r\nContent-Type: {CONTENT_TYPE}\r\n"
        f"X-Request-Id: {body['request_id']}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content
