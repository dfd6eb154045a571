"""Reasons not to start, each with one sentence."""

import errno
import socket

from django.db.backends.base.base import BaseDatabaseWrapper

OLDEST_POSTGRES = 15
# The second of the seven migrations that there were before the first release.
PRE_RELEASE_MIGRATION = "0002_immediate_and_append_only"


class CannotStart(Exception):
    """The server cannot start; `str()` is the sentence for the operator."""


def check_port(host: str, port: int) -> None:
    """Raise `CannotStart` when the address cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                sentence = f"port {port} on {host} is in use; stop what uses it, or set PORT to a free one."
                raise CannotStart(sentence) from error
            raise CannotStart(f"cannot listen on {host}:{port} ({error.strerror}); set HOST and PORT.") from error


def check_version(connection: BaseDatabaseWrapper, oldest: int = OLDEST_POSTGRES) -> None:
    """Raise `CannotStart` for a PostgreSQL without NULLS NOT DISTINCT (below 15)."""
    version = connection.get_database_version()[0]
    if version < oldest:
        raise CannotStart(f"PostgreSQL {oldest} or newer is needed, and the database is PostgreSQL {version}.")


def check_migrations(connection: BaseDatabaseWrapper) -> None:
    """Raise `CannotStart` for tables of a version before the first release."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        if cursor.fetchone() != (True,):
            return
        cursor.execute("SELECT FROM django_migrations WHERE app = 'modelhub' AND name = %s", [PRE_RELEASE_MIGRATION])
        if cursor.rowcount:
            raise CannotStart(
                "the database has the tables of a version before the first release, which this version cannot read "
                "and leaves untouched; export the scores with that version (GET /model-hub/scores/export/), then start "
                "this one with another DATABASE_URL or MODELHUB_DATA_DIR and import them (manage.py import_scores)."
            )
