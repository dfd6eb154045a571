"""`GET /model-hub/agreement/`: agreement over any scores (contract 7.8)."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from modelhub.agreement import figures, reading
from modelhub.core import clock
from modelhub.labels.models import Label
from modelhub.sources.models import Source
from tests.agreement.panel import entry_of, make_panel
from tests.client import Caller, entry
from tests.factories import ApiKeyFactory, LabelFactory, ScoreFactory, SourceFactory, UserFactory

pytestmark = pytest.mark.django_db

AGREEMENT = "/model-hub/agreement/"
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def read(caller: Caller, query: str = "") -> Any:
    answer = caller.get(f"{AGREEMENT}?bootstrap=false{query}")
    assert answer.status == 200, answer.body
    return answer.body


def rate(source: Source, label: Label, *stars: int, **fields: Any) -> None:
    """Store ratings of one source, each by another person; the same people rate each source."""
    for number, rating in enumerate(stars):
        user, _ = type(UserFactory.build()).objects.get_or_create(
            email=f"{number}@{source.organization_id}.example.com",
            defaults={"organization": source.organization, "name": f"Person {number}"},
        )
        ScoreFactory.create(source=source, label=label, annotator=user, value={"rating": rating}, **fields)


@pytest.fixture
def label(alice: Caller) -> Label:
    return LabelFactory.create(organization=alice.user.organization, name="quality")


def source_of(caller: Caller, **fields: Any) -> Source:
    return SourceFactory.create(organization=caller.user.organization, **fields)


def test_units_are_sources(alice: Caller, bob: Caller, label: Label) -> None:
    first, second = source_of(alice), source_of(alice, source_type="span")
    for caller, source, value in ((alice, first, 4), (bob, first, 4), (alice, second, 4), (bob, second, 5)):
        assert caller.bulk(source, [entry(label, value)]).status == 201
    found = read(alice)
    assert set(found) == {
        *("overall_agreement", "labels", "per_label"),
        *("annotator_pairs", "annotator_pairs_reason", "judge_vs_human"),
    }
    [entry_] = found["labels"]
    assert found["per_label"] == found["labels"]
    assert "disagreement_items" not in entry_
    assert entry_["disagreement_sources"] == [{"source_type": "span", "source_id": second.source_id}]
    assert (entry_["items"], float(entry_["agreement_pct"]), float(found["overall_agreement"])) == (2, 0.5, 0.5)
    [pair] = found["annotator_pairs"]
    assert {pair["annotator_1_name"], pair["annotator_2_name"]} == {"Alice", "Bob"}


def test_nothing_has_no_figures(alice: Caller) -> None:
    assert read(alice) == {
        "overall_agreement": None,
        "labels": [],
        "per_label": [],
        "annotator_pairs": [],
        "annotator_pairs_reason": None,
        "judge_vs_human": [],
    }


def test_labels_are_in_the_order_of_their_names(alice: Caller, label: Label) -> None:
    others = [
        LabelFactory.create(organization=label.organization, name=name) for name in ("Zeal", "Accuracy", "\u00e4")
    ]
    unscored = LabelFactory.create(organization=label.organization, name="B")
    source = source_of(alice)
    for one in (label, *others):
        rate(source, one, 4, 4)
    found = [one["label_name"] for one in read(alice)["labels"]]
    assert found == ["Accuracy", "quality", "Zeal", "\u00e4"]
    assert unscored.name not in found


def test_scores_in_and_outside_of_queues_of_one_source_are_one_rating(alice: Caller, bob: Caller) -> None:
    panel = make_panel(alice)
    label = panel.attach()
    source = panel.item(0).source
    start = clock.now()
    panel.people = {"Alice": alice.user, "Bob": bob.user}
    panel.store(label, "Alice", 0, 4, updated_at=start)
    panel.store(label, "Bob", 0, 5, updated_at=start)
    outside = ScoreFactory.create(
        source=source, label=label, annotator=alice.user, value={"rating": 5}, updated_at=start - timedelta(hours=1)
    )
    other = make_panel(alice)
    other.people, other.items = panel.people, []
    found = entry_of(read(alice), label)
    assert (found["items"], found["pairable_values"], found["disagreement_count"]) == (1, 2, 1)
    outside.updated_at = start + timedelta(hours=1)
    outside.save()
    found = entry_of(read(alice), label)
    assert (found["items"], found["pairable_values"], found["disagreement_count"]) == (1, 2, 0)


def test_the_filters_are_those_of_the_list_of_scores(alice: Caller, label: Label) -> None:
    number = LabelFactory.create(organization=label.organization, type="numeric", name="Number")
    first, second = source_of(alice, source_id="first"), source_of(alice, source_type="generation")
    rate(first, label, 4, 4, created_at=NOON, updated_at=NOON)
    rate(second, label, 4, 5, 5)
    for user in UserFactory.create_batch(2, organization=label.organization):
        ScoreFactory.create(source=first, label=number, annotator=user, value={"value": 4})
    person = ScoreFactory.create(source=second, label=number).annotator
    for query, items in (
        ("", {"quality": 2, "Number": 1}),
        (f"&label_id={label.pk}", {"quality": 2}),
        ("&labelName=QUALITY", {"quality": 2}),
        ("&label_type=numeric", {"Number": 1}),
        ("&source_type=generation", {"quality": 1, "Number": 0}),
        ("&source_type=trace&source_id=first", {"quality": 1, "Number": 1}),
        ("&created_before=2026-04-01", {"quality": 1}),
        ("&updated_after=2026-04-01&label_name=quality", {"quality": 1}),
        (f"&annotator_id={person.pk}", {"Number": 0}),
        (f"&annotator_email={person.email}", {"Number": 0}),
        (f"&label_id={label.pk}&label_type=numeric", {}),
    ):
        found = read(alice, query)
        assert {one["label_name"]: one["items"] for one in found["labels"]} == items, query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?label_id=x", "label_id"),
        ("?lable_id=x", "lable_id"),
        ("?page=1", "page"),
        ("?score_source=x", "score_source"),
        ("?raters=x", "raters"),
        ("?bootstrap=x", "bootstrap"),
        ("?created_after=yesterday", "created_after"),
        ("?queue_id=x", "queue_id"),
    ],
)
def test_unusable_parameters_are_rejected(alice: Caller, query: str, field: str) -> None:
    answer = alice.get(AGREEMENT + query)
    assert (answer.status, list(answer.body["errors"])) == (400, [field])


def test_deleted_labels_and_scores_and_other_organizations_are_left_out(
    alice: Caller, charlie: Caller, label: Label
) -> None:
    deleted = LabelFactory.create(organization=label.organization)
    source = source_of(alice)
    rate(source, label, 4, 4)
    rate(source, deleted, 4, 5)
    rate(source_of(alice), label, 4, 5, deleted_at=NOON)
    Label.objects.filter(pk=deleted.pk).update(deleted_at=NOON)
    theirs = LabelFactory.create(organization=charlie.user.organization)
    rate(source_of(charlie), theirs, 4, 5)
    found = read(alice)
    assert [(one["label_id"], one["items"]) for one in found["labels"]] == [(str(label.pk), 1)]
    assert read(alice, f"&label_id={theirs.pk}")["labels"] == []
    assert [one["label_id"] for one in read(charlie)["labels"]] == [str(theirs.pk)]


def test_it_needs_the_scope_read(alice: Caller, bob: Caller) -> None:
    for scopes, status in ((["read"], 200), (["read", "annotate"], 200), (["annotate"], 403), (["write"], 403)):
        assert Caller(ApiKeyFactory.create(user=bob.user, scopes=scopes)).get(AGREEMENT).status == status, scopes


def test_limits_are_of_the_filtered_scores(alice: Caller, label: Label, monkeypatch: pytest.MonkeyPatch) -> None:
    other = LabelFactory.create(organization=label.organization)
    rate(source_of(alice), label, 4, 4)
    rate(source_of(alice), other, 4, 4)
    monkeypatch.setattr(reading, "MOST_SCORES", 3)
    answer = alice.get(AGREEMENT)
    assert (answer.status, answer.body["code"]) == (400, "too_many_scores")
    assert read(alice, f"&label_id={label.pk}")["labels"][0]["items"] == 1
    monkeypatch.setattr(reading, "MOST_SCORES", 4)
    assert len(read(alice)["labels"]) == 2
    monkeypatch.setattr(figures, "MOST_LABELS", 1)
    assert alice.get(AGREEMENT).body["code"] == "too_many_labels"
    assert len(read(alice, f"&label_id={label.pk}")["labels"]) == 1


def test_scores_by_deleted_labels_do_not_hide_those_by_others(
    alice: Caller, label: Label, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted = LabelFactory.create(organization=label.organization)
    for _ in range(3):
        rate(source_of(alice), deleted, 4, 5)
    rate(source_of(alice), label, 4, 4)
    Label.objects.filter(pk=deleted.pk).update(deleted_at=NOON)
    monkeypatch.setattr(reading, "MOST_SCORES", 2)
    assert [one["items"] for one in read(alice)["labels"]] == [1]


def test_labels_are_not_joined_once_per_score_while_tables_have_no_statistics(alice: Caller) -> None:
    """With 200 labels and 80,000 scores, such a join took minutes."""
    organization = alice.user.organization
    for label in LabelFactory.create_batch(20, organization=organization):
        for source in SourceFactory.create_batch(5, organization=organization):
            ScoreFactory.create(source=source, label=label, annotator=alice.user)
    with CaptureQueriesContext(connection) as captured:
        assert len(alice.get("/model-hub/agreement/").body["labels"]) == 20
    with connection.cursor() as cursor:
        for query in captured.captured_queries:
            if query["sql"].startswith("SELECT"):
                cursor.execute("EXPLAIN (ANALYZE, TIMING OFF) " + query["sql"])
                plan = "\n".join(line for (line,) in cursor.fetchall())
                removed = map(int, re.findall(r"Rows Removed by Join Filter: (\d+)", plan))
                assert sum(removed) < 1000, plan


def test_the_statements_do_not_grow(alice: Caller, label: Label) -> None:
    read(alice)  # records the use of the key
    numbers = []
    for number in range(3):
        with CaptureQueriesContext(connection) as captured:
            read(alice)
        numbers.append(len(captured))
        other = LabelFactory.create(organization=label.organization)
        for source in (source_of(alice) for _ in range(3)):
            rate(source, other, *range(1, 3 + number))
            rate(source, label, *range(1, 3 + number), score_source="human")
    assert numbers[1] == numbers[2], numbers
