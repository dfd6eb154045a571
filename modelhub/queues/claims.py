"""Claims of people on items: seats and reservations (contract 7.3).

Callers of functions that write hold the lock of the item's row. The clock of the database decides which reservation
has ended.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from modelhub.accounts.people import Actor
from modelhub.core.errors import Conflict, Forbidden, Invalid
from modelhub.core.exact_json import timestamp
from modelhub.core.ids import new_id
from modelhub.core.sql import read_sql
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.queues.access import Access, get_access
from modelhub.queues.completion import settle
from modelhub.queues.models import ENDED, Assignment, DatabaseClock, Item, Queue, Slot
from modelhub.queues.queries import get_item

CLAIMS = read_sql("queues", "claims")
PUT_SLOT = read_sql("queues", "put_slot")
State = Literal["reserved", "submitted", "completed", "skipped"]


class ItemReserved(Conflict):
    """Raised when all seats of an item are taken; `until` is the next end of one."""

    code = "item_reserved"

    def __init__(self, item: Item, until: datetime | None) -> None:
        if until is None:
            sentence = "is done by as many people as the queue requires"
        else:
            self.extensions = {"until": timestamp(until)}
            sentence = f"is reserved by others, at least until {timestamp(until)}"
        super().__init__(f"Item {item.pk} {sentence}")


@dataclass(frozen=True, slots=True)
class Claims:
    """The slots of an item; `own` is the actor's, `live` ones have not ended."""

    own: Slot | None
    slots: Sequence[Slot]
    live: Sequence[Slot]

    @property
    def has_completed(self) -> bool:
        return self.own is not None and self.own.state == "completed"

    @property
    def has_ended(self) -> bool:
        return self.own is not None and self.own.state in ENDED

    def free_seat(self, seats: int) -> int | None:
        """Return the lowest of so many seats that no live slot holds."""
        taken = {slot.seat for slot in self.live if slot.seat is not None}
        if len(taken) >= seats:
            return None
        return next(seat for seat in range(1, seats + 1) if seat not in taken)

    def may_continue(self, access: Access) -> bool:
        """Return whether the actor has open work, or a seat is free, and no skip."""
        if self.has_ended:
            return False
        if self.own is not None and (self.own.seat is not None or access.may("manage")):
            return True
        return self.free_seat(access.queue.annotations_required) is not None

    @property
    def until(self) -> datetime | None:
        """Return the time at which the first seat becomes free, if one does."""
        ends = [slot.reserved_until for slot in self.live if slot.seat is not None and slot.state != "completed"]
        return min((end for end in ends if end is not None), default=None)


def read_claims(access: Access, item: Item) -> Claims:
    """Return the slots of an item as they are now."""
    parameters: dict[str, Any] = {"organization_id": item.organization_id, "item_id": item.pk}
    slots: list[Any] = list(Slot.objects.raw(CLAIMS, parameters))
    own = next((slot for slot in slots if slot.user_id == access.actor.user.pk), None)
    return Claims(own, slots, [slot for slot in slots if slot.is_live])


def check_takable(access: Access, item: Item) -> None:
    """Raise `Invalid` or `Forbidden` unless the actor may take the item, seats apart."""
    if access.queue.status != "active":
        raise not_active(access.queue)
    check_open(item)
    check_assigned(access, item)


def not_active(queue: Queue) -> Invalid:
    return Invalid(f"The queue must be active for this, and it is {queue.status}", code="queue_not_active")


def check_open(item: Item) -> None:
    """Raise `Invalid` for an item that is completed or in review."""
    check_not_in_review(item)
    if item.status == "completed":
        raise Invalid(f"Item {item.pk} is completed: it cannot be worked on", code="item_completed")


def check_not_in_review(item: Item) -> None:
    """Raise `Invalid` for an item that waits for a review or is approved."""
    if item.review_status in ("pending_review", "approved"):
        found = "waits for a review" if item.review_status == "pending_review" else "is approved"
        raise Invalid(f"Item {item.pk} {found}: it cannot be worked on", code="item_in_review")


