"""Labels as fields of a form: filled in, posted, and with errors beside them.

The type of a label makes values of strings and back; `submit_annotations` judges the values.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.http import QueryDict

from modelhub.core import exact_json
from modelhub.core.errors import Invalid
from modelhub.core.text import unix_lines
from modelhub.labels.rules import LabelRule
from modelhub.labels.types.base import Choice, LabelType
from modelhub.queues.annotating import InvalidAnnotations
from modelhub.queues.models import QueueLabel
from modelhub.queues.own_work import OwnScore

# Lists of more options scroll, and have a box to filter them.
LONGEST_LIST = 50
REQUIRED = "This label requires an answer."
NOT_REMOVED = "A stored answer can be changed, but not removed. It is filled in again."
NOTES_ALONE = "Notes are stored with an answer only. Give one, or clear the notes."


@dataclass(frozen=True)
class Field:
    """A label in a form: `strings` and `notes` are filled in, `error` is one sentence."""

    rule: LabelRule
    description: str = ""
    required: bool = False
    allows_notes: bool = False
    strings: Sequence[str] = ()
    notes: str = ""
    stored: OwnScore | None = None
    error: str = ""

    @property
    def id(self) -> str:
        return self.rule.id

    @property
    def name(self) -> str:
        return self.rule.name

    @property
    def template(self) -> str:
        return f"web/fields/{self.rule.type}.html"

    @cached_property
    def kind(self) -> LabelType | None:
        """Return the type of the label, or None if its stored settings are unfit."""
        return self.rule.kind if isinstance(self.rule.kind, LabelType) else None

    @property
    def unfit(self) -> str:
        """Return the sentence about unfit settings, which allow no field."""
        return self.rule.kind if isinstance(self.rule.kind, str) else ""

    @property
    def widget(self) -> str:
        return self.kind.widget if self.kind else "none"

    @cached_property
    def choices(self) -> list[Choice]:
        return self.kind.choices(self.strings) if self.kind else []

    @property
    def is_long(self) -> bool:
        return len(self.choices) > LONGEST_LIST

    @property
    def is_multi(self) -> bool:
        return bool(self.kind and self.kind.level == "set")

    @property
    def text(self) -> str:
        """Return the string of a field that holds one."""
        return self.strings[0] if self.strings else ""

    @property
    def hint(self) -> str:
        """Return the legal values, where the field does not show them by itself."""
        if self.kind is None or self.choices:
            return "Choose one or more." if self.is_multi else ""
        return self.kind.legal_values(self.kind.settings)

    @cached_property
    def outdated(self) -> str:
        """Return a stored value in words if the settings reject it by now, else ""."""
        if self.kind is None or self.stored is None or self._is_legal(self.stored.value):
            return ""
        return self.kind.readable(self.stored.value, self.kind.settings)

    @property
    def described_by(self) -> str:
        """Return the ids of the elements that describe the group."""
        parts = {
            "required": self.required,
            "description": self.description,
            "hint": self.hint,
            "outdated": self.outdated,
            "error": self.error or self.unfit,
        }
        return " ".join(f"{part}-{self.id}" for part, is_shown in parts.items() if is_shown)

    @property
    def can_be_cleared(self) -> bool:
        return self.stored is None and not self.is_multi and self.widget not in {"text", "digits"}

    @property
    def has_unchanged_value(self) -> bool:
        """Return whether the strings are those of the stored value."""
        if self.kind is None or self.stored is None:
            return False
        return exact_json.same(
            self.kind.from_form(self.strings), self.kind.from_form(self.kind.to_form(self.stored.value))
        )

    def entry(self) -> dict[str, Any] | None:
        """Return the entry for `submit_annotations`, or None without anything to store.

        An unchanged value is sent as it is stored: it may hold keys of other clients, and options in another order. One
        that its settings reject by now is left out, unless its notes changed.
        """
        if self.kind is None:
            return None
        value = self.kind.from_form(self.strings)
        if self.stored and self.has_unchanged_value:
            if self.outdated and self.notes == self.stored.notes:
                return None
            value = self.stored.value
        entry = {"label_id": self.id, "value": value}
        return entry | {"notes": self.notes} if self.allows_notes else entry

    def checked(self) -> "Field":
        """Return the field with an error if a submit would ignore a part of it."""
        if self.kind is None or self.kind.from_form(self.strings) is not None or self.has_unchanged_value:
            return self
        if self.stored and not self.outdated:
            return replace(self, strings=self.kind.to_form(self.stored.value), error=NOT_REMOVED)
        return replace(self, error=NOTES_ALONE) if self.notes and not self.stored else self

    def _is_legal(self, value: object) -> bool:
        try:
            self.rule.check(value)
        except Invalid:
            return False
        return True


def open_fields(labels: Iterable[QueueLabel], scores: Iterable[OwnScore]) -> list[Field]:
    """Return the fields of a queue's labels, filled in with the scores of one person."""
    stored = {score.label_id: score for score in scores}
    return [_open(label, stored.get(str(label.label_id))) for label in labels]


def read_fields(labels: Iterable[QueueLabel], scores: Iterable[OwnScore], data: QueryDict) -> list[Field]:
    """Return the fields as they were posted.

    A field has an error where a submit would ignore a part of it: a stored answer that was removed, and notes without
    an answer.
    """
    return [_post(field, data).checked() for field in open_fields(labels, scores)]


def entries_of(fields: Iterable[Field]) -> list[dict[str, Any]]:
    """Return the entries for `submit_annotations`; it leaves out blank ones."""
    return [entry for field in fields if (entry := field.entry())]


def has_errors(fields: Iterable[Field]) -> bool:
    return any(field.error for field in fields)


def add_errors(fields: Iterable[Field], invalid: InvalidAnnotations) -> list[Field]:
    """Return the fields with the sentences of `submit_annotations` about them."""
    return [replace(field, error=_sentences_of(field, invalid) or field.error) for field in fields]


def add_missing(fields: Iterable[Field], missing_labels: Collection[str]) -> list[Field]:
    """Return the fields with an error for each required label without a score."""
    return [replace(field, error=REQUIRED) if field.id in missing_labels else field for field in fields]


def preview_field(kind: LabelType, *, name: str, description: str = "", allows_notes: bool = False) -> Field:
    """Return the field of a label that is not stored."""
    rule = LabelRule("preview", name, kind.name, False, kind)
    return Field(rule, description, allows_notes=allows_notes)


def _open(label: QueueLabel, stored: OwnScore | None) -> Field:
    rule = LabelRule.of(label.label)
    field = Field(rule, label.label.description, label.required, label.label.allow_notes, stored=stored)
    if stored is None:
        return field
    strings = field.kind.to_form(stored.value) if field.kind else []
    return replace(field, strings=strings, notes=stored.notes)


def _post(field: Field, data: QueryDict) -> Field:
    notes = data.get(f"notes-{field.id}", field.notes) if field.allows_notes else field.notes
    return replace(field, strings=data.getlist(f"value-{field.id}"), notes=unix_lines(notes))


def _sentences_of(field: Field, invalid: InvalidAnnotations) -> str:
    """Return the sentences about a label without its name, which its field shows."""
    sentences = invalid.by_label.get(field.id, [])
    named = (f"{field.rule}: ", f"Label {field.id}: ")
    return "; ".join(sentence.removeprefix(named[0]).removeprefix(named[1]) for sentence in sentences)
