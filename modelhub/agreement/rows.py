"""Decisions of reviewers as clients see them: the one declaration of their fields."""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import ExpressionWrapper
from django.db.models.fields import BooleanField

from modelhub.core import exact_json
from modelhub.core.structs import Choice, Flag, Moment, PlainValue, StructRows, Text, Uuid, columns_of, display_name
from modelhub.labels.types import LABEL_TYPES, get_type
from modelhub.queues.models import IN_FORCE, Adjudication, Queue, QueueLabel
from modelhub.scores.models import SCORE_SOURCES, Score

# Deleted scores count, too: a deletion is a change.
LATER_SCORES = Score.objects.filter(
    organization=OuterRef("organization"),
    queue_item=OuterRef("item"),
    label=OuterRef("label"),
    updated_at__gt=OuterRef("created_at"),
)


# Decisions that pages count: those in force that no later score of their cell has outdated.
UP_TO_DATE = IN_FORCE & ~Q(Exists(LATER_SCORES))


class AdjudicationRow(msgspec.Struct, gc=False):
    """A reviewer's decision, in the order in which JSON shows it.

    `value` is JSON text until `complete` has read it, and null for a withdrawal. `is_outdated`: a score of the item by
    the label changed later.
    """

    id: Annotated[str, Uuid()]
    item_id: Annotated[str, Uuid()]
    label_id: Annotated[str, Uuid()]
    label_name: Annotated[str, Text("label__name")]
    label_type: Annotated[str, Choice("label__type", LABEL_TYPES)]
    value: Annotated[Any, PlainValue()]
    notes: Annotated[str, Text()]
    adjudicator_id: Annotated[str, Uuid()]
    adjudicator_name: Annotated[str, Text(display_name("adjudicator"))]
    score_source: Annotated[str, Choice(Value("human"), SCORE_SOURCES)]
    authoritative: Annotated[bool, Flag(ExpressionWrapper(IN_FORCE, BooleanField()))]
    is_outdated: Annotated[bool, Flag(Exists(LATER_SCORES))]
    created_at: Annotated[str, Moment()]
    replaced_at: Annotated[str | None, Moment()]


class AdjudicationRows(StructRows[AdjudicationRow]):
    struct = AdjudicationRow


def all_adjudications_of(queue: Queue) -> QuerySet[Adjudication, AdjudicationRow]:
    """Return the decisions on the items of a queue, by removed labels, too."""
    rows = AdjudicationRows(Adjudication).filter(organization_id=queue.organization_id, item__queue=queue)
    return rows.values_list(*columns_of(AdjudicationRow))


def adjudications_of(queue: Queue) -> QuerySet[Adjudication, AdjudicationRow]:
    """Return the decisions on live items of a queue by the labels that it has."""
    attached = QueueLabel.objects.filter(organization_id=queue.organization_id, queue=queue)
    return all_adjudications_of(queue).filter(item__deleted_at=None, label__in=attached.values("label"))


def complete(rows: Iterable[AdjudicationRow]) -> list[AdjudicationRow]:
    """Return the decisions with plain values in place of JSON text."""
    completed = list(rows)
    for one in completed:
        if one.value is not None:
            one.value = get_type(one.label_type).plain(exact_json.loads(one.value))
    return completed
