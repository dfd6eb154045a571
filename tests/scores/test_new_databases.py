"""A new database stays fast while it fills, before it has statistics."""

import uuid

import pytest
import requests

from tests.postgres import Postgres
from tests.servers import Server, data_folder, running_server

GROWING = ("modelhub_source", "modelhub_score", "modelhub_scorerevision")
SOURCES = 1_500
# Rows read per source: two writes, one read, and now and then a list. A scan of all sources or scores per source would
# read 750. Tables of a few pages are rightly scanned, until the plans of the first 2,048 uses of a connection end.
ROWS_A_SOURCE = 350
READ = """
SELECT relname, index, rows FROM (
    SELECT relname, indexrelname AS index, idx_tup_read AS rows FROM pg_stat_user_indexes
    UNION ALL SELECT relname, 'from end to end', seq_tup_read FROM pg_stat_user_tables
) AS reads WHERE rows > %d ORDER BY rows DESC
"""


def fill(server: Server, label: str) -> None:
    """Write sources with one score each, change and read it; read some lists."""
    with requests.Session() as session:
        session.headers.update(server.headers)
        for number in range(SOURCES):
            source = {"source_type": "trace", "source_id": str(uuid.uuid4())}
            for value in ("as it should be", "not quite"):
                body = {**source, "scores": [{"label_id": label, "value": value}]}
                answer = session.post(server.base_url + "/model-hub/scores/bulk/", json=body)
                assert answer.status_code == 201, answer.text
            answer = session.get(server.base_url + "/model-hub/scores/for-source/", params=source)
            assert len(answer.json()) == 1
            if number % 100 == 0:
                answer = session.get(server.base_url + "/model-hub/scores/", params=source)
                assert answer.json()["count"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("looked_at", [False, True])
def test_nothing_reads_more_while_the_tables_grow(postgres: Postgres, *, looked_at: bool) -> None:
    name = f"new_database_{looked_at}"
    url = postgres.make_database(name)
    env = {"DATABASE_URL": url, "MODELHUB_AUTO_CREATE_SOURCES": "true", "MODELHUB_WORKERS": "1"}
    with data_folder() as folder, running_server(folder, **env) as server:
        found = server.request("GET", "/model-hub/annotations-labels/").json()["results"]
        with postgres.connect(name) as connection:
            for table in GROWING:
                connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)".encode())
                if looked_at:  # Statistics of an empty table mislead the planner most.
                    connection.execute(f"VACUUM ANALYZE {table}".encode())
        fill(server, next(label["id"] for label in found if label["type"] == "text"))

    # Statistics are complete once the connections have ended.
    many = postgres.execute(READ % (ROWS_A_SOURCE * SOURCES), name)
    assert not many, many
