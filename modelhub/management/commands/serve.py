"""`manage.py serve`: everything between a clone and an answer. Checks, migrates, bootstraps, serves."""

import errno
import socket
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.core.servers.basehttp import get_internal_wsgi_application
from django.db import DatabaseError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from modelhub.core.errors import Refused
from modelhub.serving.bootstrap import bootstrap
from modelhub.serving.gunicorn_server import serve
from modelhub.serving.starting import stop_if_asked
from modelhub.serving.welcome import welcome

OLDEST_POSTGRES = 15
# Any number that no other application of this database uses for an advisory lock.
SETUP_LOCK = 7_263_549_001


class CannotStart(Exception):
    """The server cannot start; `str()` is the one sentence that says why."""


class Command(BaseCommand):
    """Starts the server."""

    help = "Start the server: migrate, make what the first start needs, serve until stopped."
    # Run by hand below: a taken port must be told first.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What a deployment with a migration step of its own needs."""
        parser.add_argument("--skip-setup", action="store_true", help="neither migrate nor bootstrap")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until stopped; a start that fails prints one sentence and exits with 1."""
        try:
            self.start(skip_setup=options["skip_setup"])
        except (CannotStart, ImproperlyConfigured, Refused) as error:
            self.stderr.write(f"modelhub cannot start: {error}")
            sys.exit(1)

    def start(self, *, skip_setup: bool) -> None:
        """All of it, one step after the other."""
        check_port(settings.SERVE_HOST, settings.SERVE_PORT)
        self.check()
        stop_if_asked()
        text = prepare(skip_setup=skip_setup)
        stop_if_asked()
        import_module(settings.ROOT_URLCONF)
        application = get_internal_wsgi_application()
        # Neither connections nor the threads of a pool survive the fork of the workers.
        connections.close_all()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
        serve(application, ready=lambda: self.say(text))

    def say(self, text: str) -> None:
        """Print at once, also into a pipe: somebody waits for it. The last moment for a stop of the start."""
        stop_if_asked()
        self.stdout.write(text)
        self.stdout.flush()


def check_port(host: str, port: int) -> None:
    """Raises `CannotStart` when the address cannot be listened on."""
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


def prepare(*, skip_setup: bool) -> str:
    """Check the database, migrate and bootstrap it; answers the text to print when the port is open."""
    host = "127.0.0.1" if settings.SERVE_HOST in {"0.0.0.0", "::"} else settings.SERVE_HOST  # noqa: S104
    base_url = f"http://{f'[{host}]' if ':' in host else host}:{settings.SERVE_PORT}"
    with setup_connection(skip_setup=skip_setup) as own:
        if skip_setup:
            return f"modelhub is ready at {base_url}\n"
        wait_for_turn(own)
        migrate(own)
        return welcome(bootstrap(), base_url=base_url, manage=manage_command())


def wait_for_turn(own: BaseDatabaseWrapper) -> None:
    """One replica sets up at a time, and none gives up waiting for a long migration.

    The lock is asked for again and again: a statement that waited for it would hold a snapshot, which an index that
    is made concurrently waits for in turn.
    """
    with own.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [SETUP_LOCK])
            if cursor.fetchone() == (True,):
                return
            time.sleep(0.2)


def migrate(own: BaseDatabaseWrapper) -> None:
    """Apply all migrations, on a connection that goes past PgBouncer, and however long they take."""
    with own.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    connections[own.alias] = own
    try:
        call_command("migrate", database=own.alias, verbosity=0, interactive=False)
    finally:
        del connections[own.alias]
    if pgbouncer := settings.DATABASES["default"]["PGBOUNCER"]:
        limit_role(own, pgbouncer["timeouts"])


def limit_role(own: BaseDatabaseWrapper, timeouts: dict[str, int]) -> None:
    """Give our role the timeouts that a connection cannot bring along through PgBouncer."""
    role = settings.DATABASES["default"]["USER"]
    who = own.ops.quote_name(role) if role else "CURRENT_USER"
    with own.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        [database] = cursor.fetchone() or [""]
        for name, ms in timeouts.items():
            cursor.execute(f"ALTER ROLE {who} IN DATABASE {own.ops.quote_name(database)} SET {name} = {ms:d}")


def manage_command() -> str:
    """How this process was called, as somebody in the same folder would type it."""
    here = Path.cwd()
    python = Path(sys.executable)
    return f"{python.relative_to(here) if python.is_relative_to(here) else python} {sys.argv[0]}"


@contextmanager
def setup_connection(*, skip_setup: bool = False) -> Iterator[BaseDatabaseWrapper]:
    """A connection outside of any pool; raises `CannotStart` with the reason when there is none to be had."""
    own = connections["default"].copy(alias="setup")
    own.settings_dict["OPTIONS"].pop("pool", None)
    if pgbouncer := own.settings_dict["PGBOUNCER"]:
        if pgbouncer["direct"] is None and not skip_setup:
            raise CannotStart(
                "MODELHUB_PGBOUNCER is true, and migrations need a session of their own; set "
                "MODELHUB_DIRECT_DATABASE_URL, or migrate in a step of its own and start with --skip-setup."
            )
        own.settings_dict.update(pgbouncer["direct"] or {})
    try:
        own.ensure_connection()
        check_version(own)
        yield own
    except DatabaseError as error:
        reason = " ".join(str(error).split())
        raise CannotStart(f"the database cannot be used (check DATABASE_URL): {reason}") from error
    finally:
        own.close()


def check_version(own: BaseDatabaseWrapper, oldest: int = OLDEST_POSTGRES) -> None:
    """Raises `CannotStart` for a server that lacks what the constraints need (NULLS NOT DISTINCT)."""
    version = own.get_database_version()[0]
    if version < oldest:
        raise CannotStart(f"PostgreSQL {oldest} or newer is needed, and the database is PostgreSQL {version}.")
