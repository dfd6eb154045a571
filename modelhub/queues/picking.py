"""The next item of a person (contract 7.3)."""

import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from modelhub.accounts.people import Actor
from modelhub.core.models import LIVE
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.queues.access import Access, get_access
from modelhub.queues.claims import IS_LIVE, claim, read_claims
from modelhub.queues.models import IN_REVIEW, Assignment, Item, Slot
from modelhub.queues.queries import get_item_row
from modelhub.queues.rows import ItemRow

Reason = Literal["paused", "finished", "all_reserved", "none_for_you"]
BEGUN = Q(status__in=["pending", "in_progress"]) & ~IN_REVIEW
SKIPPED = Q(status="skipped")
ENDED = ("completed", "skipped")
# Numbers of own ended slots. Above `MANY`, their ids are no hash in `work_mem`.
FEW, MANY = 500, 100_000
HOLDS_SEAT = IS_LIVE & ~Q(seat=None)


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
    for skip_locked in (True, False):
        while access.queue.status == "active":
            item = _find(access, passed, lock={"no_key": True, "of": ("self",), "skip_locked": skip_locked})
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
    if access.queue.status == "active" and (item := _find(access, exclude)):
        return NextItem(get_item_row(access, item.pk))
    return _nothing(access, exclude)


def _find(access: Access, exclude: Collection[uuid.UUID], *, lock: dict[str, Any] | None = None) -> Item | None:
    """Return the first candidate, locked with the options of `select_for_update`."""
    for candidates in _candidates(access, exclude):
        locked = candidates if lock is None else candidates.select_for_update(**lock)
        if (item := locked.first()) is not None:
            return item
    return None


def _candidates(access: Access, exclude: Collection[uuid.UUID]) -> Iterator[QuerySet[Item]]:
    """Yield the items that the actor may take, in parts, each in its order."""
    items = _items(access).exclude(pk__in=exclude) if exclude else _items(access)
    own = _own_slots(access)
    returned = Exists(own.filter(item=OuterRef("pk"), state="submitted", returned_at__isnull=False))
    open_ids = own.filter(state__in=["reserved", "submitted"]).values("item_id")
    has_seat = Exists(own.filter(item=OuterRef("pk"), seat__isnull=False))
    # Managers go on with items that are assigned to others, or have no seat left for them.
    usable = Q() if access.may("manage") else _may_take(access) & (Q(has_seat) | _has_free_seat(access))
    own_open = items.filter(BEGUN | SKIPPED, usable, pk__in=open_ids)
    yield own_open.alias(is_returned=returned).order_by("-is_returned", "-priority", "order")
    ended = own.filter(state__in=ENDED)
    # One hash of the ids passes over much own work in a fraction of the time of a look for each item.
    is_ended = (
        Q(pk__in=ended.values("item_id")) if FEW < ended[: MANY + 1].count() <= MANY else Q(Exists(_ended(access)))
    )
    free = items.filter(~is_ended, _has_free_seat(access)).order_by("-priority", "order")
    yield free.filter(BEGUN, Exists(_assignments(access)), is_assigned=True)
    yield free.filter(BEGUN, is_assigned=False)
    yield free.filter(SKIPPED, _may_take(access))


def _nothing(access: Access, exclude: Collection[uuid.UUID]) -> NextItem:
    """Return the reason for which the actor gets no item."""
    if access.queue.status in ("draft", "paused"):
        return NextItem(reason="paused")
    items = _items(access)
    if access.queue.status == "completed" or not items.filter(status__in=["pending", "in_progress"]).exists():
        return NextItem(reason="finished")
    wanted = items.filter(BEGUN | SKIPPED, ~Exists(_ended(access)), _may_take(access)).exclude(pk__in=exclude)
    # Ended reservations, too: one that ended since the search for an item is no reason to stop asking.
    holders = Slot.objects.filter(organization_id=access.queue.organization_id, seat__isnull=False)
    others = holders.filter(item__in=wanted.values("pk"), state__in=["reserved", "submitted"])
    until = others.exclude(user=access.actor.user.pk).aggregate(until=Min("reserved_until"))["until"]
    return NextItem(reason="none_for_you") if until is None else NextItem(reason="all_reserved", until=until)


def _items(access: Access) -> QuerySet[Item]:
    return Item.objects.filter(LIVE, organization_id=access.queue.organization_id, queue=access.queue)


def _own_slots(access: Access) -> QuerySet[Slot]:
    return Slot.objects.filter(
        organization_id=access.queue.organization_id, queue=access.queue, user=access.actor.user.pk
    )


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


def _has_free_seat(access: Access) -> Q:
    """Return the condition that an outer item has fewer holders than seats."""
    holders = Slot.objects.filter(HOLDS_SEAT, organization_id=access.queue.organization_id, item=OuterRef("pk"))
    seats = access.queue.annotations_required
    return ~Q(Exists(holders[seats - 1 : seats]))
