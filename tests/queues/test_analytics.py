"""`GET /model-hub/annotation-queues/{id}/analytics/` (contract 7.7)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from modelhub.accounts.models import User
from modelhub.core import clock
from modelhub.labels.models import Label
from modelhub.labels.types import get_type
from modelhub.queues import analytics
from modelhub.queues.models import Item, Queue
from modelhub.scores.models import Score
from tests.client import Caller
from tests.factories import (
    ApiKeyFactory,
    ItemFactory,
    LabelFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    ScoreFactory,
    SlotFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.fixture
def queue(alice: Caller) -> Queue:
    return QueueFactory.create(created_by=alice.user)


def path_of(queue: Queue) -> str:
    return f"/model-hub/annotation-queues/{queue.pk}/analytics/"


def read(caller: Caller, queue: Queue) -> Any:
    answer = caller.get(path_of(queue))
    assert answer.status == 200, answer.body
    return answer.body


def attach(queue: Queue, type_: str = "star", **settings: Any) -> Label:
    """Attach a new label to the queue."""
    label = LabelFactory.create(organization=queue.organization, type=type_)
    if settings:
        label.settings = get_type(type_).check_settings(settings)
        label.save()
    QueueLabelFactory.create(queue=queue, label=label)
    return label


def score(item: Item, label: Label, user: User, content: Any, **more: Any) -> Score:
    """Score an item; `content` is under the key of the label's type."""
    value = {get_type(label.type).key: content, "comment": "no part of the value"}
    of_item = {"source": item.source, "queue_item": item.pk, "queue_id": item.queue_id}
    return ScoreFactory.create(label=label, annotator=user, value=value, **of_item, **more)


def values_of(caller: Caller, queue: Queue, label: Label) -> dict[str, int]:
    """Return the distribution of a label, in its order."""
    values: dict[str, int] = read(caller, queue)["label_distribution"][str(label.pk)]["values"]
    return values


def test_an_empty_queue_has_zeros_and_no_division(alice: Caller, queue: Queue) -> None:
    assert read(alice, queue) == {
        "throughput": {"daily": [], "total_completed": 0, "avg_per_day": 0},
        "annotator_performance": [],
        "label_distribution": {},
        "status_breakdown": {"pending": 0, "in_progress": 0, "completed": 0, "skipped": 0},
        "total": 0,
    }


def test_the_breakdown_adds_up_and_has_the_buckets_of_reviews_that_are_used(alice: Caller, queue: Queue) -> None:
    in_review = {"status": "in_progress", "review_status": "pending_review"}
    rejected = {"status": "in_progress", "review_status": "rejected", "reviewed_at": NOON}
    states: list[dict[str, Any]] = [
        {"status": "pending"},
        {"status": "in_progress"},
        {"status": "completed"},
        {"status": "skipped"},
        in_review,
        in_review | {"reviewed_at": NOON},
        rejected,
    ]
    for number, state in enumerate(states, start=1):
        ItemFactory.create_batch(number, queue=queue, **state)
    ItemFactory.create(queue=queue, status="completed", deleted_at=NOON)
    found = read(alice, queue)
    words = ("pending", "in_progress", "completed", "skipped", "in_review", "resubmitted", "needs_changes")
    assert found["status_breakdown"] == dict(zip(words, range(1, 8), strict=True))
    assert found["total"] == sum(range(1, 8))


def test_throughput_has_the_days_of_the_last_thirty_in_utc(
    alice: Caller, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "source", lambda: NOON)
    first, last = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 31, 11, 59, tzinfo=UTC)
    for moment in (first - timedelta(microseconds=1), first, first + timedelta(hours=24, microseconds=-1), last):
        ItemFactory.create(queue=queue, status="completed", completed_at=moment)
    ItemFactory.create(queue=queue, status="completed", completed_at=last, deleted_at=NOON)
    assert read(alice, queue)["throughput"] == {
        "daily": [{"date": "2026-03-02", "count": 2}, {"date": "2026-03-31", "count": 1}],
        "total_completed": 4,
        "avg_per_day": Decimal("0.1"),
    }


