"""The rules of one entry of a request, before its label judges the value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from django.conf import settings

from modelhub.core import exact_json
from modelhub.core.envelope import rename
from modelhub.core.errors import Invalid, Refused
from modelhub.core.ids import spell_uuid
from modelhub.core.text import Hint, shorten, show
from modelhub.scores.models import SCORE_SOURCES

DEFAULT_SOURCE = "human"
UUID: dict[str, Any] = {"type": "string", "format": "uuid"}
# The fields of an entry as JSON Schema, for OpenAPI.
PROPERTIES: dict[str, dict[str, Any]] = {
    "label_id": UUID,
    "value": {"description": "The object of the label's type, or its plain scalar."},
    "score_source": {"type": "string", "enum": [*SCORE_SOURCES, None], "default": DEFAULT_SOURCE, "nullable": True},
    "notes": {"type": "string", "nullable": True},
}
FIELDS = tuple(PROPERTIES)


class ScoreContent(msgspec.Struct, frozen=True, gc=False):
    """The content of a score, as JSON for the database; None keeps stored notes."""

    value: Any
    score_source: str
    notes: str | None


@dataclass(frozen=True, slots=True)
class EntryError:
    """The error of an entry; `label_id` as it was sent, if it was a string.

    `kind` is the error of a request for this entry alone, `field` the one to blame.
    """

    index: int
    label_id: str | None
    kind: type[Refused]
    code: str
    message: str
    field: str | None

    @classmethod
    def of(cls, index: int, entry: object, refused: Refused, *, message: str) -> "EntryError":
        return cls(index, sent_label_id(entry), type(refused), refused.code, message, refused.field)


def sent_label_id(entry: object) -> str | None:
    """Return the label's id in the client's spelling, if the entry has one."""
    label_id = entry.get("label_id", entry.get("labelId")) if isinstance(entry, dict) else None
    return label_id if isinstance(label_id, str) else None


def check_entry(entry: object) -> tuple[str, ScoreContent]:
    """Return the label's id and the content of an entry.

    Keys may be camelCase. Raise `Invalid`, naming the label where the entry names one.
    """
    if not isinstance(entry, dict):
        raise Invalid(f"An entry must be an object with label_id and value, got {show(entry)}", code="not_an_object")
    fields = rename(entry, FIELDS)
    label_id = spell_uuid(fields.get("label_id"))
    try:
        if not fields.keys() <= PROPERTIES.keys():
            raise _unknown_field(fields)
        for name in ("label_id", "value"):
            if name not in fields:
                raise Invalid(f"{name} must be given", code=f"missing_{name}", field=name)
        if label_id is None:
            sentence = f"label_id must be a UUID, got {show(fields['label_id'])}"
            raise Invalid(sentence, code="invalid_label_id", field="label_id")
        # Null means not given (contract 0.5).
        sent = fields.get("score_source")
        score_source = DEFAULT_SOURCE if sent is None else check_score_source(sent)
        return label_id, ScoreContent(fields["value"], score_source, check_notes(fields.get("notes")))
    except Invalid as refused:
        raise refused.prefixed(f"Label {label_id}: ") if label_id else refused from refused


def _unknown_field(fields: Mapping[str, Any]) -> Invalid:
    name = next(name for name in fields if name not in PROPERTIES)
    hint = Hint(name, FIELDS, otherwise=f". An entry has {', '.join(FIELDS)}")
    return Invalid(f"Unknown field {show(name)}", code="unknown_field", field=shorten(name), hint=hint)


def check_score_source(score_source: object) -> str:
    """Return one of the seven words of contract 2.2, or raise `Invalid`."""
    if not isinstance(score_source, str) or score_source not in SCORE_SOURCES:
        words = ", ".join(SCORE_SOURCES)
        sentence = f"score_source must be one of {words}, got {show(score_source)}"
        raise Invalid(sentence, code="invalid_score_source", field="score_source")
    return score_source


def check_notes(notes: object) -> str | None:
    """Return the notes, or `None` without any. Raise `Invalid` above the limit."""
    if notes is None:
        return None
    if not isinstance(notes, str):
        raise Invalid(f"notes must be a string, got {show(notes)}", code="invalid_notes", field="notes")
    if len(notes) > settings.MAX_NOTES_LENGTH:
        sentence = f"notes must have at most {settings.MAX_NOTES_LENGTH} characters, got {len(notes)}"
        raise Invalid(sentence, code="notes_too_long", field="notes")
    # At most six bytes per character, where JSON escapes it.
    exact_json.check_storable(notes, max_bytes=8 * settings.MAX_NOTES_LENGTH, max_depth=2, name="notes")
    return notes


# The rules of a score's content, the value apart, which its label judges.
CONTENT_RULES: Mapping[str, Callable[[object], Any]] = {
    "notes": lambda notes: check_notes(notes) or "",
    "score_source": check_score_source,
}
