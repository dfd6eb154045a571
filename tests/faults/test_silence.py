"""PostgreSQL frozen under load: no answer, no closed connection, none of its timeouts."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.faults.ledger import clients
from tests.faults.postgres import DATABASE, running_database
from tests.postgres import Postgres
from tests.servers import running_server

FROZEN_SECONDS = 4
SETTINGS = {"MODELHUB_AUTO_CREATE_SOURCES": "true"}


@contextmanager
def frozen(postgres: Postgres) -> Iterator[None]:
    """Stop every process of PostgreSQL until the end of the block."""
    postmaster = psutil.Process(int((postgres.folder / "postmaster.pid").read_text().split()[0]))
    postmaster.send_signal(signal.SIGSTOP)
    backends = postmaster.children()
    for backend in backends:
        backend.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in (*backends, postmaster):
            process.send_signal(signal.SIGCONT)


def test_a_frozen_database_loses_nothing(folder: Path) -> None:
    with (
        running_database(folder) as postgres,
        running_server(folder, DATABASE_URL=postgres.url(DATABASE), **SETTINGS) as server,
    ):
        with clients(server) as load:
            load.wait_until_it_writes()
            with frozen(postgres):
                time.sleep(FROZEN_SECONDS)
            load.wait_until_it_writes()
        load.tell(f"frozen for {FROZEN_SECONDS} s", 1)
