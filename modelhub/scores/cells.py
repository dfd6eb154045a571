"""Cells of CSV files of scores, written and read back."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from modelhub.core import exact_json
from modelhub.core.csv_cells import guard, unguard
from modelhub.core.errors import Invalid
from modelhub.core.text import show
from modelhub.labels.types import LABEL_TYPES, get_type
from modelhub.scores.rows import ScoreRow

# `value` is the plain scalar, `value_json` the whole object.
CSV_COLUMNS = [name for name in ScoreRow.__struct_fields__ if name not in {"annotator", "queue_id"}]
CSV_COLUMNS.insert(CSV_COLUMNS.index("value") + 1, "value_json")
# Ids that clients choose. Other tools look scores up by them: an apostrophe would make another id.
FREE_IDS = ("source_id",)


def write_cells(row: ScoreRow) -> list[str]:
    """Return the cells of a score in the order of `CSV_COLUMNS`."""
    value = exact_json.loads(exact_json.encode(row.value))
    columns = msgspec.structs.asdict(row) | {
        "value": get_type(row.label_type).plain(value),
        "value_json": exact_json.dumps(value),
    }
    return [cell(name, columns[name]) for name in CSV_COLUMNS]


def cell(column: str, value: object) -> str:
    """Return the text of a cell; ids are written as they are (contract 0.12)."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return exact_json.dumps(value)
    return value if column in FREE_IDS else guard(value)


def read_cells(columns: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a score as JSON lines have them. Raise `Invalid`.

    A blank cell is a field that is not given, except for notes.
    """
    if len(cells) != len(columns):
        raise Invalid(f"A line must have {len(columns)} cells, as many as the header, got {len(cells)}")
    given = dict(zip(columns, cells, strict=True))
    texts = {name: text if name in FREE_IDS else unguard(text) for name, text in given.items()}
    value, value_json = texts.pop("value", ""), texts.pop("value_json", "")
    fields: dict[str, Any] = {name: text for name, text in texts.items() if text or name == "notes"}
    label_type = str(fields.get("label_type"))
    if value_json:
        fields["value"] = stored = _read_json("value_json", value_json)
        if value and not any(_is_plain(value, plain) for plain in _plain_forms(label_type, stored)):
            raise Invalid(f"value and value_json must say the same, got {show(value)} and {show(stored)}")
    elif value:
        fields["value"] = _read_plain(label_type, value)
    return fields


def _read_plain(label_type: str, text: str) -> Any:
    """Return a plain value: a JSON number, a JSON list of several options, or a text."""
    if label_type in {"star", "numeric"}:
        return _read_json("value", text)
    if label_type != "text" and text.startswith("["):
        # A text or one option may begin like a list.
        with suppress(ValueError):
            options = exact_json.loads(text)
            return options if all(isinstance(option, str) for option in options) else text
    return text


def _plain_forms(label_type: str, stored: object) -> Iterator[object]:
    """Yield the plain value, of each label type if the line does not say which one."""
    for name in [label_type] if label_type in LABEL_TYPES else LABEL_TYPES:
        kind = get_type(name)
        yield kind.plain(stored if isinstance(stored, dict) else {kind.key: stored})


def _is_plain(text: str, plain: object) -> bool:
    """Return whether a cell shows a value; spreadsheets write 7.50 as 7.5."""
    if isinstance(plain, str):
        return text == plain
    with suppress(ValueError):
        return exact_json.same(exact_json.loads(text), plain)
    return False


def _read_json(column: str, text: str) -> Any:
    try:
        return exact_json.loads(text)
    except ValueError:
        raise Invalid(f"{column} must be JSON, got {show(text)}") from None
