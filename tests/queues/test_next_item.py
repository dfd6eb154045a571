"""The next item of a person, and the reason that there is none."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction

from modelhub.queues import picking
from modelhub.queues.models import Assignment, Item, Queue, Slot
from tests.client import Caller
from tests.factories import ItemFactory
from tests.queues.team import Team, expire, make_team


@pytest.fixture
def team(alice: Caller) -> Team:
    return make_team(alice, "dora", "emil")


def ask(team: Team, name: str, query: str = "") -> dict[str, Any]:
    answer = team.people[name].get(f"{team.path}next-item/{query}")
    assert answer.status == 200, answer.body
    return dict(answer.body)


def next_of(team: Team, name: str, query: str = "") -> str | None:
    item = ask(team, name, query)["item"]
    return item and str(item["id"])


def assign(item: Item, user: Any) -> None:
    Assignment.objects.create(organization=item.organization, queue=item.queue, item=item, user=user)
    Item.objects.filter(pk=item.pk).update(is_assigned=True)


def test_two_people_get_two_items_by_priority_and_order(team: Team) -> None:
    later, first, urgent = team.add(order=2), team.add(order=1), team.add(order=3, priority=1)
    assert next_of(team, "dora", "?reserve=false") == str(urgent.pk)
    assert Slot.objects.count() == 0
    assert next_of(team, "dora") == str(urgent.pk)
    assert next_of(team, "emil") == str(first.pk)
    assert next_of(team, "dora") == str(urgent.pk)
    assert next_of(team, "dora", f"?exclude={urgent.pk},{first.pk}") == str(later.pk)


def test_returned_work_comes_first_then_own_then_assigned(team: Team) -> None:
    free, assigned, own, returned = (team.add(order=number) for number in range(4))
    assign(assigned, team.people["dora"].user)
    for item in (own, returned):
        assert team.score("dora", item).status == 200
    Slot.objects.filter(item=returned).update(returned_at="2026-01-01T00:00:00Z")
    for item in (returned, own, assigned, free):
        assert next_of(team, "dora") == str(item.pk)
        if item in (assigned, free):
            assert team.score("dora", item).status == 200
        team.people["dora"].post(team.of(item, "complete"))
    assert ask(team, "dora") == {"item": None, "reason": "finished"}


def test_an_assigned_item_behind_many_of_others_is_found(team: Team) -> None:
    ItemFactory.create_batch(200, queue=team.queue, is_assigned=True, priority=1)
    late, free = team.add(order=1), team.add(order=2, priority=2)
    assign(late, team.people["dora"].user)
    assert next_of(team, "dora") == str(late.pk)
    assert next_of(team, "emil") == str(free.pk)


def test_ones_own_ended_reservation_is_renewed(team: Team) -> None:
    item = team.add()
    assert next_of(team, "dora") == str(item.pk)
    expire(team.slot("dora", item))
    renewed = ask(team, "dora")
    assert renewed["item"]["id"] == str(item.pk)
    assert ask(team, "emil") == {"item": None, "reason": "all_reserved", "until": renewed["reserved_until"]}


def test_a_skipped_item_goes_to_another_person_and_never_back(team: Team) -> None:
    item = team.add()
    other = team.add(order=item.order + 1)
    assert next_of(team, "dora") == str(item.pk)
    skipped = team.people["dora"].post(team.of(item, "skip"), {"reason": "not in English"}).body
    assert (skipped["skipped_item_id"], skipped["next_item"]["id"]) == (str(item.pk), str(other.pk))
    assert next_of(team, "dora") == str(other.pk)
    assert team.finish("dora", other).status == 200
    assert ask(team, "dora") == {"item": None, "reason": "finished"}
    assert next_of(team, "emil") == str(item.pk)


@pytest.mark.parametrize("seats", [1, 2])
def test_much_own_work_is_passed_over_as_little_is(team: Team, monkeypatch: pytest.MonkeyPatch, seats: int) -> None:
    Queue.objects.update(annotations_required=seats)
    done, skipped, free = (team.add(order=number) for number in range(3))
    monkeypatch.setattr(picking, "FEW", 0)
    assert next_of(team, "dora") == str(done.pk)
    assert team.finish("dora", done).status == 200
    assert team.people["dora"].post(team.of(skipped, "skip")).status == 200
    assert next_of(team, "dora") == str(free.pk)
    assert next_of(team, "emil") == str((skipped if seats == 1 else done).pk)


def test_an_item_that_one_of_two_has_skipped_keeps_its_place(team: Team) -> None:
    Queue.objects.update(annotations_required=2)
    team.add(order=2, status="skipped")
    item, later = team.add(order=3), team.add(order=4)
    assert team.people["dora"].post(team.of(item, "skip")).status == 200
    assert next_of(team, "dora") == str(later.pk)
    assert next_of(team, "emil") == str(item.pk)


@pytest.mark.parametrize(
    ("status", "reason"), [("draft", "paused"), ("paused", "paused"), ("completed", "finished"), ("active", "finished")]
)
def test_the_status_of_the_queue_is_a_reason(alice: Caller, status: str, reason: str) -> None:
    team = make_team(alice, "dora", status=status)
    assert ask(team, "dora") == {"item": None, "reason": reason}


def test_items_of_others_are_none_for_you(team: Team) -> None:
    item = team.add()
    assign(item, team.people["emil"].user)
    assert ask(team, "dora") == {"item": None, "reason": "none_for_you"}
    assert next_of(team, "emil") == str(item.pk)


def test_reserving_needs_a_key_that_writes(team: Team) -> None:
    reader = team.join("rhea", scopes=("read",))
    item = team.add()
    assert reader.get(f"{team.path}next-item/").body["code"] == "scope"
    assert next_of(team, "rhea", "?reserve=false") == str(item.pk)


@pytest.mark.parametrize("query", ["?exclude=x", "?reserve=maybe", "?exclud=1"])
def test_a_wrong_query_is_a_400(team: Team, query: str) -> None:
    assert team.people["dora"].get(f"{team.path}next-item/{query}").status == 400


@pytest.mark.django_db(transaction=True)
def test_a_locked_item_is_passed_over_and_the_last_one_waited_for(team: Team) -> None:
    first, second = team.add(order=1), team.add(order=2)

    def take() -> str | None:
        try:
            return next_of(team, "emil")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            connection.cursor().execute("SELECT 1 FROM modelhub_item WHERE id = %s FOR NO KEY UPDATE", [first.pk])
            assert pool.submit(take).result() == str(second.pk)
        Slot.objects.all().delete()
        assert team.finish("dora", second).status == 200
        with transaction.atomic():
            connection.cursor().execute("SELECT 1 FROM modelhub_item WHERE id = %s FOR NO KEY UPDATE", [first.pk])
            waiting = pool.submit(take)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
        assert waiting.result() == str(first.pk)


@pytest.mark.django_db(transaction=True)
def test_many_people_at_once_get_different_items(alice: Caller) -> None:
    names = [f"person{number}" for number in range(6)]
    team = make_team(alice, *names)
    items = [team.add(order=number) for number in range(6)]

    def take(name: str) -> str | None:
        try:
            return next_of(team, name)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(take, names))
    assert set(taken) == {str(item.pk) for item in items}
    assert Queue.objects.get(pk=team.queue.pk).status == "active"


def test_a_reservation_that_ends_during_the_search_is_a_reason_to_ask_again(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = team.add()
    assert next_of(team, "dora") == str(item.pk)
    expire(team.slot("dora", item))
    # The search still sees the reservation.
    monkeypatch.setattr(picking, "_find", lambda *arguments, **options: None)
    assert ask(team, "emil")["reason"] == "all_reserved"


def test_with_fewer_seats_than_reservations_an_ended_one_is_no_time_to_ask_again(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil", "fred", annotations_required=2)
    item = team.add()
    assert next_of(team, "dora") == str(item.pk)
    expire(team.slot("dora", item))
    live = ask(team, "emil")
    assert live["item"]["id"] == str(item.pk)
    Queue.objects.filter(pk=team.queue.pk).update(annotations_required=1)
    assert ask(team, "fred") == {"item": None, "reason": "all_reserved", "until": live["reserved_until"]}


@pytest.mark.parametrize("strategy", ["round_robin", "load_balanced"])
def test_a_skipped_item_of_a_strategy_is_assigned_to_one_more_person(alice: Caller, strategy: str) -> None:
    team = make_team(alice, "dora", "emil", "fred", assignment_strategy=strategy)
    item = team.add()
    assign(item, team.people["emil"].user)
    assert ask(team, "fred") == {"item": None, "reason": "none_for_you"}
    emil = team.people["emil"]
    for action in ("skip", "undo", "skip", "skip"):
        assert emil.post(team.of(item, action)).status == 200
    people = Assignment.objects.filter(item=item).order_by("created_at").values_list("user_id", flat=True)
    assert list(people) == [emil.user.pk, team.people["fred"].user.pk]
    assert (next_of(team, "emil"), next_of(team, "dora")) == (None, None)
    assert next_of(team, "fred") == str(item.pk)
    for name in ("fred", "dora"):
        assert team.people[name].post(team.of(item, "skip")).status == 200
    assert len(people.all()) == 3
