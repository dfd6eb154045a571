"""A worker: one event loop for all connections, and threads for complete requests."""

import os
import signal
import socket
import time
from typing import Any

from django.conf import settings
from django.db import connection
from gunicorn.workers import base
from waitress import wasyncore
from waitress.server import create_server

from modelhub.core import metrics
from modelhub.core.health import stopping
from modelhub.serving.channels import MAX_HEAD_BYTES, Channel, Lanes

CHECK_SECONDS = 0.5
# After each of its first connections, a worker leaves the next one to the others for this long: a client with a few
# kept connections would often have all of them in one worker.
YIELD_SECONDS, FIRST_CONNECTIONS = 0.001, 16
MAX_CONNECTIONS = 1000
SEND_BUFFER_BYTES = 256 * 1024
# The master blocks these until a new worker has handlers of its own (`modelhub.serving.server`).
STOP_SIGNALS = (signal.SIGTERM, signal.SIGQUIT)


class Worker(base.Worker):
    """Serve connections until SIGTERM, then drain and finish the requests in flight."""

    next_check = 0.0

    def init_signals(self) -> None:
        """Ignore Ctrl-C and a closed terminal, on which the master decides."""
        super().init_signals()
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def run(self) -> None:
        """Run the event loop; the master's SIGKILL bounds the stop (`graceful_timeout`)."""
        for listener in self.sockets:
            # Inherited by connections. Linux would keep up to 4 MB of an unread answer, per connection.
            listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self.sockets_by_number: dict[int, Any] = {}
        self.server = create_server(
            self.wsgi,
            map=self.sockets_by_number,
            sockets=[listener.sock for listener in self.sockets],
            threads=settings.SERVE_THREADS,
            max_request_header_size=MAX_HEAD_BYTES,
            # waitress refuses from this number of bytes on.
            max_request_body_size=settings.MAX_BODY_BYTES + 1,
            connection_limit=MAX_CONNECTIONS,
            # More would spare large bodies some turns of the loop, and let 200 uploads delay other answers.
            recv_bytes=32 * 1024,
            channel_timeout=settings.SERVE_KEEPALIVE,
            cleanup_interval=1,
            # Beyond these sizes, bodies and answers wait in temporary files. The answer to 1,000 scores has 560 KB.
            inbuf_overflow=256 * 1024,
            outbuf_overflow=1024 * 1024,
            outbuf_high_watermark=1024 * 1024,
            clear_untrusted_proxy_headers=not settings.TRUSTED_PROXIES,
            ident="modelhub",
            log_socket_errors=False,
        )
        self.server.channel_class = Channel
        self.server.listens = True
        self.server.task_dispatcher = Lanes(
            self.server.task_dispatcher, exports=settings.SERVE_EXPORT_THREADS, large=settings.SERVE_LARGE_THREADS
        )
        while self.alive and os.getppid() == self.ppid:
            self.turn()
        # From now on, `/readyz` returns 503; requests are still accepted until the drain is over.
        stopping.set()
        drained_at = time.monotonic() + settings.SERVE_DRAIN_SECONDS
        while time.monotonic() < drained_at:
            self.turn()
        self.stop_listening()
        while self.channels:
            for channel in self.channels:
                channel.wind_down(time.time())
            self.turn()

    @property
    def channels(self) -> list[Channel]:
        """All open connections."""
        return list(self.server.active_channels.values())

    def turn(self) -> None:
        """Handle events; check clients, heartbeat and gauges twice a second."""
        before = len(self.server.active_channels)
        timeout = CHECK_SECONDS if self.server.accepting else YIELD_SECONDS
        wasyncore.loop(timeout=timeout, use_poll=True, map=self.sockets_by_number, count=1)
        number = len(self.server.active_channels)
        self.server.accepting = number <= before or number > FIRST_CONNECTIONS
        if time.monotonic() < self.next_check:
            return
        self.next_check = time.monotonic() + CHECK_SECONDS
        now = time.time()
        # Idle connections make room for new ones.
        crowded = len(self.sockets_by_number) > MAX_CONNECTIONS * 0.9
        self.server.adj.channel_timeout = 1 if crowded else settings.SERVE_KEEPALIVE
        for channel in self.channels:
            channel.check_client(now)
        if not self.server.task_dispatcher.are_stuck(now):
            # The heartbeat: gunicorn replaces a worker without one.
            self.notify()
        if pool := getattr(connection, "pool", None):
            metrics.show_pool(pool.get_stats())

    def stop_listening(self) -> None:
        """Accept the connections that the kernel has completed, then close the port.

        The kernel resets what it completes after the last accept, with a backlog of 0 one connection at most.
        """
        self.server.listens = False
        self.server.socket.listen(0)
        known = -1
        while known < len(self.channels):
            known = len(self.channels)
            self.server.handle_accept()
        # `server.close()` would end the connections, too.
        wasyncore.dispatcher.close(self.server)
