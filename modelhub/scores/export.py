"""Scores as a file: JSON lines to import again, and CSV for spreadsheets.

Written in pieces: a line by itself would be a system call by itself, and what a client does not read is in memory.
"""

from collections.abc import Callable, Iterable, Iterator

from django.db.models import QuerySet

from modelhub.core import exact_json
from modelhub.core.csv_cells import write_rows
from modelhub.core.keyset import in_batches
from modelhub.scores.cells import CSV_COLUMNS, write_cells
from modelhub.scores.models import Score
from modelhub.scores.rows import ScoreRow

Rows = QuerySet[Score, ScoreRow]

PIECE_BYTES = 64 * 1024

# Line ends of Unicode, which JSON leaves as they are: text readers as `str.splitlines` would break a line there. Their
# bytes occur in strings only.
UNICODE_LINE_ENDS = {end.encode(): rb"\u%04x" % ord(end) for end in "\u2028\u2029\u0085"}


def write_jsonl(rows: Rows) -> Iterator[bytes]:
    """Yield one score per line, as the list shows it; numbers keep all their digits."""
    yield from in_pieces(_line(row) for batch in in_batches(rows) for row in batch)


def _line(row: ScoreRow) -> bytes:
    line = exact_json.encode(row)
    for end, escape in UNICODE_LINE_ENDS.items():
        line = line.replace(end, escape)
    return line + b"\n"


def write_csv(rows: Rows) -> Iterator[bytes]:
    """Yield a header, then one score per line."""
    yield write_rows([CSV_COLUMNS])
    yield from in_pieces(write_rows([write_cells(row)]) for batch in in_batches(rows) for row in batch)


def in_pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Join lines to pieces of `PIECE_BYTES`; a longer line is a piece of its own."""
    piece: list[bytes] = []
    waiting = 0
    for line in lines:
        if waiting and waiting + len(line) > PIECE_BYTES:
            yield b"".join(piece)
            piece, waiting = [], 0
        piece.append(line)
        waiting += len(line)
    if piece:
        yield b"".join(piece)


FORMATS: dict[str, tuple[str, Callable[[Rows], Iterator[bytes]]]] = {
    "jsonl": ("application/x-ndjson; charset=utf-8", write_jsonl),
    # With a charset: without one, clients decode CSV as ISO-8859-1.
    "csv": ("text/csv; charset=utf-8", write_csv),
}
