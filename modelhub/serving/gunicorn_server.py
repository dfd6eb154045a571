"""gunicorn, set up from our settings: threads in a few workers, logs through our own logging."""

import ctypes
import gc
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from modelhub.core import stopping
from modelhub.core.metrics import forget_process
from modelhub.serving.gunicorn_worker import STOPS, Worker

# Of glibc's malloc.h; other libraries have no mallopt.
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where a worker's heartbeat never waits for a disk


class QuietLogger(Logger):  # type: ignore[misc]
    """gunicorn's own words go where all others go; requests are logged by the application."""

    def setup(self, cfg: Any) -> None:
        """Leave handlers and levels to config.logs."""
        self.cfg = cfg
        self.error_log.propagate = True

    def access(self, *args: Any, **options: Any) -> None:
        """Said by modelhub.core.middleware."""


class Master(Arbiter):  # type: ignore[misc]
    """gunicorn's master, which on SIGTERM serves on for `MODELHUB_DRAIN_SECONDS` before it stops.

    Meanwhile `/readyz` answers 503: whoever balances load needs a moment to notice. A second SIGTERM ends the wait,
    and requests in flight are still finished; SIGINT and SIGQUIT stop at once.
    """

    drained_at: float | None = None

    def init_signals(self) -> None:
        """A closed terminal ends the server, unless it was to be ignored (nohup).

        gunicorn would load the application anew and go on without a terminal; here, there is nothing to load anew.
        """
        before = signal.getsignal(signal.SIGHUP)
        super().init_signals()
        if before == signal.SIG_IGN:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        else:
            signal.signal(signal.SIGHUP, lambda number, frame: self.signal(signal.SIGTERM, frame))

    def spawn_worker(self) -> Any:
        """A stop waits until the new worker has handlers of its own (`Worker.init_signals`).

        Until then it has ours, which keep a signal for a loop that only the master runs: it would be lost, and the
        master would wait out its whole grace period.
        """
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def handle_term(self) -> None:
        """Start the drain, or end it; without one to wait for, the graceful stop begins at once."""
        stopping.begin()
        if self.drained_at is not None or not settings.SERVE_DRAIN_SECONDS:
            super().handle_term()
        self.drained_at = time.monotonic() + settings.SERVE_DRAIN_SECONDS

    def wait_for_signals(self, timeout: float = 1.0) -> Any:
        """The main loop waits here, also through the drain: signals are heard, workers that die are replaced."""
        if self.drained_at is None:
            return super().wait_for_signals(timeout)
        left = self.drained_at - time.monotonic()
        if left <= 0:
            super().handle_term()
        return super().wait_for_signals(min(timeout, left))


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

    def run(self) -> None:
        """Run until stopped, under a master that drains."""
        Master(self).run()


def settle_memory() -> None:
    """What the workers, which are forks, inherit of memory.

    What is loaded stays for good, so the garbage collector need not walk through it: that takes as long as some twenty
    requests. A bulk request leaves nothing behind in circles (`api.middleware.part`), so it need not look often at what
    is made later. And glibc keeps a heap for each thread, with holes where bodies and answers were: two heaps are
    enough, and what is large goes back to the system at once.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 5)
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(M_ARENA_MAX, 2)
        mallopt(M_MMAP_THRESHOLD, 256 * 1024)


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
        "when_ready": lambda arbiter: ready(),
        "child_exit": lambda arbiter, worker: forget_process(worker.pid),
        "control_socket_disable": True,
    }
    settle_memory()
    Server(application, options).run()
