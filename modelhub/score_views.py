"""What is at hand of a label and of a score while many are judged, written and shown: plain values, no model.

A model costs ten microseconds to make, and a request may carry a thousand scores. `Score` and `Label` have the same
names for the same things, so whatever shows scores takes either. `gc=False`: none of these is ever part of a cycle, and
thousands of them would set the garbage collector to work.
"""

import uuid
from datetime import datetime
from typing import Any

import msgspec

from modelhub.models import Label, Source, User
from modelhub.values import Rule, rule_of


class LabelView(msgspec.Struct, frozen=True, gc=False):
    """A label, ready to judge values by its rule."""

    id: str
    name: str
    type: str
    deleted: bool
    rule: Rule

    @classmethod
    def of(cls, label: Label) -> "LabelView":
        """The view of a row that was read as a model."""
        rule = rule_of(label.type, label.settings)
        return cls(str(label.pk), label.name, label.type, label.deleted_at is not None, rule)


class ScoreView(msgspec.Struct, gc=False):
    """A score as it is stored, or will be."""

    id: str
    source: Source
    label: LabelView
    annotator: User
    annotator_id: str
    value: dict[str, Any]
    score_source: str
    notes: str
    created_at: datetime
    updated_at: datetime
    queue_item: uuid.UUID | None = None

    @property
    def label_id(self) -> str:
        """As in `Score`."""
        return self.label.id
