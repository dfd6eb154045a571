"""Assignments by a strategy or by hand: the people of an item (contract 7.3)."""

import heapq
import itertools
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, Subquery

from modelhub.accounts.models import User
from modelhub.accounts.people import Actor
from modelhub.core import clock
from modelhub.core.errors import Invalid, TooLarge
from modelhub.core.ids import new_id_text
from modelhub.core.sql import read_sql
from modelhub.core.text import show
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.queues.access import ROLES_WITH, get_access
from modelhub.queues.completion import settle_skipped
from modelhub.queues.models import IN_REVIEW, Assignment, DatabaseClock, Item, Queue, QueueMember, Slot
from modelhub.queues.queries import items_of

ASSIGN_ITEMS = read_sql("queues", "assign_items")
MAX_ASSIGNMENTS = 300_000
# Rows of one statement, which ends long before `MODELHUB_STATEMENT_TIMEOUT_MS`.
BATCH = 20_000
AssignAction = Literal["add", "set", "remove"]
ACTIONS: tuple[AssignAction, ...] = ("add", "set", "remove")


@dataclass(frozen=True, slots=True)
class People:
    """People as a field of a request names them: by id or by email."""

    field: str
    names: Sequence[uuid.UUID | str]


@dataclass(frozen=True, slots=True)
class Roster:
    """People that take turns, `per_item` different ones for each item.

    The turns are positions in `user_ids`, without end.
    """

    user_ids: Sequence[uuid.UUID]
    per_item: int
    turns: Iterator[int]


class Assigned(NamedTuple):
    """Numbers of items and of the assignments that a request asked for.

    The latter is items times people, 0 for a removal.
    """

    items: int
    assignments: int


@repeat_aborted
@in_transaction
def assign_items(
    *, actor: Actor, queue_id: uuid.UUID, item_ids: Collection[uuid.UUID], people: People, action: AssignAction
) -> Assigned:
    """Add people to those of items, remove them, or set them in place of all others.

    Ids of no live item of the queue are ignored. Raise `NotFound` for the queue, `Forbidden` without the right to
    manage it, `Invalid` for people that may not annotate in it.
    """
    access = get_access(actor, queue_id, lock=True)
    access.check("manage")
    queue = access.queue
    user_ids = _find_people(queue, people, members=action != "remove")
    found = _lock_items(queue, item_ids)
    stored = Assignment.objects.filter(organization_id=queue.organization_id, item__in=found)
    if action == "set":
        stored.exclude(user__in=user_ids).delete()
    if action == "remove":
        stored.filter(user__in=user_ids).delete()
    elif user_ids:
        store_assignments(queue, found, Roster(user_ids, len(user_ids), take_turns(0, len(user_ids))))
    _follow(queue, found, user_ids if action == "remove" else ())
    return Assigned(len(found), 0 if action == "remove" else len(found) * len(user_ids))


@repeat_aborted
@in_transaction
def share_items(
    *, actor: Actor, queue_id: uuid.UUID, people: People, item_ids: Collection[uuid.UUID] = (), first: int = 0
) -> int:
    """Share items evenly among people that take turns, in place of all others on them.

    An item gets as many people as it needs annotations. Beside the items of `item_ids` these are the `first` open items
    of the queue without people. Return the number of items. Raise `NotFound`, `Forbidden`, `Invalid` for people that
    may not annotate in the queue.
    """
    access = get_access(actor, queue_id, lock=True)
    access.check("manage")
    queue = access.queue
    user_ids = _find_people(queue, people, members=True)
    if not user_ids:
        raise Invalid(f"{people.field} must name at least one person to share items among", field=people.field)
    free = items_of(queue).filter(status__in=["pending", "in_progress"], is_assigned=False).exclude(IN_REVIEW)
    chosen = list(free.order_by("order", "id").values_list("pk", flat=True)[:first])
    found = _lock_items(queue, {*item_ids, *chosen})
    Assignment.objects.filter(organization_id=queue.organization_id, item__in=found).delete()
    per_item = min(queue.annotations_required, len(user_ids))
    store_assignments(queue, found, Roster(user_ids, per_item, take_turns(0, len(user_ids))))
    _follow(queue, found, ())
    return len(found)


