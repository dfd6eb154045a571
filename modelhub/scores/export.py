"""Scores as a file: JSON lines that `manage.py import_scores` reads back, and CSV for spreadsheets.

Written a thousand scores at a time: a line by itself would be a system call by itself.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator

from django.db.models import QuerySet
from msgspec.structs import asdict

from modelhub.core import exact_json
from modelhub.core.keyset import in_pieces
from modelhub.labels.types import get_type
from modelhub.scores.models import Score
from modelhub.scores.rows import ScoreView
from modelhub.scores.serializers import score_output

COLUMNS = (
    "id",
    "source_type",
    "source_id",
    "label_id",
    "label_name",
    "label_type",
    "value",
    "value_json",
    "score_source",
    "notes",
    "annotator_id",
    "annotator_name",
    "annotator_email",
    "queue_item",
    "created_at",
    "updated_at",
)
Views = QuerySet[Score, ScoreView]

# What a spreadsheet takes for a formula, or for white space before one.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def jsonl(scores: Views) -> Iterator[bytes]:
    """One score a line, as the list shows it; numbers with all their digits."""
    for piece in in_pieces(scores):
        yield b"".join(exact_json.encode(score_output(score)) + b"\n" for score in piece)


def as_csv(scores: Views) -> Iterator[bytes]:
    """One score a row: `value` is the plain scalar, `value_json` the whole object."""
    yield _as_lines([COLUMNS])
    for piece in in_pieces(scores):
        yield _as_lines(map(_cells, piece))


def _cells(score: ScoreView) -> list[str]:
    value = exact_json.loads(exact_json.encode(score.value))
    columns = asdict(score_output(score)) | {
        "value": get_type(score.label_type).plain(value),
        "value_json": exact_json.dumps(value),
    }
    return [cell(columns[name]) for name in COLUMNS]


def _as_lines(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def cell(value: object) -> str:
    """What stands in a cell; text that a spreadsheet would execute gets an apostrophe before it."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else exact_json.dumps(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(DANGEROUS) else text


FORMATS: dict[str, tuple[str, Callable[[Views], Iterator[bytes]]]] = {
    "jsonl": ("application/x-ndjson; charset=utf-8", jsonl),
    # With a charset: without one, clients decode CSV as ISO-8859-1.
    "csv": ("text/csv; charset=utf-8", as_csv),
}
