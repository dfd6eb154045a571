"""Files of scores as fields: JSON lines, and the CSV that the export writes."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple

from django.conf import settings

from modelhub.core.envelope import reject_misspelled, rename
from modelhub.core.errors import Invalid
from modelhub.core.exact_json import loads
from modelhub.core.text import show
from modelhub.scores.cells import read_cells
from modelhub.scores.line_index import short_digest
from modelhub.scores.rows import ScoreRow

ROW_FIELDS = ScoreRow.__struct_fields__
# Keys that a line may have, besides others that are ignored. Other exports have `created_by`, near `updated_by`.
OTHER_FIELDS = ("annotator_id", "updated_by_id", "created_by", "created_by_id", "created_by_name", "created_by_email")
LINE_FIELDS = tuple(dict.fromkeys((*ROW_FIELDS, "value_json", *OTHER_FIELDS)))
# Without these columns a first line is no header of CSV.
HEADER = {"source_type", "source_id"}
# Spreadsheets of many languages write semicolons.
DELIMITERS = ",;\t"
# First bytes of files that programs write in place of UTF-8.
OTHER_FILES = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x1f\x8b": "gzip", b"PK": "a zip file or a workbook"}


class Record(NamedTuple):
    """A score of a file by its fields, or the error of its line.

    Equal lines have equal digests.
    """

    number: int
    digest: bytes
    fields: dict[str, Any] | Invalid


class Lines(Iterator[bytes]):
    """Physical lines of a binary file, with the number of lines and bytes so far.

    A line that is longer than any score comes cut, so that it is an error and not in memory.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.number, self.size = file, 0, 0
        # CSV has a value twice, with its quotes doubled.
        self.longest = 8 * (settings.MAX_VALUE_BYTES + settings.MAX_NOTES_LENGTH) + 1024 * 1024

    def __next__(self) -> bytes:
        line = part = self.file.readline(self.longest)
        if not line:
            raise StopIteration
        self.number += 1
        self.size += len(line)
        while part and not part.endswith(b"\n"):
            part = self.file.readline(self.longest)
            self.size += len(part)
        return line


def read_records(lines: Lines) -> Iterator[Record]:
    """Yield the scores of a file, CSV if its first line is the header of one."""
    # An open quote could swallow the rest of the file.
    csv.field_size_limit(lines.longest)
    filled = (line for line in lines if line.strip())
    first = next(filled, b"")
    if other := OTHER_FILES.get(first[:2]):
        yield Record(lines.number, b"", Invalid(f"The file must be JSON lines or CSV in UTF-8, got {other}"))
    elif header := find_header(first):
        columns, delimiter = header
        if twice := [name for name, times in Counter(columns).items() if times > 1]:
            sentence = f"The header of CSV must have each column once, got {show(twice[0])} twice"
            yield Record(lines.number, b"", Invalid(sentence))
        else:
            yield from read_csv(lines, columns, delimiter)
    elif first:
        yield read_json(lines.number, first)
        yield from (read_json(lines.number, line) for line in filled)


def read_json(number: int, line: bytes) -> Record:
    """Return the score of one line of JSON."""
    fields: dict[str, Any] | Invalid
    line = line.strip()
    try:
        sent = loads(line)
        fields = rename(check_object(sent), ROW_FIELDS)
        reject_misspelled(fields, LINE_FIELDS)
    except Invalid as invalid:
        fields = invalid
    except json.JSONDecodeError as error:
        # The text of the error has a number of a line, too, always 1.
        fields = Invalid(f"The line is not valid JSON at character {error.pos + 1}: {error.msg}")
    except ValueError as error:
        fields = Invalid(f"The line is not valid JSON: {error}")
    return Record(number, short_digest(line), fields)


def check_object(sent: object) -> dict[str, Any]:
    """Return the object of a line. Raise `Invalid` for others and for a page of a list."""
    if isinstance(sent, dict) and isinstance(sent.get("results"), list):
        raise Invalid("The line is a page of scores, and a line must be one score; convert it: jq -c '.results[]' FILE")
    if isinstance(sent, list) and sent:
        raise Invalid("The line is a list, and a line must be one score; convert it: jq -c '.[]' FILE")
    if not isinstance(sent, dict):
        raise Invalid(f"A line must be a JSON object, got {show(sent)}")
    return sent


def find_header(line: bytes) -> tuple[list[str], str] | None:
    """Return the columns and the delimiter of CSV, if the line is its header."""
    text = line.decode("utf-8-sig", "replace").rstrip("\r\n")
    for delimiter in "" if "\r" in text else DELIMITERS:
        names = next(csv.reader([text], delimiter=delimiter))
        columns = [name for spelled in names for name in rename({spelled: None}, ROW_FIELDS)]
        if set(columns) >= HEADER:
            return columns, delimiter
    return None


def read_csv(lines: Lines, columns: Sequence[str], delimiter: str) -> Iterator[Record]:
    """Yield the scores below a header. After a broken quote nothing more can be read."""
    rows = csv.reader((line.decode("utf-8", "surrogateescape") for line in lines), delimiter=delimiter, strict=True)
    while True:
        number = lines.number + 1
        try:
            cells = next(rows, None)
        except csv.Error as error:
            yield Record(number, b"", Invalid(f"The CSV cannot be read from this line on: {error}"))
            return
        if cells is None:
            return
        if any(cells):
            yield Record(number, short_digest(cells), read_row(columns, cells))


def read_row(columns: Sequence[str], cells: Sequence[str]) -> dict[str, Any] | Invalid:
    """Return the fields of a row of CSV, or its error."""
    # Bytes that are not UTF-8: `surrogateescape` reads them as these characters.
    if any("\udc80" <= character <= "\udcff" for text in cells if not text.isascii() for character in text):
        return Invalid("The line is not UTF-8")
    try:
        reject_misspelled(dict.fromkeys(columns), LINE_FIELDS)
        return read_cells(columns, cells)
    except Invalid as invalid:
        return invalid
