"""A database that neither answers nor goes away: every process of it is frozen, under sixteen clients.

None of PostgreSQL's own timeouts can fire. The server must say so within the time that docs/operations.md promises,
answer meanwhile what needs no database, and go on by itself when the database does.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.faults.ledger import clients
from tests.faults.postgres import DATABASE, running_database
from tests.postgres import Postgres
from tests.servers import Server, running_server

STATEMENT_SECONDS, POOL_SECONDS, REQUEST_SECONDS = 2, 2, 30
# A statement that was sent before, and the two seconds after which its answer is overdue.
IN_FLIGHT = STATEMENT_SECONDS + 2
SLACK = 10  # for a machine that does much else
SETTINGS = {
    "MODELHUB_AUTO_CREATE_SOURCES": "true",
    "MODELHUB_STATEMENT_TIMEOUT_MS": str(STATEMENT_SECONDS * 1000),
    "MODELHUB_POOL_TIMEOUT": str(POOL_SECONDS),
    "MODELHUB_REQUEST_TIMEOUT": str(REQUEST_SECONDS),
    "MODELHUB_METRICS_TOKEN": "token",
}


@contextmanager
def frozen(postgres: Postgres) -> Iterator[None]:
    """No process of PostgreSQL does anything until the end of the block."""
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


def seconds_of(server: Server, path: str, status: int) -> float:
    """How long it takes to answer this."""
    started = time.monotonic()
    answer = server.request("GET", path, headers=server.headers | {"Authorization": "Bearer token"})
    assert answer.status_code == status, answer.text
    return time.monotonic() - started


def test_a_frozen_database_holds_nobody_for_long(folder: Path) -> None:
    with (
        running_database(folder) as postgres,
        running_server(folder, DATABASE_URL=postgres.url(DATABASE), **SETTINGS) as server,
    ):
        with clients(server) as load, clients(server) as more:
            load.wait_until_it_writes()
            workers = {worker.pid for worker in psutil.Process(server.process.pid).children()}
            with frozen(postgres):
                started = time.monotonic()
                watched = []
                while time.monotonic() - started < IN_FLIGHT - 1:
                    watched += [seconds_of(server, "/healthz", 200), seconds_of(server, "/metrics", 200)]
                    time.sleep(0.1)
                # Every thread is waiting, or was until a moment ago; from here on nobody waits for long.
                time.sleep(max(0, started + IN_FLIGHT + SLACK / 5 - time.monotonic()))
                before = load.unavailable + more.unavailable
                refusals = [seconds_of(server, "/model-hub/sources/", 503) for _ in range(2)]
                assert seconds_of(server, "/readyz", 503) < POOL_SECONDS + 2 + SLACK
                time.sleep(1)
                assert load.unavailable + more.unavailable - before >= 16
            load.wait_until_it_writes()
            assert workers == {worker.pid for worker in psutil.Process(server.process.pid).children()}
        numbers = server.request("GET", "/metrics", headers={"Authorization": "Bearer token"}).text
        assert "modelhub_database_silences_total 0.0" not in numbers
        print(f"\nfrozen: healthz and metrics within {max(watched):.2f} s, refusals within {max(refusals):.2f} s")
        assert max(watched) < 3
        assert max(refusals) < POOL_SECONDS + 2 + SLACK
        load.tell("frozen, first eight clients", 1)
        more.tell("frozen, the other eight", 1)
