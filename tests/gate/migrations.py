"""`python -m tests.gate.migrations`: reject migrations that break older servers.

squawk checks the SQL of each migration. A migration accepts a finding by an attribute of its class:

    accepted = {"ban-drop-column": "the release before this one neither reads nor writes it"}

docs/operations.md shows how to change a table in steps that pass. RunPython is not checked.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

import django
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

SQUAWK = Path(sys.executable).with_name("squawk")

EXEMPT = {
    "0001_initial": "it creates the tables: there is no version before it",
}
# Rules about taste, or met in another way; every other rule of squawk is an error.
IGNORED_RULES = {
    "prefer-bigint-over-int": "no column counts up",
    "prefer-bigint-over-smallint": "the same",
    "prefer-text-field": "a new column may have a length; changing one is another rule",
    "prefer-robust-stmts": "Django records applied migrations",
    "require-lock-timeout": "every connection has one (MODELHUB_LOCK_TIMEOUT_MS)",
    "require-statement-timeout": "a migration may be slow; its locks are checked by other rules",
}


def main() -> int:
    """Check every migration of the app that is not exempt. Return the exit status."""
    # A fresh clone has no embedded database yet; Django asks one for the names of constraints.
    cast("Any", connection).create_database()
    loader = MigrationLoader(connection, replace_migrations=False)
    keys = sorted(key for key in loader.disk_migrations if key[0] == "modelhub" and key[1] not in EXEMPT)
    found = {name: findings(loader.disk_migrations[app, name], loader) for app, name in keys}
    sys.stdout.writelines(found.values())
    if wrong := [name for name, text in found.items() if text]:
        sys.stdout.write(f"Not safe while the version before still runs: {', '.join(wrong)} (docs/operations.md).\n")
    return 1 if wrong else 0


def findings(migration: Migration, loader: MigrationLoader) -> str:
    """Return the findings of squawk, one per line; "" for a safe migration."""
    statements: list[str] = loader.collect_sql([(migration, False)])
    excluded = ",".join(IGNORED_RULES | getattr(migration, "accepted", {}))
    command = [str(SQUAWK), "--reporter=gcc", "--pg-version=15", f"--exclude={excluded}"]
    if migration.atomic:
        statements = ["BEGIN;", *statements, "COMMIT;"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{migration.name}.sql"
        path.write_text("\n".join(statements))
        done = subprocess.run([*command, path.name], cwd=folder, check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout or done.stderr


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    sys.exit(main())
