"""Items as clients read, correct and remove them."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from modelhub.accounts.people import Actor
from modelhub.core import clock, exact_json
from modelhub.queues.access import get_access
from modelhub.queues.models import Assignment, Item, Queue, Review, Slot
from modelhub.queues.queries import item_rows
from tests.client import Caller
from tests.factories import ItemFactory, QueueFactory, QueueMemberFactory, SourceFactory

FIELDS = [
    *("id", "queue", "source_type", "source_id", "source_name", "status", "workflow_status", "order", "priority"),
    *("metadata", "assigned_to", "assigned_to_name", "assigned_users", "reserved_by", "reserved_by_name"),
    *("reservation_expires_at", "review_status", "reviewed_by", "reviewed_by_name", "reviewed_at", "review_notes"),
    *("created_at", "updated_at", "completed_at"),
]


@pytest.fixture
def queue(alice: Caller, bob: Caller) -> Queue:
    """Create Alice's queue, in which Bob annotates."""
    queue = QueueFactory.create(created_by=alice.user)
    QueueMemberFactory.create(queue=queue, user=alice.user, roles=["manager", "reviewer", "annotator"])
    QueueMemberFactory.create(queue=queue, user=bob.user)
    return queue


def shown(caller: Caller, *items: Item) -> list[dict[str, Any]]:
    """Return items as a caller sees them."""
    access = get_access(Actor(caller.user, caller.key.scopes), items[0].queue_id)
    rows = exact_json.loads(exact_json.dumps(item_rows(access, [item.pk for item in items])))
    assert isinstance(rows, list)
    return rows


def hold(item: Item, user: Any, *, seconds: int, seat: int = 1, state: str = "reserved") -> Slot:
    return Slot.objects.create(
        organization=item.organization,
        queue=item.queue,
        item=item,
        user=user,
        state=state,
        seat=seat,
        reserved_until=clock.now() + timedelta(seconds=seconds),
    )


def test_rows_come_in_the_order_of_their_ids_without_removed_ones(queue: Queue, bob: Caller) -> None:
    first, removed, last = [ItemFactory.create(queue=queue) for _ in range(3)]
    Item.objects.filter(pk=removed.pk).update(deleted_at=clock.now())
    elsewhere = ItemFactory.create(queue=QueueFactory.create(created_by=queue.created_by))
    assert [row["id"] for row in shown(bob, last, removed, elsewhere, first)] == [str(last.pk), str(first.pk)]


def test_a_row_has_the_fields_of_the_contract(queue: Queue, bob: Caller) -> None:
    source = SourceFactory.create(organization=queue.organization, name="Refund", metadata={"model": "small-1"})
    [row] = shown(bob, ItemFactory.create(queue=queue, source=source, order=7))
    assert list(row) == FIELDS
    assert row["source_name"] == "Refund"
    assert row["metadata"] == {"model": "small-1"}
    assert (row["order"], row["priority"], row["status"], row["workflow_status"]) == (7, 0, "pending", "pending")
    empty = [name for name in FIELDS if row[name] in (None, "", [])]
    assert empty == [
        *("assigned_to", "assigned_to_name", "assigned_users", "reserved_by", "reserved_by_name"),
        *("reservation_expires_at", "review_status", "reviewed_by", "reviewed_by_name", "reviewed_at"),
        *("review_notes", "completed_at"),
    ]


def test_gold_is_shown_to_managers_and_reviewers_only(queue: Queue, alice: Caller, bob: Caller) -> None:
    label = str(uuid.uuid4())
    item = ItemFactory.create(queue=queue, gold=True, expected={label: {"rating": 5}})
    [seen] = shown(alice, item)
    assert (seen["gold"], seen["expected"]) == (True, {label: {"rating": 5}})
    queue.members.filter(user=bob.user).update(roles=["reviewer"])
    assert shown(bob, item) == [seen]
    queue.members.filter(user=bob.user).update(roles=["annotator"])
    [hidden] = shown(bob, item)
    assert not hidden.keys() & {"gold", "expected"}


def test_assigned_people_come_in_the_order_of_their_assignment(queue: Queue, alice: Caller, bob: Caller) -> None:
    item = ItemFactory.create(queue=queue)
    for user in (bob.user, alice.user):
        Assignment.objects.create(organization=queue.organization, queue=queue, item=item, user=user)
    [row] = shown(bob, item)
    assert (row["assigned_to"], row["assigned_to_name"]) == (str(bob.user.pk), "Bob")
    assert row["assigned_users"] == [
        {"id": str(bob.user.pk), "name": "Bob", "email": "bob@example.com"},
        {"id": str(alice.user.pk), "name": "Alice", "email": "alice@example.com"},
    ]


def test_the_earliest_live_reservation_is_shown(queue: Queue, alice: Caller, bob: Caller) -> None:
    item = ItemFactory.create(queue=queue)
    hold(item, alice.user, seconds=900, state="submitted")
    slot = hold(item, bob.user, seconds=600, seat=2)
    [row] = shown(bob, item)
    assert (row["reserved_by"], row["reserved_by_name"]) == (str(bob.user.pk), "Bob")
    assert slot.reserved_until
    assert row["reservation_expires_at"] == exact_json.timestamp(slot.reserved_until)
    Slot.objects.filter(pk=slot.pk).update(reserved_until=clock.now() - timedelta(seconds=1))
    assert shown(bob, item)[0]["reserved_by"] == str(alice.user.pk)


def test_the_workflow_status_follows_the_review(queue: Queue, alice: Caller, bob: Caller) -> None:
    item = ItemFactory.create(queue=queue, status="in_progress", review_status="pending_review")
    assert shown(bob, item)[0]["workflow_status"] == "in_review"
    Item.objects.filter(pk=item.pk).update(review_status="rejected")
    assert shown(bob, item)[0]["workflow_status"] == "needs_changes"
    Review.objects.create(organization=queue.organization, item=item, reviewer=alice.user, action="request_changes")
    Item.objects.filter(pk=item.pk).update(review_status="pending_review")
    assert shown(bob, item)[0]["workflow_status"] == "resubmitted"
