"""A label as plain values, ready to judge scores: cheaper than a model, and outside of the garbage collector."""

import msgspec

from modelhub.labels.models import Label
from modelhub.labels.types import get_type
from modelhub.labels.types.base import ValueRule


class LabelView(msgspec.Struct, frozen=True, gc=False):
    """A label, ready to judge values by its rule."""

    id: str
    name: str
    type: str
    deleted: bool
    rule: ValueRule

    @classmethod
    def of(cls, label: Label) -> "LabelView":
        """The view of a row that was read as a model."""
        rule = get_type(label.type).rule(label.settings)
        return cls(str(label.pk), label.name, label.type, label.deleted_at is not None, rule)
