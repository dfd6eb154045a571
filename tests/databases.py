"""Databases of a test run: one migrated template, one clone per data folder."""

import hashlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from tests.folders import ROOT

USER = "postgres"
# The ports of the PostgreSQL of this run and of the PgBouncer before it, if any.
POSTGRES, PGBOUNCER = "TESTS_POSTGRES", "TESTS_PGBOUNCER"
TEMPLATE = "migrated"
# An advisory lock of the database "postgres", which nothing but tests uses.
TEMPLATE_LOCK = 1


def url_of(database: str) -> str:
    """Return the URL of a database, past any PgBouncer."""
    return f"postgresql://{USER}@127.0.0.1:{os.environ[POSTGRES]}/{database}"


def connect() -> psycopg.Connection[Any]:
    """Connect to the database that creates and drops the others."""
    return psycopg.connect(url_of("postgres"), autocommit=True)


@cache
def ensure_template() -> None:
    """Create the migrated template, once per run: other processes wait for it."""
    with connect() as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])
        if exists(connection, TEMPLATE):
            return
        draft = f"{TEMPLATE}_draft"
        connection.execute(f"DROP DATABASE IF EXISTS {draft}")
        connection.execute(f"CREATE DATABASE {draft}")
        env = {"PATH": os.environ["PATH"], "DATABASE_URL": url_of(draft), "MODELHUB_DATA_DIR": ".data/tests"}
        migrate = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
        done = subprocess.run(migrate, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        connection.execute(f"ALTER DATABASE {draft} RENAME TO {TEMPLATE}")


def exists(connection: psycopg.Connection[Any], database: str) -> bool:
    return connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).rowcount == 1


def name_for(data_dir: Path) -> str:
    return "of_" + hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]


def database_for(data_dir: Path, *, direct: bool = False) -> dict[str, str]:
    """Return the database settings of a data folder; create its database.

    `direct` leads past any PgBouncer.
    """
    ensure_template()
    name = name_for(data_dir)
    with connect() as connection:
        if not exists(connection, name):
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    if direct or PGBOUNCER not in os.environ:
        return {"DATABASE_URL": url_of(name)}
    return {
        "DATABASE_URL": f"postgresql://{USER}@127.0.0.1:{os.environ[PGBOUNCER]}/{name}",
        "MODELHUB_DIRECT_DATABASE_URL": url_of(name),
        "MODELHUB_PGBOUNCER": "true",
    }


def drop_database_for(data_dir: Path) -> None:
    """Drop the database of a data folder, if it has one."""
    with connect() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name_for(data_dir)} WITH (FORCE)")