def test_a_person_has_the_completed_items_that_it_scored_its_skips_and_its_last_activity(
    alice: Caller, bob: Caller, queue: Queue
) -> None:
    one, other, removed = attach(queue), attach(queue), LabelFactory.create(organization=queue.organization)
    done, done_too = ItemFactory.create_batch(2, queue=queue, status="completed")
    begun = ItemFactory.create(queue=queue, status="in_progress")
    gone = ItemFactory.create(queue=queue, deleted_at=NOON)
    score(done, one, bob.user, 4, updated_at=NOON - timedelta(days=1))
    score(done, other, bob.user, 5, updated_at=NOON - timedelta(days=2))
    score(begun, one, bob.user, 4, updated_at=NOON)
    score(done_too, removed, bob.user, 4, updated_at=NOON + timedelta(days=1))
    score(done_too, one, bob.user, 4, deleted_at=NOON, updated_at=NOON + timedelta(days=1))
    for item in (begun, gone):
        SlotFactory.create(item=item, user=alice.user, state="skipped", ended_at=NOON)
    nothing = {"answered": 0, "correct": 0, "accuracy": None}
    assert read(alice, queue)["annotator_performance"] == [
        {
            "user_id": str(user.pk),
            "name": user.name,
            "completed": completed,
            "skips": skips,
            "last_active": "2026-03-31T12:00:00.000000Z",
            "gold": nothing,
        }
        for user, completed, skips in ((alice.user, 0, 1), (bob.user, 1, 0))
    ]


def test_a_judge_is_among_the_users_with_completed_items_and_gold_answers(
    alice: Caller, bob: Caller, queue: Queue
) -> None:
    star = attach(queue)
    item = ItemFactory.create(queue=queue, status="completed", gold=True, expected={str(star.pk): {"rating": 4}})
    score(item, star, bob.user, 4, score_source="model")
    [judge] = read(alice, queue)["annotator_performance"]
    gold = {"answered": 1, "correct": 1, "accuracy": 1}
    assert (judge["name"], judge["completed"], judge["gold"]) == (bob.user.name, 1, gold)


def test_a_distribution_has_plain_values_by_attached_label(alice: Caller, bob: Caller, queue: Queue) -> None:
    star, number, thumbs, text = (attach(queue, type_) for type_ in ("star", "numeric", "thumbs_up_down", "text"))
    removed = LabelFactory.create(organization=queue.organization)
    one, two, three = ItemFactory.create_batch(3, queue=queue)
    for item, stars, value, thumb, words in (
        (one, 4, 7, "up", "caf\u00e9"),
        (two, 4, Decimal("7.0"), "down", "cafe\u0301"),
        (three, 2, Decimal("7.50"), "up", "tea"),
    ):
        for label, content in ((star, stars), (number, value), (thumbs, thumb), (text, words)):
            score(item, label, bob.user, content)
    score(one, star, bob.user, 1, deleted_at=NOON)
    score(one, removed, bob.user, 1)
    ScoreFactory.create(label=star, source=one.source, annotator=bob.user, value={"rating": 1})
    found = read(alice, queue)["label_distribution"]
    assert found == {
        str(label.pk): {"name": label.name, "type": label.type, "values": values, "other": 0}
        for label, values in (
            (star, {"4": 2, "2": 1}),
            (number, {"7": 2, "7.5": 1}),
            (thumbs, {"up": 2, "down": 1}),
            (text, {"caf\u00e9": 2, "tea": 1}),
        )
    }
    assert list(found[str(star.pk)]["values"]) == ["4", "2"], "the most frequent value is first"


def test_each_selected_option_counts_once_under_its_label(alice: Caller, bob: Caller, queue: Queue) -> None:
    options = [{"label": "Good", "value": "g"}, {"label": "Long", "value": "l"}]
    label = attach(queue, "categorical", options=options, multi_choice=True)
    contents: list[list[str]] = [["Good", "Long"], ["l", "Good"], ["g"], ["gone"]]
    for content in contents:
        score(ItemFactory.create(queue=queue), label, bob.user, content)
    assert values_of(alice, queue, label) == {"Good": 3, "Long": 2, "gone": 1}


def test_a_label_with_unfit_settings_is_counted_as_it_is_stored(alice: Caller, bob: Caller, queue: Queue) -> None:
    label = attach(queue, "categorical")
    Label.objects.filter(pk=label.pk).update(settings={})
    score(ItemFactory.create(queue=queue), label, bob.user, ["positive"])
    assert values_of(alice, queue, label) == {"positive": 1}


