"""Temporary folders for servers and databases."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MEMORY = Path("/dev/shm")
# Containers often have 64 MB there, which a few databases fill.
ENOUGH = 2 * 1024**3


def fast_parent() -> Path | None:
    """Return the folder in memory: databases are copied ten times faster there."""
    usable = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH
    return MEMORY if usable else None


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder and remove it afterwards.

    Not one of pytest's: when root runs two sessions at once, each takes the folders of the other away from the
    system user that PostgreSQL runs as.
    """
    with tempfile.TemporaryDirectory(prefix="modelhub-", dir=fast_parent(), ignore_cleanup_errors=True) as folder:
        yield Path(folder)
