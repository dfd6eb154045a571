"""Lists of scores: pages, filters, cursors, those of one source, one by its id."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

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
        "annotator, short": lambda scores: f"annotator={scores['bobs'].annotator_id.hex.upper()}",
    }[name]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (query_of("source"), ["bobs", "oldest"]),
        (query_of("source id"), ["bobs", "oldest"]),
        (query_of("label"), ["newest"]),
        (query_of("annotator"), ["bobs"]),
        (query_of("annotator, short"), ["bobs"]),
        ("source_type=observation_span", ["newest"]),
        ("label_type=star", ["bobs", "oldest"]),
        ("score_source=api", ["bobs"]),
        ("annotator_email=BOB@example.com", ["bobs"]),
        (f"created_after={quote(NOON.isoformat())}", ["newest", "bobs", "oldest"]),
        ("created_after=2026-01-31T12:00:00.0000001Z", ["newest", "bobs"]),
        ("created_before=2026-01-31T13:00:00Z", ["oldest"]),
        ("created_before=2026-01-31T13:00:00.0000001Z", ["bobs", "oldest"]),
        ("created_after=2026-01-31&created_before=2026-02-01", ["newest", "bobs", "oldest"]),
        ("created_after=2026-02-01", []),
        ("created_before=2026-01-31", []),
        # The space is the `+` of an offset that was not escaped.
        ("created_after=2026-01-31T14:00:00+01:00", ["newest", "bobs"]),
        ("created_after=2026-01-31t13:00:00z", ["newest", "bobs"]),
        ("created_before=2026-01-30T18:51:00-18:09", ["oldest"]),
        ("updated_after=2026-01-31T17:00:00Z", ["oldest"]),
        ("updated_before=2026-01-31T17:00:00Z", ["newest", "bobs"]),
        ("updatedAfter=2026-01-31T16:00:00Z&updatedBefore=2026-01-31T17:00:00Z", ["bobs"]),
        ("label_name=STAR", ["bobs", "oldest"]),
        ("label_name=sta", []),
        ("labelName=text", ["newest"]),
        ("label_type=star&score_source=human", ["oldest"]),
        ("label_id=7b1f6e1e-0d1c-4a52-9b8e-1f2d3c4b5a69", []),
        ("ordering=created_at", ["oldest", "bobs", "newest"]),
        ("ordering=-updated_at", ["oldest", "bobs", "newest"]),
        ("dataset=else&includeCounts=true", ["newest", "bobs", "oldest"]),
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
        ("updated_before=1770010112345", "updated_before"),
        ("label_id=%7B7b1f6e1e-0d1c-4a52-9b8e-1f2d3c4b5a69%7D", "label_id"),
        ("label_name=", "label_name"),
        ("offset=20", "offset"),
        ("min_value=3", "min_value"),
        ("page=x", "page"),
        ("page=1&cursor=", "page"),
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
        (
            "created_after=100%25",
            (
                "created_after must be a date, or a time with its seconds, such as 2026-01-31 or "
                '2026-01-31T12:00:00Z, got "100%"'
            ),
        ),
        ("source_id=", 'source_id must be a string that is not blank and has no NUL characters, got ""'),
        ("source_id=%20", 'source_id must be a string that is not blank and has no NUL characters, got " "'),
        ("label_id=%09", 'label_id must be a UUID, got "\\t"'),
        ("sourceId=a&source_id=b", 'source_id must be given once, got "a", "b"'),
        ("creatd_after=2026-01-31", 'Unknown query parameter "creatd_after". Did you mean "created_after"?'),
        ("annotators=x", 'Unknown query parameter "annotators". Did you mean "annotator"?'),
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
        answer = alice.post(SCORES + "bulk-delete/", {"filter": {name: unquote(blank)}})
        assert (answer.status, list(answer.body["errors"])) == (400, [name]), answer.body


def test_a_filter_in_camel_case(alice: Caller, scores: dict[str, Score], trace: Source) -> None:
    query = f"sourceType=trace&sourceId={trace.source_id}"
    assert len(ids(alice.get(f"{SCORES}?{query}").body)) == 2
    assert len(alice.get(f"{SCORES}for-source/?{query}").body) == 2


def test_an_id_is_not_cut(alice: Caller, scores: dict[str, Score], trace: Source) -> None:
    """No source can be registered with white space in its id, so none is found."""
    for path in (SCORES, "/model-hub/sources/"):
        assert alice.get(f"{path}?source_id=%20{trace.source_id}").body["results"] == []


@pytest.mark.parametrize("page", ["2", "99999999999999999999"])
def test_a_page_past_the_end_is_a_404(alice: Caller, page: str) -> None:
    assert alice.get(f"{SCORES}?page={page}").status == 404


@pytest.mark.parametrize("page", ["", "0", "x", "-1", "last", "1.0", "%20"])
def test_a_page_that_is_no_number_is_a_400(alice: Caller, page: str) -> None:
    answer = alice.get(f"{SCORES}?page={page}")
    assert (answer.status, list(answer.body["errors"])) == (400, ["page"])


class TestCursor:
    """A cursor belongs to one list: its route, organization, ordering and filters."""

    FILTERS = "label_type=star&created_after=2026-01-31"

    @pytest.fixture
    def cursor(self, alice: Caller, scores: dict[str, Score]) -> str:
        return str(alice.get(f"{SCORES}?cursor=&limit=1&{self.FILTERS}").body["next_cursor"])

    @pytest.mark.parametrize(
        "query",
        [
            f"{FILTERS}&limit=1",
            f"{FILTERS}&pageSize=7",
            f"{FILTERS}&ordering=-created_at",
            "createdAfter=2026-01-31&labelType=star&dataset=x",
        ],
    )
    def test_it_continues_its_list_with_pages_of_any_size(
        self, alice: Caller, scores: dict[str, Score], cursor: str, query: str
    ) -> None:
        body = alice.get(f"{SCORES}?cursor={quote(cursor)}&{query}").body
        assert ids(body) == [str(scores["oldest"].pk)]
        assert body["next_cursor"] is None

    @pytest.mark.parametrize(
        "query",
        [
            "",
            f"{FILTERS}&ordering=created_at",
            f"{FILTERS}&ordering=-updated_at",
            f"{FILTERS}&label_name=star",
            "label_type=star",
            "label_type=text&created_after=2026-01-31",
        ],
    )
    def test_another_ordering_or_other_filters_are_a_400(self, alice: Caller, cursor: str, query: str) -> None:
        answer = alice.get(f"{SCORES}?cursor={quote(cursor)}&{query}")
        assert answer.status == 400
        assert list(answer.body["errors"]) == ["cursor"]
        assert answer.body["detail"].startswith("cursor must be used with the ordering and filters of the answer that")

    def test_one_of_another_organization_or_a_changed_one_is_a_400(
        self, alice: Caller, bob: Caller, charlie: Caller, cursor: str
    ) -> None:
        def status(caller: Caller, text: str) -> int:
            return caller.get(f"{SCORES}?{self.FILTERS}&cursor={quote(text)}").status

        assert (status(alice, cursor), status(bob, cursor)) == (200, 200)
        assert status(charlie, cursor) == 400
        for changed in (cursor[1:], cursor[:-1], cursor.swapcase(), cursor + "A", "A" + cursor):
            assert status(alice, changed) == 400, changed


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
        for query in ("annotatorEmail=alice@example.com", "created_before=2026-01-31T13:00:00Z", "score_source=human"):
            path = f"{self.PATH}?sourceType=trace&sourceId={trace.source_id}&{query}"
            assert ids(alice.get(path).body) == [str(scores["oldest"].pk)]
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
