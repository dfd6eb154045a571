"""Set up the database before the first request: check, migrate, bootstrap."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from modelhub.accounts.models import Organization
from modelhub.core.sql import read_folder
from modelhub.core.tenants import tenant_tables
from modelhub.serving.bootstrap import Bootstrapped, bootstrap

# Any number that no other application of this database uses for an advisory lock.
SETUP_LOCK = 7_263_549_001
# Functions of the test controls, which are in no migration.
KEEP_ORGANIZATION = "SELECT modelhub_testing.keep_organization(%s, %s, %s)"
DELETE_ORGANIZATION = "SELECT modelhub_testing.delete_organization(%s, %s, %s)"


def check_database() -> None:
    """Raise `ImproperlyConfigured` for a database that is not set up."""
    with setup_connection(needs_session=False) as own:
        check_writable(own)
        executor = MigrationExecutor(connections["default"])
        if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise ImproperlyConfigured(
                f"the database lacks {len(plan)} migrations, {plan[0][0]} first; "
                "run modelhub migrate, or start without --skip-setup."
            )
        check_rights(own)
        drop_controls(own)
        if settings.TEST_CONTROLS:
            first = Organization.objects.order_by("id").first()
            create_controls(own, first.pk if first else None)


def set_up_database() -> Bootstrapped:
    """Migrate and create the first rows. Raise `ImproperlyConfigured`."""
    with setup_connection(needs_session=True) as own:
        check_writable(own)
        wait_for_turn(own)
        migrate(own)
        own.store_copy()
        drop_controls(own)
        result = bootstrap()
        if settings.TEST_CONTROLS:
            create_controls(own, result.key.organization_id)
        return result


def check_writable(own: BaseDatabaseWrapper) -> None:
    """Raise `ImproperlyConfigured` for a standby and a read-only database."""
    with own.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'")
        standby, read_only = cursor.fetchone() or (False, False)
    if standby:
        raise ImproperlyConfigured(
            "the database is a standby, which stores nothing; DATABASE_URL must name the primary."
        )
    if read_only:
        raise ImproperlyConfigured(
            "the database stores nothing: default_transaction_read_only is on, for the database or for the role."
        )


def check_rights(own: BaseDatabaseWrapper) -> None:
    """Raise `ImproperlyConfigured` for a role that may not use every table."""
    tables = [model._meta.db_table for model in apps.get_app_config("modelhub").get_models()]
    with own.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, name FROM unnest(%s::text[]) AS name"
            " WHERE NOT (has_table_privilege(name, 'SELECT') AND has_table_privilege(name, 'INSERT')) LIMIT 1",
            [tables],
        )
        if found := cursor.fetchone():
            role, table = found
            raise ImproperlyConfigured(
                f"the role {role} may not read and write the table {table}; GRANT it these rights."
            )


def wait_for_turn(own: BaseDatabaseWrapper) -> None:
    """Lock the setup against other servers, however long they migrate.

    Poll: a statement that waits for the lock would hold a snapshot, for which CREATE INDEX CONCURRENTLY waits in turn.
    """
    with own.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [SETUP_LOCK])
            if cursor.fetchone() == (True,):
                return
            time.sleep(0.2)


def migrate(own: BaseDatabaseWrapper) -> None:
    """Apply all migrations without a statement timeout, past PgBouncer."""
    with own.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    connections[own.alias] = own
    try:
        call_command("migrate", database=own.alias, verbosity=0, interactive=False)
    finally:
        del connections[own.alias]
    if pgbouncer := settings.DATABASES["default"]["PGBOUNCER"]:
        set_up_role(own, pgbouncer["session"])


def set_up_role(own: BaseDatabaseWrapper, session: dict[str, int | str]) -> None:
    """Set the role's settings of sessions: PgBouncer drops those of connections."""
    name = settings.DATABASES["default"]["USER"]
    role = own.ops.quote_name(name) if name else "CURRENT_USER"
    with own.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        [database] = cursor.fetchone() or [""]
        for setting, value in session.items():
            cursor.execute(f"ALTER ROLE {role} IN DATABASE {own.ops.quote_name(database)} SET {setting} = '{value}'")


