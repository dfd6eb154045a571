"""The temporary data folder of `serve --ephemeral`."""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PREFIX, MARKER = "modelhub-ephemeral-", "ephemeral"
# A busy disk takes up to 2 s to create the files of a database, 0.1 s in memory. Containers often have 64 MB there.
MEMORY, ENOUGH = Path("/dev/shm"), 1024**3  # noqa: S108
# A socket's path has at most 107 bytes.
LONGEST_PARENT = 55
# A shell may name databases and services of other servers.
FOREIGN = (
    "DATABASE_URL",
    "MODELHUB_DIRECT_DATABASE_URL",
    "MODELHUB_REPLICA_URL",
    "MODELHUB_PGBOUNCER",
    "MODELHUB_CACHE_URL",
    "MODELHUB_DATA_DIR",
)


def use_temporary_folder() -> None:
    """Make a data folder, removed at the end, and let the settings name no other data.

    The process and its forks hold the lock of the folder: without it, the folder is abandoned. Raise `OSError`.
    """
    for name in FOREIGN:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    folder = _make_locked_folder()
    (folder / MARKER).touch()
    os.environ["MODELHUB_DATA_DIR"] = str(folder)
    # After the embedded database has stopped, which registers later.
    remove_at_exit(folder)


def remove_at_exit(folder: Path) -> None:
    """Remove the folder when this process ends. Its forks, the workers, leave it."""
    own = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == own else None)


def is_ephemeral(folder: Path) -> bool:
    return os.access(folder / MARKER, os.F_OK)


def folder_on_disk() -> Path:
    """Return the folder for temporary files, with a path that fits a socket below it."""
    folder = Path(tempfile.gettempdir()).absolute()
    return folder if fits_socket(folder, LONGEST_PARENT) else Path("/tmp")  # noqa: S108


def fits_socket(folder: Path, longest: int) -> bool:
    """Return whether PostgreSQL and libpq, which read a list, can use the path."""
    text = str(folder)
    return len(os.fsencode(folder)) <= longest and text.isprintable() and not {",", '"'} & set(text)


def abandoned_folders() -> Iterator[Path]:
    """Yield the folders of this user's killed servers, each locked meanwhile."""
    for folder in [folder for parent in (MEMORY, folder_on_disk()) for folder in parent.glob(f"{PREFIX}*")]:
        with suppress(OSError):
            # Never through a link of another user.
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(descriptor).st_uid == os.geteuid():
                    yield folder
            finally:
                os.close(descriptor)


def _make_locked_folder() -> Path:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_parent()))
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        # Before the lock, it looked abandoned to a simultaneous start.
        if folder.exists():
            return folder
        os.close(descriptor)


def _parent() -> Path:
    """Return the folder in memory if it has room and TMPDIR is not set."""
    usable = "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH
    return MEMORY if usable else folder_on_disk()
