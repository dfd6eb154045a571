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
    ("change", "status", "code"),
    [
        ({"source_id": "nowhere"}, 404, "source_not_found"),
        ({"source_type": "x"}, 400, "invalid"),
        ({"label_id": "x"}, 400, "invalid_label_id"),
        ({"values": 4}, 400, "unknown_field"),
        ({"scores": []}, 400, "unknown_field"),
        ({"notes": ["x"]}, 400, "invalid_notes"),
        ({"score_source": None}, 400, "invalid_score_source"),
    ],
)
def test_other_refusals(
    alice: Caller, trace: Source, labels: dict[str, Label], change: dict[str, Any], status: int, code: str
) -> None:
    answer = post(alice, trace, entry(labels["star"], 4) | change)
    assert (answer.status, answer.body["code"]) == (status, code)


def test_a_dry_run(alice: Caller, trace: Source, labels: dict[str, Label]) -> None:
    answer = post(alice, trace, entry(labels["star"], 4), "?dry_run=true")

    assert (answer.status, answer.body["id"]) == (200, None)
    assert not Score.objects.exists()
