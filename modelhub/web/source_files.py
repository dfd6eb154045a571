"""Sources by a file or by pasted ids: lines to entries, or to errors."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from django.conf import settings

from modelhub.core import exact_json
from modelhub.core.csv_cells import unguard
from modelhub.core.envelope import rename
from modelhub.core.errors import Invalid, Refused, TooLarge
from modelhub.core.text import count, show
from modelhub.sources.refs import SourceEntry, check_source_ref
from modelhub.sources.serializers import SourceInput
from modelhub.web.form_errors import name_fields

MOST_LINES, MOST_COLUMNS = 20_000, 1000
FIELDS = ("source_type", "source_id", "name", "metadata", "content")
# Spreadsheets of many languages write semicolons.
DELIMITERS = ",;\t"
# First bytes of files that programs write in place of UTF-8.
OTHER_FILES = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x1f\x8b": "gzip", b"PK": "a zip file or a workbook"}
SPREADSHEETS = "; spreadsheets have it as “CSV UTF-8” among the types of “Save as”"
# A first line by which programs tell spreadsheets the delimiter.
SEPARATOR = re.compile(r'"?sep=([,;\t|])"?(?:\r\n?|\n)', re.IGNORECASE)
UNREADABLE = re.compile("[\udc80-\udcff]")


class Line(NamedTuple):
    """A line with its number, and the source that it names or its error."""

    number: int
    entry: SourceEntry | Refused


def read_ids(text: str, source_type: str) -> list[Line]:
    """Return a line per id, without blank ones. Raise `Invalid` for none, `TooLarge`."""
    ids = [(number, line.strip()) for number, line in enumerate(_lines_of(text), 1) if line.strip()]
    if not ids:
        raise Invalid("ids must have at least one id, one per line", field="ids")
    _check_number(len(ids), "ids")
    return [Line(number, _entry_of_id(source_type, source_id)) for number, source_id in ids]


def _entry_of_id(source_type: str, source_id: str) -> SourceEntry | Refused:
    try:
        return SourceEntry(check_source_ref(source_type, source_id))
    except Refused as refused:
        return Invalid(name_fields(str(refused), {"source_id": "an id", "source_type": "the type"}))


def read_file(content: bytes, source_type: str) -> list[Line]:
    """Return a line per source of a file: JSON lines, or CSV with a header.

    `source_type` is that of lines without one. Raise `Invalid` for a file that is neither, `TooLarge`.
    """
    # Without its mark, UTF-16 has a NUL in each letter of ASCII.
    if other := OTHER_FILES.get(content[:2]) or ("UTF-16" if b"\0" in content[:100] else None):
        raise Invalid(f"The file must be JSON lines or CSV in UTF-8, got {other}{SPREADSHEETS}", field="file")
    text = content.decode("utf-8-sig", "surrogateescape")
    # Bytes that are not UTF-8 became these characters.
    if found := UNREADABLE.search(text):
        number = text.count("\n", 0, found.start()) + 1
        raise Invalid(f"The file must be UTF-8, and line {number} is not{SPREADSHEETS}", field="file")
    if not text.strip():
        raise Invalid("The file must have at least one line, got an empty one", field="file")
    first = text.lstrip()[0]
    if first == "[":
        raise Invalid(
            "The file is a JSON list; each line must be one object: jq -c '.[]' FILE converts it", field="file"
        )
    rows = list(islice(_read_json(text) if first == "{" else _read_csv(text), MOST_LINES + 1))
    _check_number(len(rows), "file")
    reader = SourceInput()
    return _without_repetitions(Line(number, _entry(reader, fields, source_type)) for number, fields in rows)


def _lines_of(text: str) -> io.StringIO:
    """Return the lines with their ends; splitlines() ends them at other marks, too."""
    return io.StringIO(text, newline="")


def _check_number(lines: int, field: str) -> None:
    if lines > MOST_LINES:
        sentence = f"{field} must have at most {MOST_LINES} lines, got more; split it"
        raise TooLarge(sentence, code="items_too_large", field=field)


def _read_json(text: str) -> Iterator[tuple[int, dict[str, Any] | Refused]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _object(line)


def _object(line: str) -> dict[str, Any] | Refused:
    try:
        fields = exact_json.loads(line)
    except json.JSONDecodeError as error:
        return Invalid(f"it is not valid JSON at character {error.pos + 1}: {error.msg}")
    except ValueError as error:
        return Invalid(f"it is not valid JSON: {error}")
    if not isinstance(fields, dict):
        return Invalid(f"it must be a JSON object, got {show(fields)}")
    try:
        return rename(fields, FIELDS)
    except Refused as refused:
        return refused


def _read_csv(text: str) -> Iterator[tuple[int, dict[str, Any] | Refused]]:
    """Yield the fields of rows by the number of their first line.

    Raise `Invalid` for a header without `source_id`.
    """
    csv.field_size_limit(settings.MAX_BODY_BYTES)
    lines = _lines_of(text)
    first = 1
    if separator := SEPARATOR.match(text):
        delimiter = separator[1]
        first = 2
        lines.readline()
    else:
        header = text.lstrip("\r\n").partition("\n")[0]
        delimiter = max(DELIMITERS, key=header.count)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    columns: list[str] = []
    number = first
    try:
        for cells in rows:
            if any(cells) and not columns:
                columns = _columns(cells)
            elif any(cells):
                yield number, _fields(columns, cells)
            number = rows.line_num + first
    except csv.Error as error:
        yield number, Invalid(f"the CSV cannot be read from here on: {error}")


def _columns(cells: Sequence[str]) -> list[str]:
    columns = [name for cell in _without_blank_ends(cells) for name in rename({cell.strip(): None}, FIELDS)]
    if "source_id" not in columns:
        raise Invalid(
            "The file must be JSON lines, or CSV whose first line names its columns, among them source_id; "
            f"got {show(','.join(cells))}",
            field="file",
        )
    if len(columns) > MOST_COLUMNS:
        raise Invalid(f"The first line must name at most {MOST_COLUMNS} columns, got {len(columns)}", field="file")
    if twice := [name for name, times in Counter(filter(None, columns)).items() if times > 1]:
        raise Invalid(f"The first line must name each column once, got {show(twice[0])} twice", field="file")
    return columns


def _without_blank_ends(cells: Sequence[str]) -> Sequence[str]:
    """Return the cells up to the last one that is not blank."""
    end = len(cells)
    while end and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _fields(columns: Sequence[str], cells: Sequence[str]) -> dict[str, Any] | Refused:
    """Return the fields of a row; blank cells are left out, and JSON in cells is read.

    Spreadsheets write blank columns behind the others, with separators only.
    """
    given = _without_blank_ends(cells)
    if len(given) > len(columns):
        return Invalid(f"it must have {count(len(columns), 'column')}, got {len(given)}")
    row = {name: unguard(cell) for name, cell in zip(columns, given, strict=False) if cell}
    if "" in row:
        return Invalid(f"{show(row[''])} is in a column that the first line does not name")
    return {name: text if name in FIELDS[:3] else _parsed(text) for name, text in row.items()}


def _parsed(text: str) -> Any:
    """Return the object or list that a cell holds as JSON, else its text."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return exact_json.loads(text)
        except ValueError:
            return text
    return text


def _entry(reader: SourceInput, fields: dict[str, Any] | Refused, source_type: str) -> SourceEntry | Refused:
    """Return the source of a line, or its error. Other fields are the content.

    Beside a `content` they are metadata.
    """
    if isinstance(fields, Refused):
        return fields
    others = {name: value for name, value in fields.items() if name not in FIELDS}
    known: Mapping[str, Any] = {name: value for name, value in fields.items() if name in FIELDS}
    body: dict[str, Any] = {"source_type": source_type, **known}
    if others and "content" not in fields:
        body["content"] = others
    elif others and isinstance(fields.get("metadata", {}), dict):
        body["metadata"] = others | fields.get("metadata", {})
    try:
        entry: SourceEntry = reader.run_validation(body)
    except Refused as refused:
        return refused
    return entry


def _without_repetitions(lines: Iterator[Line]) -> list[Line]:
    """Return the lines; one that names the source of an earlier line is an error."""
    first: dict[object, int] = {}
    found = []
    for line in lines:
        if isinstance(line.entry, SourceEntry):
            earlier = first.setdefault(line.entry.ref.identity, line.number)
            if earlier != line.number:
                found.append(Line(line.number, Invalid(f"line {earlier} names the same source")))
                continue
        found.append(line)
    return found
