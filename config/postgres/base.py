"""Django's PostgreSQL backend for a database that may fall silent: no wait for it is without an end."""

from typing import Any

import psycopg
from django.db.backends.postgresql.base import DatabaseWrapper as DjangoWrapper
from django.db.backends.postgresql.operations import DatabaseOperations

from config.postgres.patient import PatientConnection

# How long a request waits for a connection when the one before it got none.
IMPATIENT_SECONDS = 1


class Operations(DatabaseOperations):
    """Django's operations, with foreign keys that are checked by the statement and not at COMMIT."""

    def deferrable_sql(self) -> str:
        """Return the end of every foreign key: a savepoint catches only errors that are raised inside it."""
        return " DEFERRABLE INITIALLY IMMEDIATE"


class DatabaseWrapper(DjangoWrapper):
    """The connections of its pool are patient, and its pool is not: what one request waited for, no other need."""

    ops_class = Operations

    def __init__(self, settings_dict: dict[str, Any], alias: str = "default") -> None:
        if pool := settings_dict["OPTIONS"].get("pool"):
            pool.setdefault("connection_class", PatientConnection)
        super().__init__(settings_dict, alias)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """As Django does it. After a failure nobody waits for more than a second, until somebody succeeds."""
        if not self.pool:
            return super().get_new_connection(conn_params)
        usual = self.settings_dict["OPTIONS"]["pool"]["timeout"]
        try:
            connection = super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            self.pool.timeout = min(IMPATIENT_SECONDS, usual)
            raise
        self.pool.timeout = usual
        return connection
