"""`manage.py import_scores FILE`: import the JSON lines of an export."""

import itertools
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from modelhub.accounts.commands import get_user
from modelhub.scores.importing import Importer, ImportResult

LINES_PER_TRANSACTION = 500


class Command(BaseCommand):
    help = "Import scores from JSON lines as the export writes them. Importing a file again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="path of the file, or - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="check every line, store nothing")
        parser.add_argument("--as", dest="user", help="login of the importing user; the first admin by default")
        parser.add_argument("--annotator", help="login that stands in for unknown annotators")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import the file. Errors go to standard error; the exit status is then 1."""
        stand_in = get_user(options["annotator"]) if options["annotator"] else None
        importer = Importer(get_user(options["user"]), annotator=stand_in)
        try:
            if options["file"] == "-":
                total = self._import(importer, sys.stdin.buffer, 0, dry_run=options["dry_run"])
            else:
                path = Path(options["file"])
                with path.open("rb") as file:
                    total = self._import(importer, file, path.stat().st_size, dry_run=options["dry_run"])
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
        done = "would be " if options["dry_run"] else ""
        self.stdout.write(
            f"{total.created} scores {done}created, {total.changed} {done}changed, {total.unchanged} unchanged, "
            f"{len(total.errors)} lines with errors"
        )
        if total.errors:
            sys.exit(1)

    def _import(self, importer: Importer, file: IO[bytes], size: int, *, dry_run: bool) -> ImportResult:
        total = ImportResult()
        numbered = ((number, line) for number, line in enumerate(file, start=1) if line.strip())
        with tqdm(total=size or None, unit="B", unit_scale=True, disable=None, file=sys.stderr) as progress:
            while batch := list(itertools.islice(numbered, LINES_PER_TRANSACTION)):
                result = importer.run(batch, dry_run=dry_run)
                total.add(result)
                for number, sentence in result.errors:
                    progress.write(f"line {number}: {sentence}", file=sys.stderr)
                progress.update(sum(len(line) for _, line in batch))
        return total
