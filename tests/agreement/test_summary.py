"""`GET /model-hub/annotations-labels/{id}/summary/` (contract 7.12)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from modelhub.accounts.models import User
from modelhub.agreement import summary
from modelhub.core import clock
from modelhub.labels.models import Label
from modelhub.labels.types import get_type
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from tests.client import Caller
from tests.factories import ApiKeyFactory, ItemFactory, LabelFactory, ScoreFactory, SourceFactory, UserFactory

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
NOTHING = {"mean": None, "median": None, "minimum": None, "maximum": None}


def path_of(label: Label) -> str:
    return f"/model-hub/annotations-labels/{label.pk}/summary/"


def read(caller: Caller, label: Label, query: str = "") -> Any:
    answer = caller.get(path_of(label) + query)
    assert answer.status == 200, answer.body
    return answer.body


def values_of(caller: Caller, label: Label) -> list[tuple[Any, int]]:
    return [(one["value"], one["count"]) for one in read(caller, label)["distribution"]]


def make_label(caller: Caller, type_: str, **settings: Any) -> Label:
    label = LabelFactory.create(organization=caller.user.organization, type=type_)
    if settings:
        label.settings = get_type(type_).check_settings(settings)
        label.save()
    return label


def score(label: Label, content: Any, annotator: User, source: Source | None = None, **more: Any) -> Score:
    """Score a source, by default a new one; `content` is under the key of the label's type."""
    source = source or SourceFactory.create(organization=label.organization)
    value = {get_type(label.type).key: content, "comment": "no part of the value"}
    return ScoreFactory.create(label=label, source=source, annotator=annotator, value=value, **more)


def test_a_label_without_scores_has_zeros_and_nulls(alice: Caller, labels: dict[str, Label]) -> None:
    for type_, label in labels.items():
        assert read(alice, label) == {
            "label_id": str(label.pk),
            "label_name": label.name,
            "label_type": type_,
            **dict.fromkeys(("count", "annotators", "sources", "other"), 0),
            **{name: [] for name in ("distribution", "per_annotator", "over_time")},
            **NOTHING,
            "score_sources": {},
            "first_at": None,
            "last_at": None,
        }


def test_every_field_of_stars(alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]) -> None:
    star = labels["star"]
    evening = NOON + timedelta(hours=11, minutes=59)
    score(star, 5, alice.user, trace, created_at=NOON)
    score(star, 2, bob.user, trace, created_at=evening, score_source="api")
    score(star, 5, bob.user, created_at=evening + timedelta(minutes=1))
    score(star, 4, bob.user, created_at=evening + timedelta(minutes=2), updated_at=NOON)
    score(star, 1, bob.user, deleted_at=NOON)
    score(labels["numeric"], 1, bob.user)
    assert read(alice, star) == {
        "label_id": str(star.pk),
        "label_name": "Star",
        "label_type": "star",
        "count": 4,
        "annotators": 2,
        "sources": 3,
        "distribution": [
            {"value": 2, "count": 1, "share": Decimal("0.25")},
            {"value": 4, "count": 1, "share": Decimal("0.25")},
            {"value": 5, "count": 2, "share": Decimal("0.5")},
        ],
        "other": 0,
        "mean": 4,
        "median": Decimal("4.5"),
        "minimum": 2,
        "maximum": 5,
        "per_annotator": [
            {
                "annotator_id": str(bob.user.pk),
                "annotator_name": "Bob",
                "count": 3,
                "mean": Decimal("3.6666666666666667"),
            },
            {"annotator_id": str(alice.user.pk), "annotator_name": "Alice", "count": 1, "mean": 5},
        ],
        "over_time": [
            {"date": "2026-03-31", "count": 2, "mean": Decimal("3.5")},
            {"date": "2026-04-01", "count": 2, "mean": Decimal("4.5")},
        ],
        "score_sources": {"api": 1, "human": 3},
        "first_at": "2026-03-31T12:00:00.000000Z",
        "last_at": "2026-04-01T00:01:00.000000Z",
    }


