"""Submit and import scores of items."""

import uuid
from typing import Any

import pytest
from django.conf import settings

from modelhub.queues.models import Item, Queue
from modelhub.scores.models import Score, ScoreRevision
from tests.client import Caller
from tests.factories import LabelFactory, ScoreFactory
from tests.queues.team import Team, make_team


@pytest.fixture
def team(alice: Caller) -> Team:
    return make_team(alice, "dora", "emil")


def submit(team: Team, name: str, item: Item, *entries: object, **more: Any) -> Any:
    return team.people[name].post(team.of(item, "annotations/submit"), {"annotations": entries, **more})


def test_scores_belong_to_the_item_and_begin_it(team: Team) -> None:
    item = team.add()
    answer = team.score("dora", item, 4, notes="no source")
    assert (answer.status, answer.body) == (200, {"submitted": 1, "skipped": []})
    score = Score.objects.get()
    assert (score.queue_item, score.queue_id, score.score_source) == (item.pk, team.queue.pk, "human")
    assert team.state(item) == ("in_progress", "")
    slot = team.slot("dora", item)
    assert slot is not None
    assert (slot.state, slot.seat, slot.notes) == ("submitted", 1, "no source")
    assert team.score("dora", item, 2, notes="").status == 200
    assert [score.value for score in Score.objects.all()] == [{"rating": 2}]
    assert ScoreRevision.objects.count() == 1
    slot.refresh_from_db()
    assert slot.notes == ""


def test_blank_values_and_other_labels_are_not_counted(team: Team) -> None:
    text, numeric = team.attach("text", required=False), team.attach("numeric", required=False)
    other = LabelFactory.create(organization=team.queue.organization)
    star, item = team.labels["star"], team.add()
    empty: list[Any] = [None, "", [], 0, {"rating": 0}, {"rating": None}]
    blank = [{"label_id": str(star.pk), "value": value} for value in empty]
    blank += [{"label_id": str(text.pk), "value": ""}, {"label_id": str(text.pk), "value": {"text": ""}}]
    answer = submit(team, "dora", item, *blank, {"label_id": str(other.pk), "value": 3})
    assert (answer.status, answer.body["submitted"]) == (200, 0)
    assert answer.body["skipped"] == [str(star.pk), str(text.pk), str(other.pk)]
    assert (team.state(item), team.slot("dora", item)) == (("pending", ""), None)
    zero = {"labelId": str(numeric.pk), "value": 0}
    assert submit(team, "dora", item, zero, blank[0]).body == {"submitted": 1, "skipped": [str(star.pk)]}


def test_the_last_of_two_entries_of_one_label_counts(team: Team) -> None:
    star, item = str(team.labels["star"].pk), team.add()
    entries = [{"label_id": star, "value": value} for value in (1, 5, None)]
    assert submit(team, "dora", item, *entries).body == {"submitted": 1, "skipped": []}
    assert Score.objects.get().value == {"rating": 5}


def test_a_refused_value_names_its_label_and_stores_nothing(team: Team) -> None:
    text, star = team.attach("text", required=False), team.labels["star"]
    item = team.add()
    answer = submit(
        team, "dora", item, {"label_id": str(text.pk), "value": "good"}, {"label_id": str(star.pk), "value": 9}
    )
    assert answer.status == 400
    sentence = f"annotations[1]: Label {star.pk} ({star.name}, star): rating must be a whole number"
    assert answer.body["message"].startswith(sentence)
    assert answer.body["errors"]["annotations"][0].startswith(sentence)
    assert (Score.objects.count(), team.slot("dora", item), team.state(item)) == (0, None, ("pending", ""))


@pytest.mark.parametrize(
    "annotations", [[], None, "x", {}, [3], [{}], [{"label_id": 3, "value": 1}], [{"label_id": "x", "value": 1}]]
)
def test_a_body_that_cannot_be_understood_is_one_sentence(team: Team, annotations: object) -> None:
    item = team.add()
    answer = team.people["dora"].post(team.of(item, "annotations/submit"), {"annotations": annotations})
    assert (answer.status, "scores[" in answer.body["message"]) == (400, False)
    assert team.slot("dora", item) is None


def test_errors_have_the_numbers_of_the_sent_entries(team: Team) -> None:
    text, star = (str(team.attach("text", required=False).pk), str(team.labels["star"].pk))
    blank, other = {"label_id": text, "value": ""}, {"label_id": str(uuid.uuid4()), "value": 1}
    answer = submit(
        team, "dora", team.add(), blank, {"label_id": star, "value": 1}, other, {"label_id": star, "value": 9}, 3
    )
    assert [sentence.split(":")[0] for sentence in answer.body["errors"]["annotations"]] == [
        "annotations[3]",
        "annotations[4]",
    ]


@pytest.mark.parametrize(
    "entry", [{"value": 3, "score_sorce": "api"}, {"value": 3, "score_source": "nobody"}, {"value": 3, "notes": 4}, {}]
)
def test_a_wrong_entry_is_a_400(team: Team, entry: dict[str, Any]) -> None:
    answer = submit(team, "dora", team.add(), {"label_id": str(team.labels["star"].pk), **entry})
    assert answer.status == 400
    assert Score.objects.count() == 0


def test_notes_alone_are_kept_and_too_long_ones_refused(team: Team) -> None:
    item, star = team.add(), str(team.labels["star"].pk)
    assert submit(team, "dora", item, {"label_id": star, "value": None}, notes="unsure").body["submitted"] == 0
    slot = team.slot("dora", item)
    assert slot is not None
    assert slot.notes == "unsure"
    long = "x" * (settings.MAX_NOTES_LENGTH + 1)
    assert team.score("dora", item, 3, notes=long).body["code"] == "notes_too_long"


