"""Expected values of a gold item, from the answers on its page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.http import QueryDict

from modelhub.accounts.people import Actor
from modelhub.core import exact_json
from modelhub.core.errors import Conflict, Invalid
from modelhub.labels.rules import LabelRule
from modelhub.queues.items import update_item
from modelhub.queues.models import Item
from modelhub.web.review_answers import LABEL_REMOVED, AnswerTable, LabelAnswers, name_labels


class GoldValue(NamedTuple):
    """A value in words; `value` is JSON text."""

    label: LabelRule
    text: str
    value: str = ""

    @property
    def is_comparable(self) -> bool:
        """Return whether annotators can be expected to give the same value."""
        return self.label.level != "none"


@dataclass(slots=True)
class Gold:
    """Stored `expected` values, `values` that can be used, and labels without one."""

    expected: list[GoldValue] = field(default_factory=list)
    values: list[GoldValue] = field(default_factory=list)
    undecided: list[LabelRule] = field(default_factory=list)


def read_gold(item: Item, table: AnswerTable) -> Gold:
    """Return the decided values of an item, and others on which people agree."""
    gold = Gold()
    for label in table.labels:
        if item.gold and label.rule.id in item.expected:
            stored = item.expected[label.rule.id]
            gold.expected.append(GoldValue(label.rule, label.readable(stored.get(label.key))))
        if value := _find_value(label):
            gold.values.append(value)
        elif label.differs:
            gold.undecided.append(label.rule)
    return gold


def _find_value(label: LabelAnswers) -> GoldValue | None:
    if label.decision and label.is_decided:
        return GoldValue(label.rule, label.decision.text, exact_json.dumps(label.decision.row.value))
    if label.differs or not label.options:
        return None
    return GoldValue(label.rule, label.options[0].text, label.options[0].value)


def use_as_gold(actor: Actor, item: Item, posted: QueryDict, labels: Mapping[str, LabelRule]) -> None:
    """Store the checked values as expected ones. Raise `Invalid`, `Conflict`."""
    chosen = posted.getlist("gold")
    if not chosen:
        raise Invalid("Select at least one value: a gold item has expected values.", field="gold")
    if not labels.keys() >= {*chosen}:
        raise Conflict(LABEL_REMOVED)
    expected = {label_id: _read_json(posted.get(f"gold-{label_id}", "")) for label_id in chosen}
    changes = {"gold": True, "expected": expected}
    try:
        update_item(actor=actor, queue_id=item.queue_id, item_id=item.pk, changes=changes)
    except Invalid as refused:
        sentence = name_labels(str(refused).removeprefix("expected: "), labels.values())
        raise Invalid(sentence, field="gold") from refused


def remove_gold(actor: Actor, item: Item) -> None:
    changes = {"gold": False, "expected": {}}
    update_item(actor=actor, queue_id=item.queue_id, item_id=item.pk, changes=changes)


def _read_json(text: str) -> Any:
    try:
        return exact_json.loads(text)
    except ValueError as error:
        raise Invalid("A value of the form is no JSON. Open the page again.", field="gold") from error
