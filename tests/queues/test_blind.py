"""Others' scores and notes are hidden until one's own work on the item is complete."""

from typing import Any

import pytest

from modelhub.queues.models import Item, Review, Slot
from tests.client import Caller
from tests.queues.team import Team, make_team


@pytest.fixture
def team(alice: Caller) -> Team:
    team = make_team(alice, "dora", "emil", annotations_required=2)
    team.join("rita", "reviewer")
    return team


def seen(team: Team, name: str, item: Item, query: str = "") -> tuple[set[str], set[str]]:
    """Return the annotators of the scores and notes that a person gets."""
    caller = team.people[name]
    listed = caller.get(team.of(item, "annotations") + query)
    detail = caller.get(team.of(item, "annotate-detail") + query)
    assert listed.status == detail.status == 200
    assert listed.body == detail.body["annotations"]
    notes = {note["annotator_id"] for note in detail.body["item_notes"]}
    return {score["annotator_id"] for score in listed.body}, notes


def test_a_blind_queue_shows_others_work_after_ones_own(team: Team) -> None:
    item = team.add()
    dora, emil = (str(team.people[name].user.pk) for name in ("dora", "emil"))
    team.score("dora", item, notes="of Dora")
    assert team.people["dora"].post(team.of(item, "complete")).status == 200
    assert seen(team, "emil", item) == (set(), set())
    team.score("emil", item, notes="of Emil")
    assert seen(team, "emil", item) == ({emil}, {emil})
    assert seen(team, "emil", item, f"?annotator_id={dora}")[0] == set()
    assert seen(team, "rita", item) == ({dora, emil}, {dora, emil})
    assert seen(team, "rita", item, f"?annotator_id={dora}")[0] == {dora}
    assert team.people["emil"].post(team.of(item, "complete")).status == 200
    assert seen(team, "emil", item) == ({dora, emil}, {dora, emil})
    assert team.people["emil"].post(team.of(item, "undo")).status == 200
    assert seen(team, "emil", item) == ({emil}, {emil})


def test_reasons_of_skips_are_for_managers_and_reviewers(team: Team) -> None:
    item = team.add()
    dora, emil, rita = (team.people[name] for name in ("dora", "emil", "rita"))
    reserved = dora.post(team.of(item, "reserve"))
    skipped = dora.post(team.of(item, "skip"), {"reason": "not in English"})
    assert reserved.status == skipped.status == 200
    [skip] = rita.get(team.of(item, "annotate-detail")).body["skips"]
    assert skip.pop("skipped_at").endswith("Z")
    assert skip == {"annotator_id": str(dora.user.pk), "annotator_name": "Dora", "reason": "not in English"}
    for caller in (dora, emil):
        assert "skips" not in caller.get(team.of(item, "annotate-detail")).body
    assert team.score("dora", item).status == 200
    assert rita.get(team.of(item, "annotate-detail")).body["skips"] == []


def test_a_queue_that_is_not_blind_shows_everything(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil", annotations_required=2, blind=False)
    item = team.add()
    team.score("dora", item, notes="of Dora")
    dora = str(team.people["dora"].user.pk)
    assert seen(team, "emil", item) == ({dora}, {dora})


def test_scores_of_a_removed_label_are_left_out(team: Team) -> None:
    item = team.add()
    team.score("dora", item)
    team.queue.queue_labels.all().delete()
    assert seen(team, "rita", item) == (set(), set())


def test_the_detail_has_all_that_a_page_shows(team: Team) -> None:
    items = [team.add(order=number) for number in range(3)]
    team.score("dora", items[1], notes="unsure")
    Slot.objects.update(returned_at="2026-01-01T00:00:00Z")
    comments: list[dict[str, Any]] = [
        {
            "label_id": str(team.labels["star"].pk),
            "target_annotator_id": str(team.people[name].user.pk),
            "comment": name,
        }
        for name in ("dora", "emil")
    ]
    Review.objects.create(
        organization=team.queue.organization,
        item=items[1],
        reviewer=team.people["rita"].user,
        action="reject",
        notes="again",
        label_comments=comments,
    )
    detail = team.people["dora"].get(team.of(items[1], "annotate-detail") + "?reserve=true").body
    assert detail["item"]["id"] == str(items[1].pk)
    assert (detail["prev_item_id"], detail["next_item_id"]) == (str(items[0].pk), str(items[2].pk))
    assert (detail["existing_notes"], detail["queue"]["blind"]) == ("unsure", True)
    assert [label["required"] for label in detail["labels"]] == [True]
    assert detail["progress"] == {"total": 3, "completed": 0, "skipped": 0, "own_completed": 0, "own_skipped": 0}
    [review] = detail["review_comments"]
    assert (review["notes"], [comment["comment"] for comment in review["label_comments"]]) == ("again", ["dora"])
    assert "gold" not in detail["item"]


def test_the_detail_of_a_reserved_item_is_a_409_only_with_reserve(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil")
    item = team.add()
    team.people["dora"].post(team.of(item, "reserve"))
    path = team.of(item, "annotate-detail")
    assert team.people["emil"].get(path).status == 200
    refused = team.people["emil"].get(f"{path}?reserve=true")
    assert (refused.status, refused.body["code"]) == (409, "item_reserved")


def test_strangers_see_nothing(team: Team, bob: Caller, charlie: Caller) -> None:
    item = team.add()
    for caller, status in ((bob, 403), (charlie, 404)):
        for action in ("annotations", "annotate-detail"):
            assert caller.get(team.of(item, action)).status == status
