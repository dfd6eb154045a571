"""Items in review: their list with its filters, and the next one of a reviewer."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict

from modelhub.accounts.models import User
from modelhub.agreement.disagreements import find_differing
from modelhub.agreement.rows import UP_TO_DATE
from modelhub.core.errors import Invalid
from modelhub.core.ids import parse_uuid
from modelhub.core.models import LISTED, LIVE
from modelhub.core.text import show
from modelhub.labels.rules import LabelRule
from modelhub.queues.access import Access
from modelhub.queues.models import IN_REVIEW, Adjudication, Item, Queue, Slot
from modelhub.queues.queries import WorkOnItem, items_after, items_before, items_of, read_work_on_items
from modelhub.queues.reviewing import annotated_by
from modelhub.scores.models import JUDGES, Score

ROWS_PER_PAGE = 25
# The page of an item counts no further.
MOST_COUNTED = 1000
# Items that are read at once to find one that the reviewer has not annotated.
CANDIDATES = 50
# The words of the filter, with their conditions.
STATUSES = {
    "waiting": IN_REVIEW,
    "returned": Q(review_status="rejected"),
    "approved": Q(review_status="approved"),
    "skipped": Q(status="skipped"),
}

Labels = Mapping[str, LabelRule]


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Filters of the list; all given ones must hold.

    With `annotator` or `label`, items have scores of this person and by this label. With `differ`, stored values of
    people differ by a label that no reviewer has decided: a few of those are equal by the rules of their label.
    """

    status: str = "waiting"
    annotator: uuid.UUID | None = None
    label: uuid.UUID | None = None
    differ: bool = False

    @classmethod
    def read(cls, query: QueryDict) -> "ReviewFilter":
        """Return the filters of a query. Raise `Invalid` for unusable ones."""
        status = query.get("status") or "waiting"
        if status not in STATUSES:
            raise Invalid(f"status must be one of {', '.join(STATUSES)}, got {show(status)}", field="status")
        ids = {name: _read_id(name, query.get(name, "")) for name in ("annotator", "label")}
        return cls(status, **ids, differ=bool(query.get("differ")))

    @property
    def query(self) -> str:
        """Return the filters that differ from the default ones, as a query."""
        given = {
            "status": "" if self.status == "waiting" else self.status,
            "annotator": self.annotator or "",
            "label": self.label or "",
            "differ": "1" if self.differ else "",
        }
        return urlencode({name: value for name, value in given.items() if value})

    def find_items(self, queue: Queue, labels: Labels) -> QuerySet[Item]:
        """Return the items in the order of the queue."""
        items = items_of(queue).filter(LISTED, STATUSES[self.status])
        if self.annotator or self.label:
            scores = Score.objects.filter(LIVE, organization_id=queue.organization_id, queue_id=queue.pk)
            if self.annotator:
                scores = scores.filter(annotator=self.annotator)
            if self.label:
                scores = scores.filter(label=self.label)
            items = items.filter(pk__in=scores.values("queue_item"))
        if self.differ:
            chosen = [self.label] if self.label else [uuid.UUID(key) for key in labels]
            items = items.filter(_has_different_values(queue, chosen))
        return items.order_by("order", "id")


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """An item of the list with its people; `labels` are undecided disagreements."""

    item: Item
    people: list[str]
    skips: list[Slot]
    labels: list[str]
    since: datetime | None
    is_own: bool

    @property
    def may_approve(self) -> bool:
        return self.item.review_status == "pending_review" and not self.is_own


def read_page(items: QuerySet[Item], number: str) -> "Page[Item]":
    """Return a page of items; the nearest one for a number outside."""
    page: Page[Any] = Paginator(items.values_list("pk", flat=True), ROWS_PER_PAGE).get_page(number)
    # The ids first: a late page would read the sources of all earlier ones.
    rows = items.filter(pk__in=list(page.object_list)) if page.object_list else items.none()
    page.object_list = list(rows.select_related("source", "reviewed_by").defer("source__content"))
    return page


