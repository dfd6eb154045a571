"""Reads of many rows in bounded memory: each row may have 64 KB."""

from typing import Any, TypeVar

from django.db import connections, transaction
from django.db.models import Model, QuerySet

from modelhub.core import exact_json
from modelhub.core.errors import Invalid

M = TypeVar("M", bound=Model)
R = TypeVar("R")

# Rows of one FETCH: with values of 64 KB, 4 MB.
FETCH_ROWS = 50
# Lists of fewer rows are read by one statement.
FEW_ROWS = 100
# Bytes of rows in one answer. A worker has them in memory several times, per thread.
MAX_ANSWER_BYTES = 16 * 1024 * 1024


def read_all(rows: QuerySet[M, R]) -> list[R]:
    """Return all rows. Raise `Invalid` as soon as they exceed `MAX_ANSWER_BYTES`."""
    found = list(rows[:FEW_ROWS])
    if len(found) < FEW_ROWS:
        return found
    found, read = [], 0
    with transaction.atomic(using=rows.db):
        for row in rows.iterator(chunk_size=FETCH_ROWS):
            read += bytes_of(row)
            if read > MAX_ANSWER_BYTES:
                raise answer_too_large(len(found))
            found.append(row)
    return found


def answer_too_large(fitting: int) -> Invalid:
    """Return the error of rows above `MAX_ANSWER_BYTES`, of which `fitting` would fit."""
    sentence = (
        f"The answer must have at most {MAX_ANSWER_BYTES} bytes, which {fitting} of its rows have; "
        "ask for fewer rows, by page_size or a filter"
    )
    return Invalid(sentence, code="answer_too_large")


def read_batch(rows: QuerySet[M, R], *, size: int, max_bytes: int, fetch: int = FETCH_ROWS) -> list[R]:
    """Return at most `size` rows, and no further FETCH once they have `max_bytes`.

    The cursor and its transaction end here: they must not wait for the client that reads the rows.
    """
    if connections[rows.db].settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:  # PgBouncer: Django reads all rows at once
        size = min(size, fetch)
    batch, read = [], 0
    with transaction.atomic(using=rows.db):
        for number, row in enumerate(rows[:size].iterator(chunk_size=fetch), 1):
            batch.append(row)
            read += bytes_of(row)
            if read >= max_bytes and number % fetch == 0:
                break
    return batch


def bytes_of(row: Any) -> int:
    """Return the bytes of a struct or a model as JSON."""
    if isinstance(row, Model):
        row = {name: value for name, value in vars(row).items() if not name.startswith("_")}
    return len(exact_json.encode(row))
