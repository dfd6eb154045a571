"""Scores as a file: JSON lines that `manage.py import_scores` reads back, and CSV for spreadsheets."""

import csv
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import QuerySet

from modelhub import exact_json
from modelhub.api.outputs import score_output
from modelhub.keyset import in_pieces
from modelhub.models import Score
from modelhub.values import scalar_of

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
# What a spreadsheet takes for a formula, or for white space before one.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def jsonl(scores: QuerySet[Score]) -> Iterator[str]:
    """One score a line, as the list shows it; numbers with all their digits."""
    for score in _each(scores):
        yield exact_json.dumps(score) + "\n"


def as_csv(scores: QuerySet[Score]) -> Iterator[str]:
    """One score a row: `value` is the plain scalar, `value_json` the whole object."""
    writer = csv.writer(Echo())
    yield writer.writerow(COLUMNS)
    for score in _each(scores):
        value = score["value"]
        score["value"], score["value_json"] = scalar_of(score["label_type"], value), exact_json.dumps(value)
        yield writer.writerow([cell(score[column]) for column in COLUMNS])


def cell(value: object) -> str:
    """What stands in a cell; text that a spreadsheet would execute gets an apostrophe before it."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else exact_json.dumps(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(DANGEROUS) else text


class Echo:
    """A file for the csv module that hands back what is written to it."""

    def write(self, text: str) -> str:
        """The text itself."""
        return text


def _each(scores: QuerySet[Score]) -> Iterator[dict[str, Any]]:
    for piece in in_pieces(scores):
        for score in piece:
            yield score_output(score, word="", stored=True)


FORMATS: dict[str, tuple[str, Callable[[QuerySet[Score]], Iterator[str]]]] = {
    "jsonl": ("application/x-ndjson; charset=utf-8", jsonl),
    # With a charset: without one, clients decode CSV as ISO-8859-1.
    "csv": ("text/csv; charset=utf-8", as_csv),
}
