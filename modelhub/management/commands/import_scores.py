"""`modelhub import-scores FILE`: import the JSON lines or the CSV of an export."""

import os
import sqlite3
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from tqdm import tqdm

from modelhub.accounts.commands import get_user
from modelhub.core.errors import OutcomeUnknown
from modelhub.core.text import count
from modelhub.scores.import_files import Lines, Record, read_records
from modelhub.scores.import_lines import LineReader
from modelhub.scores.importing import Importer, ImportResult
from modelhub.scores.line_index import LineIndex

LINES_PER_TRANSACTION = 500
BYTES_PER_TRANSACTION = 8 * 1024 * 1024


class Command(BaseCommand):
    help = "Import scores from JSON lines or CSV as the export writes them. Importing a file again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="path of the file, or - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="check every line, store nothing")
        parser.add_argument("--as", dest="user", help="login of the importing user; the first admin by default")
        parser.add_argument("--annotator", help="login that stands in for unknown annotators")
        parser.add_argument(
            "--create-annotators", action="store_true", help="create unknown annotators by their email, inactive"
        )
        parser.add_argument(
            "--force", action="store_true", help="keep values that the present settings of their labels reject"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import the file. Errors go to standard error; the exit status is then 1."""
        user = get_user(options["user"])
        stand_in = get_user(options["annotator"]) if options["annotator"] else None
        if stand_in and stand_in.organization_id != user.organization_id:
            raise CommandError(f"{stand_in} and {user} belong to different organizations.")
        rules = {"creates": options["create_annotators"], "force": options["force"]}
        try:
            with open_file(options["file"]) as file, closing(LineIndex()) as index:
                reader = LineReader(user.organization_id, stand_in=stand_in, **rules)
                total = self._import(Importer(user, reader, index), file, dry_run=options["dry_run"])
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
        except sqlite3.Error as error:
            raise CommandError(f"The temporary file of the import, in TMPDIR, cannot be written: {error}.") from error
        except (OperationalError, InterfaceError, OutcomeUnknown) as error:
            raise CommandError(
                "The import stopped: the database does not answer. Run it again; scores that are stored stay unchanged."
            ) from error
        done = "would be " if options["dry_run"] else ""
        self.stdout.write(
            f"{count(total.created, 'score')} {done}created, {total.changed} {done}changed, "
            f"{total.unchanged} unchanged, {count(total.failed, 'line')} with errors"
        )
        if total.annotators:
            self.stdout.write(f"{count(len(total.annotators), 'annotator')} {done}created, inactive")
        if total.failed:
            sys.exit(1)

    def _import(self, importer: Importer, file: IO[bytes], *, dry_run: bool) -> ImportResult:
        total, lines = ImportResult(), Lines(file)
        # A pipe has no size.
        size = os.fstat(file.fileno()).st_size or None
        with tqdm(total=size, unit="B", unit_scale=True, disable=None, file=sys.stderr) as progress:
            for batch in bounded_batches(lines):
                result = importer.run(batch, dry_run=dry_run)
                total.add(result)
                for number, sentence in result.errors:
                    progress.write(f"line {number}: {sentence}", file=sys.stderr)
                progress.update(lines.size - progress.n)
        return total


def open_file(name: str) -> AbstractContextManager[IO[bytes]]:
    """Open a file, or standard input for `-`."""
    return nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb")


def bounded_batches(lines: Lines) -> Iterator[list[Record]]:
    """Yield the scores of a file in batches of bounded lines and bytes."""
    batch: list[Record] = []
    begin = 0
    for record in read_records(lines):
        batch.append(record)
        if len(batch) == LINES_PER_TRANSACTION or lines.size - begin > BYTES_PER_TRANSACTION:
            yield batch
            batch, begin = [], lines.size
    if batch:
        yield batch
