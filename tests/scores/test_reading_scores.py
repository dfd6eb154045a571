"""Lists of scores: pages, filters, cursors, those of one source, one by its id."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from modelhub.core.pagination import WholePagePaginator
from modelhub.labels.models import Label
from modelhub.scores.filters import FILTERS
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from tests.client import Caller, entry
from tests.factories import LabelFactory, ScoreFactory, SourceFactory, UserFactory

pytestmark = pytest.mark.django_db

SCORES = "/model-hub/scores/"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def ids(body: Any) -> list[str]:
    return [score["id"] for score in (body if isinstance(body, list) else body["results"])]


@pytest.fixture
def scores(alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]) -> dict[str, Score]:
    """Three scores of two sources, an hour apart, by name."""
    organization = alice.user.organization
    span = SourceFactory.create(organization=organization, source_type="span", source_id="span-1")
    made: dict[str, tuple[Source, Label, Caller, dict[str, Any]]] = {
        "oldest": (trace, labels["star"], alice, {"value": {"rating": 4}}),
        "bobs": (trace, labels["star"], bob, {"value": {"rating": 1}, "score_source": "api"}),
        "newest": (span, labels["text"], alice, {"value": {"text": "x"}}),
    }
    return {
        name: ScoreFactory.create(
            source=source,
            label=label,
            annotator=who.user,
            created_at=NOON + timedelta(hours=hour),
            updated_at=NOON + timedelta(hours=5 - hour),
            **more,
        )
        for hour, (name, (source, label, who, more)) in enumerate(made.items())
    }


def test_newest_first_and_only_ones_own(alice: Caller, charlie: Caller, scores: dict[str, Score]) -> None:
    ScoreFactory.create(source__organization=charlie.user.organization)
    body = alice.get(SCORES).body

    assert ids(body) == [str(scores[name].pk) for name in ("newest", "bobs", "oldest")]
    assert (body["count"], body["total_pages"], body["next"], body["previous"]) == (3, 1, None, None)
    assert body["results"][0]["created_at"] == "2026-01-31T14:00:00.000000Z"


def query_of(name: str) -> Callable[[dict[str, Score]], str]:
    return {
        "source": lambda scores: f"source_type=trace&source_id={scores['oldest'].source.source_id.upper()}",
        "source id": lambda scores: f"source_id={scores['oldest'].source.source_id}",
        "label": lambda scores: f"label_id={scores['newest'].label_id}",
        "annotator": lambda scores: f"annotator_id={scores['bobs'].annotator_id}",
    }[name]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (query_of("source"), ["bobs", "oldest"]),
        (query_of("source id"), ["bobs", "oldest"]),
        (query_of("label"), ["newest"]),
        (query_of("annotator"), ["bobs"]),
        ("source_type=observation_span", ["newest"]),
        ("label_type=star", ["bobs", "oldest"]),
        ("score_source=api", ["bobs"]),
        ("annotator_email=BOB@example.com", ["bobs"]),
        (f"created_after={quote(NOON.isoformat())}", ["newest", "bobs"]),
        ("created_before=2026-01-31T13:00:00Z", ["oldest"]),
        ("created_before=2026-01-30T18:51:00-18:09", ["oldest"]),
        ("updated_after=2026-01-31T16:30:00Z", ["oldest"]),
        ("label_type=star&score_source=human", ["oldest"]),
        ("label_id=7b1f6e1e-0d1c-4a52-9b8e-1f2d3c4b5a69", []),
        ("ordering=created_at", ["oldest", "bobs", "newest"]),
        ("ordering=-updated_at", ["oldest", "bobs", "newest"]),
        ("something=else", ["newest", "bobs", "oldest"]),
    ],
)
def test_filters_and_orders(
    alice: Caller, scores: dict[str, Score], query: str | Callable[[dict[str, Score]], str], expected: list[str]
) -> None:
    text = query if isinstance(query, str) else query(scores)
    for more in ("", "&cursor="):
        assert ids(alice.get(f"{SCORES}?{text}{more}").body) == [str(scores[name].pk) for name in expected]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("label_id=x", "label_id"),
        ("annotator_id=1", "annotator_id"),
        ("source_type=x", "source_type"),
        ("label_type=x", "label_type"),
        ("score_source=x", "score_source"),
        ("created_after=yesterday", "created_after"),
        ("created_after=0001-01-01T00:00:00%2B14:00", "created_after"),
        ("created_before=", "created_before"),
        ("label_id=", "label_id"),
        ("source_id=", "source_id"),
        ("annotator_email=", "annotator_email"),
        ("ordering=value", "ordering"),
        ("cursor=x", "cursor"),
        ("cursor=%00", "cursor"),
        ("source_id=%00", "source_id"),
        ("page_size=x", "page_size"),
    ],
)
def test_a_wrong_parameter_is_a_400_that_names_it(alice: Caller, query: str, field: str) -> None:
    answer = alice.get(f"{SCORES}?{query}")
    assert answer.status == 400
    assert list(answer.body["errors"]) == [field]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("label_id=x", 'label_id must be a UUID, got "x"'),
        ("label_type=stars", 'label_type must be one of text, numeric, categorical, star, thumbs_up_down, got "stars"'),
        ("created_after=100%25", 'created_after must be a time such as 2026-01-31T12:00:00Z, got "100%"'),
        ("source_id=", 'source_id must be a string that is not blank and has no NUL characters, got ""'),
        ("source_id=%20", 'source_id must be a string that is not blank and has no NUL characters, got " "'),
        ("label_id=%09", 'label_id must be a UUID, got "\\t"'),
        ("sourceId=a&source_id=b", "source_id and sourceId are both given and differ"),
        ("label_id=x&annotator_id=", 'label_id must be a UUID, got "x"; annotator_id must be a UUID, got ""'),
    ],
)
def test_the_sentence_names_the_rule_and_the_sent_value(alice: Caller, query: str, sentence: str) -> None:
    for path in (SCORES, SCORES + "export/"):
        assert alice.get(f"{path}?{query}").body["detail"] == sentence


@pytest.mark.parametrize("blank", ["%20", "%09", "%1F", "%C2%A0", "%E2%80%A8", "%E3%80%80"])
def test_no_blank_filter_is_taken_for_none(alice: Caller, blank: str) -> None:
    """Django's form fields strip white space and treat an empty rest as missing."""
    for name in FILTERS:
        for path in (SCORES, SCORES + "export/"):
            answer = alice.get(f"{path}?{name}={blank}")
            assert (answer.status, list(answer.body["errors"])) == (400, [name]), answer.body


