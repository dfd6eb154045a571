"""Servers on one database set it up one at a time and write the same scores."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from modelhub.serving.database import SETUP_LOCK
from tests.postgres import Postgres
from tests.servers import Server, data_folder, environment, manage, running_server

NAME = "many_servers"
WAITING = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{NAME}' AND query LIKE '%pg_try_advisory_lock%'"
CLIENTS, BATCHES = 4, 15


@dataclass
class Starts:
    """Two servers that started at once while a connection held the setup lock."""

    servers: list[Server] = field(default_factory=list)
    migrated_meanwhile: bool = True


@pytest.fixture(scope="module")
def starts(postgres: Postgres) -> Iterator[Starts]:
    """Release the lock once both servers wait for it."""
    url, starts = postgres.make_database(NAME), Starts()
    env = {"DATABASE_URL": url, "MODELHUB_AUTO_CREATE_SOURCES": "true", "MODELHUB_WORKERS": "1"}
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool, psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [SETUP_LOCK])
        folders = [stack.enter_context(data_folder()) for _ in range(2)]

        def start(folder: Path) -> Server:
            return stack.enter_context(running_server(folder, **env))

        coming = pool.map(start, folders)
        end = time.monotonic() + 30
        while postgres.execute(WAITING) != [(2,)] and time.monotonic() < end:
            time.sleep(0.05)
        # As a migration does: it waits for every running statement of others, such as a waiting start's.
        other.execute("CREATE TABLE large (id int)")
        other.execute("SET statement_timeout = '20s'")
        other.execute("CREATE INDEX CONCURRENTLY large_id ON large (id)")
        [starts.migrated_meanwhile] = other.execute(
            "SELECT to_regclass('django_migrations') IS NOT NULL"
        ).fetchone() or [True]
        other.execute("SELECT pg_advisory_unlock(%s)", [SETUP_LOCK])
        starts.servers = list(coming)
        yield starts


def test_one_start_sets_up_at_a_time(starts: Starts, postgres: Postgres) -> None:
    assert starts.migrated_meanwhile is False
    assert [server.request("GET", "/readyz").status_code for server in starts.servers] == [200, 200]
    assert postgres.execute("SELECT count(*) FROM modelhub_apikey", NAME) == [(1,)]
    [[applied, names]] = postgres.execute("SELECT count(*), count(DISTINCT (app, name)) FROM django_migrations", NAME)
    assert applied == names


def test_both_write_the_same_source_at_once(starts: Starts, postgres: Postgres) -> None:
    """Every value is stored or in the history, and no request fails."""
    labels = starts.servers[0].request("GET", "/model-hub/annotations-labels/").json()["results"]
    wanted = [label["id"] for label in labels if label["type"] in {"text", "star"}]
    assert len(wanted) == 2
    begin = threading.Barrier(CLIENTS)

    def write(client: int) -> list[int]:
        server, statuses = starts.servers[client % 2], []
        begin.wait()
        for turn in range(BATCHES):
            mark = client * BATCHES + turn
            value = {"text": str(mark), "rating": 1, "mark": mark}
            # In both orders: locks per score would form a cycle.
            order = wanted if client < 2 else wanted[::-1]
            body = {"source_type": "trace", "source_id": "shared"}
            scores = [{"label_id": label, "value": value} for label in order]
            statuses.append(
                server.request("POST", "/model-hub/scores/bulk/", json=body | {"scores": scores}).status_code
            )
        return statuses

    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = [status for one in pool.map(write, range(CLIENTS)) for status in one]
    assert set(statuses) == {201}
    for label in wanted:
        marks = postgres.execute(
            f"""
            SELECT (value->>'mark')::int FROM modelhub_score WHERE label_id = '{label}' UNION ALL
            SELECT (revision.value->>'mark')::int FROM modelhub_scorerevision AS revision
            JOIN modelhub_score AS score ON score.id = revision.score_id WHERE score.label_id = '{label}'
            """,
            NAME,
        )
        assert sorted(mark for [mark] in marks) == list(range(CLIENTS * BATCHES))


def test_a_label_that_one_changes_is_at_once_another_for_all(starts: Starts) -> None:
    """Both cache labels; neither may judge by a label that the other has changed."""
    labels = starts.servers[0].request("GET", "/model-hub/annotations-labels/").json()["results"]
    [star] = [label["id"] for label in labels if label["type"] == "star"]
    for turn in range(20):
        one, other = starts.servers[turn % 2], starts.servers[(turn + 1) % 2]
        most = 3 + turn % 5
        path = f"/model-hub/annotations-labels/{star}/?force=true"
        assert one.request("PATCH", path, json={"settings": {"no_of_stars": most}}).status_code == 200
        scores = [{"label_id": star, "value": most + 1}]
        body = {"source_type": "trace", "source_id": f"changed-{turn}", "scores": scores}
        answer = other.request("POST", "/model-hub/scores/bulk/", json=body).json()
        assert f"from 1 to {most}, got {most + 1}" in answer["errors"][0]


def test_a_key_that_is_revoked_is_at_once_over_for_all(starts: Starts, postgres: Postgres, folder: Path) -> None:
    """No request that begins after the command has ended is accepted."""
    env = environment(folder, DATABASE_URL=postgres.url(NAME))
    made = manage("create_api_key", env=env).stdout.split()
    headers = {"X-Api-Key": made[2], "X-Secret-Key": made[5]}
    labels = starts.servers[0].request("GET", "/model-hub/annotations-labels/").json()["results"]
    [star] = [label["id"] for label in labels if label["type"] == "star"]
    over, stop = threading.Event(), threading.Event()

    def write(client: int) -> list[tuple[bool, int]]:
        """Return, per request, whether the key was revoked when it began, and its status."""
        answers: list[tuple[bool, int]] = []
        while not stop.is_set() or len(answers) < 2:
            scores = [{"label_id": star, "value": 1 + len(answers) % 2}]
            body = {"source_type": "trace", "source_id": f"revoked-{client}", "scores": scores}
            began_after = over.is_set()
            server = starts.servers[len(answers) % 2]
            status = server.request("POST", "/model-hub/scores/bulk/", json=body, headers=headers).status_code
            answers.append((began_after, status))
        return answers

    with ThreadPoolExecutor(CLIENTS) as pool:
        writing = [pool.submit(write, client) for client in range(CLIENTS)]
        time.sleep(0.5)
        done = manage("revoke_api_key", made[2], env=env)
        over.set()
        time.sleep(0.5)
        stop.set()
        answers = [answer for future in writing for answer in future.result()]

    assert done.returncode == 0, done.stderr
    assert 401 in {status for _, status in answers}
    assert {status for began_after, status in answers if began_after} == {401}
    assert sum(status == 201 for began_after, status in answers if not began_after) > CLIENTS