def test_scores_of_queues_and_outside_of_them_count(alice: Caller, labels: dict[str, Label]) -> None:
    item = ItemFactory.create(queue__created_by=alice.user)
    score(labels["star"], 4, alice.user, item.source, queue_item=item.pk, queue_id=item.queue_id)
    score(labels["star"], 4, alice.user, item.source)
    found = read(alice, labels["star"])
    assert (found["count"], found["sources"], found["annotators"]) == (2, 1, 1)


@pytest.mark.parametrize(
    ("numbers", "mean", "median"),
    [
        ([3], 3, 3),
        ([1, 2], Decimal("1.5"), Decimal("1.5")),
        ([1, 1, 1, 10], Decimal("3.25"), 1),
        ([1, 1, 2, 2, 9], 3, 2),
        ([5, 1, 1, 9, 9, 9], Decimal("5.6666666666666667"), 7),
        ([Decimal("0.1"), Decimal("0.2"), Decimal("0.3")], Decimal("0.2"), Decimal("0.2")),
        ([10**399, 10**399 + 2], 10**399 + 1, 10**399 + 1),
        ([Decimal(f"{10**39}.1"), Decimal(f"{10**39}.2")], Decimal(f"{10**39}.2"), Decimal(f"{10**39}.15")),
        ([Decimal("1e-300"), Decimal("3e-300")], Decimal("2e-300"), Decimal("2e-300")),
        ([-7, 0, Decimal("7.5")], Decimal("0.16666666666666666667"), 0),
    ],
)
def test_mean_and_median_are_exact(alice: Caller, numbers: list[Any], mean: Any, median: Any) -> None:
    label = make_label(alice, "numeric")
    for number in numbers:
        score(label, number, alice.user)
    found = read(alice, label)
    assert (found["mean"], found["median"]) == (mean, median)
    assert (found["minimum"], found["maximum"]) == (min(numbers), max(numbers))
    assert [one["value"] for one in found["distribution"]] == sorted(set(numbers))


