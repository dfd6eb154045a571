"""Assignments: the people who may take an item, by hand or by a strategy."""

import heapq
import itertools
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Count

from modelhub.core import clock
from modelhub.core.ids import new_id_text
from modelhub.core.models import LIVE
from modelhub.core.sql import read_sql
from modelhub.queues.models import Assignment, Item, Queue, QueueMember

ASSIGN_ITEMS = read_sql("queues", "assign_items")


def assign_new(queue: Queue, item_ids: Sequence[uuid.UUID] | None = None) -> int:
    """Assign unassigned items by the queue's strategy. Return the number of assignments.

    `item_ids` are the new items in their order; without them, the pending unassigned ones are assigned, as after a
    change of the strategy. The caller holds the lock of the queue's row. A manual queue without `auto_assign`, and one
    without annotators, assigns nothing.
    """
    if queue.assignment_strategy == "manual" and not queue.auto_assign:
        return 0
    people = annotators_of(queue)
    if item_ids is None:
        pending = items_of(queue).filter(status="pending", is_assigned=False)
        item_ids = list(pending.order_by("order", "id").values_list("pk", flat=True))
    if not people or not item_ids:
        return 0
    if queue.assignment_strategy == "manual":
        people_per_item = len(people)
        turns: Iterator[int] = itertools.cycle(range(len(people)))
    else:
        people_per_item = min(queue.annotations_required, len(people))
        if queue.assignment_strategy == "round_robin":
            turns = take_turns(items_of(queue).filter(is_assigned=True).count() * people_per_item, len(people))
        else:
            loads = open_items(queue)
            turns = balance([loads.get(person, 0) for person in people], people_per_item)
    assign(queue, item_ids, people, itertools.islice(turns, len(item_ids) * people_per_item), people_per_item)
    return len(item_ids) * people_per_item


def take_turns(taken: int, people: int) -> Iterator[int]:
    """Yield positions in a cycle of people, of which so many turns are taken."""
    return (turn % people for turn in itertools.count(taken))


def balance(loads: Sequence[int], people_per_item: int) -> Iterator[int]:
    """Yield, item by item, the positions of the people with the fewest open items."""
    heap = [(load, position) for position, load in enumerate(loads)]
    heapq.heapify(heap)
    while True:
        chosen = [heapq.heappop(heap) for _ in range(people_per_item)]
        for load, position in chosen:
            heapq.heappush(heap, (load + 1, position))
            yield position


def assign(
    queue: Queue,
    item_ids: Sequence[uuid.UUID],
    people: Sequence[uuid.UUID],
    turns: Iterator[int],
    people_per_item: int,
) -> None:
    """Assign items by turns, which are positions in `people`, item by item."""
    chosen = list(turns)
    parameters: dict[str, Any] = {
        "organization_id": queue.organization_id,
        "queue_id": queue.pk,
        "now": clock.now(),
        # Arrays as PostgreSQL writes them: UUIDs and numbers need no quotes.
        "ids": _array(new_id_text() for _ in chosen),
        "turns": _array(map(str, chosen)),
        "item_ids": _array(map(str, item_ids)),
        "user_ids": _array(map(str, people)),
        "people_per_item": people_per_item,
    }
    with connection.cursor() as cursor:
        cursor.execute(ASSIGN_ITEMS, parameters)
    items_of(queue).filter(pk__in=item_ids, is_assigned=False).update(is_assigned=True)


def items_of(queue: Queue) -> Any:
    return Item.objects.filter(LIVE, organization_id=queue.organization_id, queue=queue)


def annotators_of(queue: Queue) -> list[uuid.UUID]:
    """Return the active members with the role annotator, the eldest first."""
    members = QueueMember.objects.filter(organization_id=queue.organization_id, queue=queue)
    active = members.filter(roles__contains=["annotator"], user__is_active=True)
    return list(active.order_by("created_at", "id").values_list("user_id", flat=True))


def open_items(queue: Queue) -> Mapping[uuid.UUID, int]:
    """Return the numbers of pending and in-progress items per assigned person."""
    assignments = Assignment.objects.filter(organization_id=queue.organization_id, queue=queue)
    still_open = assignments.filter(item__deleted_at=None, item__status__in=["pending", "in_progress"])
    return dict(still_open.values_list("user_id").annotate(Count("pk")))


def _array(words: Iterator[str]) -> str:
    return f"{{{','.join(words)}}}"
