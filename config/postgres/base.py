"""Django's PostgreSQL backend, for pooled connections that live for months."""

from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db.backends.postgresql.base import DatabaseWrapper as DjangoWrapper
from django.db.backends.postgresql.operations import DatabaseOperations

FIRST_DISCARD = 8

_uses: WeakKeyDictionary[psycopg.Connection[Any], int] = WeakKeyDictionary()


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


def check(connection: psycopg.Connection[Any]) -> bool:
    """Return whether a connection answers; drop cached plans at its 8th, 16th … use.

    PostgreSQL makes a plan for tables as large as they are, and keeps it until autovacuum has looked at them, a minute
    later: on a new database it reads whole tables that grow meanwhile.
    """
    uses = _uses[connection] = _uses.get(connection, 0) + 1
    discard = uses >= FIRST_DISCARD and uses.bit_count() == 1
    try:
        connection.autocommit = True  # false where it was returned inside a transaction
        connection.execute("DISCARD PLANS" if discard else "")
    except psycopg.OperationalError:
        return False
    return True
