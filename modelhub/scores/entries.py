"""What a request says of one score, judged without a write: fields, label id, score source, notes, value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from django.conf import settings

from modelhub.core import exact_json
from modelhub.core.errors import Invalid, Refused
from modelhub.core.ids import spell_uuid
from modelhub.core.text import did_you_mean, show
from modelhub.labels.models import Label
from modelhub.labels.rows import LabelView
from modelhub.scores.models import SCORE_SOURCES

FIELDS = ("label_id", "value", "score_source", "notes")
KNOWN, KNOWN_SOURCES = frozenset(FIELDS), frozenset(SCORE_SOURCES)
# Types of labels whose rules let nothing through that could not be stored.
CLOSED = frozenset({"star", "categorical", "thumbs_up_down"})


class ScoreEntry(msgspec.Struct, frozen=True, gc=False):
    """One score as it was asked for. `value` is whatever was sent: its label has yet to judge it."""

    index: int
    label_id: str
    value: Any
    score_source: str
    notes: str | None


@dataclass(frozen=True, slots=True)
class EntryError:
    """Why the entry at `index` (from 0) was not stored; `label_id` as it was sent, if it was a string."""

    index: int
    label_id: str | None
    code: str
    message: str

    @classmethod
    def of(cls, index: int, fields: object, refused: Refused) -> "EntryError":
        """The error of an entry, whatever state the entry is in."""
        label_id = fields.get("label_id") if isinstance(fields, Mapping) else None
        return cls(index, label_id if isinstance(label_id, str) else None, refused.code, str(refused))


def check_entry(index: int, fields: object) -> ScoreEntry:
    """Read `{label_id, value, score_source?, notes?}`; raises `Refused`, naming the label where there is one.

    `fields` may be the refusal itself, where whoever made the entry knows already what is wrong with it.
    """
    if type(fields) is dict and KNOWN.issuperset(fields) and fields.get("notes") is None:
        # What nearly every entry is, in one look; whatever is different in any way is looked at more closely below.
        label_id, score_source = spell_uuid(fields.get("label_id")), fields.get("score_source", "human")
        if label_id and "value" in fields and type(score_source) is str and score_source in KNOWN_SOURCES:
            return ScoreEntry(index, label_id, fields["value"], score_source, None)
    if isinstance(fields, Refused):
        raise fields
    if not isinstance(fields, dict):
        sentence = f"An entry must be an object with label_id and value, got {show(fields)}"
        raise Invalid(sentence, code="not_an_object")
    try:
        _check_fields(fields)
        return ScoreEntry(
            index,
            _check_label_id(fields["label_id"]),
            fields["value"],
            check_score_source(fields.get("score_source", "human")),
            check_notes(fields.get("notes")),
        )
    except Invalid as refused:
        label_id = spell_uuid(fields.get("label_id"))
        if label_id is None:
            raise
        raise refused.prefixed(f"Label {label_id}: ") from refused


def _check_fields(fields: Mapping[str, Any]) -> None:
    """No field that there is not, and both that must be there."""
    if not KNOWN.issuperset(fields):
        name = next(name for name in fields if name not in KNOWN)
        hint = did_you_mean(name, FIELDS) or f". An entry has {', '.join(FIELDS)}"
        raise Invalid(f"Unknown field {show(name)}{hint}", code="unknown_field")
    for name in ("label_id", "value"):
        if name not in fields:
            raise Invalid(f"{name} must be given", code=f"missing_{name}")


def _check_label_id(label_id: object) -> str:
    found = spell_uuid(label_id)
    if found is None:
        raise Invalid(f"label_id must be a UUID, got {show(label_id)}", code="invalid_label_id")
    return found


def check_score_source(score_source: object) -> str:
    """One of the seven words of contract 2.2; raises `Invalid`."""
    if not isinstance(score_source, str) or score_source not in SCORE_SOURCES:
        words = ", ".join(SCORE_SOURCES)
        sentence = f"score_source must be one of {words}, got {show(score_source)}"
        raise Invalid(sentence, code="invalid_score_source")
    return score_source


def check_notes(notes: object) -> str | None:
    """A string within the limit, or `None` for no notes; raises `Invalid`."""
    if notes is None:
        return None
    if not isinstance(notes, str):
        raise Invalid(f"notes must be a string, got {show(notes)}", code="invalid_notes")
    if len(notes) > settings.MAX_NOTES_LENGTH:
        sentence = f"notes must have at most {settings.MAX_NOTES_LENGTH} characters, got {len(notes)}"
        raise Invalid(sentence, code="notes_too_long")
    # Four bytes a character, or six where JSON escapes it: the length is limited already.
    exact_json.check_storable(notes, max_bytes=8 * settings.MAX_NOTES_LENGTH, max_depth=2, name="notes")
    return notes


def check_against_label(label: LabelView, value: object) -> dict[str, Any]:
    """The value of a new score in the shape that is stored; raises `Invalid`, also for a deleted label."""
    if label.deleted:
        raise Invalid(f"{describe(label)}: the label was deleted and takes no new scores", code="label_deleted")
    return check_value_of(label, value)


def check_value_of(label: LabelView, value: object) -> dict[str, Any]:
    """The value in the one shape that is stored; raises `Invalid` naming the label, its name and its type."""
    try:
        stored = label.rule(value)
    except Invalid as refused:
        _check_storable(label, value)  # what cannot be stored at all is told first
        raise refused.prefixed(f"{describe(label)}: ") from refused
    if len(stored) > 1 or label.type not in CLOSED:
        _check_storable(label, value)
    return stored


def _check_storable(label: LabelView, value: object) -> None:
    try:
        exact_json.check_storable(value, max_bytes=settings.MAX_VALUE_BYTES, max_depth=settings.MAX_VALUE_DEPTH)
    except Invalid as refused:
        raise refused.prefixed(f"{describe(label)}: ") from refused


def describe(label: LabelView | Label) -> str:
    """How a sentence calls a label: by its id, and by its name and type for people."""
    return f"Label {label.id} ({label.name}, {label.type})"
