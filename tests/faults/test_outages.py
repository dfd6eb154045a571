"""The database stopped, cut off, crowded and full under load."""

import contextlib
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.faults.ledger import clients
from tests.faults.postgres import DATABASE, running_database, small_disk
from tests.postgres import CUT_ALL, Postgres
from tests.repeats import LONG, faults
from tests.servers import Server, data_folder, running_server
from tests.waiting import wait_for

pytestmark = pytest.mark.slow

STOPPED_SECONDS = 10 if LONG else 2
# Two workers hold five each (threads of requests and of exports); the test needs some, too.
MAX_CONNECTIONS = 14
CUTS = faults(8)
SOURCE, NOBODY = {"source_type": "trace", "source_id": "x"}, str(uuid.uuid4())
QUIET = {"MODELHUB_AUTO_CREATE_SOURCES": "true", "MODELHUB_LOG_LEVEL": "ERROR"}


@pytest.fixture(scope="module")
def parent() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def postgres(parent: Path) -> Iterator[Postgres]:
    with running_database(parent, f"-c max_connections={MAX_CONNECTIONS}") as postgres:
        yield postgres


@pytest.fixture(scope="module")
def server(parent: Path, postgres: Postgres) -> Iterator[Server]:
    more = {"MODELHUB_POOL_TIMEOUT": "2", "MODELHUB_LOCK_TIMEOUT_MS": "1000"}
    with running_server(parent, DATABASE_URL=postgres.url(DATABASE), **QUIET, **more) as server:
        yield server
        assert server.process.poll() is None, "".join(server.log[-20:])
        assert not any("unforeseen_error" in line for line in server.log)


def assert_unavailable(server: Server) -> None:
    """Assert that reads, writes and pages are 503s while `/healthz` is fine."""
    scores = {**SOURCE, "scores": [{"label_id": NOBODY, "value": 1}]}
    for method, path, body in (
        ("GET", "/model-hub/sources/", None),
        ("POST", "/model-hub/sources/", SOURCE),
        ("POST", "/model-hub/scores/bulk/", scores),
    ):
        answer = server.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
        assert answer.headers["Retry-After"]
    token = "x" * 32
    form = {"username": "admin@example.com", "password": "a password", "csrfmiddlewaretoken": token}
    browser = {"Accept": "text/html", "Cookie": f"sessionid={token}; csrftoken={token}"}
    for method, path in (("GET", "/admin/"), ("GET", "/admin/modelhub/score/"), ("POST", "/admin/login/")):
        answer = server.request(method, path, data=form if method == "POST" else None, headers=browser)
        assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
        assert answer.headers["Retry-After"] == "1"
    assert server.request("GET", "/healthz").status_code == 200
    assert server.request("GET", "/readyz").status_code == 503


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fast", "immediate"] if LONG else ["immediate"])
def test_a_database_that_is_stopped_for_a_while(server: Server, postgres: Postgres, mode: str) -> None:
    with clients(server) as load:
        postgres.stop(mode)
        started = time.monotonic()
        assert_unavailable(server)
        time.sleep(max(0, STOPPED_SECONDS - (time.monotonic() - started)))
        postgres.start()
        load.wait_until_it_writes()
    assert load.unavailable
    load.tell(f"PostgreSQL stopped ({mode}) for {STOPPED_SECONDS} s", 1)


def test_connections_that_are_cut_over_and_over(server: Server, postgres: Postgres) -> None:
    cut = 0
    with clients(server) as load:
        for _ in range(CUTS):
            time.sleep(random.uniform(0.05, 0.5))
            cut += postgres.cut_all(DATABASE)
        load.wait_until_it_writes()
    assert cut >= CUTS
    load.tell("connections cut", cut)


def test_idle_connections_that_were_cut_cost_no_request(server: Server, postgres: Postgres) -> None:
    with clients(server) as load:
        load.wait_until_it_writes()
    assert postgres.cut_all(DATABASE) > 2
    answers = [server.request("GET", "/model-hub/sources/").status_code for _ in range(8)]
    assert answers == [200] * 8


@pytest.mark.slow
def test_a_database_that_takes_no_more_connections(server: Server, postgres: Postgres) -> None:
    """Other clients hold all of its connections."""
    with clients(server) as load, ExitStack() as stack:
        others = [stack.enter_context(postgres.connect())]
        while len(others) < MAX_CONNECTIONS:
            try:
                others.append(stack.enter_context(postgres.connect()))
            except psycopg.OperationalError:
                others[0].execute(CUT_ALL, [DATABASE])
        assert_unavailable(server)
        stack.close()
        load.wait_until_it_writes()
    load.tell("every connection taken", 1)


def test_a_source_that_another_client_locks_for_long(server: Server, postgres: Postgres) -> None:
    """Clients wait for the lock up to its timeout, and reads continue meanwhile."""
    with clients(server) as load:
        with postgres.connect(DATABASE) as other, other.transaction():
            other.execute("SELECT 1 FROM modelhub_source FOR UPDATE")
            assert server.request("GET", "/model-hub/sources/").status_code == 200
            time.sleep(3)
            assert server.request("GET", "/healthz").status_code == 200
        load.wait_until_it_writes()
    assert load.unavailable
    load.tell("every source locked for 3 s", 1)


def test_a_database_that_can_only_be_read(server: Server, postgres: Postgres) -> None:
    """Read from a standby after a failover: a key's use is not recorded."""
    with clients(server) as load, postgres.connect() as own:
        with postgres.connect(DATABASE) as connection:
            connection.execute("DELETE FROM modelhub_apikeyuse")
        own.execute(f"ALTER DATABASE {DATABASE} SET default_transaction_read_only = on")
        postgres.cut_all(DATABASE)
        wait_for(lambda: load.unavailable > 8, seconds=60)
        assert server.request("GET", "/model-hub/sources/").status_code == 200
        assert server.request("POST", "/model-hub/sources/", json=SOURCE).status_code == 503
        own.execute(f"ALTER DATABASE {DATABASE} RESET default_transaction_read_only")
        postgres.cut_all(DATABASE)
        load.wait_until_it_writes()
    load.tell("read-only", 1)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["the tables' disk", "the whole disk"] if LONG else ["the tables' disk"])
def test_a_disk_that_is_full(folder: Path, what: str) -> None:
    """Writes fail until there is room again, then the server recovers."""
    with small_disk(40 if what == "the tables' disk" else 300) as disk:
        parent, tablespace = (folder, disk) if what == "the tables' disk" else (disk, None)
        with (
            running_database(parent, "-c min_wal_size=32MB -c max_wal_size=64MB", tablespace) as postgres,
            running_server(folder, DATABASE_URL=postgres.url(DATABASE), **QUIET) as server,
        ):
            with clients(server, pad=8000) as load:
                filler = fill(disk)
                wait_for(lambda: load.unavailable > 8, seconds=60)
                assert server.request("GET", "/healthz").status_code == 200
                filler.unlink()
                if not postgres.runs():
                    postgres.start()
                load.wait_until_it_writes()
            assert server.process.poll() is None
            assert any('"53100"' in line for line in server.log)
            assert not any("unforeseen_error" in line for line in server.log)
    load.tell(f"{what} full", 1)


def fill(disk: Path) -> Path:
    """Write a file that fills the disk."""
    path = disk / "filler"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(65536)):
            pass
    return path
