"""A label as plain values, ready to judge scores."""

import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.conf import settings

from modelhub.core import exact_json
from modelhub.core.errors import Invalid, NotFound, Overdue
from modelhub.core.text import visible
from modelhub.labels.models import Label
from modelhub.labels.types import get_type
from modelhub.labels.types.base import LabelType, Level, spell_plain


@dataclass(frozen=True, slots=True)
class Deadline:
    """`MODELHUB_REQUEST_TIMEOUT` seconds from `started` (monotonic)."""

    started: float = field(default_factory=time.monotonic)

    def check(self, *, advice: str, undone: str = "The scores were not judged") -> None:
        """Raise `Overdue` once the time is over; the caller must not have committed."""
        if time.monotonic() > self.started + settings.SERVE_TIMEOUT:
            limit = f"{settings.SERVE_TIMEOUT} seconds (MODELHUB_REQUEST_TIMEOUT)"
            raise Overdue(f"{undone} within {limit}; nothing was stored. {advice}")


class LabelRule(msgspec.Struct, frozen=True, gc=False):
    """A label, and its type under its settings.

    `gc=False`: thousands are cached, and none is part of a cycle.
    """

    id: str
    name: str
    type: str
    deleted: bool
    # A sentence instead, if the stored settings are unfit.
    kind: LabelType | str

    @classmethod
    def of(cls, label: Label) -> "LabelRule":
        return cls(str(label.pk), label.name, label.type, label.archived, read_kind(label.type, label.settings))

    def __str__(self) -> str:
        """Name the label in a sentence: by its id, and by name and type for people."""
        return f"Label {self.id} ({visible(self.name)}, {self.type})"

    def check_new(self, value: object, *, force: bool = False) -> dict[str, Any]:
        """Return the value of a new score as stored. Raise `Invalid` or `NotFound`.

        `force` keeps a value that the present settings reject.
        """
        if self.deleted:
            raise NotFound(
                f"{self}: the label was deleted and takes no new scores", code="label_deleted", field="label_id"
            )
        try:
            return self.check(value)
        except Invalid:
            if not force:
                raise
            return self.check_shape(value)

    def check(self, value: object) -> dict[str, Any]:
        """Return the value in its stored shape (contract 0.5). Raise `Invalid`."""
        try:
            return self._stored(value)
        except Invalid as refused:
            raise refused.prefixed(f"{self}: ", field="value") from refused

    def check_shape(self, value: object) -> dict[str, Any]:
        """Return the value in its stored shape, legal under the present settings or not.

        Raise `Invalid` for a value of another type, and for one that the database cannot hold.
        """
        try:
            _check_storable(value)
            return get_type(self.type).check_shape(value)
        except Invalid as refused:
            raise refused.prefixed(f"{self}: ", field="value") from refused

    def spell(self, part: object) -> str:
        """Return a scalar of a stored value as text; equal ones have one text."""
        return self.kind.spell(part) if isinstance(self.kind, LabelType) else spell_plain(part)

    @property
    def level(self) -> Level:
        """Return the level of measurement; a label with unfit settings has none."""
        return self.kind.level if isinstance(self.kind, LabelType) else "none"

    def comparable(self, content: object) -> Hashable:
        """Return the content of a stored value for statistics; equal ones are equal.

        Raise `ValueError` for a content of another type, which only other writers than this API store.
        """
        return self.kind.comparable(content) if isinstance(self.kind, LabelType) else exact_json.dumps(content)

    def _stored(self, value: object) -> dict[str, Any]:
        if isinstance(self.kind, str):
            raise Invalid(self.kind, code="invalid_value")
        try:
            stored = self.kind.check(value)
        except Invalid:
            _check_storable(value)  # a value that cannot be stored at all is reported first
            raise
        if len(stored) > 1 or not self.kind.is_closed:
            _check_storable(value)
        return stored


def read_kind(label_type: str, settings: object) -> LabelType | str:
    """Return the type under stored settings, or a sentence about unfit ones.

    Only other writers than this API can store those; they must not stop the scores of other labels.
    """
    kind = get_type(label_type)
    try:
        return kind(kind.read_settings(settings))
    except Invalid as invalid:
        return f"the settings of the label are unfit: {invalid}"


def _check_storable(value: object) -> None:
    exact_json.check_storable(value, max_bytes=settings.MAX_VALUE_BYTES, max_depth=settings.MAX_VALUE_DEPTH)
