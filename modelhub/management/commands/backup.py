"""`modelhub backup FILE`: write everything but sessions of the admin to a file."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from modelhub.serving.backup import BackupFailed, back_up, stream_backup


class Command(BaseCommand):
    help = "Write a backup of the database, also beside a running server. `modelhub restore` reads it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="path of the new file, or - for standard output")
        parser.add_argument("--replace", action="store_true", help="overwrite an existing file")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the backup. Raise `CommandError` with one sentence."""
        try:
            if options["file"] == "-":
                stream_backup(sys.stdout.buffer)
                return
            size = back_up(Path(options["file"]), replace=options["replace"])
        except BackupFailed as error:
            raise CommandError(f"No backup was written: {error}") from error
        self.stdout.write(f"{options['file']} holds the database, {size} bytes.")
