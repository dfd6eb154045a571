"""PostgreSQL frozen under load: no answer, no closed connection, no timeout.

Its machine still acknowledges what is sent, so the timeouts of TCP do not fire either. What ends the waits is the
heartbeat of the workers: one that makes no progress is replaced, and the new one fails to connect in a bounded time.
"""

import contextlib
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from tests.faults.ledger import clients
from tests.faults.postgres import DATABASE, running_database
from tests.postgres import Postgres
from tests.servers import Server, running_server

pytestmark = pytest.mark.slow

REQUEST_SECONDS, POOL_SECONDS = 2, 1
# Twice the time of a request without progress, and gunicorn's timeout after that.
REPLACED_SECONDS = 3 * REQUEST_SECONDS
SLACK = 30  # for a busy machine
SETTINGS = {
    "MODELHUB_AUTO_CREATE_SOURCES": "true",
    "MODELHUB_POOL_TIMEOUT": str(POOL_SECONDS),
    "MODELHUB_REQUEST_TIMEOUT": str(REQUEST_SECONDS),
    # A second one may have no client, so that nothing in it waits and it is not replaced.
    "MODELHUB_WORKERS": "1",
    "MODELHUB_METRICS_TOKEN": "token",
}


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


def seconds_of(server: Server, path: str, status: int) -> float:
    """Return how long the response takes, which has this status."""
    started = time.monotonic()
    answer = server.request("GET", path, headers=server.headers | {"Authorization": "Bearer token"})
    assert answer.status_code == status, answer.text
    return time.monotonic() - started


@pytest.mark.slow
def test_a_frozen_database_holds_its_clients_until_the_workers_are_replaced(folder: Path) -> None:
    with (
        running_database(folder) as postgres,
        running_server(folder, DATABASE_URL=postgres.url(DATABASE), **SETTINGS) as server,
    ):
        with clients(server) as load:
            load.wait_until_it_writes()
            before = set(server.workers())
            with frozen(postgres):
                started = time.monotonic()
                watched = []
                while before & set(server.workers()):
                    with contextlib.suppress(requests.ConnectionError):  # of a worker that ends at this moment
                        watched += [seconds_of(server, "/healthz", 200), seconds_of(server, "/metrics", 200)]
                    assert time.monotonic() - started < REPLACED_SECONDS + SLACK
                    time.sleep(0.1)
                replaced = time.monotonic() - started
                unavailable = load.unavailable
                refused = [seconds_of(server, path, 503) for path in ("/model-hub/sources/", "/readyz")]
                assert load.unavailable > unavailable
            load.wait_until_it_writes()
        print(f"\nfrozen: watched within {max(watched):.2f} s, workers replaced after {replaced:.1f} s")
        assert max(refused) < POOL_SECONDS + SLACK
        load.tell(f"frozen, workers replaced after {replaced:.1f} s", 1)
