"""Expected values of gold items, judged by the labels of their queue."""

from collections.abc import Mapping, Sequence
from typing import Any

from modelhub.core.errors import Invalid
from modelhub.core.ids import spell_uuid
from modelhub.core.text import fold, show
from modelhub.labels.models import Label
from modelhub.labels.rules import LabelRule
from modelhub.queues.models import Queue, QueueLabel


def rules_of(queue: Queue) -> list[LabelRule]:
    """Return the labels that are attached to a queue and not deleted."""
    attached = QueueLabel.objects.filter(organization_id=queue.organization_id, queue=queue).values("label")
    labels = Label.objects.filter(organization_id=queue.organization_id, pk__in=attached, deleted_at=None)
    return [LabelRule.of(label) for label in labels]


def check_expected(rules: Sequence[LabelRule], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as they are stored, by label id.

    Labels are named by id, or by a name in any case. Raise `Invalid` for a name that fits no label of the queue or
    several, a label given twice, and a value that its label rejects.
    """
    expected: dict[str, Any] = {}
    for name, value in given.items():
        rule = _find_rule(rules, name)
        if rule.id in expected:
            raise Invalid(f"expected must name each label once, got {rule} twice", field="expected")
        try:
            expected[rule.id] = rule.check(value)
        except Invalid as refused:
            raise Invalid(f"expected: {refused}", code=refused.code, field="expected") from refused
    return expected


def _find_rule(rules: Sequence[LabelRule], name: str) -> LabelRule:
    fitting = [rule for rule in rules if rule.id == spell_uuid(name)]
    fitting = fitting or [rule for rule in rules if fold(rule.name) == fold(name)]
    if len(fitting) != 1:
        several = f", which {len(fitting)} labels of the queue have: name one by its id" if fitting else ""
        sentence = f"expected must have ids or names of labels of the queue as keys, got {show(name)}{several}"
        raise Invalid(sentence, field="expected")
    return fitting[0]
