"""A server behind PgBouncer in transaction mode, which shares sessions.

`make test-pgbouncer` passes all other tests through it, too.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.pgbouncer import PROGRAM, pgbouncer_before
from tests.postgres import Postgres
from tests.servers import Server, data_folder, environment, free_port, manage, running_server

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs the program pgbouncer (Debian's package of that name)")

CLIENTS, BATCHES, SESSIONS = 8, 10, 2
NAME = "behind_pgbouncer"


@pytest.fixture(scope="module")
def front(postgres: Postgres) -> Iterator[Postgres]:
    with data_folder() as folder, pgbouncer_before(postgres, folder, size=SESSIONS) as front:
        yield front


@pytest.fixture(scope="module")
def server(postgres: Postgres, front: Postgres) -> Iterator[Server]:
    """Eight threads in two workers, for which PgBouncer has two sessions."""
    env = {
        "DATABASE_URL": front.url(NAME),
        "MODELHUB_DIRECT_DATABASE_URL": postgres.make_database(NAME),
        "MODELHUB_PGBOUNCER": "true",
        "MODELHUB_STATEMENT_TIMEOUT_MS": "7654",
        "MODELHUB_LOCK_TIMEOUT_MS": "1234",
        "MODELHUB_AUTO_CREATE_SOURCES": "true",
    }
    postgres.execute(f"ALTER DATABASE {NAME} SET datestyle TO 'German'")
    postgres.execute(f"ALTER DATABASE {NAME} SET default_transaction_isolation TO 'serializable'")
    with data_folder() as folder, running_server(folder, **env) as server:
        yield server


def test_many_clients_share_few_sessions(server: Server, postgres: Postgres) -> None:
    """Store every batch of every client over fewer sessions than threads."""
    labels = server.request("GET", "/model-hub/annotations-labels/?type=text").json()["results"]
    start = threading.Barrier(CLIENTS)

    def write(client: int) -> list[int]:
        start.wait()
        statuses = []
        for turn in range(BATCHES):
            scores = [{"label_id": labels[0]["id"], "value": f"{client}.{turn}"}]
            body = {"source_type": "trace", "source_id": f"{client}.{turn % 3}", "scores": scores}
            statuses.append(server.request("POST", "/model-hub/scores/bulk/", json=body).status_code)
        return statuses

    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = [status for one in pool.map(write, range(CLIENTS)) for status in one]
    assert set(statuses) == {201}
    assert postgres.execute("SELECT count(*) FROM modelhub_score", NAME) == [(CLIENTS * 3,)]
    [[kept]] = postgres.execute("SELECT count(*) FROM modelhub_scorerevision", NAME)
    assert kept == CLIENTS * (BATCHES - 3)
    [[sessions]] = postgres.execute(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{NAME}'")
    assert sessions <= SESSIONS + 1  # ours is one of them


def test_the_settings_of_sessions_hold_although_no_connection_brings_them_along(
    server: Server, front: Postgres
) -> None:
    settings = {"statement_timeout": "7654ms", "lock_timeout": "1234ms"}
    settings |= {"datestyle": "ISO, MDY", "default_transaction_isolation": "read committed"}
    with psycopg.connect(front.url(NAME)) as connection:
        for name, value in settings.items():
            assert connection.execute(f"SHOW {name}".encode()).fetchone() == (value,)


def test_a_lock_that_is_not_given_ends_in_a_clean_503(server: Server, postgres: Postgres) -> None:
    source = {"source_type": "trace", "source_id": "locked"}
    assert server.request("POST", "/model-hub/sources/", json=source).status_code == 201
    [label] = server.request("GET", "/model-hub/annotations-labels/?type=text").json()["results"]
    body = source | {"scores": [{"label_id": label["id"], "value": "x"}]}
    with psycopg.connect(postgres.url(NAME)) as connection:
        connection.execute("SELECT FROM modelhub_source WHERE source_key = 'locked' FOR UPDATE")
        assert server.request("POST", "/model-hub/scores/bulk/", json=body).status_code == 503
    assert server.request("POST", "/model-hub/scores/bulk/", json=body).status_code == 201


def test_a_start_needs_a_way_past_it_or_no_setup(server: Server, front: Postgres, folder: Path) -> None:
    env = environment(folder, DATABASE_URL=front.url(NAME), MODELHUB_PGBOUNCER="true", PORT=str(free_port()))
    env.pop("MODELHUB_DIRECT_DATABASE_URL", None)
    result = manage("serve", env=env)
    assert result.returncode == 1
    assert (
        "set MODELHUB_DIRECT_DATABASE_URL, or migrate in a step of its own and start with --skip-setup" in result.stderr
    )
    del env["DATABASE_URL"]
    assert "no DATABASE_URL says where the database is" in manage("serve", env=env).stderr
