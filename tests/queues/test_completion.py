"""When an item is done, and when its queue is."""

from datetime import UTC, datetime

import pytest
from django.db import transaction

from modelhub.accounts.models import User
from modelhub.queues.completion import reopen_items_missing, settle, settle_all, settle_skipped
from modelhub.queues.models import Item, Slot
from modelhub.scores.models import SCORE_SOURCES
from tests.client import Caller
from tests.factories import ScoreFactory
from tests.queues.team import Team, make_team

PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)


def slot(team: Team, item: Item, name: str, state: str, *, until: datetime = FUTURE) -> Slot:
    """Store a slot past the API."""
    ends = {"ended_at": PAST} if state in ("completed", "skipped") else {"reserved_until": until}
    user = team.people[name].user
    return Slot.objects.create(
        organization=team.queue.organization, queue=team.queue, item=item, user=user, state=state, **ends
    )


def import_score(team: Team, item: Item, user: User, type_: str = "star", *, score_source: str = "imported") -> None:
    ScoreFactory.create(
        source=item.source,
        label=team.labels[type_],
        annotator=user,
        queue_item=item.pk,
        queue_id=team.queue.pk,
        score_source=score_source,
    )


def settled(team: Team, item: Item) -> tuple[str, str]:
    with transaction.atomic():
        settle(team.queue, item)
    assert (item.status, item.review_status) == team.state(item)
    return item.status, item.review_status