def _lock_items(queue: Queue, item_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Lock the live ones among items. Return them in the order of the queue."""
    locked = items_of(queue).filter(pk__in=item_ids).order_by("pk").select_for_update(no_key=True)
    rows = sorted(locked.values_list("order", "pk"))
    return [item_id for _, item_id in rows]


def _follow(queue: Queue, item_ids: Sequence[uuid.UUID], removed: Collection[uuid.UUID]) -> None:
    """Bring items, seats and skips in line with changed assignments."""
    # With the id: of a subquery that is hashed, PostgreSQL would read the assignments of all organizations.
    assigned = Exists(Assignment.objects.filter(organization_id=queue.organization_id, item=OuterRef("pk")))
    items_of(queue).filter(pk__in=item_ids).update(is_assigned=assigned, updated_at=clock.now())
    _free_returned(queue, item_ids, removed)
    settle_skipped(queue, item_ids)


def _free_returned(queue: Queue, item_ids: Sequence[uuid.UUID], removed: Collection[uuid.UUID]) -> None:
    """End seats of returned work of people that may not take the items any more."""
    assigned = Assignment.objects.filter(organization_id=queue.organization_id, item=OuterRef("item"))
    returned = Slot.objects.filter(
        Q(user__in=removed) | (Exists(assigned) & ~Exists(assigned.filter(user=OuterRef("user")))),
        organization_id=queue.organization_id,
        item__in=item_ids,
        state="submitted",
        returned_at__isnull=False,
    )
    returned.update(seat=None, reserved_until=DatabaseClock(), updated_at=DatabaseClock())


def assign_new(queue: Queue) -> int:
    """Assign the pending unassigned items by the queue's strategy, in their order.

    Return the number of assignments. The caller holds the lock of the queue's row.
    """
    roster = find_roster(queue)
    if roster is None:
        return 0
    pending = items_of(queue).filter(status="pending", is_assigned=False)
    item_ids = list(pending.order_by("order", "id").values_list("pk", flat=True))
    store_assignments(queue, item_ids, roster)
    items_of(queue).filter(pk__in=item_ids).update(is_assigned=True)
    return len(item_ids) * roster.per_item


def assign_after_skip(queue: Queue, item: Item, user_id: uuid.UUID) -> None:
    """Assign an item of a strategy to the next annotator after one that skips it.

    Nothing changes while enough of its people have not skipped it. The caller holds the locks of queue and item.
    """
    if queue.assignment_strategy == "manual" or not item.is_assigned:
        return
    of_item = {"organization_id": queue.organization_id, "item": item}
    assigned = set(Assignment.objects.filter(**of_item).values_list("user_id", flat=True))
    skipped = set(Slot.objects.filter(**of_item, state="skipped").values_list("user_id", flat=True))
    people = _annotators_of(queue)
    after = people.index(user_id) + 1 if user_id in people else 0
    others = [other for other in (*people[after:], *people[:after]) if other not in assigned | skipped]
    if others and len(assigned - skipped) < queue.annotations_required:
        Assignment.objects.create(**of_item, queue=queue, user_id=others[0])


def find_roster(queue: Queue) -> Roster | None:
    """Return the annotators that take the next items by the queue's strategy.

    Return None for a manual queue without `auto_assign`, and for one without annotators. The caller holds the lock of
    the queue's row.
    """
    if queue.assignment_strategy == "manual" and not queue.auto_assign:
        return None
    user_ids = _annotators_of(queue)
    if not user_ids:
        return None
    per_item = min(queue.annotations_required, len(user_ids))
    if queue.assignment_strategy == "round_robin":
        taken = items_of(queue).filter(is_assigned=True).count() * per_item
        return Roster(user_ids, per_item, take_turns(taken, len(user_ids)))
    if queue.assignment_strategy == "load_balanced":
        loads = _open_items(queue)
        return Roster(user_ids, per_item, balance([loads.get(user_id, 0) for user_id in user_ids], per_item))
    return Roster(user_ids, len(user_ids), take_turns(0, len(user_ids)))


def take_turns(taken: int, people: int) -> Iterator[int]:
    """Yield positions in a cycle of people, of which so many turns are taken."""
    return (turn % people for turn in itertools.count(taken))


def balance(loads: Sequence[int], per_item: int) -> Iterator[int]:
    """Yield, item by item, the positions of the people with the fewest open items."""
    heap = [(load, position) for position, load in enumerate(loads)]
    heapq.heapify(heap)
    while True:
        chosen = [heapq.heappop(heap) for _ in range(per_item)]
        for load, position in chosen:
            heapq.heappush(heap, (load + 1, position))
            yield position


def store_assignments(queue: Queue, item_ids: Sequence[uuid.UUID], roster: Roster) -> None:
    """Store assignments by the turns of a roster. Existing ones stay.

    Raise `TooLarge` above `MAX_ASSIGNMENTS`.
    """
    number = len(item_ids) * roster.per_item
    if number > MAX_ASSIGNMENTS:
        sentence = f"A request makes at most {MAX_ASSIGNMENTS} assignments (items times people), this one {number}"
        raise TooLarge(f"{sentence}; name fewer items at once", code="items_too_large")
    size = max(1, BATCH // roster.per_item)
    for at in range(0, len(item_ids), size):
        _store_batch(queue, item_ids[at : at + size], roster)


def _store_batch(queue: Queue, item_ids: Sequence[uuid.UUID], roster: Roster) -> None:
    number = len(item_ids) * roster.per_item
    parameters: dict[str, Any] = {
        "organization_id": queue.organization_id,
        "queue_id": queue.pk,
        "now": clock.now(),
        "ids": _array(new_id_text() for _ in range(number)),
        "turns": _array(map(str, itertools.islice(roster.turns, number))),
        "item_ids": _array(map(str, item_ids)),
        "user_ids": _array(map(str, roster.user_ids)),
        "per_item": roster.per_item,
    }
    with connection.cursor() as cursor:
        cursor.execute(ASSIGN_ITEMS, parameters)


def _annotators_of(queue: Queue) -> list[uuid.UUID]:
    """Return the active members with the role annotator, the eldest first."""
    members = QueueMember.objects.filter(organization_id=queue.organization_id, queue=queue)
    active = members.filter(roles__contains=["annotator"], user__is_active=True)
    return list(active.order_by("created_at", "id").values_list("user_id", flat=True))


def _open_items(queue: Queue) -> Mapping[uuid.UUID, int]:
    """Return the numbers of pending and in-progress items per assigned person."""
    assignments = Assignment.objects.filter(organization_id=queue.organization_id, queue=queue)
    still_open = assignments.filter(item__deleted_at=None, item__status__in=["pending", "in_progress"])
    return dict(still_open.values_list("user_id").annotate(Count("pk")))


def _find_people(queue: Queue, people: People, *, members: bool) -> list[uuid.UUID]:
    """Return the ids of people, without repetitions.

    Raise `Invalid` for a person of another organization and, with `members`, for one that may not annotate.
    """
    organization_id = queue.organization_id
    ids = [name for name in people.names if isinstance(name, uuid.UUID)]
    emails = [name for name in people.names if isinstance(name, str)]
    roles = QueueMember.objects.filter(organization_id=organization_id, queue=queue, user=OuterRef("pk"))
    users = User.objects.filter(Q(pk__in=ids) | Q(email__in=emails), organization_id=organization_id)
    found: dict[uuid.UUID | str, uuid.UUID] = {}
    for pk, email, active, held in users.values_list("pk", "email", "is_active", Subquery(roles.values("roles"))):
        if not members or (active and ROLES_WITH["annotate"].intersection(held or ())):
            found |= {pk: pk, email: pk}
    for name in people.names:
        if name not in found:
            kind = "members of the queue that may annotate" if members else "people of this organization"
            sentence = f"{people.field} must name {kind}, got {show(str(name))}"
            raise Invalid(sentence, code="annotator_not_found", field=people.field)
    return list(dict.fromkeys(found[name] for name in people.names))


def _array(words: Iterable[str]) -> str:
    """Return an array as PostgreSQL writes it: UUIDs and numbers need no quotes."""
    return f"{{{','.join(words)}}}"
