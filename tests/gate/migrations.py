"""`python -m tests.gate.migrations`: may every migration run while the version before it still serves?

The SQL of each one goes to squawk. What a migration does on purpose it says itself, by an attribute of its class:

    accepted = {"ban-drop-column": "the release before this one reads and writes it no more"}

The way to change a table in steps that pass is in docs/operations.md. What RunPython does cannot be judged here.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import django
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

SQUAWK = Path(sys.executable).with_name("squawk")

EXEMPT = {
    "0001_initial": "it makes the tables: there is no version before it",
    "0002_immediate_and_append_only": "it came with the tables, before anything was released",
}
# Rules about taste, or about what is so already; everything else that squawk knows is an error.
NOT_OURS = {
    "prefer-bigint-over-int": "no number of ours grows by itself",
    "prefer-bigint-over-smallint": "the same",
    "prefer-text-field": "a new column may have a length; changing one is still refused",
    "prefer-robust-stmts": "Django remembers which migration was applied",
    "require-lock-timeout": "every connection has one (MODELHUB_LOCK_TIMEOUT_MS)",
    "require-statement-timeout": "a migration may take its time; what it locks meanwhile is what is judged",
}


def main() -> int:
    """Judge every migration of the app that is not exempt; answers the exit status."""
    loader = MigrationLoader(connection, replace_migrations=False)
    keys = sorted(key for key in loader.disk_migrations if key[0] == "modelhub" and key[1] not in EXEMPT)
    found = {name: findings(loader.disk_migrations[app, name], loader) for app, name in keys}
    sys.stdout.writelines(found.values())
    if wrong := [name for name, text in found.items() if text]:
        sys.stdout.write(f"Not safe while the version before still runs: {', '.join(wrong)} (docs/operations.md).\n")
    return 1 if wrong else 0


def findings(migration: Migration, loader: MigrationLoader) -> str:
    """What squawk says of a migration, a line each; nothing when it is safe."""
    statements: list[str] = loader.collect_sql([(migration, False)])
    excluded = ",".join(NOT_OURS | getattr(migration, "accepted", {}))
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