def test_an_item_is_done_with_the_required_number_of_completed_slots(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil", annotations_required=2)
    item = team.add()
    assert settled(team, item) == ("pending", "")
    slot(team, item, "dora", "reserved")
    assert settled(team, item) == ("pending", "")
    Slot.objects.all().delete()
    slot(team, item, "dora", "completed")
    assert settled(team, item) == ("in_progress", "")
    slot(team, item, "emil", "completed")
    assert settled(team, item) == ("completed", "")
    assert item.completed_at is not None
    assert team.status() == "completed"


def test_with_a_review_a_done_item_waits_for_it(alice: Caller) -> None:
    team = make_team(alice, "dora", requires_review=True)
    item = team.add()
    slot(team, item, "dora", "completed")
    assert settled(team, item) == ("in_progress", "pending_review")
    assert (item.completed_at, team.status()) == (None, "active")


def test_imported_scores_count_for_a_person_who_covers_every_required_label(alice: Caller) -> None:
    team = make_team(alice, "dora")
    team.attach("text", required=True)
    item = team.add()
    import_score(team, item, team.people["dora"].user)
    assert settled(team, item) == ("in_progress", "")
    import_score(team, item, team.people["dora"].user, "text")
    assert settled(team, item) == ("completed", "")


def test_scores_of_a_person_with_an_open_slot_count_when_it_is_completed(alice: Caller) -> None:
    team = make_team(alice, "dora")
    item = team.add()
    import_score(team, item, team.people["dora"].user)
    slot(team, item, "dora", "submitted")
    assert settled(team, item) == ("in_progress", "")


@pytest.mark.parametrize("word", SCORE_SOURCES)
def test_scores_of_judges_change_no_status(alice: Caller, word: str) -> None:
    team = make_team(alice, "dora", "judge", annotations_required=2)
    item = team.add()
    import_score(team, item, team.people["judge"].user, score_source=word)
    is_person = word not in ("auto", "model", "automation")
    assert settled(team, item) == ("in_progress" if is_person else "pending", "")
    slot(team, item, "dora", "completed")
    assert settled(team, item) == ("completed" if is_person else "in_progress", "")


def test_a_judge_takes_no_place_of_three_people(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil", "fay", annotations_required=3)
    judge = team.join("judge", "reviewer").user
    item = team.add()
    annotations = [{"label_id": str(team.labels["star"].pk), "value": 2, "score_source": "model"}]
    answer = alice.post(
        team.of(item, "annotations/import"), {"annotator_email": judge.email, "annotations": annotations}
    )
    assert (answer.status, answer.body["imported"], team.state(item)) == (200, 1, ("pending", ""))
    for name, status in (("dora", "in_progress"), ("emil", "in_progress"), ("fay", "completed")):
        assert team.finish(name, item).status == 200
        assert team.state(item) == (status, "")


def test_a_judge_covers_no_required_label_of_its_user(alice: Caller) -> None:
    """Of a user with scores of both ways, those of a person count."""
    team = make_team(alice, "dora")
    team.attach("text", required=True)
    item = team.add()
    user = team.people["dora"].user
    import_score(team, item, user)
    import_score(team, item, user, "text", score_source="model")
    assert settled(team, item) == ("in_progress", "")


def test_a_judge_completes_nothing_without_required_labels(alice: Caller) -> None:
    team = make_team(alice, "dora")
    team.queue.queue_labels.update(required=False)
    item = team.add()
    import_score(team, item, team.people["dora"].user, score_source="auto")
    assert settled(team, item) == ("pending", "")


@pytest.mark.parametrize("overlap", [1, 2])
def test_a_judge_does_not_keep_an_item_from_being_skipped(alice: Caller, overlap: int) -> None:
    team = make_team(alice, "dora", annotations_required=overlap)
    judge = team.join("judge", "reviewer").user
    item = team.add()
    import_score(team, item, judge, score_source="model")
    slot(team, item, "dora", "skipped")
    assert settled(team, item) == ("skipped", "")


def test_own_work_counts_also_with_the_source_of_a_judge(alice: Caller) -> None:
    team = make_team(alice, "dora")
    item = team.add()
    annotations = [{"label_id": str(team.labels["star"].pk), "value": 2, "score_source": "model"}]
    assert team.people["dora"].post(team.of(item, "annotations/submit"), {"annotations": annotations}).status == 200
    assert team.state(item) == ("in_progress", "")
    answer = team.people["dora"].post(team.of(item, "complete"))
    assert (answer.status, answer.body["missing_labels"]) == (200, [])
    assert team.state(item) == ("completed", "")


def test_scores_outside_of_the_queue_do_not_count(alice: Caller) -> None:
    team = make_team(alice, "dora")
    item = team.add()
    ScoreFactory.create(source=item.source, label=team.labels["star"], annotator=team.people["dora"].user)
    assert settled(team, item) == ("pending", "")


def test_one_skip_closes_an_item_that_one_person_judges(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil")
    item = team.add()
    slot(team, item, "dora", "skipped")
    assert settled(team, item) == ("skipped", "")
    assert team.status() == "active"


def test_a_skip_does_not_close_an_item_that_another_person_holds(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil")
    held, expired = team.add(), team.add()
    for item, until in ((held, FUTURE), (expired, PAST)):
        slot(team, item, "dora", "skipped")
        slot(team, item, "emil", "reserved", until=until)
    assert settled(team, held) == ("pending", "")
    assert settled(team, expired) == ("skipped", "")


def test_with_overlap_an_item_is_skipped_when_nobody_is_left(alice: Caller) -> None:
    """Reviewers and inactive people do not count as left."""
    team = make_team(alice, "dora", "emil", "gone", annotations_required=2)
    team.join("rita", "reviewer")
    User.objects.filter(pk=team.people["gone"].user.pk).update(is_active=False)
    item = team.add()
    slot(team, item, "dora", "skipped")
    assert settled(team, item) == ("pending", "")
    slot(team, item, "emil", "skipped")
    assert settled(team, item) == ("skipped", "")


def test_with_overlap_completed_work_keeps_no_item_open_when_nobody_is_left(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil", annotations_required=2)
    item = team.add()
    slot(team, item, "dora", "completed")
    assert settled(team, item) == ("in_progress", "")
    slot(team, item, "emil", "skipped")
    assert settled(team, item) == ("skipped", "")
    team.join("fred")
    found = team.people["fred"].get(f"{team.path}next-item/?reserve=false").body
    assert found["item"]["id"] == str(item.pk)


def test_with_overlap_only_assigned_people_are_left(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil", annotations_required=2)
    item = team.add(is_assigned=True)
    item.assignments.create(organization=item.organization, queue=team.queue, user=team.people["dora"].user)
    slot(team, item, "dora", "skipped")
    assert settled(team, item) == ("skipped", "")


def test_a_completed_item_stays_completed(alice: Caller) -> None:
    team = make_team(alice, "dora")
    item = team.add(status="completed", completed_at=PAST)
    assert settled(team, item) == ("completed", "")
    assert team.status() == "active"


def test_a_skipped_item_and_a_default_queue_keep_the_queue_open(alice: Caller) -> None:
    team = make_team(alice, "dora")
    team.add(status="skipped")
    item = team.add()
    slot(team, item, "dora", "completed")
    assert settled(team, item) == ("completed", "")
    assert team.status() == "active"
    default = make_team(alice, "emil", is_default=True)
    item = default.add()
    slot(default, item, "emil", "completed")
    assert settled(default, item) == ("completed", "")
    assert default.status() == "active"


def test_fewer_required_annotations_settle_the_items_that_have_enough(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil", annotations_required=2)
    done, waiting, skipped = team.add(status="in_progress"), team.add(), team.add()
    slot(team, done, "dora", "completed")
    slot(team, skipped, "dora", "skipped")
    team.queue.annotations_required = 1
    with transaction.atomic():
        settle_all(team.queue)
    assert [team.state(item)[0] for item in (done, waiting, skipped)] == ["completed", "pending", "skipped"]


def test_a_skipped_item_that_imports_have_completed_completes_the_queue_with_the_next_assignment(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil")
    item = team.add(status="skipped")
    slot(team, item, "dora", "skipped")
    import_score(team, item, team.people["emil"].user)
    with transaction.atomic():
        settle_skipped(team.queue, [item.pk])
    assert (team.state(item), team.status()) == (("completed", ""), "completed")


def test_a_queue_that_its_manager_activated_again_stays_active_without_an_open_item(alice: Caller) -> None:
    team = make_team(alice, "dora")
    team.add(status="completed", completed_at=PAST)
    with transaction.atomic():
        settle_all(team.queue)
    assert team.status() == "active"


def test_a_label_that_becomes_required_reopens_items_without_it(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil", status="completed")
    old = team.add(status="completed", completed_at=PAST)
    scored = team.add(status="completed", completed_at=PAST)
    reviewed = team.add(status="in_progress", review_status="pending_review")
    begun = team.add(status="in_progress")
    text = team.attach("text")
    for item in (old, scored, reviewed, begun):
        slot(team, item, "dora", "completed")
    import_score(team, scored, team.people["dora"].user, "text")
    with transaction.atomic():
        assert reopen_items_missing(team.queue, text) == 2
    assert team.state(old) == team.state(reviewed) == team.state(begun) == ("in_progress", "")
    assert team.state(scored) == ("completed", "")
    assert old.completed_at is None
    assert (team.queue.status, team.status()) == ("active", "active")
    states = dict(Slot.objects.values_list("item", "state"))
    assert [states[item.pk] for item in (old, scored, reviewed, begun)] == [
        "submitted",
        "completed",
        "submitted",
        "submitted",
    ]
    renewed = Slot.objects.get(item=old)
    assert renewed.reserved_until is not None
    assert renewed.reserved_until > PAST
    assert renewed.ended_at is None
    with transaction.atomic():
        assert reopen_items_missing(team.queue, text) == 0


def test_a_judge_with_a_label_that_becomes_required_leaves_the_item_open(alice: Caller) -> None:
    team = make_team(alice, "dora")
    judge = team.join("judge", "reviewer").user
    item = team.add(status="completed", completed_at=PAST)
    text = team.attach("text")
    slot(team, item, "dora", "completed")
    for type_ in ("star", "text"):
        import_score(team, item, judge, type_, score_source="model")
    with transaction.atomic():
        assert reopen_items_missing(team.queue, text) == 1
    assert team.state(item) == ("in_progress", "")


def test_fewer_required_annotations_complete_no_item_of_a_judge(alice: Caller) -> None:
    team = make_team(alice, "dora", annotations_required=2)
    judge = team.join("judge", "reviewer").user
    judged, imported = team.add(), team.add()
    import_score(team, judged, judge, score_source="automation")
    import_score(team, imported, judge)
    team.queue.annotations_required = 1
    with transaction.atomic():
        settle_all(team.queue)
    assert [team.state(item)[0] for item in (judged, imported)] == ["pending", "completed"]


def test_an_item_with_enough_completed_work_by_a_label_that_becomes_required_stays_done(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil", annotations_required=1)
    item = team.add(status="completed", completed_at=PAST)
    text = team.attach("text")
    slot(team, item, "dora", "completed")
    slot(team, item, "emil", "completed")
    import_score(team, item, team.people["emil"].user, "star")
    import_score(team, item, team.people["emil"].user, "text")
    with transaction.atomic():
        assert reopen_items_missing(team.queue, text) == 0
    assert team.state(item) == ("completed", "")