def test_numbers_of_thousands_of_digits_are_counted_within_the_size_of_an_answer(
    alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = make_label(alice, "numeric")
    for number in (10**4000, 10**4000 + 2, Decimal(f"1{'0' * 60_000}.5")):
        score(label, number, alice.user)
    assert read(alice, label)["median"] == 10**4000 + 2
    monkeypatch.setattr(summary, "MAX_ANSWER_BYTES", 50_000)
    answer = alice.get(path_of(label))
    assert (answer.status, answer.body["code"]) == (400, "answer_too_large")


def test_equal_numbers_are_one_value(alice: Caller) -> None:
    label = make_label(alice, "numeric")
    for content in (7, Decimal("7.0"), Decimal("7.50")):
        score(label, content, alice.user)
    assert [(str(value), number) for value, number in values_of(alice, label)] == [("7", 2), ("7.5", 1)]


def test_each_option_of_several_counts_under_its_label(alice: Caller) -> None:
    options = [{"label": "Good", "value": "g"}, {"label": "Caf\u00e9", "value": "c"}, "Rude"]
    label = make_label(alice, "categorical", options=options, multi_choice=True)
    for content in (["Good", "Caf\u00e9"], ["c", "g"], ["Cafe\u0301"], ["gone"]):
        score(label, content, alice.user)
    found = read(alice, label)
    assert found["distribution"] == [
        {"value": "Caf\u00e9", "count": 3, "share": Decimal("0.75")},
        {"value": "Good", "count": 2, "share": Decimal("0.5")},
        {"value": "gone", "count": 1, "share": Decimal("0.25")},
    ]
    assert (found["count"], found["other"], found["mean"], found["median"]) == (4, 0, None, None)


def test_the_most_frequent_value_is_first(alice: Caller, labels: dict[str, Label]) -> None:
    for thumb in ("down", "up", "up"):
        score(labels["thumbs_up_down"], thumb, alice.user)
    for option in ("neutral", "negative"):
        score(labels["categorical"], [option], alice.user)
    assert values_of(alice, labels["thumbs_up_down"]) == [("up", 2), ("down", 1)]
    assert values_of(alice, labels["categorical"]) == [("negative", 1), ("neutral", 1)]


def test_long_and_rare_texts_are_counted_as_other(alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    label = make_label(alice, "text")
    for text in ("b", "caf\u00e9", "cafe\u0301", '"\\', '"\\', "\u00e9" * 255, "x" * 256, "x" * 256):
        score(label, text, alice.user)
    found = read(alice, label)
    assert [(one["value"], one["count"]) for one in found["distribution"]] == [
        ('"\\', 2),
        ("caf\u00e9", 2),
        ("b", 1),
        ("\u00e9" * 255, 1),
    ]
    assert found["other"] == 2
    monkeypatch.setattr(summary, "MOST_TEXTS", 2)
    found = read(alice, label)
    assert ([one["value"] for one in found["distribution"]], found["other"]) == (['"\\', "caf\u00e9"], 4)
    assert (found["count"], found["sources"], found["mean"]) == (8, 8, None)


def test_of_many_numbers_the_most_frequent_are_listed_and_all_of_them_count(
    alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "MOST_VALUES", 2)
    label = make_label(alice, "numeric")
    for number in (9, 1, 1, 3, 5, 5, 5):
        score(label, number, alice.user)
    found = read(alice, label)
    assert [(one["value"], one["count"]) for one in found["distribution"]] == [(1, 2), (5, 3)]
    assert (found["other"], found["median"], found["minimum"], found["maximum"]) == (2, 5, 1, 9)
    assert found["mean"] == Decimal("4.1428571428571429")


@pytest.mark.parametrize("type_", ["star", "numeric"])
def test_contents_of_another_type_are_counted_as_other(alice: Caller, type_: str) -> None:
    """Only other writers than the API store them."""
    label = make_label(alice, type_)
    for content in (4, "4", True, None, [4], {"value": 4}):
        score(label, content, alice.user)
    ScoreFactory.create(label=label, source__organization=label.organization, value={}, annotator=alice.user)
    found = read(alice, label)
    assert [(one["value"], one["count"]) for one in found["distribution"]] == [(4, 1)]
    assert (found["count"], found["other"], found["mean"], found["median"]) == (7, 6, 4, 4)
    assert [one["mean"] for one in (*found["per_annotator"], *found["over_time"])] == [4, 4]


@pytest.mark.parametrize(
    ("type_", "listed"), [("categorical", ["4", "positive"]), ("thumbs_up_down", ["4"]), ("text", ["4"])]
)
def test_words_of_another_type_are_counted_as_other(alice: Caller, type_: str, listed: list[str]) -> None:
    label = make_label(alice, type_)
    several = ["positive", 4] if type_ == "categorical" else 5
    for content in (4, "4", True, None, [], {"value": 4}, several):
        score(label, content, alice.user)
    found = read(alice, label)
    assert [one["value"] for one in found["distribution"]] == listed
    assert found["other"] == 7 - len(listed)
    assert {name: found[name] for name in NOTHING} == NOTHING


def test_a_label_with_unfit_settings_is_counted_as_it_is_stored(alice: Caller) -> None:
    for type_, content in (("categorical", ["positive"]), ("star", 4), ("numeric", 4)):
        label = make_label(alice, type_)
        Label.objects.filter(pk=label.pk).update(settings={"options": 3, "no_of_stars": "x", "min": None})
        score(label, content, alice.user)
        assert values_of(alice, label) == [("positive" if type_ == "categorical" else 4, 1)]


def test_people_are_sorted_by_scores_then_name_and_at_most_so_many_are_listed(
    alice: Caller, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = make_label(alice, "thumbs_up_down")
    aaron = UserFactory.create(organization=label.organization, name="Aaron")
    nameless = UserFactory.create(organization=label.organization, name="", email="zoe@example.com")
    for user, number in ((bob.user, 1), (alice.user, 1), (nameless, 2), (aaron, 1)):
        for _ in range(number):
            score(label, "up", user)
    found = read(alice, label)
    assert [(one["annotator_name"], one["count"], one["mean"]) for one in found["per_annotator"]] == [
        ("zoe@example.com", 2, None),
        ("Aaron", 1, None),
        ("Alice", 1, None),
        ("Bob", 1, None),
    ]
    monkeypatch.setattr(summary, "MOST_PEOPLE", 1)
    found = read(alice, label)
    assert (len(found["per_annotator"]), found["annotators"], found["count"]) == (1, 4, 5)


def test_the_last_days_with_scores_are_listed(
    alice: Caller, labels: dict[str, Label], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "MOST_DAYS", 2)
    for days in (-400, 0, 1):
        score(labels["star"], 4, alice.user, created_at=NOON + timedelta(days=days))
    dates = ["2026-03-31", "2026-04-01"]
    assert [one["date"] for one in read(alice, labels["star"])["over_time"]] == dates
    earlier = read(alice, labels["star"], "?created_before=2026-04-01")
    assert [one["date"] for one in earlier["over_time"]] == ["2025-02-24", "2026-03-31"]
    assert earlier["count"] == 2


def test_the_filters_of_scores_hold_together(
    alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]
) -> None:
    star = labels["star"]
    score(star, 1, alice.user, trace, created_at=NOON, updated_at=NOON)
    score(star, 2, bob.user, trace, created_at=clock.now(), score_source="model")
    score(star, 4, bob.user, SourceFactory.create(organization=star.organization, source_type="session"))
    for query, mean in (
        (f"?annotator_id={bob.user.pk}", 3),
        ("?annotator_email=ALICE@example.com", 1),
        ("?score_source=model", 2),
        ("?source_type=session", 4),
        (f"?source_id={trace.source_id}", Decimal("1.5")),
        (f"?source_id={trace.source_id}&annotator={bob.user.pk}", 2),
        ("?createdBefore=2026-04-01T00:00:00Z", 1),
        ("?updated_after=2026-04-01", 3),
        (f"?label_id={star.pk}&label_name=STAR&label_type=star", Decimal("2.3333333333333333")),
        (f"?label_id={labels['text'].pk}", None),
        ("?label_type=text", None),
        ("?label_name=100%25", None),
    ):
        found = read(alice, star, query)
        assert found["mean"] == mean, query
        assert (found["count"] == 0) is (mean is None), query
    for query, field in (("?labelid=1", "labelid"), ("?page=1", "page"), ("?created_after=soon", "created_after")):
        answer = alice.get(path_of(star) + query)
        assert (answer.status, field in answer.body["detail"]) == (400, True), query


def test_a_deleted_label_has_its_summary_and_a_foreign_one_does_not_exist(
    alice: Caller, charlie: Caller, labels: dict[str, Label]
) -> None:
    score(labels["star"], 4, alice.user)
    labels["star"].deleted_at = NOON
    labels["star"].save()
    assert read(alice, labels["star"])["count"] == 1
    answer = charlie.get(path_of(labels["star"]))
    assert (answer.status, answer.body["code"]) == (404, "label_not_found")


def test_it_needs_the_scope_read(alice: Caller, labels: dict[str, Label]) -> None:
    for scopes, status in ((["annotate"], 403), (["write"], 403), (["annotate", "read"], 200)):
        key = Caller(ApiKeyFactory.create(user=alice.user, scopes=scopes))
        assert key.get(path_of(labels["star"])).status == status, scopes
