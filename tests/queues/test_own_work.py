"""The numbers of *My work* against a count in Python, over generated queues."""

import random
from datetime import timedelta
from typing import Any

import pytest

from modelhub.accounts.models import User
from modelhub.accounts.people import session_actor
from modelhub.core import clock
from modelhub.queues.models import Assignment, Item, Queue, Slot
from modelhub.queues.own_work import QueueOfPerson, count_work, own_queues
from tests.factories import (
    AssignmentFactory,
    ItemFactory,
    OrganizationFactory,
    QueueFactory,
    QueueMemberFactory,
    SlotFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

STATES: list[dict[str, Any]] = [
    {"status": "pending"},
    {"status": "in_progress"},
    {"status": "in_progress", "review_status": "pending_review"},
    {"status": "in_progress", "review_status": "rejected"},
    {"status": "completed"},
    {"status": "completed", "review_status": "approved"},
    {"status": "skipped"},
]


def make_queue(people: list[User], chance: random.Random) -> Queue:
    """Make a queue whose items have any state, and slots of any people in any states."""
    queue: Queue = QueueFactory.create(
        organization=people[0].organization, created_by=people[0], annotations_required=chance.randint(1, 3)
    )
    for user in people:
        QueueMemberFactory.create(queue=queue, user=user)
    for _ in range(15):
        assigned = chance.sample(people, chance.choice([0, 0, 1, 2]))
        removed = clock.now() if chance.random() < 0.15 else None
        item: Item = ItemFactory.create(
            queue=queue, is_assigned=bool(assigned), deleted_at=removed, **chance.choice(STATES)
        )
        for user in assigned:
            AssignmentFactory.create(item=item, user=user)
        for seat, user in enumerate(chance.sample(people, chance.randint(0, 3)), start=1):
            state = chance.choice(["reserved", "submitted", "completed", "skipped"])
            slot: Slot = SlotFactory.create(
                item=item, user=user, state=state, seat=seat if state != "skipped" and chance.random() < 0.8 else None
            )
            if slot.reserved_until and chance.random() < 0.3:
                slot.reserved_until = clock.now() - timedelta(minutes=1)
                slot.save()
    return queue


def may_take(user: User, item: Item, slots: list[Slot]) -> bool:
    """Return whether a person may take an item."""
    own = next((slot for slot in slots if slot.user_id == user.pk), None)
    if item.status == "completed" or item.review_status == "pending_review":
        return False
    if own and own.state in ("completed", "skipped"):
        return False
    if item.is_assigned and not Assignment.objects.filter(item=item, user=user).exists():
        return False
    others = [slot for slot in slots if slot.user_id != user.pk and slot.seat is not None]
    live = [slot for slot in others if slot.reserved_until is None or slot.reserved_until > clock.now()]
    return bool(own and own.seat) or len(live) < item.queue.annotations_required


def count(user: User, queue: Queue) -> tuple[int, ...]:
    items = list(Item.objects.filter(queue=queue, deleted_at=None).select_related("queue"))
    slots = {item.pk: list(Slot.objects.filter(item=item)) for item in items}
    return (
        len(items),
        sum(item.status == "completed" for item in items),
        sum(item.review_status == "pending_review" for item in items),
        sum(may_take(user, item, slots[item.pk]) for item in items),
        sum(slot.user_id == user.pk and slot.state == "completed" for item in items for slot in slots[item.pk]),
    )


def numbers(work: QueueOfPerson) -> tuple[int, ...]:
    return work.items, work.completed, work.in_review, work.open, work.own_completed


@pytest.mark.parametrize("seed", range(6))
def test_the_numbers_of_my_work_are_those_of_a_count_one_by_one(seed: int) -> None:
    chance = random.Random(seed)
    people: list[User] = UserFactory.create_batch(4, organization=OrganizationFactory.create())
    queues = [make_queue(people, chance) for _ in range(2)]
    empty: Queue = QueueFactory.create(organization=people[0].organization, created_by=people[0])
    QueueMemberFactory.create(queue=empty, user=people[0])
    for user in people:
        actor = session_actor(user)
        found = {work.access.queue.pk: numbers(work) for work in count_work(actor, list(own_queues(actor)))}
        expected = {queue.pk: count(user, queue) for queue in queues}
        assert found == expected | ({empty.pk: (0, 0, 0, 0, 0)} if user == people[0] else {})
