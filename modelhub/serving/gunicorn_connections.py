"""Which connection of a worker gets a thread, and when: only one whose next request has begun in earnest."""

import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from typing import Any

from django.conf import settings
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from modelhub.serving.request_heads import is_watch, read_head, receive

# As long as a client takes that sends one request after the other over a fast network.
STAY_SECONDS = 0.002
# For how long who got the last answer of a connection may still send, unread, so that the answer is not cut off.
LINGER_SECONDS, LINGER_BYTES = 2, 65536


class HeadIsLate(ParseException):  # type: ignore[misc]
    """The head of a request was begun and did not come to its end in time."""


class ConnectionWorker(ThreadWorker):  # type: ignore[misc]
    """Threads that no client can hold before it has sent the head of a request, or after it got its answer."""

    pending_conns: deque[Any]

    def init_process(self) -> None:
        """Who watches the server has a thread apart."""
        self.watchers = ThreadPoolExecutor(max_workers=1)
        super().init_process()

    def get_thread_pool(self) -> "Threads":
        """Threads that know whether somebody waits for one."""
        return Threads(self.cfg.threads)

    def enqueue_req(self, conn: Any) -> None:
        """Give the connection to a thread once there is the head of a request, or the end; until then, keep it here.

        When the database is silent, all threads may wait for it, but for that of who watches the server.
        """
        head: bytes | ParseException | None
        try:
            head = read_head(conn)
        except ParseException as error:
            head = error
        if head is None:
            self._wait_for_head(conn)
            return
        conn.data_ready = False
        if isinstance(head, ParseException):
            self._submit(conn, self.tpool, self.handle_error, None, conn.sock, conn.client, head)
        elif is_watch(conn, head):
            self._submit(conn, self.watchers, super().handle, conn)
        else:
            self._submit(conn, self.tpool, self.handle, conn)

    def _submit(self, conn: Any, pool: ThreadPoolExecutor, function: Callable[..., Any], *arguments: Any) -> None:
        done = pool.submit(function, *arguments)
        done.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, conn, future))

    def _wait_for_head(self, conn: Any) -> None:
        """All of the head has one time, however many pieces it comes in (`data_ready`: there was one before)."""
        if not conn.data_ready:
            seconds = settings.SERVE_CLIENT_TIMEOUT if self.alive else STOP_KEEPALIVE_LINGER
            conn.timeout = time.monotonic() + seconds
        self._keep(conn, self.on_pending_socket_readable)

    def _keep(self, conn: Any, when_readable: Callable[..., None]) -> None:
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(when_readable, conn))

    def _take(self, conn: Any) -> None:
        self.poller.unregister(conn.sock)
        self.pending_conns.remove(conn)

    def murder_pending(self) -> None:
        """End those whose time is over, wherever they stand, and tell who began a request and did not go on."""
        now = time.monotonic()
        for conn in [conn for conn in self.pending_conns if conn.timeout <= now]:
            self._take(conn)
            if _has_begun(conn):
                self._submit(conn, self.tpool, self.handle_error, None, conn.sock, conn.client, HeadIsLate())
            else:
                self._end(conn)

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

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """Keep the connection for its next request, or end it without waiting here until the client has read all."""
        if not fs.cancelled() and fs.exception() is None and fs.result() is True:
            super().finish_request(conn, fs)
            return
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._end(conn)
            return
        conn.timeout = time.monotonic() + LINGER_SECONDS
        conn.unread = LINGER_BYTES
        self._keep(conn, self._read_nothing)

    def _read_nothing(self, conn: Any, client: socket.socket) -> None:
        """Take what still comes until the client ends, too: closed over it, the connection would lose the answer."""
        data = receive(client)
        conn.unread -= len(data or b"")
        if data == b"" or conn.unread < 0:
            self._take(conn)
            self._end(conn)

    def _end(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()

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


def _has_begun(conn: Any) -> bool:
    """Whether it waits for the rest of a head, and not for the end of the connection."""
    return not hasattr(conn, "unread") and bool(conn.parser.unreader.buf.getvalue())


def _comes_soon(conn: Any) -> bool:
    """Whether the next request of the connection is there within `STAY_SECONDS`, or its end."""
    if not conn.parser.unreader.buf.getvalue():
        poll = select.poll()
        poll.register(conn.sock, select.POLLIN)
        if not poll.poll(STAY_SECONDS * 1000):
            return False
    try:
        return read_head(conn) is not None
    except ParseException:
        return False
