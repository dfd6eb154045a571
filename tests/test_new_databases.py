"""A database that begins empty does not become slow while it fills, before anybody has looked at its statistics."""

import time
import uuid

import psycopg

from tests.postgres import Postgres
from tests.servers import Server, data_folder, running_server

NAME = "new_database"
REQUESTS, SCORES = 800, 1
# Rows that came from indexes other than the unique one, and from reading tables from end to end.
READ = """
SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes
        WHERE relname = 'modelhub_score' AND indexrelname <> 'score_is_unique')
     + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname = 'modelhub_score')
"""


def write(server: Server, labels: list[str], requests: int) -> None:
    """So many requests, each about a source of its own."""
    for _ in range(requests):
        scores = [{"label_id": label, "value": "as it should be"} for label in labels]
        body = {"source_type": "trace", "source_id": str(uuid.uuid4()), "scores": scores}
        assert server.request("POST", "/model-hub/scores/bulk/", json=body).status_code == 201


def rows_read(postgres: Postgres) -> int:
    """Until now; what a connection read is told a second later."""
    time.sleep(1.5)
    [[rows]] = postgres.execute(READ, NAME)
    return int(rows)


def test_writing_reads_no_more_while_the_table_grows(postgres: Postgres) -> None:
    url = postgres.make_database(NAME)
    env = {"DATABASE_URL": url, "MODELHUB_AUTO_CREATE_SOURCES": "true", "MODELHUB_WORKERS": "1"}
    with data_folder() as folder, running_server(folder, **env) as server:
        for n in range(SCORES):
            server.request("POST", "/model-hub/annotations-labels/", json={"name": str(n), "type": "text"})
        found = server.request("GET", "/model-hub/annotations-labels/?page_size=200").json()["results"]
        labels = [label["id"] for label in found if label["name"].isdigit()]
        assert len(labels) == SCORES
        with psycopg.connect(url, autocommit=True) as connection:
            # An empty table that was looked at is as small as one can be.
            connection.execute("ALTER TABLE modelhub_score SET (autovacuum_enabled = false)")
            connection.execute("VACUUM ANALYZE modelhub_score")
        write(server, labels, REQUESTS // 2)
        before = rows_read(postgres)
        write(server, labels, REQUESTS // 2)
        read = rows_read(postgres) - before

    # All that was stored, a few times over at most, and not once in each request.
    assert read < 5 * REQUESTS * SCORES