def test_completed_work_is_changed_also_in_a_completed_queue(team: Team) -> None:
    item = team.add()
    assert team.finish("dora", item, 4).status == 200
    assert team.status() == "completed"
    assert team.score("dora", item, 1, notes="changed my mind").body == {"submitted": 1, "skipped": []}
    assert (team.state(item), team.status()) == (("completed", ""), "completed")
    slot = team.slot("dora", item)
    assert slot is not None
    assert (slot.state, slot.notes) == ("completed", "changed my mind")
    refused = team.score("emil", item)
    assert (refused.status, refused.body["code"]) == (400, "queue_not_active")


def test_work_in_review_is_not_changed(alice: Caller) -> None:
    team = make_team(alice, "dora", requires_review=True)
    item = team.add()
    assert team.finish("dora", item).status == 200
    for fields in ({}, {"status": "completed", "review_status": "approved"}):
        Item.objects.filter(pk=item.pk).update(**fields)
        refused = team.score("dora", item, 1)
        assert (refused.status, refused.body["code"]) == (400, "item_in_review")


def test_a_skipped_item_of_a_completed_queue_opens_it_again(team: Team) -> None:
    item = team.add()
    assert team.people["dora"].post(team.of(item, "skip")).status == 200
    Queue.objects.filter(pk=team.queue.pk).update(status="completed")
    assert team.score("emil", item).status == 200
    assert (team.state(item), team.status()) == (("in_progress", ""), "active")


def test_a_change_of_completed_work_opens_no_skipped_item_and_no_queue(alice: Caller) -> None:
    team = make_team(alice, "dora", "emil", annotations_required=2)
    item = team.add()
    assert team.finish("dora", item).status == 200
    assert team.people["emil"].post(team.of(item, "skip")).status == 200
    Queue.objects.filter(pk=team.queue.pk).update(status="completed")
    assert team.score("dora", item, 1).status == 200
    assert (team.state(item), team.status()) == (("skipped", ""), "completed")


def test_an_import_changes_no_status(team: Team, alice: Caller) -> None:
    item, star = team.add(), str(team.labels["star"].pk)
    Queue.objects.filter(pk=team.queue.pk).update(status="paused")
    body = {"annotations": [{"label_id": star, "value": 5}], "annotator_id": str(team.people["dora"].user.pk)}
    answer = alice.post(team.of(item, "annotations/import"), body)
    assert (answer.status, answer.body) == (200, {"imported": 1, "skipped": []})
    score = Score.objects.get()
    assert (score.annotator_id, score.score_source) == (team.people["dora"].user.pk, "imported")
    assert (team.state(item), team.slot("dora", item)) == (("pending", ""), None)
    by_email = {"annotations": [{"label_id": star, "value": 9}], "annotator_email": team.people["emil"].user.email}
    assert alice.post(team.of(item, "annotations/import"), by_email).status == 400
    unknown = {"annotations": [{"label_id": star, "value": 5}], "annotator_id": star}
    assert alice.post(team.of(item, "annotations/import"), unknown).body["code"] == "annotator_not_found"
    assert team.people["dora"].post(team.of(item, "annotations/import"), body).status == 403
    assert Score.objects.count() == 1


def test_a_key_acts_as_a_member(team: Team, alice: Caller) -> None:
    type(alice.key).objects.filter(pk=alice.key.pk).update(scopes=["read", "write", "act-as"])
    item, dora = team.add(), team.people["dora"].user
    body = {"annotations": [{"label_id": str(team.labels["star"].pk), "value": 5}], "annotator_email": dora.email}
    assert alice.post(team.of(item, "annotations/submit"), body).status == 200
    assert Score.objects.get().annotator_id == dora.pk
    assert alice.post(team.of(item, "complete"), {"annotator_id": str(dora.pk)}).status == 200
    answer = team.people["dora"].post(team.of(item, "complete"), {"annotator_id": str(alice.user.pk)})
    assert (answer.status, answer.body["code"]) == (403, "scope")


def test_scores_of_queues_are_changed_by_admins_only(team: Team, alice: Caller) -> None:
    member = team.join("mona", scopes=("read", "write"))
    item = team.add()
    assert team.finish("mona", item).status == 200
    score, free = Score.objects.get(), ScoreFactory.create(source=item.source, annotator=member.user)
    path = f"/model-hub/scores/{score.pk}/"
    for answer in (member.patch(path, {"value": 1}), member.put(path, {"value": 1}), member.delete(path)):
        assert (answer.status, answer.body["code"]) == (409, "queue_score")
        assert "change it with submit on its item" in answer.body["message"]
    ids = {"ids": [str(score.pk), str(free.pk)]}
    answer = member.post("/model-hub/scores/bulk-delete/", ids)
    assert (answer.body["deleted"], len(answer.body["errors"])) == (1, 1)
    mine = {"filter": {"annotator_id": str(member.user.pk)}}
    assert member.post("/model-hub/scores/bulk-delete/", mine).body["code"] == "queue_score"
    shown = member.get(path).body
    assert (shown["queue_item"], shown["queue_id"]) == (str(item.pk), str(team.queue.pk))
    assert alice.patch(path, {"value": 1}).status == 200
    assert alice.delete(path).status == 200


def test_a_score_outside_of_the_queue_touches_no_item(team: Team) -> None:
    member = team.join("mona", scopes=("read", "write"))
    item = team.add()
    member.bulk(item.source, [{"label_id": str(team.labels["star"].pk), "value": 4}])
    assert (team.state(item), team.status()) == (("pending", ""), "active")
    assert team.score("mona", item, 2).status == 200
    assert {score.queue_item for score in Score.objects.all()} == {None, item.pk}
