"""The next item of a person (contract 7.3)."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from modelhub.accounts.people import Actor
from modelhub.core.sql import read_sql
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.queues.access import Access, get_access
from modelhub.queues.claims import claim, read_claims
from modelhub.queues.models import ENDED, IN_REVIEW, Assignment, DatabaseClock, Item, Slot
from modelhub.queues.queries import get_item_row, items_of
from modelhub.queues.rows import ItemRow

Reason = Literal["paused", "finished", "all_reserved", "none_for_you"]
BEGUN = Q(status__in=["pending", "in_progress"]) & ~IN_REVIEW
SKIPPED = Q(status="skipped")
# Numbers of own ended slots. Above `MANY`, their ids are no hash in `work_mem`.
FEW, MANY = 500, 100_000
PASS_OVER_LOCKED = read_sql("queues", "next_item")
WAIT_FOR_LOCKS = PASS_OVER_LOCKED.replace(" SKIP LOCKED", "")
LOOK = WAIT_FOR_LOCKS.replace(" FOR NO KEY UPDATE OF item", "")


@dataclass(frozen=True, slots=True)
class NextItem:
    """An item to work on, perhaps reserved, or the reason that there is none.

    `until` is the time at which a reservation of others ends.
    """

    item: ItemRow | None = None
    reserved_until: datetime | None = None
    reason: Reason | None = None
    until: datetime | None = None


@repeat_aborted
@in_transaction
def reserve_next(*, actor: Actor, queue_id: uuid.UUID, exclude: Collection[uuid.UUID]) -> NextItem:
    """Reserve the next item of the actor.

    Locked items are passed over at first. Only if nothing is left, they are waited for: a lock is no reason for an
    answer without an item. Raise `NotFound`, `Forbidden`.
    """
    access = get_access(actor, queue_id)
    access.check("annotate")
    passed = set(exclude)
    for statement in (PASS_OVER_LOCKED, WAIT_FOR_LOCKS):
        while access.queue.status == "active":
            item = _find(access, statement, passed)
            if item is None:
                break
            # Read after the lock was taken: the statement that found the item may have seen earlier slots.
            claims = read_claims(access, item)
            if claims.may_continue(access):
                slot = claim(access, item, claims, "reserved")
                return NextItem(get_item_row(access, item.pk), slot.reserved_until)
            passed.add(item.pk)
    return _nothing(access, exclude)


def look_next(*, actor: Actor, queue_id: uuid.UUID, exclude: Collection[uuid.UUID]) -> NextItem:
    """Return the next item of the actor without a reservation.

    Raise `NotFound`, `Forbidden`.
    """
    access = get_access(actor, queue_id)
    access.check("annotate")
    if access.queue.status == "active" and (item := _find(access, LOOK, exclude)):
        return NextItem(get_item_row(access, item.pk))
    return _nothing(access, exclude)


def _find(access: Access, statement: str, exclude: Collection[uuid.UUID]) -> Item | None:
    """Return the first item that the actor may take."""
    parameters: dict[str, Any] = {
        "organization_id": access.queue.organization_id,
        "queue_id": access.queue.pk,
        "user_id": access.actor.user.pk,
        "manages": access.may("manage"),
        "annotations_required": access.queue.annotations_required,
        "exclude": list(exclude),
        "few": FEW,
        "many": MANY,
    }
    return next(iter(Item.objects.raw(statement, parameters)), None)


def _nothing(access: Access, exclude: Collection[uuid.UUID]) -> NextItem:
    """Return the reason for which the actor gets no item."""
    if access.queue.status in ("draft", "paused"):
        return NextItem(reason="paused")
    items = items_of(access.queue)
    if access.queue.status == "completed" or not items.filter(status__in=["pending", "in_progress"]).exists():
        return NextItem(reason="finished")
    wanted = items.filter(BEGUN | SKIPPED, ~Exists(_ended(access)), _may_take(access)).exclude(pk__in=exclude)
    holders = Slot.objects.filter(organization_id=access.queue.organization_id, seat__isnull=False)
    others = holders.filter(item__in=wanted.values("pk"), state__in=["reserved", "submitted"])
    ends = others.exclude(user=access.actor.user.pk).aggregate(
        first_live=Min("reserved_until", filter=Q(reserved_until__gt=DatabaseClock())), first=Min("reserved_until")
    )
    # A reservation that ended since the search for an item is no reason to stop asking.
    until = ends["first_live"] or ends["first"]
    return NextItem(reason="none_for_you") if until is None else NextItem(reason="all_reserved", until=until)


def _ended(access: Access) -> QuerySet[Slot]:
    """Return the actor's completed or skipped slot of an outer item."""
    return Slot.objects.filter(
        organization_id=access.queue.organization_id,
        item=OuterRef("pk"),
        user=access.actor.user.pk,
        state__in=ENDED,
    )


def _assignments(access: Access) -> QuerySet[Assignment]:
    return Assignment.objects.filter(
        organization_id=access.queue.organization_id, item=OuterRef("pk"), user=access.actor.user.pk
    )


def _may_take(access: Access) -> Q:
    return Q(is_assigned=False) | Q(Exists(_assignments(access)))
