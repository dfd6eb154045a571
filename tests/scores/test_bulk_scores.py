"""`POST /model-hub/scores/bulk/`."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from modelhub.labels.models import Label
from modelhub.scores.models import SCORE_SOURCES, Score, ScoreRevision
from modelhub.sources.models import Source
from tests.client import BULK, Caller, entry
from tests.factories import LabelFactory, SourceFactory

pytestmark = pytest.mark.django_db


def test_the_founding_pages_batch_is_stored(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    answer = alice.bulk(
        trace,
        [
            entry(labels["star"], {"rating": 4}, score_source="human"),
            entry(labels["categorical"], {"selected": ["positive"]}, score_source="human"),
        ],
        notes="Batch annotation",
    )

    assert answer.status == 201
    assert answer.body["errors"] == []
    first, second = answer.body["scores"]
    stored = Score.objects.get(label=labels["star"])
    assert first == {
        "id": str(stored.pk),
        "source_type": "trace",
        "source_id": trace.source_id,
        "label_id": str(labels["star"].pk),
        "label_name": "Star",
        "label_type": "star",
        "value": {"rating": 4},
        "score_source": "human",
        "notes": "Batch annotation",
        "annotator": str(alice.user.pk),
        "annotator_id": str(alice.user.pk),
        "annotator_name": "Alice",
        "annotator_email": "alice@example.com",
        "queue_item": None,
        "queue_id": None,
        "created_at": stored.created_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "updated_at": stored.updated_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "updated_by": str(alice.user.pk),
        "updated_by_name": "Alice",
        "updated_by_email": "alice@example.com",
    }
    assert second["value"] == {"selected": ["positive"]}


def test_camel_case_means_the_same(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    score = {"labelId": str(labels["star"].pk), "value": {"rating": 4}, "scoreSource": "api"}
    answer = alice.post(BULK, {"sourceType": "trace", "sourceId": trace.source_id, "scores": [score]})

    assert answer.status == 201
    assert answer.body["scores"][0]["score_source"] == "api"


def test_keys_inside_a_value_are_data(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    value = {"rating": 4, "labelId": 1, "label_id": 2, "reasonWhy": {"scoreSource": "x"}}
    answer = alice.bulk(trace, [entry(labels["star"], value)])

    assert answer.body["scores"][0]["value"] == value
    assert Score.objects.get().value == value


def test_both_spellings_with_different_values_are_refused(
    alice: Caller, trace: Source, labels: dict[str, Label]
) -> None:
    answer = alice.bulk(trace, [entry(labels["star"], 4)], sourceType="span")

    assert answer.status == 400
    assert answer.body["detail"] == "source_type and sourceType are both given and differ"
    assert answer.body["message"] == answer.body["detail"]


def test_both_spellings_in_one_entry_are_that_entrys_error(
    alice: Caller, trace: Source, labels: dict[str, Label]
) -> None:
    answer = alice.bulk(
        trace, [entry(labels["star"], 4, labelId=str(labels["text"].pk)), entry(labels["text"], "fine")]
    )

    assert answer.status == 201
    assert answer.body["errors"] == ["scores[0]: label_id and labelId are both given and differ"]
    assert [score["value"] for score in answer.body["scores"]] == [{"text": "fine"}]


def test_twelve_wrong_entries_cost_nothing_but_themselves(
    alice: Caller, charlie: Caller, trace: Source, labels: dict[str, Label]
) -> None:
    """Send every wrong entry of contract 0.3 between two right ones."""
    star, text, numeric = labels["star"], labels["text"], labels["numeric"]
    unknown = uuid.uuid4()
    foreign = LabelFactory.create(organization=charlie.user.organization)
    wrong: list[tuple[object, str]] = [
        ("four", 'An entry must be an object with label_id and value, got "four"'),
        ({"value": 4}, "label_id must be given"),
        ({"label_id": "quality", "value": 4}, 'label_id must be a UUID, got "quality"'),
        ({"label_id": str(unknown), "value": 4}, f"Label not found: {unknown}"),
        (entry(foreign, 4), f"Label not found: {foreign.pk}"),
        (entry(star, 4), f"Label {star.pk} is already used by scores[0]"),
        ({"label_id": str(text.pk)}, f"Label {text.pk}: value must be given"),
        (
            entry(numeric, 11),
            f"Label {numeric.pk} (Numeric, numeric): value must be a number from 0 to 10, got 11",
        ),
        (
            entry(text, "x", score_source="robot"),
            f'Label {text.pk}: score_source must be one of {", ".join(SCORE_SOURCES)}, got "robot"',
        ),
        (
            entry(text, "x", notes="n" * 5001),
            f"Label {text.pk}: notes must have at most 5000 characters, got 5001",
        ),
        ({"lable_id": str(text.pk), "value": "x"}, 'Unknown field "lable_id". Did you mean "label_id"?'),
        (
            entry(text, "a\x00b"),
            f"Label {text.pk} (Text, text): value holds a NUL character, which cannot be stored",
        ),
    ]
    answer = alice.bulk(trace, [entry(star, 4), *(sent for sent, _ in wrong), entry(labels["categorical"], "positive")])

    assert answer.status == 201
    assert answer.body["errors"] == [f"scores[{at}]: {sentence}" for at, (_, sentence) in enumerate(wrong, start=1)]
    assert [score["label_id"] for score in answer.body["scores"]] == [
        str(star.pk),
        str(labels["categorical"].pk),
    ]
    assert set(Score.objects.values_list("label_id", flat=True)) == {star.pk, labels["categorical"].pk}
    assert not ScoreRevision.objects.exists()


def test_a_wrong_entry_takes_no_label_from_a_right_one(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    answer = alice.bulk(trace, [entry(labels["star"], 9), entry(labels["star"], 3)])

    assert [score["value"] for score in answer.body["scores"]] == [{"rating": 3}]
    assert answer.body["errors"] == [
        f"scores[0]: Label {labels['star'].pk} (Star, star): rating must be a whole number from 1 to 5, got 9"
    ]


def test_nothing_stored_is_a_200_that_says_why(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    answer = alice.bulk(trace, [entry(labels["star"], 9)])

    assert answer.status == 200
    assert answer.body["scores"] == []
    assert len(answer.body["errors"]) == 1


class TestOverwriting:
    """One score per source, label and annotator; replaced values are kept."""

    def test_the_same_id_a_new_value_and_a_revision(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        first = alice.bulk(trace, [entry(labels["star"], 4, notes="good")]).body["scores"][0]
        second = alice.bulk(trace, [entry(labels["star"], 2, score_source="api")])

        assert second.status == 201
        assert second.body["scores"][0]["id"] == first["id"]
        assert second.body["scores"][0]["created_at"] == first["created_at"]
        assert second.body["scores"][0]["updated_at"] > first["updated_at"]
        revision = ScoreRevision.objects.get()
        assert (revision.value, revision.notes, revision.score_source) == ({"rating": 4}, "good", "human")
        assert revision.replaced_by == alice.user
        assert str(revision.score_id) == first["id"]

    def test_an_equal_score_is_not_written(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        first = alice.bulk(trace, [entry(labels["numeric"], 4, notes="n")])
        again = alice.bulk(trace, [entry(labels["numeric"], {"value": 4})])

        assert again.status == 201
        assert again.body["scores"] == first.body["scores"]
        assert not ScoreRevision.objects.exists()

    def test_an_equal_number_comes_back_as_it_is_stored(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        for number in (Decimal("4.0"), 4):
            [score] = alice.bulk(trace, [entry(labels["numeric"], number)]).body["scores"]
            assert str(score["value"]["value"]) == "4.0"

    @pytest.mark.parametrize(
        ("batch", "own", "stored"),
        [(None, None, "old"), ("", None, ""), ("new", None, "new"), ("new", "own", "own"), ("new", "", "")],
    )
    def test_notes(
        self,
        alice: Caller,
        trace: Source,
        labels: dict[str, Label],
        batch: str | None,
        own: str | None,
        stored: str,
    ) -> None:
        alice.bulk(trace, [entry(labels["star"], 4)], notes="old")
        more = {} if batch is None else {"notes": batch}
        alice.bulk(trace, [entry(labels["star"], 4, **({} if own is None else {"notes": own}))], **more)

        assert Score.objects.get().notes == stored

    def test_two_annotators_have_a_score_each(
        self, alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        alice.bulk(trace, [entry(labels["star"], 4)])
        bob.bulk(trace, [entry(labels["star"], 1)])

        assert sorted(score.value["rating"] for score in Score.objects.all()) == [1, 4]
        assert not ScoreRevision.objects.exists()


class TestOptions:
    """The query parameters of contract 0.4."""

    def test_a_dry_run_stores_nothing_and_shows_the_scores(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        answer = alice.bulk(trace, [entry(labels["star"], 4), entry(labels["text"], 5)], "?dry_run=true")

        assert answer.status == 200
        [score] = answer.body["scores"]
        assert (score["id"], score["created_at"], score["updated_at"]) == (None, None, None)
        assert score["value"] == {"rating": 4}
        assert len(answer.body["errors"]) == 1
        assert not Score.objects.exists()

    def test_a_dry_run_over_a_stored_score_leaves_it(
        self, alice: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        alice.bulk(trace, [entry(labels["star"], 4)])
        alice.bulk(trace, [entry(labels["star"], 2)], "?dry_run=1")

        assert Score.objects.get().value == {"rating": 4}
        assert not ScoreRevision.objects.exists()

    def test_atomic_with_an_error_stores_nothing(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        answer = alice.bulk(trace, [entry(labels["star"], 4), entry(labels["text"], 5)], "?atomic=true")

        assert answer.status == 200
        assert answer.body["scores"] == []
        assert len(answer.body["errors"]) == 1
        assert not Score.objects.exists()

    def test_atomic_without_an_error_stores_all(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        answer = alice.bulk(trace, [entry(labels["star"], 4), entry(labels["text"], "five")], "?atomic=true")

        assert answer.status == 201
        assert Score.objects.count() == 2

    def test_error_details_are_for_programs(self, alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
        answer = alice.bulk(trace, [7, entry(labels["star"], 9)], "?error_details=true")

        assert [(detail["index"], detail["label_id"], detail["code"]) for detail in answer.body["error_details"]] == [
            (0, None, "not_an_object"),
            (1, str(labels["star"].pk), "invalid_value"),
        ]
        assert [f"scores[{one['index']}]: {one['message']}" for one in answer.body["error_details"]] == answer.body[
            "errors"
        ]

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("?dry_run=yes", 'dry_run must be true, false, 1 or 0, got "yes"'),
            ("?dry_run=TRUE", 'dry_run must be true, false, 1 or 0, got "TRUE"'),
            ("?atomic=", 'atomic must be true, false, 1 or 0, got ""'),
            ("?dry_run=true&dry_run=false", 'dry_run must be given once, got "true", "false"'),
            ("?dryrun=true", 'Unknown query parameter "dryrun". Did you mean "dry_run"?'),
        ],
    )
    def test_a_mistyped_option_stores_nothing(
        self, alice: Caller, trace: Source, labels: dict[str, Label], query: str, sentence: str
    ) -> None:
        answer = alice.bulk(trace, [entry(labels["star"], 4)], query)

        assert (answer.status, answer.body["detail"]) == (400, sentence)
        assert not Score.objects.exists()


class TestSources:
    """The source of a batch."""

    @pytest.mark.parametrize(
        ("stored", "word"),
        [
            ("span", "observation_span"),
            ("span", "span"),
            ("session", "trace_session"),
            ("generation", "generation"),
        ],
    )
    def test_the_word_of_the_request_is_echoed(
        self, alice: Caller, labels: dict[str, Label], stored: str, word: str
    ) -> None:
        source = SourceFactory.create(organization=alice.user.organization, source_type=stored, source_id="otel-1")
        body = {"source_type": word, "source_id": "otel-1", "scores": [entry(labels["star"], 4)]}
        answer = alice.post(BULK, body)

        assert answer.body["scores"][0]["source_type"] == word
        assert Score.objects.get().source == source

    @pytest.mark.parametrize("spelling", [str.upper, str, lambda text: text.replace("-", "")])
    def test_uuids_compare_as_uuids(
        self, alice: Caller, trace: Source, labels: dict[str, Label], spelling: Any
    ) -> None:
        body = {
            "source_type": "trace",
            "source_id": spelling(trace.source_id),
            "scores": [entry(labels["star"], 4)],
        }
        answer = alice.post(BULK, body)

        assert answer.status == 201
        assert answer.body["scores"][0]["source_id"] == trace.source_id

    def test_an_unknown_source_is_a_404_that_names_the_remedy(self, alice: Caller, labels: dict[str, Label]) -> None:
        body = {"source_type": "trace", "source_id": "nowhere", "scores": [entry(labels["star"], 4)]}
        answer = alice.post(BULK, body)

        assert answer.status == 404
        assert answer.body["code"] == "source_not_found"
        assert answer.body["detail"] == (
            "Source not found: trace nowhere. Register it with POST /model-hub/sources/ first."
        )

    def test_another_organizations_source_does_not_exist(
        self, alice: Caller, charlie: Caller, trace: Source, labels: dict[str, Label]
    ) -> None:
        theirs = charlie.bulk(trace, [entry(labels["star"], 4)])
        nobodys = charlie.post(BULK, {"source_type": "trace", "source_id": str(uuid.uuid4()), "scores": [1]})

        assert theirs.status == nobodys.status == 404
        assert theirs.body["detail"].replace(trace.source_id, "") == (
            "Source not found: trace . Register it with POST /model-hub/sources/ first."
        )

    def test_sources_can_make_themselves(self, alice: Caller, labels: dict[str, Label], settings: Any) -> None:
        settings.AUTO_CREATE_SOURCES = True
        body = {
            "source_type": "observation_span",
            "source_id": "span_ab12",
            "scores": [entry(labels["star"], 4)],
        }

        assert alice.post(BULK, body).status == 201
        assert alice.post(BULK, body).status == 201
        assert Source.objects.get().source_type == "span"

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(("options", "value"), [("?atomic=true", 4), ("?dry_run=true", 4), ("", 9)])
    def test_a_source_is_not_created_when_no_score_is_stored(
        self, alice: Caller, labels: dict[str, Label], settings: Any, options: str, value: int
    ) -> None:
        settings.AUTO_CREATE_SOURCES = True
        body = {
            "source_type": "trace",
            "source_id": "new",
            "scores": [entry(labels["star"], value), entry(labels["star"], 9)],
        }

        answer = alice.post(BULK + options, body)

        assert (answer.status, bool(answer.body["errors"])) == (200, True)
        assert not Source.objects.exists()
