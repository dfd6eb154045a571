"""Assignment by strategies, and by hand."""

import itertools
from collections import Counter
from typing import Any

import pytest

from modelhub.accounts.models import Organization, User
from modelhub.queues.assignment import assign_new, balance, take_turns
from modelhub.queues.models import Assignment, Item, Queue
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
    items = [ItemFactory.create(queue=queue) for _ in range(number)]
    assign_new(queue, [item.pk for item in items])
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
    Item.objects.filter(pk=items[0].pk).update(order=1000)
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
