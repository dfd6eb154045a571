"""`manage.py restore FILE`: fill the database from a backup, as a whole or not."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from modelhub.serving.backup import BackupFailed, restore


class Command(BaseCommand):
    help = "Restore a backup of `manage.py backup`. It is run as SQL: restore only files that you trust."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="path of the backup")
        parser.add_argument("--replace", action="store_true", help="drop what the database holds now")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore the backup. Raise `CommandError` with one sentence."""
        try:
            restore(Path(options["file"]), replace=options["replace"])
        except BackupFailed as error:
            raise CommandError(f"The backup was not restored: {error}") from error
        self.stdout.write(f"The database holds what {options['file']} holds.")
