"""Transactions that the database ends: real causes, against a running server.

Triggers in the server's database cause them: a backend terminates itself before or at COMMIT, or locks form a cycle.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
import requests

from tests.servers import EMBEDDED, Server, data_folder, running_server

BULK = "/model-hub/scores/bulk/"

DIE = """
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.notes = 'die' THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); END IF;
    RETURN NULL;
END $$;
"""
BEFORE_COMMIT = "CREATE TRIGGER die AFTER INSERT ON modelhub_score FOR EACH ROW EXECUTE FUNCTION die()"
AT_COMMIT = """
CREATE CONSTRAINT TRIGGER die AFTER INSERT ON modelhub_score DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION die()
"""

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%store_scores%'"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a server on a PostgreSQL of its own: a killed backend restarts all of it."""
    with data_folder() as folder, running_server(folder, MODELHUB_AUTO_CREATE_SOURCES="true", **EMBEDDED) as server:
        yield server


@pytest.fixture
def database(server: Server) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield connection
        connection.execute("DROP TRIGGER IF EXISTS die ON modelhub_score")
        connection.execute("DROP FUNCTION IF EXISTS die")


@pytest.fixture
def label(server: Server) -> dict[str, Any]:
    labels = server.request("GET", "/model-hub/annotations-labels/?type=text").json()
    found: dict[str, Any] = labels["results"][0]
    return found


def batch(label: dict[str, Any], source: str, notes: str) -> dict[str, Any]:
    scores = [{"label_id": label["id"], "value": "x"}]
    return {"source_type": "trace", "source_id": source, "scores": scores, "notes": notes}


def count(database: psycopg.Connection[Any], source: str) -> int:
    """Return the number of scores of the source with that key."""
    query = """
        SELECT count(*) FROM modelhub_score AS score
        JOIN modelhub_source AS source ON source.id = score.source_id WHERE source.source_key = %s
    """
    [number] = database.execute(query, [source]).fetchone() or [-1]
    return int(number)


def test_a_connection_lost_before_commit_is_a_clean_503(
    server: Server, database: psycopg.Connection[Any], label: dict[str, Any]
) -> None:
    database.execute(DIE)
    database.execute(BEFORE_COMMIT)
    answer = server.request("POST", BULK, json=batch(label, "lost-before", "die"))

    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert count(database, "lost-before") == 0
    assert server.request("POST", BULK, json=batch(label, "lost-before", "live")).status_code == 201
    assert count(database, "lost-before") == 1


def test_a_connection_lost_at_commit_is_said_to_be_unknown_and_the_key_resolves_it(
    server: Server, database: psycopg.Connection[Any], label: dict[str, Any]
) -> None:
    database.execute(DIE)
    database.execute(AT_COMMIT)
    headers = server.headers | {"Idempotency-Key": "lost-at-commit"}
    body = batch(label, "lost-at-commit", "die")
    answer = server.request("POST", BULK, json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "outcome_unknown")
    assert "may be stored or not" in answer.json()["detail"]

    database.execute("DROP TRIGGER die ON modelhub_score")
    again = server.request("POST", BULK, json=body, headers=headers)
    assert again.status_code == 201
    assert count(database, "lost-at-commit") == 1


def test_a_deadlock_never_reaches_the_client(
    server: Server, database: psycopg.Connection[Any], label: dict[str, Any]
) -> None:
    """The test locks the label that the request waits for, then waits for its source."""
    registered = {"source_type": "trace", "source_id": "deadlock"}
    assert server.request("POST", "/model-hub/sources/", json=registered).status_code == 201
    answers: list[requests.Response] = []
    with psycopg.connect(server.database_url) as other:
        other.execute("SELECT 1 FROM modelhub_label WHERE id = %s FOR UPDATE", [label["id"]])
        request = threading.Thread(
            target=lambda: answers.append(server.request("POST", BULK, json=batch(label, "deadlock", "second")))
        )
        request.start()
        time.sleep(0.5)  # less than deadlock_timeout: the request is the one that notices, and is aborted
        other.execute("SELECT 1 FROM modelhub_source WHERE source_key = 'deadlock' FOR UPDATE")
        other.commit()
    request.join()

    assert answers[0].status_code == 201
    assert answers[0].json()["scores"][0]["notes"] == "second"
    [deadlocks] = database.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = 'modelhub'").fetchone() or [
        0
    ]
    assert deadlocks >= 1
    assert any("transaction_repeated" in line for line in server.log)


def test_a_lock_that_is_held_too_long_is_a_503(
    label: dict[str, Any], server: Server, database: psycopg.Connection[Any]
) -> None:
    server.request("POST", BULK, json=batch(label, "locked", "first"))
    with psycopg.connect(server.database_url) as other:
        other.execute("SELECT 1 FROM modelhub_source WHERE source_key = 'locked' FOR UPDATE")
        answer = server.request("POST", BULK, json=batch(label, "locked", "second"))
        assert server.request("GET", "/model-hub/sources/").status_code == 200
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert server.request("POST", BULK, json=batch(label, "locked", "second")).status_code == 201


def test_a_backend_that_dies_without_a_word_leaves_the_outcome_unknown(server: Server, label: dict[str, Any]) -> None:
    """The statement commits by itself: a lost answer leaves both outcomes possible."""
    server.request("POST", BULK, json=batch(label, "killed", "first"))
    answers: list[requests.Response] = []
    request = threading.Thread(
        target=lambda: answers.append(server.request("POST", BULK, json=batch(label, "killed", "second")))
    )
    url = server.database_url
    with closing(psycopg.connect(url)) as holder, closing(psycopg.connect(url, autocommit=True)) as watcher:
        holder.execute("SELECT 1 FROM modelhub_source WHERE source_key = 'killed' FOR UPDATE")
        request.start()
        while not (waiting := watcher.execute(WAITING).fetchone()):
            assert request.is_alive()
            time.sleep(0.01)
        os.kill(waiting[0], signal.SIGKILL)
        request.join()
    # While PostgreSQL restarts, requests are plain 503s.
    while (again := server.request("POST", BULK, json=batch(label, "killed", "third"))).status_code == 503:
        time.sleep(0.1)

    assert (answers[0].status_code, answers[0].json()["code"]) == (503, "outcome_unknown")
    assert again.json()["scores"][0]["notes"] == "third"
