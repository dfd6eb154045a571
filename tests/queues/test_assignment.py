"""Assignment by strategies, and by hand."""

import itertools
import uuid
from collections import Counter
from typing import Any

import pytest

from modelhub.accounts.models import Organization, User
from modelhub.core import clock
from modelhub.queues.assignment import assign_new, balance, take_turns
from modelhub.queues.models import Assignment, Item, Queue, Slot
from tests.client import Answer, Caller
from tests.factories import ItemFactory, QueueFactory, QueueMemberFactory, UserFactory


@pytest.fixture
def creator(organization: Organization) -> User:
    return UserFactory.create(organization=organization)


def make_queue(creator: User, people: int, **settings: Any) -> tuple[Queue, list[User]]:
    """Create a queue with annotators, a manager and an inactive annotator."""
    queue = QueueFactory.create(created_by=creator, **settings)
    QueueMemberFactory.create(queue=queue, user=creator, roles=["manager", "reviewer"])
    QueueMemberFactory.create(queue=queue, user=UserFactory.create(organization=creator.organization, is_active=False))
    members = [QueueMemberFactory.create(queue=queue) for _ in range(people)]
    return queue, [member.user for member in members]


def add(queue: Queue, number: int) -> list[Item]:
    """Create items and assign the pending ones."""
    items = [ItemFactory.create(queue=queue) for _ in range(number)]
    assign_new(queue)
    return items


def people_of(items: list[Item]) -> list[set[Any]]:
    return [set(Assignment.objects.filter(item=item).values_list("user_id", flat=True)) for item in items]


def test_a_manual_queue_assigns_nothing_by_itself(creator: User) -> None:
    queue, _ = make_queue(creator, 2)
    assert people_of(add(queue, 2)) == [set(), set()]
    assert not Item.objects.filter(is_assigned=True).exists()


def test_auto_assign_of_a_manual_queue_assigns_each_item_to_all_annotators(creator: User) -> None:
    queue, people = make_queue(creator, 3, auto_assign=True)
    assert people_of(add(queue, 2)) == [{one.pk for one in people}] * 2
    assert not Item.objects.filter(is_assigned=False).exists()


def test_round_robin_continues_after_the_items_that_are_assigned(creator: User) -> None:
    queue, (ada, ben, cem) = make_queue(creator, 3, assignment_strategy="round_robin")
    assert people_of(add(queue, 4)) == [{ada.pk}, {ben.pk}, {cem.pk}, {ada.pk}]
    assert people_of(add(queue, 2)) == [{ben.pk}, {cem.pk}]


def test_round_robin_assigns_as_many_people_as_annotations_are_required(creator: User) -> None:
    queue, (ada, ben, cem) = make_queue(creator, 3, assignment_strategy="round_robin", annotations_required=2)
    items = add(queue, 3)
    assert people_of(items) == [{ada.pk, ben.pk}, {cem.pk, ada.pk}, {ben.pk, cem.pk}]


@pytest.mark.parametrize("strategy", ["round_robin", "load_balanced"])
def test_no_item_gets_more_people_than_there_are(creator: User, strategy: str) -> None:
    queue, people = make_queue(creator, 2, assignment_strategy=strategy, annotations_required=5)
    assert people_of(add(queue, 2)) == [{one.pk for one in people}] * 2


@pytest.mark.parametrize("strategy", ["round_robin", "load_balanced"])
def test_without_annotators_items_stay_unassigned(creator: User, strategy: str) -> None:
    queue, _ = make_queue(creator, 0, assignment_strategy=strategy)
    assert people_of(add(queue, 1)) == [set()]


def test_load_balanced_assigns_to_the_fewest_open_items(creator: User) -> None:
    queue, (ada, ben) = make_queue(creator, 2, assignment_strategy="load_balanced")
    add(queue, 6)
    # Ada finishes two of her three.
    Item.objects.filter(pk__in=Item.objects.filter(assignments__user=ada)[:2].values("pk")).update(status="completed")
    assert people_of(add(queue, 3)) == [{ada.pk}, {ada.pk}, {ada.pk}]
    assert people_of(add(queue, 2)) == [{ben.pk}, {ada.pk}]


