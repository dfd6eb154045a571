"""`POST /model-hub/scores/`: one score, under the rules of a batch."""

import uuid
from typing import Any

import pytest

from modelhub.labels.models import Label
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from tests.client import Answer, Caller, entry
from tests.factories import LabelFactory

pytestmark = pytest.mark.django_db

SCORES = "/model-hub/scores/"


def post(caller: Caller, source: Source, score: dict[str, Any], query: str = "") -> Answer:
    return caller.post(SCORES + query, {"source_type": source.source_type, "source_id": source.source_id, **score})


def test_is_stored_and_answered_bare(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    answer = post(alice, trace, entry(labels["text"], "fine", score_source="api", notes="n"))

    assert answer.status == 201
    assert answer.body["id"] == str(Score.objects.get().pk)
    assert (answer.body["value"], answer.body["score_source"], answer.body["notes"]) == ({"text": "fine"}, "api", "n")


def test_the_second_call_has_the_same_id_and_is_a_201_too(
    alice: Caller, trace: Source, labels: dict[str, Label]
) -> None:
    first = post(alice, trace, entry(labels["star"], 4))
    second = post(alice, trace, entry(labels["star"], 5))

    assert (second.status, second.body["id"]) == (201, first.body["id"])
    assert Score.objects.get().value == {"rating": 5}


def test_camel_case(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    body = {"sourceType": "trace", "sourceId": trace.source_id, "labelId": str(labels["star"].pk), "value": 4}
    assert alice.post(SCORES, body).status == 201


def test_a_wrong_value_is_a_400_problem(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    answer = post(alice, trace, entry(labels["star"], 9))

    assert answer.status == 400
    assert answer.body["detail"] == answer.body["message"]
    assert answer.body["detail"] == (
        f"Label {labels['star'].pk} (Star, star): rating must be a whole number from 1 to 5, got 9"
    )
    assert answer.body["code"] == "invalid_value"
    assert not Score.objects.exists()


def test_an_unknown_or_foreign_label_is_a_404(alice: Caller, charlie: Caller, trace: Source) -> None:
    foreign = LabelFactory.create(organization=charlie.user.organization, name="Their secret")
    for label_id in (uuid.uuid4(), foreign.pk):
        answer = post(alice, trace, {"label_id": str(label_id), "value": 4})
        assert (answer.status, answer.body["detail"]) == (404, f"Label not found: {label_id}")


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"source_id": "nowhere"}, 404, "source_not_found", "source_id"),
        ({"source_type": "x"}, 400, "invalid", "source_type"),
        ({"label_id": "x"}, 400, "invalid_label_id", "label_id"),
        ({"label_id": str(uuid.uuid4())}, 404, "label_not_found", "label_id"),
        ({"value": 9}, 400, "invalid_value", "value"),
        ({"value": {"rating": 4, "a": "\x00"}}, 400, "unstorable_value", "value"),
        ({"value": {"rating": 4, "a": "x" * 70_000}}, 400, "value_too_large", "value"),
        ({"values": 4}, 400, "unknown_field", "values"),
        ({"scores": []}, 400, "unknown_field", "scores"),
        ({"x" * 99: []}, 400, "unknown_field", "x" * 80 + "…"),
        ({"notes": ["x"]}, 400, "invalid_notes", "notes"),
        ({"notes": "x" * 5001}, 400, "notes_too_long", "notes"),
        ({"notes": "\x00"}, 400, "unstorable_value", "notes"),
        ({"score_source": "x"}, 400, "invalid_score_source", "score_source"),
        ({"score_source": ""}, 400, "invalid_score_source", "score_source"),
        ({"labelId": "x"}, 400, "conflicting_fields", "label_id"),
    ],
)
def test_other_refusals_name_the_field(
    alice: Caller,
    trace: Source,
    labels: dict[str, Label],
    change: dict[str, Any],
    status: int,
    code: str,
    field: str,
) -> None:
    answer = post(alice, trace, entry(labels["star"], 4) | change)
    assert (answer.status, answer.body["code"]) == (status, code)
    assert answer.body["errors"] == {field: [answer.body["message"]]}


@pytest.mark.parametrize("missing", ["label_id", "value"])
def test_a_missing_field_is_named(alice: Caller, trace: Source, labels: dict[str, Label], missing: str) -> None:
    score = entry(labels["star"], 4)
    del score[missing]
    answer = post(alice, trace, score)
    assert (answer.status, answer.body["code"]) == (400, f"missing_{missing}")
    assert answer.body["errors"] == {missing: [answer.body["message"]]}


def test_null_means_not_given(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    post(alice, trace, entry(labels["star"], 4, notes="old"))
    answer = post(alice, trace, entry(labels["star"], 5, notes=None, score_source=None))
    assert (answer.status, answer.body["notes"], answer.body["score_source"]) == (201, "old", "human")


def test_a_dry_run(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    answer = post(alice, trace, entry(labels["star"], 4), "?dry_run=true")

    assert (answer.status, answer.body["id"]) == (200, None)
    assert not Score.objects.exists()