def test_a_filter_in_camel_case(alice: Caller, scores: dict[str, Score], trace: Source) -> None:
    query = f"sourceType=trace&sourceId={trace.source_id}"
    assert len(ids(alice.get(f"{SCORES}?{query}").body)) == 2
    assert len(alice.get(f"{SCORES}for-source/?{query}").body) == 2


def test_an_id_is_not_cut(alice: Caller, scores: dict[str, Score], trace: Source) -> None:
    """No source can be registered with white space in its id, so none is found."""
    for path in (SCORES, "/model-hub/sources/"):
        assert alice.get(f"{path}?source_id=%20{trace.source_id}").body["results"] == []


@pytest.mark.parametrize("page", ["0", "2", "x", "99999999999999999999", "-1"])
def test_a_page_that_is_none_is_a_404(alice: Caller, page: str) -> None:
    assert alice.get(f"{SCORES}?page={page}").status == 404


def test_a_row_that_comes_after_the_count_pushes_no_other_one_out() -> None:
    paginator = WholePagePaginator(["new", "a", "b", "c"], 20)
    paginator.count = 3
    assert list(paginator.page(1)) == ["new", "a", "b", "c"]
    assert (paginator.count, paginator.num_pages) == (4, 1)


@pytest.mark.parametrize("ordering", ["-created_at", "created_at", "-updated_at", "updated_at"])
def test_a_cursor_visits_every_score_once_also_among_equal_times(alice: Caller, trace: Source, ordering: str) -> None:
    labels = LabelFactory.create_batch(25, organization=alice.user.organization)
    alice.bulk(trace, [entry(label, 3) for label in labels[:12]])
    alice.bulk(trace, [entry(label, 3) for label in labels[12:]])

    seen: list[str] = []
    path: str | None = f"{SCORES}?cursor=&limit=4&ordering={ordering}"
    while path:
        body = alice.get(path).body
        seen += ids(body)
        assert (body["next"] is None) == (body["next_cursor"] is None)
        path = body["next"]

    whole = ids(alice.get(f"{SCORES}?limit=100&ordering={ordering}").body)
    assert seen == whole
    assert len(set(seen)) == 25