@pytest.mark.parametrize(
    ("most", "values", "other"),
    [(2, {"a": 2, "b": 2}, 4), (1000, {"a": 2, "b": 2, "c": 1, "x" * 255: 1}, 2)],
)
def test_rare_values_and_long_texts_are_counted_as_other(
    alice: Caller,
    bob: Caller,
    queue: Queue,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    values: dict[str, int],
    other: int,
) -> None:
    monkeypatch.setattr(analytics, "MOST_VALUES", most)
    label = attach(queue, "text")
    for text in ("a", "a", "b", "b", "c", "x" * 255, "x" * 256, "x" * 256):
        score(ItemFactory.create(queue=queue), label, bob.user, text)
    found = read(alice, queue)["label_distribution"][str(label.pk)]
    assert found == {"name": label.name, "type": "text", "values": values, "other": other}


def test_gold_items_check_the_values_of_each_person(alice: Caller, bob: Caller, queue: Queue) -> None:
    star, number, text = (attach(queue, type_) for type_ in ("star", "numeric", "text"))
    options = [{"label": "Good", "value": "g"}, "Long", "Rude"]
    several = attach(queue, "categorical", options=options, multi_choice=True)
    removed = LabelFactory.create(organization=queue.organization)
    expected = {
        str(star.pk): {"rating": 4},
        str(number.pk): {"value": 7},
        str(text.pk): {"text": "caf\u00e9"},
        str(several.pk): {"selected": ["Good", "Long"]},
        str(removed.pk): {"rating": 4},
    }
    gold = ItemFactory.create(queue=queue, gold=True, expected=expected)
    only_stars = ItemFactory.create(queue=queue, gold=True, expected={str(star.pk): {"rating": 1}})
    once_gold = ItemFactory.create(queue=queue, expected=expected)
    gone = ItemFactory.create(queue=queue, gold=True, expected=expected, deleted_at=NOON)
    for label, right, wrong in (
        (star, 4, 3),
        (number, Decimal("7.0"), 8),
        (text, "cafe\u0301", "cafe"),
        (several, ["Long", "g"], ["Good"]),
        (removed, 4, 4),
    ):
        for item in (gold, once_gold, gone):
            score(item, label, alice.user, right)
            score(item, label, bob.user, wrong)
    score(only_stars, star, bob.user, 1)
    score(only_stars, number, bob.user, 1)  # nothing is expected
    # The same source in another queue, and outside of queues.
    elsewhere = ItemFactory.create(queue__created_by=alice.user, source=gold.source)
    score(elsewhere, star, bob.user, 4)
    ScoreFactory.create(label=star, source=gold.source, annotator=bob.user, value={"rating": 4})
    found = {one["name"]: one["gold"] for one in read(alice, queue)["annotator_performance"]}
    assert found == {
        "Alice": {"answered": 4, "correct": 4, "accuracy": 1},
        "Bob": {"answered": 5, "correct": 1, "accuracy": Decimal("0.2")},
    }


def test_it_needs_the_right_to_manage_or_to_review(alice: Caller, bob: Caller, charlie: Caller, queue: Queue) -> None:
    assert bob.get(path_of(queue)).body["code"] == "queue_role"
    member = QueueMemberFactory.create(queue=queue, user=bob.user)
    for roles, status in ((["annotator"], 403), (["reviewer"], 200), (["annotator", "manager"], 200)):
        member.roles = roles
        member.save()
        assert bob.get(path_of(queue)).status == status, roles
    assert Caller(ApiKeyFactory.create(user=bob.user, scopes=["annotate"])).get(path_of(queue)).status == 403
    assert charlie.get(path_of(queue)).status == 404


def test_the_statements_do_not_grow_with_people_labels_and_items(alice: Caller, queue: Queue) -> None:
    alice.get(path_of(queue))  # records the use of the key
    numbers = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            read(alice, queue)
        numbers.append(len(captured))
        for user in UserFactory.create_batch(3, organization=queue.organization):
            label = attach(queue)
            item = ItemFactory.create(queue=queue, gold=True, expected={str(label.pk): {"rating": 4}})
            score(item, label, user, 4)
    assert numbers == [8, 8]
