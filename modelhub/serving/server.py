"""gunicorn as the manager of the worker processes, set up from Django's settings."""

import contextlib
import gc
import os
import resource
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from modelhub.core.metrics import forget_process
from modelhub.serving.ephemeral import MEMORY
from modelhub.serving.worker import STOP_SIGNALS, Worker

# An event loop on a crowded machine may be late for a second or two.
SHORTEST_HEARTBEAT_SECONDS = 5


class RootLogger(Logger):
    """Pass gunicorn's messages to the root logger, without a log of requests."""

    def setup(self, cfg: Any) -> None:
        """Set neither handlers nor levels."""
        self.cfg = cfg
        self.error_log.propagate = True


class Server(BaseApplication):
    """One loaded application, and options in place of gunicorn's command line."""

    def __init__(self, application: Any, options: dict[str, Any]) -> None:
        self.application, self.options = application, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self.application


def serve(application: Any, *, ready: Callable[[int], None]) -> None:
    """Serve until stopped, then exit with 0; call `ready` with the open port."""
    ignores_hangup = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # nohup

    def when_ready(arbiter: Arbiter) -> None:
        # gunicorn would reload on SIGHUP and go on without its terminal.
        stop = partial(_stop, arbiter)
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignores_hangup else stop)
        [listener] = arbiter.LISTENERS
        ready(listener.sock.getsockname()[1])

    host = f"[{settings.SERVE_HOST}]" if ":" in settings.SERVE_HOST else settings.SERVE_HOST
    options = {
        "bind": f"{host}:{settings.SERVE_PORT}",
        "workers": settings.SERVE_WORKERS,
        "worker_class": Worker,
        "timeout": max(settings.SERVE_TIMEOUT, SHORTEST_HEARTBEAT_SECONDS),
        "graceful_timeout": settings.SERVE_DRAIN_SECONDS + settings.SERVE_TIMEOUT,
        # A heartbeat in memory never waits for a disk.
        "worker_tmp_dir": str(MEMORY) if MEMORY.is_dir() else None,
        "logger_class": RootLogger,
        "when_ready": when_ready,
        "child_exit": lambda arbiter, worker: forget_process(worker.pid),
        "control_socket_disable": True,
    }
    _prepare_forks()
    Server(application, options).run()


def _stop(arbiter: Arbiter, number: int, frame: object) -> None:
    arbiter.signal(signal.SIGTERM, frame)


def _prepare_forks() -> None:
    """Set up the process so that its forks, the workers, inherit it."""
    # Until a worker has handlers of its own, it has those of the master, which lose a signal.
    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS),
    )
    # Each connection needs up to three files.
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # Loaded code stays: collections need not walk it, and its pages stay shared with the master.
    gc.collect()
    gc.freeze()
    # A bulk request makes thousands of objects and leaves no cycles behind.
    gc.set_threshold(10_000, 10, 10)