def test_a_change_of_the_strategy_assigns_pending_items_in_their_order(creator: User) -> None:
    queue, (ada, ben) = make_queue(creator, 2)
    items = add(queue, 4)
    Item.objects.filter(pk=items[1].pk).update(status="in_progress")
    Item.objects.filter(pk=items[0].pk).update(order=10**6)
    queue.assignment_strategy = "round_robin"
    assert assign_new(queue) == 3
    assert people_of(items) == [{ada.pk}, set(), {ada.pk}, {ben.pk}]


def test_turns_of_a_cycle_differ_by_at_most_one() -> None:
    counts = Counter(itertools.islice(take_turns(7, 3), 100))
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize("loads", [[0, 0, 0], [5, 0, 9], [100, 0, 0]])
def test_a_balance_gives_each_item_different_people_with_the_least_load(loads: list[int]) -> None:
    turns = list(itertools.islice(balance(loads, 2), 20))
    for first, second in zip(turns[::2], turns[1::2], strict=True):
        rest = min(load for at, load in enumerate(loads) if at not in {first, second})
        assert first != second
        assert max(loads[first], loads[second]) <= rest
        loads[first], loads[second] = loads[first] + 1, loads[second] + 1


class TestByHand:
    @pytest.fixture
    def queue(self, alice: Caller, bob: Caller) -> Queue:
        queue = QueueFactory.create(created_by=alice.user)
        QueueMemberFactory.create(queue=queue, user=alice.user, roles=["manager"])
        QueueMemberFactory.create(queue=queue, user=bob.user)
        return queue

    def assign(self, caller: Caller, items: list[Item], **fields: Any) -> Answer:
        path = f"/model-hub/annotation-queues/{items[0].queue_id}/items/assign/"
        return caller.post(path, {"item_ids": [str(item.pk) for item in items], **fields})

    def test_one_user_replaces_all_others_and_null_ends_all(self, queue: Queue, alice: Caller, bob: Caller) -> None:
        items = add(queue, 3)
        assert self.assign(alice, items, user_id=str(alice.user.pk)).body == {"assigned": 3}
        assert self.assign(alice, items[:2], user_id=str(bob.user.pk)).body == {"assigned": 2}
        assert people_of(items) == [{bob.user.pk}, {bob.user.pk}, {alice.user.pk}]
        assert self.assign(alice, items[1:], user_id=None).body == {"assigned": 0}
        assert people_of(items) == [{bob.user.pk}, set(), set()]
        flags = Item.objects.order_by("order").values_list("is_assigned", flat=True)
        assert list(flags) == [True, False, False]

    def test_several_people_are_added_set_and_removed(self, queue: Queue, alice: Caller, bob: Caller) -> None:
        items = add(queue, 2)
        both = [str(alice.user.pk), str(bob.user.pk), str(bob.user.pk)]
        assert self.assign(alice, items, userIds=both[1:]).body == {"assigned": 2}
        assert self.assign(alice, items, user_ids=both).body == {"assigned": 4}
        assert people_of(items) == [{alice.user.pk, bob.user.pk}] * 2
        emails = ["BOB@example.com"]
        assert self.assign(alice, items[:1], annotator_emails=emails, action="remove").body == {"assigned": 0}
        assert people_of(items) == [{alice.user.pk}, {alice.user.pk, bob.user.pk}]
        assert self.assign(alice, items, annotator_email="bob@example.com").body == {"assigned": 2}
        assert people_of(items) == [{bob.user.pk}] * 2
        assert self.assign(alice, items, annotator_email="alice@example.com", action="add").body == {"assigned": 2}
        assert people_of(items) == [{alice.user.pk, bob.user.pk}] * 2
        assert self.assign(alice, items, user_ids=both, action="remove").body == {"assigned": 0}
        assert people_of(items) == [set(), set()]
        assert not Item.objects.filter(is_assigned=True).exists()

    def test_items_of_other_queues_are_ignored(self, queue: Queue, alice: Caller) -> None:
        [item] = add(queue, 1)
        [other] = add(QueueFactory.create(created_by=alice.user), 1)
        assert self.assign(alice, [item, other], user_id=str(alice.user.pk)).body == {"assigned": 1}
        assert people_of([other]) == [set()]

    def test_only_members_that_may_annotate_are_assigned(
        self, queue: Queue, alice: Caller, bob: Caller, charlie: Caller
    ) -> None:
        items = add(queue, 1)
        queue.members.filter(user=bob.user).update(roles=["reviewer"])
        for user in (bob.user, charlie.user):
            answer = self.assign(alice, items, user_ids=[str(alice.user.pk), str(user.pk)])
            sentence = f'user_ids must name members of the queue that may annotate, got "{user.pk}"'
            assert (answer.status, answer.body["detail"]) == (400, sentence)
        answer = self.assign(alice, items, annotator_email="charlie@example.org", action="remove")
        assert answer.body["code"] == "annotator_not_found"
        assert people_of(items) == [set()]
        assert self.assign(alice, items, annotator_email="bob@example.com", action="remove").status == 200

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({}, "Exactly one of user_id, user_ids, annotator_email, annotator_emails must be given, got none"),
            ({"user_ids": []}, "user_ids must not be empty to add people, got []"),
            ({"user_ids": "all"}, 'user_ids must be a list, got "all"'),
            ({"user_id": "bob"}, 'user_id must be the id of a member of the queue, got "bob"'),
            ({"annotator_emails": [3]}, "annotator_emails must be the email of a member of the queue, got 3"),
            ({"user_id": None, "action": "give"}, 'action must be one of add, set, remove, got "give"'),
            ({"user_ids": [], "annotator_emails": []}, "Exactly one of "),
        ],
    )
    def test_a_body_that_cannot_be_understood_assigns_nothing(
        self, queue: Queue, alice: Caller, bob: Caller, fields: dict[str, Any], sentence: str
    ) -> None:
        items = add(queue, 1)
        self.assign(alice, items, user_id=str(bob.user.pk))
        answer = self.assign(alice, items, **fields)
        assert answer.status == 400
        assert answer.body["detail"].startswith(sentence)
        assert people_of(items) == [{bob.user.pk}]

    @pytest.mark.parametrize(
        ("field", "name"), [("user_ids", str(uuid.UUID(int=7))), ("annotator_emails", "a@example.com")]
    )
    def test_too_many_people_are_rejected(self, queue: Queue, alice: Caller, field: str, name: str) -> None:
        answer = self.assign(alice, add(queue, 1), **{field: [name] * 1001}, action="remove")
        assert (answer.status, answer.body["detail"]) == (400, f"{field} must have at most 1000 people, got 1001")

    def test_only_managers_assign(self, queue: Queue, bob: Caller) -> None:
        items = add(queue, 1)
        assert self.assign(bob, items, user_id=str(bob.user.pk)).body["code"] == "queue_role"

    def test_too_many_assignments_are_rejected_together(
        self, queue: Queue, alice: Caller, bob: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("modelhub.queues.assignment.MAX_ASSIGNMENTS", 3)
        items = add(queue, 2)
        answer = self.assign(alice, items, user_ids=[str(alice.user.pk), str(bob.user.pk)])
        assert (answer.status, answer.body["code"]) == (413, "items_too_large")
        assert people_of(items) == [set(), set()]

    def test_an_item_is_skipped_once_all_its_assigned_people_have_skipped_it(
        self, queue: Queue, alice: Caller, bob: Caller
    ) -> None:
        Queue.objects.filter(pk=queue.pk).update(annotations_required=2)
        [item] = add(queue, 1)
        Slot.objects.create(
            organization=queue.organization,
            queue=queue,
            item=item,
            user=bob.user,
            state="skipped",
            ended_at=clock.now(),
        )
        QueueMemberFactory.create(queue=queue)
        self.assign(alice, [item], user_id=str(bob.user.pk))
        item.refresh_from_db()
        assert item.status == "skipped"
        self.assign(alice, [item], user_id=None)
        item.refresh_from_db()
        assert item.status == "pending"