def test_a_cursor_does_not_move_when_newer_scores_come(alice: Caller, trace: Source) -> None:
    labels = LabelFactory.create_batch(6, organization=alice.user.organization)
    alice.bulk(trace, [entry(label, 3) for label in labels[:4]])
    first = alice.get(f"{SCORES}?cursor=&limit=2").body
    alice.bulk(trace, [entry(label, 3) for label in labels[4:]])
    second = alice.get(first["next"]).body

    assert len(set(ids(first) + ids(second))) == 4
    assert second["next"] is None


class TestForSource:
    """`GET /model-hub/scores/for-source/`."""

    PATH = SCORES + "for-source/"

    def test_a_bare_list_by_label_name_then_newest(
        self, alice: Caller, scores: dict[str, Score], labels: dict[str, Label], trace: Source
    ) -> None:
        first = ScoreFactory.create(source=trace, label=labels["categorical"], annotator=alice.user)
        answer = alice.get(f"{self.PATH}?source_type=trace&source_id={trace.source_id}")

        assert answer.status == 200
        assert ids(answer.body) == [str(first.pk), str(scores["bobs"].pk), str(scores["oldest"].pk)]

    def test_aliases_and_filters(self, alice: Caller, scores: dict[str, Score], trace: Source) -> None:
        body = alice.get(f"{self.PATH}?source_type=observation_span&source_id=span-1").body
        assert [(one["id"], one["source_type"]) for one in body] == [(str(scores["newest"].pk), "observation_span")]
        mine = f"{self.PATH}?source_type=trace&source_id={trace.source_id}&annotator_id={alice.user.pk}"
        assert ids(alice.get(mine).body) == [str(scores["oldest"].pk)]
        assert alice.get(mine + f"&label_id={uuid.uuid4()}").body == []

    @pytest.mark.parametrize("query", ["", "?source_type=trace", "?source_id=x", "?source_type=x&source_id=x"])
    def test_both_names_are_needed(self, alice: Caller, query: str) -> None:
        assert alice.get(self.PATH + query).status == 400

    def test_a_wrong_filter(self, alice: Caller) -> None:
        answer = alice.get(f"{self.PATH}?source_type=trace&source_id=x&label_id=x")
        assert (answer.status, list(answer.body["errors"])) == (400, ["label_id"])

    def test_an_unknown_or_foreign_source_is_an_empty_list(self, alice: Caller, charlie: Caller, trace: Source) -> None:
        ScoreFactory.create(source=trace)
        for who, name in ((alice, "nowhere"), (charlie, trace.source_id)):
            answer = who.get(f"{self.PATH}?source_type=trace&source_id={name}")
            assert (answer.status, answer.body) == (200, [])


def test_one(alice: Caller, charlie: Caller, scores: dict[str, Score]) -> None:
    path = f"{SCORES}{scores['oldest'].pk}/"
    assert alice.get(path).body["value"] == {"rating": 4}
    for answer in (charlie.get(path), alice.get(f"{SCORES}{uuid.uuid4()}/")):
        assert (answer.status, answer.body["code"]) == (404, "score_not_found")


def test_a_deleted_score_is_in_no_list(alice: Caller, scores: dict[str, Score], trace: Source) -> None:
    assert alice.delete(f"{SCORES}{scores['oldest'].pk}/").status == 200
    assert len(ids(alice.get(SCORES).body)) == 2
    assert len(ids(alice.get(f"{SCORES}?cursor=").body)) == 2
    assert len(alice.get(f"{SCORES}for-source/?source_type=trace&source_id={trace.source_id}").body) == 1
    assert alice.get(f"{SCORES}{scores['oldest'].pk}/").status == 404


def test_annotators_of_two_organizations_do_not_mix(alice: Caller) -> None:
    stranger = UserFactory.create()
    assert alice.get(f"{SCORES}?annotator_id={stranger.pk}").body["results"] == []
