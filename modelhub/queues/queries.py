"""Reads of queues' items and of their scores."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from modelhub.core.bounded import read_all
from modelhub.core.errors import NotFound
from modelhub.core.models import LIVE
from modelhub.core.sql import read_sql
from modelhub.core.structs import columns_of, read_structs
from modelhub.queues.access import Access
from modelhub.queues.models import Item, Queue, QueueLabel, Slot
from modelhub.queues.rows import GoldItemRow, GoldItemWithContentRow, ItemRow, ItemWithContentRow
from modelhub.scores.models import Score
from modelhub.scores.queries import ScoreRows
from modelhub.scores.rows import ScoreRow
from modelhub.sources.models import Source

R = TypeVar("R", bound=ItemRow)

LOCK_ITEM = read_sql("queues", "item")
READ_ITEM = LOCK_ITEM.replace("FOR NO KEY UPDATE OF item", "")


def items_of(queue: Queue) -> QuerySet[Item]:
    """Return the live items of a queue."""
    return Item.objects.filter(LIVE, organization_id=queue.organization_id, queue=queue)


def items_after(items: QuerySet[Item], item: Item) -> QuerySet[Item]:
    """Return the items after another one in the order of the queue, the nearest first."""
    after = items.filter(Q(order__gt=item.order) | Q(order=item.order, pk__gt=item.pk), order__gte=item.order)
    return after.order_by("order", "id")


def items_before(items: QuerySet[Item], item: Item) -> QuerySet[Item]:
    """Return the items before another one in the order of the queue, the nearest first."""
    before = items.filter(Q(order__lt=item.order) | Q(order=item.order, pk__lt=item.pk), order__lte=item.order)
    return before.order_by("-order", "-id")


def item_rows(access: Access, item_ids: Sequence[uuid.UUID]) -> list[ItemRow]:
    """Return live items of the queue as the actor sees them, in the order of the ids.

    Ids of no live item of the queue are left out. Gold items are recognizable for managers and reviewers only.
    The number of statements does not grow with that of items. Raise `Invalid` above `MAX_ANSWER_BYTES`.
    """
    struct = GoldItemRow if access.sees_all else ItemRow
    items = items_of(access.queue).filter(pk__in=item_ids)
    rows = read_structs(struct, read_all(items.values_list(*columns_of(struct))))
    found = {row.id: row for row in rows}
    return [found[str(item_id)] for item_id in item_ids if str(item_id) in found]


def get_item_row(access: Access, item_id: uuid.UUID) -> ItemRow:
    """Return one live item of the queue as the actor sees it. Raise `NotFound`."""
    return _read_item(GoldItemRow if access.sees_all else ItemRow, access, item_id)


def get_item_with_content(access: Access, item_id: uuid.UUID) -> ItemWithContentRow | GoldItemWithContentRow:
    """Return one live item with the content of its source. Raise `NotFound`."""
    if access.sees_all:
        return _read_item(GoldItemWithContentRow, access, item_id)
    return _read_item(ItemWithContentRow, access, item_id)


def _read_item(struct: type[R], access: Access, item_id: uuid.UUID) -> R:
    sql, constants = _item_statement(struct)
    with connection.cursor() as cursor:
        cursor.execute(sql, [*constants, access.queue.organization_id, access.queue.pk, item_id])
        rows = list(read_structs(struct, cursor.fetchall()))
    if not rows:
        raise item_not_found(item_id)
    return rows[0]


@cache
def _item_statement(struct: type[ItemRow]) -> tuple[str, Sequence[Any]]:
    """Return the statement of one item with its first parameters.

    Those of the organization, the queue and the item follow. Django compiles it for longer than the database reads.
    """
    any_id = uuid.UUID(int=0)
    # One by one: a single call sorts the conditions by their names.
    items = Item.objects.filter(LIVE).filter(organization_id=any_id).filter(queue=any_id).filter(pk=any_id)
    sql, parameters = items.values_list(*columns_of(struct)).query.sql_with_params()
    return sql, parameters[:-3]


def get_item(access: Access, item_id: uuid.UUID, *, lock: bool = False) -> Item:
    """Return a live item of the queue with the names of its source. Raise `NotFound`.

    `lock` locks the item's row against other writers of its status, slots and scores.
    """
    parameters: dict[str, Any] = {
        "organization_id": access.queue.organization_id,
        "queue_id": access.queue.pk,
        "item_id": item_id,
    }
    rows: Any = Item.objects.raw(LOCK_ITEM if lock else READ_ITEM, parameters)
    row = next(iter(rows), None)
    if row is None:
        raise item_not_found(item_id)
    item: Item = row
    item.source = Source(
        pk=item.source_id,
        organization_id=item.organization_id,
        source_type=row.type_of_source,
        source_id=row.name_of_source,
        source_key=row.key_of_source,
    )
    return item


def scores_of(item: Item) -> QuerySet[Score]:
    """Return the live scores of an item by labels that are attached to its queue."""
    attached = QueueLabel.objects.filter(
        organization_id=item.organization_id, queue=item.queue_id, label=OuterRef("label")
    )
    return Score.objects.filter(
        LIVE,
        Exists(attached),
        organization_id=item.organization_id,
        source=item.source_id,
        queue_item=item.pk,
    )


def score_rows_of(item: Item) -> QuerySet[Score, ScoreRow]:
    """Return the scores of `scores_of` as clients see them, newest first."""
    rows = ScoreRows(Score).filter(pk__in=scores_of(item).values("pk"), organization_id=item.organization_id)
    return rows.order_by("-created_at", "-id").values_list(*columns_of(ScoreRow))


@dataclass(slots=True)
class WorkOnItem:
    """Names of people with answers on an item, by their ids, and the skips of others.

    `ended_at` is the time of the last completion.
    """

    people: dict[uuid.UUID, str] = field(default_factory=dict)
    skips: list[Slot] = field(default_factory=list)
    ended_at: datetime | None = None


def read_work_on_items(queue: Queue, item_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, WorkOnItem]:
    """Return the work on items of a queue, by two statements."""
    work: defaultdict[uuid.UUID, WorkOnItem] = defaultdict(WorkOnItem)
    slots = Slot.objects.filter(organization_id=queue.organization_id, item__in=item_ids).exclude(state="reserved")
    for slot in slots.select_related("user").order_by("created_at", "id"):
        found = work[slot.item_id]
        if slot.state == "skipped":
            found.skips.append(slot)
            continue
        found.people[slot.user_id] = slot.user.display_name
        if slot.ended_at:
            found.ended_at = max(slot.ended_at, found.ended_at or slot.ended_at)
    # Imported scores, and those of judges, have no slots.
    scores = Score.objects.filter(
        LIVE, organization_id=queue.organization_id, queue_id=queue.pk, queue_item__in=item_ids
    ).order_by("queue_item", "annotator")
    named = scores.values_list("queue_item", "annotator", "annotator__name", "annotator__email").distinct()
    for item_id, user_id, name, email in named:
        if item_id is not None:
            work[item_id].people.setdefault(user_id, name or email)
    return work


def item_not_found(item_id: object) -> NotFound:
    """Return the error of an item that is missing, removed or of another queue."""
    return NotFound(f"Item not found: {item_id}", code="item_not_found")
