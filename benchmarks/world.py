"""What the subjects write to: one database, its organization, its annotator and a thousand labels."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.servers import API_KEY
from config.embedded_postgres.base import DATABASE, USER
from config.embedded_postgres.server import EmbeddedServer
from modelhub.core import exact_json
from modelhub.core.ids import new_id
from modelhub.labels.types import get_type

LABELS_OF_A_TYPE = 200
SETTINGS: dict[str, dict[str, Any]] = {
    "star": {"no_of_stars": 5},
    "categorical": {"options": ["positive", "neutral", "negative"]},
    "text": {"max_length": 5000},
    "numeric": {"min": 0, "max": 10, "step_size": 0.5},
    "thumbs_up_down": {},
}
LABELS = """
SELECT id::text, type, name FROM modelhub_label
WHERE organization_id = %s AND name LIKE 'Benchmark %%' AND deleted_at IS NULL ORDER BY created_at, id
"""
MAKE_LABELS = """
INSERT INTO modelhub_label
    (id, organization_id, name, type, settings, description, allow_notes, created_at, updated_at)
SELECT id, %s, name, type, settings, '', false, now(), now()
FROM json_to_recordset(%s::json) AS given (id uuid, name text, type text, settings jsonb)
"""


@dataclass(frozen=True, slots=True)
class World:
    """What every client knows. `database` is how to connect, `labels` are pairs of id and type, mixed."""

    database: dict[str, Any]
    organization: str
    annotator: str
    labels: list[tuple[str, str]]


def make_world(data_dir: Path) -> World:
    """Find or make the labels of the key that a server of this folder has bootstrapped."""
    database = database_of(data_dir)
    with connected(database) as connection:
        key = "SELECT organization_id::text, user_id::text FROM modelhub_apikey WHERE api_key = %s"
        organization, annotator = connection.execute(key, [API_KEY]).fetchone() or ("", "")
        known = {name for _, _, name in connection.execute(LABELS, [organization])}
        make_labels(connection, organization, known)
        labels = [(pk, kind) for pk, kind, _ in connection.execute(LABELS, [organization])]
    return World(database, organization, annotator, labels)


def make_labels(connection: psycopg.Connection[Any], organization: str, known: set[str]) -> None:
    """Those that are missing, as the API would store them; one of each type after the other."""
    rows = [
        {"id": str(new_id()), "name": name, "type": kind, "settings": get_type(kind).check_settings(settings)}
        for number in range(LABELS_OF_A_TYPE)
        for kind, settings in SETTINGS.items()
        if (name := f"Benchmark {kind} {number}") not in known
    ]
    connection.execute(MAKE_LABELS, [organization, exact_json.dumps(rows)])


def database_of(data_dir: Path) -> dict[str, Any]:
    """How to connect to what a server of this folder uses."""
    if url := os.environ.get("BENCHMARK_DATABASE_URL"):
        return conninfo_to_dict(url)
    embedded = EmbeddedServer(data_dir / "postgres", user=USER, database=DATABASE)
    return {"host": str(embedded.socket_folder), "user": USER, "dbname": DATABASE}


@contextmanager
def connected(database: dict[str, Any]) -> Iterator[psycopg.Connection[Any]]:
    """A connection of our own; every statement is its own transaction and takes the time that it takes."""
    with psycopg.connect(**database, autocommit=True) as connection:
        yield connection


def empty_tables(world: World) -> None:
    """Throw away the scores and sources of earlier runs, so that each run meets the same tables."""
    with connected(world.database) as connection:
        connection.execute("TRUNCATE modelhub_scorerevision, modelhub_score, modelhub_source")
    analyze(world)


def analyze(world: World) -> None:
    """Fresh statistics, as autovacuum gives them to a server that runs for longer than a benchmark."""
    with connected(world.database) as connection:
        connection.execute("VACUUM ANALYZE modelhub_score, modelhub_scorerevision, modelhub_source, modelhub_label")


def state_of_scores(world: World) -> tuple[int, int, int]:
    """Every row's version in one number, how many revisions there are, and where the write-ahead log ends.

    A score that is written, even with what it says already, gets another xmin and another place.
    """
    with connected(world.database) as connection:
        found = connection.execute(
            "SELECT (SELECT sum(hashtextextended(id::text || xmin || ctid, 0)) FROM modelhub_score),"
            " (SELECT count(*) FROM modelhub_scorerevision), pg_current_wal_insert_lsn() - '0/0'"
        ).fetchone()
    versions, revisions, log = found or (0, 0, 0)
    return int(versions or 0), int(revisions), int(log)
