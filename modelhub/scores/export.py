"""Scores as a file: JSON lines to import again, and CSV for spreadsheets.

Written a batch of scores at a time: a line by itself would be a system call by itself.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator

import msgspec
from django.db.models import QuerySet

from modelhub.core import exact_json
from modelhub.core.keyset import in_batches
from modelhub.labels.types import get_type
from modelhub.scores.models import Score
from modelhub.scores.rows import ScoreRow

Rows = QuerySet[Score, ScoreRow]

# `value` is the plain scalar, `value_json` the whole object.
CSV_COLUMNS = [name for name in ScoreRow.__struct_fields__ if name not in {"annotator", "queue_id"}]
CSV_COLUMNS.insert(CSV_COLUMNS.index("value") + 1, "value_json")

# First characters that make a spreadsheet execute a cell, or that stand before such a character unseen.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_jsonl(rows: Rows) -> Iterator[bytes]:
    """Yield one score per line, as the list shows it; numbers keep all their digits."""
    for batch in in_batches(rows):
        yield b"".join(exact_json.encode(row) + b"\n" for row in batch)


def write_csv(rows: Rows) -> Iterator[bytes]:
    """Yield a header, then one score per line."""
    yield _as_lines([CSV_COLUMNS])
    for batch in in_batches(rows):
        yield _as_lines(map(_cells, batch))


def _cells(row: ScoreRow) -> list[str]:
    value = exact_json.loads(exact_json.encode(row.value))
    columns = msgspec.structs.asdict(row) | {
        "value": get_type(row.label_type).plain(value),
        "value_json": exact_json.dumps(value),
    }
    return [cell(columns[name]) for name in CSV_COLUMNS]


def _as_lines(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def cell(value: object) -> str:
    """Return the text of a cell, with an apostrophe before formulas."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else exact_json.dumps(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(DANGEROUS) else text


FORMATS: dict[str, tuple[str, Callable[[Rows], Iterator[bytes]]]] = {
    "jsonl": ("application/x-ndjson; charset=utf-8", write_jsonl),
    # With a charset: without one, clients decode CSV as ISO-8859-1.
    "csv": ("text/csv; charset=utf-8", write_csv),
}