def describe_items(access: Access, items: Collection[Item], labels: Labels) -> list[ReviewRow]:
    """Return the rows of items. The number of statements does not grow with them."""
    ids = [item.pk for item in items]
    work = read_work_on_items(access.queue, ids)
    undecided = find_undecided(access.queue, labels, ids)
    own = annotated_by(access.actor, items)
    return [
        ReviewRow(
            item=item,
            people=[*work[item.pk].people.values()],
            skips=work[item.pk].skips,
            labels=[labels[key].name for key in labels if key in undecided.get(item.pk, ())],
            since=_find_start(item, work[item.pk]),
            is_own=item.pk in own,
        )
        for item in items
    ]


def _find_start(item: Item, work: WorkOnItem) -> datetime | None:
    """Return the time since which an item has its status."""
    if item.status == "skipped":
        return max((slot.ended_at for slot in work.skips if slot.ended_at), default=item.updated_at)
    if item.review_status == "pending_review":
        return work.ended_at or item.updated_at
    return item.reviewed_at


def find_undecided(queue: Queue, labels: Labels, item_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """Return the ids of the labels with an undecided disagreement, by item.

    That is one without a decision since its last change. Raise `Invalid` for too many scores, `Overdue` at the timeout.
    """
    differing = find_differing(queue, labels, item_ids) if labels and item_ids else {}
    decisions = Adjudication.objects.filter(UP_TO_DATE, organization_id=queue.organization_id, item__in=list(differing))
    decided = {(item_id, str(label_id)) for item_id, label_id in decisions.values_list("item", "label")}
    undecided = {
        item_id: [label_id for label_id in found if (item_id, label_id) not in decided]
        for item_id, found in differing.items()
    }
    return {item_id: found for item_id, found in undecided.items() if found}


def read_annotators(queue: Queue) -> list[User]:
    """Return the people that have scores in the queue, by name."""
    scores = Score.objects.filter(LIVE, organization_id=queue.organization_id, queue_id=queue.pk)
    users = User.objects.filter(organization_id=queue.organization_id, pk__in=scores.values("annotator"))
    return sorted(users, key=lambda user: (user.display_name.casefold(), user.pk))


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The items before and after another one in a list, and the size of the list."""

    previous: uuid.UUID | None
    following: uuid.UUID | None
    number: int

    @property
    def shown_number(self) -> str:
        return f"more than {MOST_COUNTED}" if self.number > MOST_COUNTED else str(self.number)


def find_neighbours(items: QuerySet[Item], item: Item) -> Neighbours:
    before = items_before(items, item).values_list("pk", flat=True).first()
    after = items_after(items, item).values_list("pk", flat=True).first()
    return Neighbours(before, after, items[: MOST_COUNTED + 1].count())


def find_next(access: Access, filters: ReviewFilter, labels: Labels, item: Item) -> uuid.UUID | None:
    """Return the next item that waits, after the last one the first.

    Items that the reviewer has annotated are left out; of many in a row, all that follow.
    """
    waiting = replace(filters, status="waiting").find_items(access.queue, labels).exclude(pk=item.pk)
    for items in (items_after(waiting, item), waiting):
        candidates = list(items[:CANDIDATES])
        own = annotated_by(access.actor, candidates)
        for candidate in candidates:
            if candidate.pk not in own:
                return candidate.pk
    return None


def _has_different_values(queue: Queue, label_ids: Collection[uuid.UUID]) -> Exists:
    """Return the condition of items with an undecided disagreement.

    In SQL, because comparing all values of a queue by the rules of their labels takes seconds.
    """
    scores = Score.objects.filter(LIVE, ~Q(score_source__in=JUDGES), organization_id=queue.organization_id)
    others = scores.filter(
        ~Q(value=OuterRef("value")),
        source=OuterRef("source"),
        label=OuterRef("label"),
        queue_item=OuterRef("queue_item"),
        annotator__gt=OuterRef("annotator"),
    )
    decisions = Adjudication.objects.filter(
        UP_TO_DATE, organization_id=queue.organization_id, item=OuterRef("queue_item"), label=OuterRef("label")
    )
    of_item = scores.filter(source=OuterRef("source"), queue_item=OuterRef("pk"), label__in=label_ids)
    return Exists(of_item.filter(Exists(others), ~Exists(decisions)))


def _read_id(name: str, text: str) -> uuid.UUID | None:
    found = parse_uuid(text)
    if text and found is None:
        raise Invalid(f"{name} must be an id, got {show(text)}", field=name)
    return found