def drop_controls(own: BaseDatabaseWrapper) -> None:
    """Drop the schema of earlier test controls, and the organizations that they made.

    Raise `ImproperlyConfigured` for a role that may not.
    """
    with own.cursor() as cursor:
        cursor.execute(
            "SELECT nspowner::regrole::text, pg_has_role(nspowner, 'USAGE') FROM pg_namespace"
            " WHERE nspname = 'modelhub_testing'"
        )
        if (found := cursor.fetchone()) is None:
            return
        owner, may_drop = found
        if not may_drop:
            raise ImproperlyConfigured(
                f"the schema modelhub_testing of earlier test controls belongs to the role {owner}, which alone may "
                f"drop it; start the server once as {owner}."
            )
        tables = tenant_tables()
        cursor.execute("SELECT id FROM modelhub_testing.made_organizations")
        for (organization_id,) in cursor.fetchall():
            cursor.execute(DELETE_ORGANIZATION, [organization_id, list(tables), list(tables.values())])
        cursor.execute("DROP SCHEMA modelhub_testing CASCADE")


def create_controls(own: BaseDatabaseWrapper, first: uuid.UUID | None) -> None:
    """Create the schema of the test controls, with a copy of the first organization.

    Raise `ImproperlyConfigured` for a role without the rights that the controls need.
    """
    check_rights_of_controls(own)
    tables = tenant_tables()
    with own.cursor() as cursor:
        # One query, which PostgreSQL runs as one transaction.
        cursor.execute(";\n".join(["CREATE SCHEMA modelhub_testing", *read_folder("testing")]))
        cursor.execute(KEEP_ORGANIZATION, [first, list(tables), list(tables.values())])


def check_rights_of_controls(own: BaseDatabaseWrapper) -> None:
    """Raise `ImproperlyConfigured` for a role that the test controls cannot use."""
    with own.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, current_database(), has_database_privilege(current_database(), 'CREATE'),"
            " has_parameter_privilege('session_replication_role', 'SET'),"
            " has_table_privilege('modelhub_score', 'TRIGGER')"
        )
        role, database, may_create, may_replicate, may_refuse = cursor.fetchone() or ("", "", False, False, False)
    if not may_create:
        grant = f"GRANT CREATE ON DATABASE {own.ops.quote_name(database)} TO {own.ops.quote_name(role)}"
    elif not may_replicate:
        # Deletes rows that a trigger keeps append-only, without a change of the trigger.
        grant = f"GRANT SET ON PARAMETER session_replication_role TO {own.ops.quote_name(role)}"
    elif not may_refuse:
        grant = f"GRANT TRIGGER ON modelhub_score TO {own.ops.quote_name(role)}"
    else:
        return
    raise ImproperlyConfigured(f"MODELHUB_TEST_CONTROLS is true, and the role {role} lacks a right; {grant}.")


@contextmanager
def setup_connection(*, needs_session: bool) -> Iterator[Any]:
    """Connect outside of any pool, past PgBouncer. Raise `ImproperlyConfigured`.

    For a setup, which needs a session of its own, create an embedded database.
    """
    own: Any = connections["default"].copy(alias="setup")
    own.settings_dict["OPTIONS"].pop("pool", None)
    if pgbouncer := own.settings_dict["PGBOUNCER"]:
        if pgbouncer["direct"] is None and needs_session:
            raise ImproperlyConfigured(
                "MODELHUB_PGBOUNCER is true, and migrations need a session of their own; set "
                "MODELHUB_DIRECT_DATABASE_URL, or migrate in a step of its own and start with --skip-setup."
            )
        own.settings_dict.update(pgbouncer["direct"] or {})
    try:
        if needs_session:
            own.create_database()
        own.ensure_connection()
        yield own
    except DatabaseError as error:
        reason = " ".join(str(error).split())
        raise ImproperlyConfigured(f"the database cannot be used (check DATABASE_URL): {reason}") from error
    finally:
        own.close()
