"""Seats and reservations of items."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction

from modelhub.queues.models import Assignment, Item, Slot
from tests.client import Answer, Caller
from tests.queues.team import Team, expire, make_team


@pytest.fixture
def team(alice: Caller) -> Team:
    return make_team(alice, "dora", "emil", "fred")


def reserve(team: Team, name: str, item: Item) -> Answer:
    return team.people[name].post(team.of(item, "reserve"))


def test_a_reservation_keeps_others_away_until_it_ends(team: Team) -> None:
    item = team.add()
    taken = reserve(team, "dora", item)
    assert (taken.status, taken.body["reserved"], taken.body["seat"]) == (200, True, 1)
    refused = reserve(team, "emil", item)
    assert (refused.status, refused.body["code"]) == (409, "item_reserved")
    assert refused.body["until"] == taken.body["reserved_until"]
    assert refused.body["message"] == f"Item {item.pk} is reserved by others, at least until {refused.body['until']}"
    expire(team.slot("dora", item))
    assert reserve(team, "emil", item).status == 200
    assert team.slot("dora", item) is None
    assert reserve(team, "dora", item).status == 409


def test_a_heartbeat_renews_the_reservation_and_keeps_an_ended_one(team: Team) -> None:
    item = team.add()
    first = reserve(team, "dora", item).body["reserved_until"]
    second = reserve(team, "dora", item).body["reserved_until"]
    assert second > first
    expire(team.slot("dora", item))
    assert reserve(team, "dora", item).body["reserved_until"] > second
    assert team.state(item) == ("pending", "")


def test_a_heartbeat_after_ones_own_completion_is_no_error(team: Team) -> None:
    item = team.add()
    assert team.finish("dora", item).status == 200
    assert team.status() == "completed"
    answer = reserve(team, "dora", item)
    assert (answer.status, answer.body) == (200, {"reserved": False, "reserved_until": None, "seat": None})
    refused = reserve(team, "emil", item)
    assert (refused.status, refused.body["code"]) == (400, "queue_not_active")


def test_a_heartbeat_after_ones_own_skip_does_not_bring_the_item_back(team: Team) -> None:
    item = team.add()
    assert reserve(team, "dora", item).status == 200
    assert team.people["dora"].post(team.of(item, "skip")).status == 200
    answer = reserve(team, "dora", item)
    assert (answer.status, answer.body["reserved"]) == (200, False)
    assert team.state(item) == ("skipped", "")
    assert reserve(team, "emil", item).body["seat"] == 1


def test_no_more_people_than_required_have_seats(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil", "fred", annotations_required=2)
    item = team.add()
    assert [reserve(team, name, item).body.get("seat") for name in ("dora", "emil", "fred")] == [1, 2, None]
    assert team.finish("dora", item).status == 200
    expire(team.slot("emil", item))
    assert reserve(team, "fred", item).body["seat"] == 2
    assert team.finish("fred", item).status == 200
    refused = reserve(team, "emil", item)
    assert (refused.status, refused.body["code"]) == (400, "queue_not_active")


def test_all_seats_of_done_work_have_no_end(alice: Caller) -> None:
    """An item that is still open, though all its seats are completed."""
    team = make_team(alice, "dora", "emil")
    item = team.add()
    assert team.finish("dora", item).status == 200
    Item.objects.filter(pk=item.pk).update(status="in_progress")
    type(team.queue).objects.filter(pk=team.queue.pk).update(status="active")
    refused = reserve(team, "emil", item)
    assert (refused.status, "until" in refused.body) == (409, False)
    assert "as many people as the queue requires" in refused.body["message"]


def test_a_person_who_lost_the_seat_keeps_the_scores(team: Team) -> None:
    item = team.add()
    assert team.score("dora", item, 2).status == 200
    expire(team.slot("dora", item))
    assert team.score("emil", item, 5).status == 200
    lost = team.slot("dora", item)
    assert lost is not None
    assert (lost.state, lost.seat) == ("submitted", None)
    refused = team.people["dora"].post(team.of(item, "complete"))
    assert (refused.status, refused.body["code"]) == (409, "item_reserved")
    assert team.people["emil"].post(team.of(item, "release")).status == 200
    assert team.people["dora"].post(team.of(item, "complete")).status == 200


def test_release_frees_the_seat(team: Team) -> None:
    item, other = team.add(), team.add()
    reserve(team, "dora", item)
    refused = team.people["emil"].post(team.of(item, "release"))
    assert (refused.status, refused.body["code"]) == (400, "not_reserved")
    sentence = f"Item {item.pk} is reserved by another person: a manager releases it with user_id"
    assert refused.body["message"] == sentence
    assert team.people["dora"].post(team.of(item, "release")).body == {"released": True}
    assert team.people["dora"].post(team.of(item, "release")).status == 200
    assert team.people["emil"].post(team.of(item, "release")).status == 200
    assert team.slot("dora", item) is None
    assert team.score("dora", other).status == 200
    assert team.people["dora"].post(team.of(other, "release")).status == 200
    assert reserve(team, "emil", other).status == 200


def test_an_item_that_others_have_skipped_is_skipped_after_a_release(team: Team) -> None:
    item = team.add()
    reserve(team, "dora", item)
    assert team.people["emil"].post(team.of(item, "skip")).status == 200
    assert team.state(item) == ("pending", "")
    assert team.people["dora"].post(team.of(item, "release")).status == 200
    assert team.state(item) == ("skipped", "")


def test_completed_work_of_others_is_no_reservation(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil", annotations_required=2)
    item = team.add()
    team.finish("dora", item)
    assert team.people["emil"].post(team.of(item, "release")).body == {"released": True}


def test_a_manager_releases_for_another_person(team: Team, alice: Caller) -> None:
    item = team.add()
    reserve(team, "dora", item)
    named = {"user_id": str(team.people["dora"].user.pk)}
    refused = team.people["emil"].post(team.of(item, "release"), named)
    assert (refused.status, refused.body["code"]) == (403, "queue_role")
    assert alice.post(team.of(item, "release"), named).status == 200
    assert reserve(team, "emil", item).status == 200


def test_a_manager_needs_no_seat_for_an_item_that_is_named(team: Team) -> None:
    team.join("maria", "manager")
    item = team.add()
    reserve(team, "dora", item)
    answer = reserve(team, "maria", item)
    assert (answer.status, answer.body["seat"]) == (200, None)
    assert team.finish("maria", item).status == 200
    assert team.state(item) == ("completed", "")


def test_an_assigned_item_is_for_its_people_and_managers(team: Team) -> None:
    team.join("maria", "manager")
    item = team.add(is_assigned=True)
    Assignment.objects.create(
        organization=item.organization, queue=team.queue, item=item, user=team.people["dora"].user
    )
    refused = reserve(team, "emil", item)
    assert (refused.status, refused.body["code"]) == (403, "item_assigned")
    assert team.score("emil", item).status == 403
    assert reserve(team, "dora", item).status == 200
    assert reserve(team, "maria", item).status == 200


@pytest.mark.parametrize("status", ["draft", "paused", "completed"])
def test_a_queue_that_is_not_active_reserves_nothing(alice: Caller, status: str) -> None:
    team = make_team(alice, "dora", status=status)
    answer = reserve(team, "dora", team.add())
    assert (answer.status, answer.body["code"]) == (400, "queue_not_active")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"status": "completed"}, "item_completed"),
        ({"status": "in_progress", "review_status": "pending_review"}, "item_in_review"),
        ({"status": "completed", "review_status": "approved"}, "item_in_review"),
    ],
)
def test_an_item_that_is_done_is_not_reserved(team: Team, fields: dict[str, Any], code: str) -> None:
    answer = reserve(team, "dora", team.add(**fields))
    assert (answer.status, answer.body["code"]) == (400, code)


def test_reviewers_and_strangers_do_not_annotate(team: Team, bob: Caller, charlie: Caller) -> None:
    rita = team.join("rita", "reviewer")
    item = team.add()
    for caller, status in ((rita, 403), (bob, 403), (charlie, 404)):
        for action in ("reserve", "release", "annotations/submit", "complete", "skip", "undo"):
            body = {"annotations": [{"label_id": str(team.labels["star"].pk), "value": 3}]}
            assert caller.post(team.of(item, action), body).status == status, action
    assert Slot.objects.count() == 0


def test_a_removed_item_and_one_of_another_queue_do_not_exist(team: Team, alice: Caller) -> None:
    removed, foreign = team.add(deleted_at=datetime.now().astimezone()), make_team(alice).add()
    for item in (removed, foreign):
        answer = reserve(team, "dora", item)
        assert (answer.status, answer.body["code"]) == (404, "item_not_found")


@pytest.mark.django_db(transaction=True)
def test_the_last_seat_goes_to_one_of_many(alice: Caller) -> None:
    names = [f"person{number}" for number in range(8)]
    team = make_team(alice, *names, annotations_required=3)
    item = team.add()
    start = threading.Barrier(len(names))

    def take(name: str) -> int:
        start.wait()
        try:
            return reserve(team, name, item).status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(names)) as pool:
        statuses = sorted(pool.map(take, names))
    assert statuses == [200] * 3 + [409] * 5
    assert list(Slot.objects.order_by("seat").values_list("seat", flat=True)) == [1, 2, 3]


@pytest.mark.django_db(transaction=True)
def test_a_submit_waits_for_the_person_who_takes_the_ended_seat(team: Team) -> None:
    """Dora's reservation has ended; Emil takes her seat while she submits."""
    item = team.add()
    reserve(team, "dora", item)
    expire(team.slot("dora", item))

    def submit() -> Answer:
        try:
            return team.score("dora", item)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            connection.cursor().execute("SELECT 1 FROM modelhub_item WHERE id = %s FOR NO KEY UPDATE", [item.pk])
            late = pool.submit(submit)
            with pytest.raises(TimeoutError):
                late.result(timeout=0.3)
            assert reserve(team, "emil", item).status == 200
        assert late.result().status == 409
    assert [slot.user_id for slot in Slot.objects.all()] == [team.people["emil"].user.pk]
    assert item.source.scores.count() == 0


def test_a_reservation_lasts_as_long_as_the_queue_says(alice: Caller) -> None:
    team = make_team(alice, "dora", reservation_seconds=90)
    item = team.add()
    reserve(team, "dora", item)
    slot = team.slot("dora", item)
    assert slot is not None
    assert slot.reserved_until == slot.updated_at + timedelta(seconds=90)
