"""Times and unknown names in filters: one rule for lists, exports and bulk deletes."""

import itertools
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from modelhub.core.exact_json import timestamp
from modelhub.scores.filters import FILTERS
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from tests.client import Caller
from tests.core.test_times import UNREADABLE
from tests.factories import LabelFactory, ScoreFactory

pytestmark = pytest.mark.django_db

SCORES = "/model-hub/scores/"
MIDNIGHT = datetime(2026, 2, 1, tzinfo=UTC)
TIMES = [name for name in FILTERS if name.endswith(("_after", "_before"))]


@pytest.fixture
def at_midnight(alice: Caller, trace: Source) -> Score:
    score: Score = ScoreFactory.create(source=trace, annotator=alice.user, created_at=MIDNIGHT, updated_at=MIDNIGHT)
    return score


def test_every_window_has_both_ends() -> None:
    assert TIMES == ["created_after", "created_before", "updated_after", "updated_before"]


@pytest.mark.parametrize("of", ["created", "updated"])
def test_a_score_belongs_to_exactly_one_of_neighbouring_windows(alice: Caller, at_midnight: Score, of: str) -> None:
    ends = [MIDNIGHT + timedelta(microseconds=step) for step in (-1, 0, 1, 2)]
    found = [
        alice.get(f"{SCORES}?{of}_after={timestamp(first)}&{of}_before={timestamp(last)}").body["count"]
        for first, last in itertools.pairwise(ends)
    ]
    assert found == [0, 1, 0]


@pytest.mark.parametrize("of", ["created", "updated"])
def test_a_day_is_deleted_without_the_next_ones_midnight(alice: Caller, at_midnight: Score, of: str) -> None:
    def delete(first: str, last: str) -> int:
        answer = alice.post(SCORES + "bulk-delete/", {"filter": {f"{of}_after": first, f"{of}Before": last}})
        return int(answer.body["deleted"])

    assert delete("2026-01-31", "2026-02-01") == 0
    assert delete("2026-02-01", "2026-02-02") == 1


@pytest.mark.parametrize("name", TIMES)
def test_no_other_text_is_a_time_and_nothing_is_deleted(alice: Caller, at_midnight: Score, name: str) -> None:
    rule = "must be a date, or a time with its seconds, such as 2026-01-31 or 2026-01-31T12:00:00Z, got"
    for text in UNREADABLE:
        listed = alice.get(f"{SCORES}?{name}={quote(text)}")
        deletion = alice.post(SCORES + "bulk-delete/", {"filter": {name: text}})
        for answer in (listed, deletion):
            assert answer.status == 400, (text, answer.body)
            if text and "\x00" not in text:
                [sentence] = answer.body["errors"][name]
                assert sentence.startswith(f"{name} {rule}"), sentence
    assert alice.get(SCORES).body["count"] == 1


def test_a_number_is_no_time(alice: Caller, at_midnight: Score) -> None:
    for number in (1770010112345, 1770010112, 0):
        answer = alice.post(SCORES + "bulk-delete/", {"filter": {"created_before": number}})
        assert (answer.status, list(answer.body["errors"])) == (400, ["filter"])


@pytest.mark.parametrize("name", ["updated_befor", "label", "offset", "dataset", "cursor", "limit", "dry_run", "a\x00"])
def test_a_bulk_delete_rejects_what_is_no_filter(alice: Caller, at_midnight: Score, name: str) -> None:
    answer = alice.post(SCORES + "bulk-delete/", {"filter": {"created_after": "2026-01-01", name: "x"}})
    assert answer.status == 400
    assert alice.get(SCORES).body["count"] == 1


def test_a_label_name_finds_the_scores_of_all_labels_with_it(alice: Caller, trace: Source) -> None:
    organization = alice.user.organization
    made = [
        ScoreFactory.create(source=trace, label=LabelFactory.create(organization=organization, name=name, type=kind))
        for name, kind in (("Café", "star"), ("CAFÉ", "numeric"), ("Cafés", "star"))
    ]
    ScoreFactory.create(label__name="Café")
    for name in ("café", "Cafe\u0301"):
        body = alice.get(f"{SCORES}?label_name={quote(name)}&ordering=created_at").body
        assert [one["id"] for one in body["results"]] == [str(score.pk) for score in made[:2]]
    for name, number in (("nothing", 0), ("CAFÉ", 2), ("café", 0)):
        assert len(alice.get(f"{SCORES}?cursor=&labelName={name}").body["results"]) == number
        assert alice.post(SCORES + "bulk-delete/", {"filter": {"label_name": name}}).body["deleted"] == number
    assert [one["label_name"] for one in alice.get(SCORES).body["results"]] == ["Cafés"]


def test_names_that_are_two_labels_are_two_filters(alice: Caller, trace: Source) -> None:
    for name in ("Maße", "Masse"):
        label = LabelFactory.create(organization=alice.user.organization, name=name)
        ScoreFactory.create(source=trace, label=label)
    assert [one["label_name"] for one in alice.get(f"{SCORES}?label_name=MASSE").body["results"]] == ["Masse"]
    assert alice.post(SCORES + "bulk-delete/", {"filter": {"label_name": "Masse"}}).body["deleted"] == 1
