"""Scores as a file: JSON lines to import again, and CSV for spreadsheets."""

from collections.abc import Callable, Iterator

from django.db.models import QuerySet

from modelhub.core.csv_cells import write_rows
from modelhub.core.downloads import CSV, JSON_LINES, in_pieces, json_line
from modelhub.core.keyset import in_batches
from modelhub.scores.cells import CSV_COLUMNS, write_cells
from modelhub.scores.models import Score
from modelhub.scores.rows import ScoreRow

Rows = QuerySet[Score, ScoreRow]


def write_jsonl(rows: Rows) -> Iterator[bytes]:
    """Yield one score per line, as the list shows it."""
    yield from in_pieces(json_line(row) for batch in in_batches(rows) for row in batch)


def write_csv(rows: Rows) -> Iterator[bytes]:
    """Yield a header, then one score per line."""
    yield write_rows([CSV_COLUMNS])
    yield from in_pieces(write_rows([write_cells(row)]) for batch in in_batches(rows) for row in batch)


FORMATS: dict[str, tuple[str, Callable[[Rows], Iterator[bytes]]]] = {
    "jsonl": (JSON_LINES, write_jsonl),
    "csv": (CSV, write_csv),
}
