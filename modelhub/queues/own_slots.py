"""Slots of a person and of an item, for pages: returned and ended work, holders."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, Window

from modelhub.accounts.people import Actor
from modelhub.queues.access import Access
from modelhub.queues.detail import own_slots
from modelhub.queues.models import DatabaseClock, Queue, Slot


@dataclass(frozen=True, slots=True)
class ReturnedWork:
    """The number of items that reviewers returned to a person, and the first of them."""

    number: int
    item_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Holder:
    """A person that has a seat of an item; `until` is None after the completion."""

    name: str
    until: datetime | None


def find_returned(actor: Actor, queues: Collection[Queue]) -> dict[uuid.UUID, ReturnedWork]:
    """Return the returned work of a person by queue, with one statement."""
    slots = Slot.objects.filter(
        organization_id=actor.user.organization_id,
        queue__in=queues,
        user=actor.user.pk,
        state="submitted",
        returned_at__isnull=False,
        item__deleted_at=None,
    )
    numbered = slots.annotate(number=Window(Count("pk"), partition_by="queue_id"))
    first = numbered.order_by("queue_id", "returned_at", "item_id").distinct("queue_id")
    return {
        queue_id: ReturnedWork(number, item_id)
        for queue_id, number, item_id in first.values_list("queue_id", "number", "item_id")
    }


def count_ended(access: Access) -> dict[str, int]:
    """Return the numbers of live items that the actor has `completed` and `skipped`."""
    slots = own_slots(access).filter(item__deleted_at=None)
    return slots.aggregate(
        completed=Count("pk", filter=Q(state="completed")), skipped=Count("pk", filter=Q(state="skipped"))
    )


def read_holders(access: Access, item_id: uuid.UUID) -> list[Holder]:
    """Return the other people that have seats of an item, the first to leave it first."""
    live = Q(state="completed") | Q(state__in=["reserved", "submitted"], reserved_until__gt=DatabaseClock())
    slots = Slot.objects.filter(
        live, organization_id=access.queue.organization_id, queue=access.queue, item=item_id, seat__isnull=False
    )
    others = slots.exclude(user=access.actor.user.pk).select_related("user").order_by("reserved_until", "id")
    return [Holder(slot.user.display_name, slot.reserved_until) for slot in others]
