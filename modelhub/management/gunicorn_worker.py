"""What one worker does: threads that no client can hold for long, and problems in place of gunicorn's own pages."""

import json
import select
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
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
from gunicorn.workers.gthread import ThreadWorker

from modelhub import metrics
from modelhub.ids import new_id
from modelhub.management.whole_body import WholeBody
from modelhub.problems import CONTENT_TYPE, problem

log = structlog.get_logger("modelhub.requests")

DRAIN_SECONDS = 0.2
POOL_SECONDS = 1
# How the master ends a worker: at once, or after its last requests.
STOPS = (signal.SIGTERM, signal.SIGQUIT)
# As long as a client takes that sends one request after the other over a fast network.
STAY_SECONDS = 0.002
# What is answered without the database, and how much of a request is looked at to tell.
WATCHED = (b"GET /healthz ", b"GET /metrics ")
PEEKED = 4096

# What gunicorn refuses before there is a request. Its own words quote what was sent, keys included: ours do not.
REFUSALS: dict[type[Exception], tuple[int, str, str]] = {
    LimitRequestLine: (414, "uri_too_long", "The path and query of a request may have about 4000 characters."),
    LimitRequestHeaders: (431, "headers_too_large", "The request has too many headers, or one that is too long."),
    ExpectationFailed: (417, "expectation_failed", "The only thing to expect is 100-continue."),
    UnsupportedTransferCoding: (501, "unsupported_transfer_coding", "The only transfer coding is chunked."),
    ParseException: (400, "malformed_request", "This is not a request that HTTP/1.1 allows."),
    Exception: (500, "server_error", "Something went wrong inside the server; its log has the details."),
}
OURS = (InvalidResponseHeader, InvalidResponseHeaderName)


class Worker(ThreadWorker):  # type: ignore[misc]
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
        self.watchers = ThreadPoolExecutor(max_workers=1)
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        """Give the connection to a thread, once there is something to read; who watches the server has a thread apart.

        When the database is silent, all others may wait for it. What is asked of this one never does.
        """
        data = _peek(conn.sock)
        if data is None and not conn.initialized and not conn.data_ready and self.alive:
            conn.timeout = time.monotonic() + settings.SERVE_CLIENT_TIMEOUT
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))
        elif data and data.startswith(WATCHED) and b"\r\n\r\n" in data:
            done = self.watchers.submit(super().handle, conn)
            done.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, conn, future))
        else:
            super().enqueue_req(conn)

    def get_thread_pool(self) -> "Threads":
        """Threads that know whether somebody waits for one."""
        return Threads(self.cfg.threads)

    def handle(self, conn: Any) -> Any:
        """Answer a request, and those that follow at once: a thread that stays spares everybody two hand-overs.

        It stays only where another one is free, so that nobody waits for a client who does not go on.
        """
        result = super().handle(conn)
        while result is True and self.alive and self.tpool.may_stay():
            try:
                if not _comes_soon(conn):
                    break
            finally:
                self.tpool.leave()
            result = super().handle(conn)
        return result

    def set_accept_enabled(self, enabled: bool) -> None:
        """A worker that stops answers who is connected already, and lets go of the port at once.

        Otherwise whoever connects while it finishes its last requests would wait for an answer that never comes.
        """
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            known = -1
            while known < self.nr_conns:
                known = self.nr_conns
                self.accept(listener)
            listener.close()

    def _cap_keepalive(self, deadline: float) -> None:
        """A stop waits for nobody who has not begun to ask."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Waiting for a body, or for who does not read the answer, ends after `MODELHUB_CLIENT_TIMEOUT`."""
        conn.sock.settimeout(settings.SERVE_CLIENT_TIMEOUT)
        req.body.reader = WholeBody(req.body.reader)
        return super().handle_request(req, conn)

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


class Threads(ThreadPoolExecutor):
    """A worker's threads. Some may stay with a client for a moment, never the last one."""

    def __init__(self, count: int) -> None:
        super().__init__(max_workers=count)
        self.places = threading.Semaphore(count - 1)

    def may_stay(self) -> bool:
        """Take a place among those who stay, unless somebody waits for a thread; `leave` gives it back."""
        return self._work_queue.empty() and self.places.acquire(blocking=False)

    def leave(self) -> None:
        """Give the place back."""
        self.places.release()


def _comes_soon(conn: Any) -> bool:
    """Whether the next request of the connection is there within `STAY_SECONDS`, or its end."""
    if conn.parser.unreader.buf.getvalue():
        return True
    poll = select.poll()
    poll.register(conn.sock, select.POLLIN)
    return bool(poll.poll(STAY_SECONDS * 1000))


def _peek(sock: socket.socket) -> bytes | None:
    """What has arrived and was not read yet: nothing at all is `None`, the end of the connection is empty."""
    sock.setblocking(False)
    try:
        return sock.recv(PEEKED, socket.MSG_PEEK)
    except BlockingIOError:
        return None
    except OSError:
        return b""


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
