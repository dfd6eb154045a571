"""Skipped items that a manager gives back to their annotators."""

import pytest

from modelhub.accounts.models import User
from modelhub.accounts.people import session_actor
from modelhub.core.errors import Forbidden, NotFound
from modelhub.queues.items import give_back_items
from modelhub.queues.models import Item, Slot
from modelhub.scores.models import Score
from tests.client import Caller
from tests.queues.team import Team, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(alice: Caller) -> Team:
    return make_team(alice, "ann", "ben", status="active")


def skip(team: Team, name: str, item: Item) -> None:
    assert team.people[name].post(team.of(item, "skip"), {"reason": "In Welsh"}).status == 200


def give_back(team: Team, *items: Item, by: User | None = None) -> int:
    actor = session_actor(by or team.queue.created_by)
    return give_back_items(actor=actor, queue_id=team.queue.pk, item_ids=[item.pk for item in items])


def next_of(team: Team, name: str) -> str | None:
    item = team.people[name].get(f"{team.path}next-item/").body["item"]
    return item and str(item["id"])


def test_all_annotators_find_it_again_and_the_queue_is_active(team: Team) -> None:
    item = team.add()
    skip(team, "ann", item)
    assert (team.state(item), team.status()) == (("skipped", ""), "active")
    other = team.add(status="completed")
    team.queue.status = "completed"
    team.queue.save()
    assert give_back(team, item, other) == 1
    assert (team.state(item), team.state(other), team.status()) == (("pending", ""), ("completed", ""), "active")
    assert not Slot.objects.exists()
    assert next_of(team, "ann") == str(item.pk)


def test_scores_and_notes_of_its_people_stay(team: Team) -> None:
    scored, noted = team.add(), team.add()
    assert team.score("ann", scored).status == 200
    assert team.score("ben", noted, None, notes="Hm").status == 200
    skip(team, "ann", scored)
    skip(team, "ben", noted)
    assert give_back(team, scored, noted) == 2
    assert (team.state(scored)[0], team.state(noted)[0]) == ("in_progress", "pending")
    slots = {slot.item_id: slot for slot in Slot.objects.all()}
    assert (slots[scored.pk].state, slots[scored.pk].seat) == ("submitted", None)
    assert (slots[noted.pk].state, slots[noted.pk].notes) == ("reserved", "Hm")
    assert Score.objects.count() == 1
    assert next_of(team, "ann") == str(scored.pk)
    assert team.finish("ann", scored).status == 200
    assert team.state(scored)[0] == "completed"


def test_completed_work_of_others_stays(alice: Caller) -> None:
    team = make_team(alice, "ann", "ben", status="active", annotations_required=2)
    item = team.add()
    team.finish("ann", item)
    skip(team, "ben", item)
    assert team.state(item)[0] == "skipped"
    give_back(team, item)
    assert team.state(item)[0] == "in_progress"
    assert team.finish("ben", item).status == 200
    assert team.state(item)[0] == "completed"


def test_an_open_item_that_one_person_skipped_is_given_back(alice: Caller) -> None:
    team = make_team(alice, "ann", "ben", "cem", status="active", annotations_required=2)
    item, done = team.add(), team.add()
    for one in (item, done):
        skip(team, "ann", one)
    for name in ("ben", "cem"):
        team.finish(name, done)
    assert (team.state(item)[0], team.state(done)[0]) == ("pending", "completed")
    assert next_of(team, "ann") is None
    assert give_back(team, item, done) == 1
    assert next_of(team, "ann") == str(item.pk)
    assert team.slot("ann", done) is not None


def test_other_items_and_a_repeat_change_nothing(team: Team, alice: Caller) -> None:
    other = make_team(alice, "eve", status="active")
    item, foreign = team.add(), other.add()
    skip(other, "eve", foreign)
    assert give_back(team, item, foreign) == 0
    assert other.state(foreign)[0] == "skipped"


def test_only_managers_give_back(team: Team, charlie: Caller) -> None:
    item = team.add()
    skip(team, "ann", item)
    reviewer = team.join("rita", "reviewer")
    for person, error in ((reviewer, Forbidden), (team.people["ann"], Forbidden), (charlie, NotFound)):
        with pytest.raises(error):
            give_back(team, item, by=person.user)
    assert team.state(item)[0] == "skipped"
    team.join("max", "manager")
    assert give_back(team, item, by=team.people["max"].user) == 1
