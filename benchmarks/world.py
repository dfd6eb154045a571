"""What the subjects write to: one database, its organization, its annotator and a thousand labels."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from benchmarks.servers import API_KEY
from modelhub.labels import create_label, labels_of
from modelhub.models import ApiKey

LABELS_OF_A_TYPE = 200
SETTINGS: dict[str, dict[str, Any]] = {
    "star": {"no_of_stars": 5},
    "categorical": {"options": ["positive", "neutral", "negative"]},
    "text": {"max_length": 5000},
    "numeric": {"min": 0, "max": 10, "step_size": 0.5},
    "thumbs_up_down": {},
}
CONNECTION = ("host", "port", "user", "password", "dbname")


@dataclass(frozen=True, slots=True)
class World:
    """What every client knows. `database` is how to connect, `labels` are pairs of id and type, mixed."""

    database: dict[str, Any]
    organization: str
    annotator: str
    labels: list[tuple[str, str]]


def make_world() -> World:
    """Find or make the labels of the key that a server has bootstrapped."""
    key = ApiKey.objects.get(api_key=API_KEY)
    known = set(labels_of(key.organization_id).values_list("name", flat=True))
    for number in range(LABELS_OF_A_TYPE):
        for kind, settings in SETTINGS.items():
            if (name := f"Benchmark {kind} {number}") not in known:
                create_label(organization_id=key.organization_id, name=name, type=kind, settings=settings)
    mine = labels_of(key.organization_id).filter(name__startswith="Benchmark ").order_by("created_at", "id")
    labels = [(str(pk), kind) for pk, kind in mine.values_list("id", "type")]
    parameters = connection.get_connection_params()
    database = {name: parameters[name] for name in CONNECTION if parameters.get(name)}
    return World(database, str(key.organization_id), str(key.user_id), labels)


def empty_tables() -> None:
    """Throw away the scores and sources of earlier runs, so that each run meets the same tables."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE modelhub_scorerevision, modelhub_score, modelhub_source")
        analyze()


def analyze() -> None:
    """Fresh statistics, as autovacuum gives them to a server that runs for longer than a benchmark."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE modelhub_score, modelhub_scorerevision, modelhub_source, modelhub_label")
        cursor.execute("RESET statement_timeout")


def state_of_scores() -> tuple[int, int, int]:
    """Every row's version in one number, how many revisions there are, and where the write-ahead log ends.

    A score that is written, even with what it says already, gets another xmin and another place.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT sum(hashtextextended(id::text || xmin || ctid, 0)) FROM modelhub_score")
        (versions,) = cursor.fetchone()
        cursor.execute("SELECT count(*), pg_current_wal_insert_lsn() - '0/0' FROM modelhub_scorerevision")
        revisions, log = cursor.fetchone()
        cursor.execute("RESET statement_timeout")
    return int(versions or 0), int(revisions), int(log)
