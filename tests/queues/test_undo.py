"""Complete, skip and undo."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.utils import timezone

from modelhub.queues.models import Item, Slot
from tests.client import Caller
from tests.queues.team import Team, make_team


@pytest.fixture
def team(alice: Caller) -> Team:
    return make_team(alice, "dora", "emil")


def test_completing_needs_a_score_and_every_required_label(team: Team) -> None:
    text = team.attach("text")
    item, other = team.add(order=1), team.add(order=2)
    dora = team.people["dora"]
    refused = dora.post(team.of(item, "complete"))
    assert (refused.status, refused.body["code"]) == (400, "nothing_to_complete")
    open_work = team.finish("dora", item).body
    assert (open_work["missing_labels"], open_work["item"]["status"]) == ([str(text.pk)], "in_progress")
    assert (open_work["completed_item_id"], open_work["next_item"]) == (None, open_work["item"])
    assert team.score("dora", item, "good", type_="text").status == 200
    done = dora.post(team.of(item, "complete")).body
    assert (done["completed_item_id"], done["missing_labels"]) == (str(item.pk), [])
    assert (done["item"]["status"], done["next_item"]["id"]) == ("completed", str(other.pk))
    assert team.slot("dora", other) is None
    reserved = dora.post(team.of(item, "complete") + "?reserve=true").body
    assert reserved["next_item"]["reserved_by"] == str(dora.user.pk)


@pytest.mark.django_db(transaction=True)
def test_two_last_items_completed_at_once_complete_the_queue(team: Team) -> None:
    items = {"dora": team.add(), "emil": team.add()}
    for name, item in items.items():
        assert team.score(name, item).status == 200
    start = threading.Barrier(2)

    def complete(name: str) -> int:
        start.wait()
        try:
            return team.people[name].post(team.of(items[name], "complete")).status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(complete, items)) == [200, 200]
    assert team.status() == "completed"


def test_a_skip_is_refused_for_done_work_and_repeated_without_effect(team: Team) -> None:
    item, skipped = team.add(), team.add()
    dora = team.people["dora"]
    assert team.finish("dora", item).status == 200
    for name in ("dora", "emil"):
        refused = team.people[name].post(team.of(item, "skip"))
        assert (refused.status, refused.body["code"]) == (400, "item_completed")
        assert ("undo it first" in refused.body["message"]) is (name == "dora")
    assert dora.post(team.of(skipped, "skip"), {"reason": "spam"}).body["item"]["status"] == "skipped"
    assert dora.post(team.of(skipped, "skip")).status == 200
    slot = team.slot("dora", skipped)
    assert slot is not None
    assert (slot.state, slot.seat, slot.skip_reason) == ("skipped", None, "spam")


def test_undo_takes_back_the_last_completions_one_by_one(team: Team) -> None:
    first, second = team.add(), team.add()
    dora = team.people["dora"]
    refused = dora.post(f"{team.path}undo/")
    assert (refused.status, refused.body["code"]) == (400, "nothing_to_undo")
    for item in (first, second):
        assert team.finish("dora", item).status == 200
    assert team.status() == "completed"
    for item in (second, first):
        undone = dora.post(f"{team.path}undo/").body
        assert (undone["undone_item_id"], undone["item"]["status"]) == (str(item.pk), "in_progress")
        slot = team.slot("dora", item)
        assert slot is not None
        assert (slot.state, slot.seat, slot.ended_at) == ("submitted", 1, None)
    assert (team.status(), dora.post(f"{team.path}undo/").status) == ("active", 400)
    assert team.finish("dora", first, 1).status == 200


def test_an_undone_skip_needs_a_seat(team: Team) -> None:
    item, taken = team.add(), team.add()
    dora = team.people["dora"]
    for one in (item, taken):
        assert dora.post(team.of(one, "skip")).status == 200
    assert team.people["emil"].post(team.of(taken, "reserve")).status == 200
    refused = dora.post(team.of(taken, "undo"))
    assert (refused.status, refused.body["code"]) == (409, "item_reserved")
    assert dora.post(team.of(item, "undo")).body["item"]["status"] == "pending"
    assert team.state(item) == ("pending", "")


def test_undo_ends_with_the_review(alice: Caller) -> None:
    team = make_team(alice, "dora", requires_review=True)
    item = team.add()
    dora = team.people["dora"]
    assert team.finish("dora", item).status == 200
    assert team.state(item) == ("in_progress", "pending_review")
    assert dora.post(team.of(item, "undo")).status == 200
    assert team.state(item) == ("in_progress", "")
    assert team.finish("dora", item).status == 200
    Item.objects.filter(pk=item.pk).update(status="completed", review_status="approved", reviewed_at=timezone.now())
    for path in (team.of(item, "undo"), f"{team.path}undo/"):
        refused = dora.post(path)
        assert (refused.status, refused.body["code"]) == (409, "already_reviewed")


def test_returned_work_cannot_be_undone_until_it_is_completed_again(alice: Caller) -> None:
    team = make_team(alice, "dora", requires_review=True)
    item = team.add()
    dora = team.people["dora"]
    assert team.finish("dora", item).status == 200
    returned = timezone.now()
    Item.objects.filter(pk=item.pk).update(review_status="rejected", reviewed_at=returned)
    Slot.objects.update(state="submitted", ended_at=None, returned_at=returned, reserved_until=returned)
    assert dora.post(team.of(item, "undo")).body["code"] == "already_reviewed"
    assert dora.post(team.of(item, "complete")).status == 200
    assert team.state(item) == ("in_progress", "pending_review")
    assert dora.post(team.of(item, "undo")).status == 200


def test_nothing_of_anothers_is_undone(team: Team) -> None:
    item = team.add()
    assert team.finish("dora", item).status == 200
    refused = team.people["emil"].post(team.of(item, "undo"))
    assert (refused.status, refused.body["code"]) == (400, "nothing_to_undo")
    assert team.state(item) == ("completed", "")


def test_an_item_stays_done_by_others_after_an_undo(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil", annotations_required=2)
    item = team.add()
    for name in ("dora", "emil"):
        assert team.finish(name, item).status == 200
    queue = f"/model-hub/annotation-queues/{team.queue.pk}/"
    assert alice.patch(queue, {"annotations_required": 1}).status == 200
    assert team.people["dora"].post(team.of(item, "undo")).body["item"]["status"] == "completed"
    assert team.status() == "completed"
    assert team.people["emil"].post(team.of(item, "undo")).body["item"]["status"] == "in_progress"
    assert team.status() == "active"
