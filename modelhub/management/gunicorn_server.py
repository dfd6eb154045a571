"""gunicorn, set up from our settings: threads in a few workers, logs through our own logging."""

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


def serve(application: Any, *, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called once the port is open. Does not return: it exits with 0."""
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
        "when_ready": lambda server: ready(),
        "control_socket_disable": True,
    }
    Server(application, options).run()