def check_assigned(access: Access, item: Item) -> None:
    """Raise `Forbidden` for an item that is assigned to others, except for managers."""
    if not item.is_assigned or access.may("manage"):
        return
    assignments = Assignment.objects.filter(organization_id=item.organization_id, item=item.pk)
    if not assignments.filter(user=access.actor.user.pk).exists():
        sentence = f"Item {item.pk} is assigned to others, and not to {access.actor.user.email}"
        raise Forbidden(sentence, code="item_assigned")


def claim(access: Access, item: Item, claims: Claims, state: State, *, notes: str | None = None) -> Slot:
    """Give the actor a seat, or keep the present one, and store the slot.

    A reservation begins anew; a submitted slot stays submitted. Managers need no seat. Raise `ItemReserved`.
    """
    own = claims.own
    seat = own.seat if own else None
    if seat is None:
        seat = claims.free_seat(access.queue.annotations_required)
        if seat is None and not access.may("manage"):
            raise ItemReserved(item, claims.until)
        for holder in claims.slots:
            # The holder's reservation has ended.
            if seat is not None and holder.seat == seat:
                leave_seat(holder)
    if own and own.state == "submitted" and state == "reserved":
        state = "submitted"
    return put_slot(access, item, state, seat=seat, notes=notes)


def put_slot(
    access: Access,
    item: Item,
    state: State,
    *,
    seat: int | None = None,
    notes: str | None = None,
    skip_reason: str = "",
) -> Slot:
    """Store the actor's slot; `notes` of None leave the stored ones."""
    parameters: dict[str, Any] = {
        "id": new_id(),
        "organization_id": item.organization_id,
        "queue_id": access.queue.pk,
        "item_id": item.pk,
        "user_id": access.actor.user.pk,
        "state": state,
        "seat": seat,
        "reservation": timedelta(seconds=access.queue.reservation_seconds),
        "notes": notes,
        "skip_reason": skip_reason,
    }
    [slot] = Slot.objects.raw(PUT_SLOT, parameters)
    return slot


def put_notes(slot: Slot, notes: str) -> None:
    """Store a person's note on an item."""
    row = Slot.objects.filter(organization_id=slot.organization_id, pk=slot.pk)
    row.update(notes=notes, updated_at=DatabaseClock())


def leave_seat(slot: Slot) -> None:
    """Delete a reserved slot; one with work in it stays without its seat."""
    row = Slot.objects.filter(organization_id=slot.organization_id, pk=slot.pk)
    if slot.state == "reserved" and not slot.notes:
        row.delete()
    else:
        row.update(seat=None, reserved_until=DatabaseClock(), updated_at=DatabaseClock())


@repeat_aborted
@in_transaction
def reserve_item(*, actor: Actor, queue_id: uuid.UUID, item_id: uuid.UUID) -> Slot | None:
    """Reserve an item, or renew the reservation. Return None after the own completion or skip.

    A late heartbeat brings no skipped item back; a submit does. Raise `NotFound`, `Invalid`, `Forbidden`,
    `ItemReserved`.
    """
    access = get_access(actor, queue_id)
    access.check("annotate")
    item = get_item(access, item_id, lock=True)
    claims = read_claims(access, item)
    if claims.has_ended:
        return None
    check_takable(access, item)
    return claim(access, item, claims, "reserved")


@repeat_aborted
@in_transaction
def release_item(*, actor: Actor, queue_id: uuid.UUID, item_id: uuid.UUID, user_id: uuid.UUID | None) -> None:
    """End a reservation, by default the actor's own; submitted scores stay.

    An item that others have skipped may be skipped now.

    Raise `NotFound`, `Forbidden` for another person's without the right to manage, and `Invalid` where only others have
    one.
    """
    access = get_access(actor, queue_id, lock=True)
    access.check("annotate")
    if user_id not in (None, actor.user.pk):
        access.check("manage")
    item = get_item(access, item_id, lock=True)
    claims = read_claims(access, item)
    named = next((slot for slot in claims.slots if slot.user_id == (user_id or actor.user.pk)), None)
    if named and named.state in ("reserved", "submitted"):
        leave_seat(named)
        if any(slot.state == "skipped" for slot in claims.slots):
            settle(access.queue, item)
    elif named is None and user_id is None and any(slot.state != "completed" for slot in claims.live):
        sentence = f"Item {item.pk} is reserved by another person: a manager releases it with user_id"
        raise Invalid(sentence, code="not_reserved")
