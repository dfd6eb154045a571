"""When an item is done, and when its queue is (contract 7.1 and 7.5).

Callers hold the lock of the queue's row, and those of the items: two last items that are completed at the same moment
complete the queue.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from modelhub.core.models import LIVE
from modelhub.core.sql import read_sql
from modelhub.labels.models import Label
from modelhub.queues.models import DatabaseClock, Item, Queue, Slot
from modelhub.scores.models import JUDGES, Score

SETTLE_ITEMS = read_sql("queues", "settle_items")
REOPEN_ITEMS = read_sql("queues", "reopen_items")
COMPLETE_QUEUE = read_sql("queues", "complete_queue")


def settle(queue: Queue, item: Item) -> None:
    """Set the status of an open item by its slots and scores.

    The last one completes the queue. A completed item and one in review stay as they are.
    """
    for settled in settle_items(queue, [item.pk]):
        for name in ("status", "review_status", "completed_at", "updated_at"):
            setattr(item, name, getattr(settled, name))


def settle_skipped(queue: Queue, item_ids: Sequence[uuid.UUID]) -> None:
    """Settle the skipped ones among locked items whose assigned people have changed."""
    slots = Slot.objects.filter(organization_id=queue.organization_id, item__in=item_ids, state="skipped")
    settle_items(queue, list(slots.values_list("item_id", flat=True).distinct()))


def settle_all(queue: Queue) -> None:
    """Settle all open items of a queue whose settings have changed; lock them."""
    of_item = {"organization_id": queue.organization_id, "item": OuterRef("pk")}
    scores = Score.objects.filter(
        LIVE, organization_id=queue.organization_id, source=OuterRef("source"), queue_item=OuterRef("pk")
    )
    begun = Exists(Slot.objects.filter(**of_item)) | Exists(scores)
    settle_items(queue, _lock_items(queue, begun & ~Q(status="completed")))


def settle_queue(queue: Queue) -> None:
    """Complete an active queue, other than a default one, whose items are completed."""
    with connection.cursor() as cursor:
        cursor.execute(COMPLETE_QUEUE, {"organization_id": queue.organization_id, "queue_id": queue.pk})
        if cursor.rowcount:
            queue.status = "completed"


def begin(item: Item) -> None:
    """Set a pending or skipped item in progress, with its first scores."""
    if item.status in ("pending", "skipped"):
        _set_in_progress(item, item.review_status)


def reopen_item(item: Item) -> None:
    """Set a completed item, or one in review, in progress again."""
    _set_in_progress(item, "rejected" if item.review_status == "rejected" else "")


def _set_in_progress(item: Item, review_status: str) -> None:
    items = Item.objects.filter(organization_id=item.organization_id, pk=item.pk)
    items.update(status="in_progress", review_status=review_status, completed_at=None, updated_at=DatabaseClock())
    item.status, item.review_status, item.completed_at = "in_progress", review_status, None


def reopen_queue(queue: Queue) -> None:
    """Activate a completed queue that has an open item again."""
    queues = Queue.objects.filter(organization_id=queue.organization_id, pk=queue.pk, status="completed")
    if queue.status == "completed" and queues.update(status="active", updated_at=DatabaseClock()):
        queue.status = "active"


def reopen_items_missing(queue: Queue, label: Label) -> int:
    """Lock and reopen items that people completed without a score by the label.

    Their slots are submitted again and reserved anew. Return the number of items that were completed or in review.
    """
    completed = Exists(
        Slot.objects.filter(organization_id=queue.organization_id, item=OuterRef("pk"), state="completed")
    )
    item_ids = _lock_items(queue, completed)
    if not item_ids:  # of an empty array PostgreSQL expects no row, and may scan all organizations for it
        return 0
    parameters: dict[str, Any] = {
        "organization_id": queue.organization_id,
        "item_ids": item_ids,
        "label_id": label.pk,
        "reservation": timedelta(seconds=queue.reservation_seconds),
    }
    with connection.cursor() as cursor:
        cursor.execute(REOPEN_ITEMS, parameters)
        reopened = {item_id for (item_id,) in cursor.fetchall()}
    # With fewer `annotations_required` than before, the completed work of others may be enough.
    reopened -= {item.pk for item in settle_items(queue, item_ids) if item.status == "completed"}
    if reopened:
        reopen_queue(queue)
    return len(reopened)


def _lock_items(queue: Queue, condition: Q | Exists) -> list[uuid.UUID]:
    """Lock live items in the order of their ids. Return the ids."""
    items = Item.objects.filter(LIVE, condition, organization_id=queue.organization_id, queue=queue)
    locked = items.order_by("pk").select_for_update(no_key=True, of=("self",))
    return list(locked.values_list("pk", flat=True))


def settle_items(queue: Queue, item_ids: Sequence[uuid.UUID]) -> list[Item]:
    """Set the statuses of the open ones among locked items. Return the changed ones.

    One that is completed now may complete the queue. Without one, a queue stays as its manager has set it.
    """
    if not item_ids:
        return []
    parameters: dict[str, Any] = {
        "organization_id": queue.organization_id,
        "queue_id": queue.pk,
        "annotations_required": queue.annotations_required,
        "requires_review": queue.requires_review,
        "judges": sorted(JUDGES),
        "item_ids": list(item_ids),
    }
    settled = list(Item.objects.raw(SETTLE_ITEMS, parameters))
    if any(item.status == "completed" for item in settled):
        settle_queue(queue)
    return settled
