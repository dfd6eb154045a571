"""`modelhub migrate`: Django's command, which creates an embedded database."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """Create the database if need be, and apply all migrations."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Create the database before the system checks, which connect to it."""
        if not (options["check_unapplied"] or options["plan"]):
            connection: Any = connections[options["database"]]
            connection.create_database()
        return super().execute(*args, **options)
