"""Creation of PostgreSQL's data folder, whole or not at all."""

import os
import shutil
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from . import prepared, wheel

# The same order and the same upper and lower case on every machine, independent of its locale.
LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
OPTIONS = ("--auth=trust", *LOCALE)
# A small write-ahead log is copied sooner.
EPHEMERAL_OPTIONS = (*OPTIONS, "--no-sync", "--wal-segsize=1")


def ensure_cluster(folder: Path, *, user: str, ephemeral: bool) -> None:
    """Create the data in `folder` unless it exists; the folder must be locked.

    Raise `ImproperlyConfigured` for data of another major version, `wheel.CommandFailed` and `OSError`.
    """
    marker = folder / "PG_VERSION"
    options = initdb_options(user, ephemeral=ephemeral)
    if not marker.exists() and not (ephemeral and prepared.fetch(folder, options)):
        _create(folder, options)
    version = marker.read_text().strip()
    if version != wheel.MAJOR_VERSION:
        raise ImproperlyConfigured(
            f"{folder} holds data of PostgreSQL {version}, and this release brings {wheel.MAJOR_VERSION}; "
            "run modelhub backup with the old release, and restore with this one and a new MODELHUB_DATA_DIR."
        )
    # At every start: the binaries may be those of a new virtual environment.
    wheel.hand_over(folder)


def initdb_options(user: str, *, ephemeral: bool) -> tuple[str, ...]:
    return (*(EPHEMERAL_OPTIONS if ephemeral else OPTIONS), f"--username={user}")


def _create(folder: Path, options: tuple[str, ...]) -> None:
    """Run initdb beside the folder, then move the result there.

    initdb writes PG_VERSION early: killed in the middle, it would leave a folder that looks like data and never starts.
    """
    for leftover in folder.parent.glob(f"{folder.name}.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    prefix = f"{folder.name}.new-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder.parent, ignore_cleanup_errors=True) as draft:
        wheel.hand_over(Path(draft))
        wheel.run("initdb", *options, "--pgdata=.", cwd=Path(draft))
        Path(draft).rename(folder)
    descriptor = os.open(folder.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
