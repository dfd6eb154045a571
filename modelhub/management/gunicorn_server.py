"""gunicorn, set up from our settings: threads in a few workers, logs through our own logging."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

DRAIN_SECONDS = 0.2
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where a worker's heartbeat never waits for a disk


class QuietLogger(Logger):  # type: ignore[misc]
    """gunicorn's own words go where all others go; requests are logged by the application."""

    def setup(self, cfg: Any) -> None:
        """Leave handlers and levels to config.logs."""
        self.cfg = cfg
        self.error_log.propagate = True

    def access(self, *args: Any, **options: Any) -> None:
        """Said by modelhub.api.middleware."""


class Worker(ThreadWorker):  # type: ignore[misc]
    """Threads that no client can hold for longer than it takes to be silent."""

    def init_signals(self) -> None:
        """Ctrl-C and a closed terminal reach every process of the group; what they mean is the master's to say.

        A worker that got SIGINT of the terminal and SIGQUIT of the master at once could wait for a lock that it held
        itself, until it was killed after the whole grace period.
        """
        super().init_signals()
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Waiting for a body, or for who does not read the answer, ends after `MODELHUB_CLIENT_TIMEOUT`."""
        conn.sock.settimeout(settings.SERVE_CLIENT_TIMEOUT)
        return super().handle_request(req, conn)

    def _keepalive_after(self, conn: Any, keepalive: Any) -> bool:
        """A body that nobody read (a request without a key, say) is waited for briefly, then the connection ends."""
        return bool(keepalive) and bool(conn.parser.finish_body(deadline=time.monotonic() + DRAIN_SECONDS))


class Server(BaseApplication):  # type: ignore[misc]
    """One application and the settings to serve it with."""

    def __init__(self, application: Any, options: dict[str, Any]) -> None:
        self.application, self.options = application, options
        super().__init__()

    def load_config(self) -> None:
        """Only our settings: neither gunicorn's command line nor its environment variable."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, loaded before the workers were forked."""
        return self.application


def stop_on_hangup(arbiter: Any, before: Any) -> None:
    """A closed terminal ends the server, unless it was to be ignored (nohup).

    gunicorn would load the application anew and go on without a terminal; here, there is nothing to load anew.
    """

    def stop(number: int, frame: Any) -> None:
        arbiter.signal(signal.SIGTERM, frame)

    signal.signal(signal.SIGHUP, signal.SIG_IGN if before == signal.SIG_IGN else stop)


def serve(application: Any, *, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called once the port is open. Does not return: it exits with 0."""
    hangup = signal.getsignal(signal.SIGHUP)

    def when_ready(arbiter: Any) -> None:
        stop_on_hangup(arbiter, hangup)
        ready()

    host = f"[{settings.SERVE_HOST}]" if ":" in settings.SERVE_HOST else settings.SERVE_HOST
    options = {
        "bind": f"{host}:{settings.SERVE_PORT}",
        "workers": settings.SERVE_WORKERS,
        "worker_class": Worker,
        "threads": settings.SERVE_THREADS,
        "timeout": settings.SERVE_TIMEOUT,
        "graceful_timeout": settings.SERVE_TIMEOUT,
        "keepalive": 15,
        "worker_tmp_dir": str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None,
        "logger_class": QuietLogger,
        "when_ready": when_ready,
        "control_socket_disable": True,
    }
    Server(application, options).run()
