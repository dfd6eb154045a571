"""The folder in which the workers of one server keep their numbers for `/metrics`, for as long as it runs."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config import env

PREFIX = "modelhub-metrics-"
MEMORY = Path("/dev/shm")  # noqa: S108 - files that never reach a disk


@contextmanager
def metrics_folder() -> Iterator[None]:
    """Tell the library where to keep the numbers, before it is imported; without a token nobody could read them.

    The folder is locked while any process of the server lives. One that nobody locks was left by a server that was
    killed, and is removed.
    """
    if not env.text("MODELHUB_METRICS_TOKEN"):
        yield
        return
    parent = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    for leftover in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            os.close(_lock(leftover))
            shutil.rmtree(leftover, ignore_errors=True)
    own = os.getpid()
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        lock = _lock(folder)
    except OSError as error:
        raise ImproperlyConfigured(
            f"MODELHUB_METRICS_TOKEN is set, and there is no room for the numbers in {parent}: {error.strerror}."
        ) from error
    env.hand_over("PROMETHEUS_MULTIPROC_DIR", str(folder))
    try:
        yield
    finally:
        if os.getpid() == own:  # forked workers come by here, too
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _lock(folder: Path) -> int:
    """An open file that holds the lock of the folder; raises `OSError` when another server holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
