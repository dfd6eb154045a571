"""Django's PostgreSQL backend, for pooled connections that live for months."""

import select
import time
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql.base import DatabaseWrapper as DjangoWrapper
from django.db.backends.postgresql.operations import DatabaseOperations

from .programs import find_programs

OLDEST_POSTGRES = 15
# The second of the seven migrations that there were before the first release.
PRE_RELEASE_MIGRATION = "0002_immediate_and_append_only"
PRE_RELEASE_TABLES = (
    "the database has the tables of a version before the first release, which this version cannot read "
    "and leaves untouched; export the scores with that version (GET /model-hub/scores/export/), then start "
    "this one with another DATABASE_URL or MODELHUB_DATA_DIR and import them (modelhub import-scores)."
)

CREATE_ANOTHER = "use one that was made with CREATE DATABASE name TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'."

FIRST_DISCARD = 8
FRESH_SECONDS = 0.5

# Number of uses, and the time of the last one (monotonic).
_uses: WeakKeyDictionary[psycopg.Connection[Any], tuple[int, float]] = WeakKeyDictionary()


class Operations(DatabaseOperations):
    """Django's operations, with foreign keys checked by the statement."""

    def deferrable_sql(self) -> str:
        """Return the end of every foreign key, checked inside the savepoint."""
        return " DEFERRABLE INITIALLY IMMEDIATE"


class DatabaseWrapper(DjangoWrapper):
    """Check connections at check-out, and replace all once one is lost."""

    ops_class = Operations

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that has just answered. Raise `OperationalError`."""
        connection = super().get_new_connection(conn_params)
        if self.pool and not check(connection):
            # A restart of PostgreSQL ends all connections. The pool's own check, which Django would pass, tries them
            # one after the other with growing pauses: four of them cost the first request more than its timeout.
            self.pool.putconn(connection)
            self.pool.drain()
            connection = super().get_new_connection(conn_params)
        return connection

    def has_ended(self) -> bool:
        """Return whether the idle connection, if one is open, was closed by either side."""
        return self.connection is not None and (self.connection.closed or _has_input(self.connection))

    def create_database(self) -> None:
        """Do nothing: `DATABASE_URL` names a database that exists."""

    def store_copy(self) -> None:
        """Do nothing: only ephemeral servers begin with a copy."""

    def find_programs(self, *, newest: bool) -> Path | None:
        """Return the folder of client programs that fit the server, if there is one."""
        return find_programs(self.get_database_version()[0], newest=newest)

    def check_database_version_supported(self) -> None:
        """Raise `ImproperlyConfigured` for a database that this version cannot use.

        Django calls this at the first connection of a process, so it stops every command.
        """
        if reason := self._find_obstacle():
            # Django's commands ignore this error where they look for unapplied migrations: the next use checks again.
            self.close()
            raise ImproperlyConfigured(reason)

    def _find_obstacle(self) -> str | None:
        version = self.get_database_version()[0]
        if version < OLDEST_POSTGRES:
            return f"PostgreSQL {OLDEST_POSTGRES} or newer is needed, and the database is PostgreSQL {version}."
        if self.alias == "replica":
            # A copy of the primary, whose role may be allowed to read exports only.
            return None
        encoding = self.connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            return f"the database must have the encoding UTF8, got {encoding}; {CREATE_ANOTHER}"
        with self.cursor() as cursor:
            cursor.execute("SELECT current_schema(), to_regclass('django_migrations') IS NOT NULL")
            [schema, has_tables] = cursor.fetchone() or ["", False]
            if schema is None:
                return "no schema of the database's search_path exists; create one, or change search_path."
            if not has_tables:
                return self._find_obstacle_to_tables(schema)
            cursor.execute(
                "SELECT FROM django_migrations WHERE app = 'modelhub' AND name = %s", [PRE_RELEASE_MIGRATION]
            )
            return PRE_RELEASE_TABLES if cursor.rowcount else None

    def _find_obstacle_to_tables(self, schema: str) -> str | None:
        """Return the reason why an empty database cannot get tables."""
        with self.cursor() as cursor:
            cursor.execute(
                "SELECT current_user, has_schema_privilege(%s, 'CREATE') OR pg_is_in_recovery(), lower('ÉI') = 'éi'",
                [schema],
            )
            [role, may_create, has_letters] = cursor.fetchone() or ["", False, False]
        if not may_create:
            return (
                f"the role {role} may not create tables in the schema {schema}; "
                f"make it the owner of the database, or GRANT CREATE ON SCHEMA {schema} TO {role}."
            )
        if not has_letters:
            return (
                "names must be unique in upper and lower case, and the locale of the database has other letters or too "
                f"few; {CREATE_ANOTHER}"
            )
        return None


def check(connection: psycopg.Connection[Any]) -> bool:
    """Return whether a connection answers; drop cached plans at its 8th, 16th … use.

    PostgreSQL makes a plan for tables as large as they are, and keeps it until autovacuum has looked at them, a minute
    later: on a new database it reads whole tables that grow meanwhile. A connection that was used a moment ago is not
    asked (0.1 ms per request), unless its socket has something to read: the end of a closed connection is.
    """
    uses, used_at = _uses.get(connection, (0, 0.0))
    now = time.monotonic()
    _uses[connection] = uses + 1, now
    discard = uses + 1 >= FIRST_DISCARD and (uses + 1).bit_count() == 1
    try:
        connection.autocommit = True  # false where it was returned inside a transaction
        if discard or now > used_at + FRESH_SECONDS or _has_input(connection):
            connection.execute("DISCARD PLANS" if discard else "")
    except psycopg.OperationalError:
        return False
    return True


def _has_input(connection: psycopg.Connection[Any]) -> bool:
    """Return whether an idle connection can be read: that is its end, or a notice."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
