"""`modelhub restore FILE`: fill the database from a backup, as a whole or not."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from modelhub.serving.backup import BackupFailed, restore, restore_stream


class Command(BaseCommand):
    help = "Restore a backup of `modelhub backup`. It is run as SQL: restore only files that you trust."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="path of the backup, or - for standard input")
        parser.add_argument("--replace", action="store_true", help="drop what the database holds now")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore the backup. Raise `CommandError` with one sentence."""
        file, replace = options["file"], options["replace"]
        try:
            if file == "-":
                restore_stream(sys.stdin.buffer, replace=replace)
            else:
                restore(Path(file), replace=replace)
        except BackupFailed as error:
            raise CommandError(f"The backup was not restored: {error}") from error
        self.stdout.write(f"The database holds what {'standard input' if file == '-' else file} held.")
