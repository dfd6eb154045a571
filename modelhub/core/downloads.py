"""Files as streams: JSON lines, pieces of useful size, and the response.

Written in pieces: a line by itself would be a system call by itself, and what a client does not read is in memory.
"""

import itertools
from collections.abc import Generator, Iterable, Iterator

from django.http import StreamingHttpResponse

from modelhub.core import exact_json

PIECE_BYTES = 64 * 1024

JSON = "application/json"
JSON_LINES = "application/x-ndjson; charset=utf-8"
# With a charset: without one, clients decode CSV as ISO-8859-1.
CSV = "text/csv; charset=utf-8"

# Line ends of Unicode, which JSON leaves as they are: text readers as `str.splitlines` would break a line there. Their
# bytes occur in strings only.
UNICODE_LINE_ENDS = {end.encode(): rb"\u%04x" % ord(end) for end in "\u2028\u2029\u0085"}


def json_line(row: object) -> bytes:
    """Return a row as one line of JSON; numbers keep all their digits."""
    line = exact_json.encode(row)
    for end, escape in UNICODE_LINE_ENDS.items():
        line = line.replace(end, escape)
    return line + b"\n"


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


def download(pieces: Iterator[bytes], *, content_type: str, name: str, start: bytes = b"") -> StreamingHttpResponse:
    """Return a response that streams a file, after `start`.

    Two pieces are read before it begins: an error until then is still a problem, not a broken file.
    """
    first = [*([start] if start else []), *itertools.islice(pieces, 2)]
    response = StreamingHttpResponse(one_after_the_other(first, pieces), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def one_after_the_other(*several: Iterable[bytes]) -> Generator[bytes, None, None]:
    """Chain iterables in a generator, which frees them when it is closed.

    `itertools.chain` has no close: pieces of an aborted export would wait for a garbage collection.
    """
    for pieces in several:
        yield from pieces
