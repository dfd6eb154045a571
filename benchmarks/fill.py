"""Many scores at once, by COPY: sources, annotators, labels and times as a year of annotating leaves them."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import psycopg

from benchmarks.bodies import value_dump
from benchmarks.world import World, analyze, connected

ANNOTATORS, LABELS_A_PERSON = 10, 10
# Two annotators judge each source by ten labels each.
SCORES_A_SOURCE = 2 * LABELS_A_PERSON
YEAR_MS = 365 * 24 * 3600 * 1000
LINES_A_WRITE = 5000

PEOPLE = """
INSERT INTO modelhub_user
    (id, created_at, email, name, organization_id, role, is_active, is_staff, is_superuser, password)
SELECT gen_random_uuid(), now(), 'filler' || n || '@benchmark.example', 'Annotator ' || n, %(organization)s,
       'member', true, false, false, '!'
FROM generate_series(1, %(annotators)s) AS n ON CONFLICT (email) DO NOTHING
"""
SOURCE_COLUMNS = "id, organization_id, source_type, source_id, source_key, name, metadata, created_at, updated_at"
SCORE_COLUMNS = (
    "id, organization_id, source_id, label_id, annotator_id, value, score_source, notes, created_at, updated_at"
)


def fill(world: World, count: int) -> None:
    """See that there are at least `count` scores, and no more than measuring adds to them; once made, they are kept."""
    with connected(world.database) as connection:
        (stored,) = connection.execute("SELECT count(*) FROM modelhub_score").fetchone() or (0,)
        if not count <= stored <= count * 1.1:
            started = time.perf_counter()
            with connection.transaction():
                refill(connection, world, count)
            print(f"{count:,} scores made in {time.perf_counter() - started:.0f} s", flush=True)
            analyze(world)
        connection.execute("CHECKPOINT")


def refill(connection: psycopg.Connection[Any], world: World, count: int) -> None:
    """All or nothing, in the caller's transaction. Indexes are built when the rows are there, as a restore does it."""
    connection.execute("SET LOCAL session_replication_role = replica")  # foreign keys: they hold by the way it is made
    connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
    connection.execute("TRUNCATE modelhub_scorerevision, modelhub_score, modelhub_source")
    connection.execute(PEOPLE, {"organization": world.organization, "annotators": ANNOTATORS})
    found = connection.execute("SELECT id::text FROM modelhub_user WHERE email LIKE 'filler%' ORDER BY email")
    people = [pk for (pk,) in found]
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'modelhub_score' AND indexname NOT LIKE '%pkey'"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f'DROP INDEX "{name}"')
    now = time.time_ns() // 1_000_000
    number = -(-count // SCORES_A_SOURCE)
    sources = [new_id(now - YEAR_MS + n * YEAR_MS // number) for n in range(number)]
    copy(connection, f"COPY modelhub_source ({SOURCE_COLUMNS}) FROM STDIN", source_lines(world, sources))
    copy(connection, f"COPY modelhub_score ({SCORE_COLUMNS}) FROM STDIN", score_lines(world, people, sources, count))
    for _, definition in indexes:
        connection.execute(definition)


def copy(connection: psycopg.Connection[Any], statement: str, lines: Iterator[str]) -> None:
    """Write the lines, some thousand at a time."""
    with connection.cursor() as cursor, cursor.copy(statement) as target:
        while some := "".join(islice(lines, LINES_A_WRITE)):
            target.write(some)


def source_lines(world: World, sources: list[str]) -> Iterator[str]:
    """One source a line."""
    for source in sources:
        moment = moment_of(source)
        key = f"{random.getrandbits(128):032x}"
        yield f"{source}\t{world.organization}\ttrace\t{key}\t{key}\t\t{{}}\t{moment}\t{moment}\n"


def score_lines(world: World, people: list[str], sources: list[str], count: int) -> Iterator[str]:
    """One score a line, oldest first, source by source."""
    labels = world.labels
    values = {kind: [value_dump(kind, turn) for turn in range(210)] for kind in {kind for _, kind in labels}}
    for n in range(count):
        source, within = divmod(n, SCORES_A_SOURCE)
        person = people[(source + within // LABELS_A_PERSON) % len(people)]
        # 97 and the number of labels have no factor in common: ten steps meet ten labels.
        label, kind = labels[(source * 7 + within % LABELS_A_PERSON * 97) % len(labels)]
        moment = moment_of(sources[source])
        yield (
            f"{new_id(int(sources[source][:12], 16))}\t{world.organization}\t{sources[source]}\t{label}\t{person}\t"
            f"{values[kind][n % 210]}\thuman\t\t{moment}\t{moment}\n"
        )


def new_id(milliseconds: int) -> str:
    """A UUID of version 7 for a moment of the past, in hex."""
    return f"{milliseconds:012x}7{random.getrandbits(12):03x}{0x8 << 60 | random.getrandbits(62):016x}"


def moment_of(pk: str) -> str:
    """When the row with this id was made."""
    return datetime.fromtimestamp(int(pk[:12], 16) / 1000, UTC).isoformat()
