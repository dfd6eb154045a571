"""`POST /tracer/bulk-annotation/`: annotations and notes of many spans."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from fi.annotations.types import BulkAnnotationResponse

from modelhub.accounts.models import Organization
from modelhub.labels.models import Label
from modelhub.scores.models import Score, ScoreRevision
from modelhub.scores.span_annotations import SPANS_PER_TRANSACTION
from modelhub.sources.models import Source, SourceNote
from modelhub.sources.notes import notes_of_sources
from tests.client import Answer, Caller
from tests.factories import ApiKeyFactory, ItemFactory, LabelFactory, QueueFactory, ScoreFactory, SourceFactory

pytestmark = pytest.mark.django_db

PATH = "/tracer/bulk-annotation/"
# A value for each label, in the fields of the client.
VALUES: dict[str, dict[str, Any]] = {
    "star": {"value_float": 4.0},
    "categorical": {"value_str_list": ["positive"]},
    "text": {"value": "fine"},
    "numeric": {"value_float": 7.0},
    "thumbs_up_down": {"value_bool": True},
}


@pytest.fixture
def span(organization: Organization) -> Source:
    return SourceFactory.create(organization=organization, source_type="span", source_id="span_ab12")


def annotation(label: Label, **value: Any) -> dict[str, Any]:
    return {"annotation_label_id": str(label.pk), **(value or VALUES[label.type])}


def record(span: Source | str, *annotations: object, notes: list[object] | None = None) -> dict[str, Any]:
    span_id = span if isinstance(span, str) else span.source_id
    return {"observation_span_id": span_id, "annotations": list(annotations), "notes": notes or []}


def send(caller: Caller, *records: object) -> dict[str, Any]:
    answer = caller.post(PATH, {"records": list(records)})
    assert answer.status == 200, answer.body
    assert answer.body.keys() == {"status", "result"}
    result: dict[str, Any] = answer.body["result"]
    return result


def errors_of(result: dict[str, Any]) -> list[tuple[int, str, str]]:
    """Return index, kind and sentence of each error."""
    kinds = ("error", "annotation_error", "note_error")
    return [
        (error["record_index"], kind, error[kind])
        for error in result["errors"] or ()
        for kind in kinds
        if kind in error
    ]


def test_a_value_of_every_type_with_a_note(alice: Caller, span: Source, labels: dict[str, Label]) -> None:
    result = send(alice, record(span, *map(annotation, labels.values()), notes=[{"text": "n"}]))
    counts = {"annotations_created": 5, "annotations_updated": 0, "notes_created": 1, "succeeded_count": 1}
    assert {name: result[name] for name in counts} == counts
    assert (result["errors_count"], result["errors"], result["warnings_count"], result["warnings"]) == (
        0,
        None,
        0,
        None,
    )
    assert result["message"] == "5 annotations created, 0 updated, 1 note created, 0 errors"
    stored = {score.label.type: score.value for score in Score.objects.select_related("label")}
    assert stored == {
        "star": {"rating": 4},
        "categorical": {"selected": ["positive"]},
        "text": {"text": "fine"},
        "numeric": {"value": 7},
        "thumbs_up_down": {"value": "up"},
    }
    values = Score.objects.values_list("score_source", "annotator", "queue_item", "notes").distinct()
    assert list(values) == [("human", alice.user.pk, None, "")]
    note = SourceNote.objects.get()
    assert (note.source, note.author, note.text) == (span, alice.user, "n")


def test_each_number_in_both_spellings_as_the_client_parses_it(
    alice: Caller, span: Source, labels: dict[str, Label]
) -> None:
    send(alice, record(span, annotation(labels["star"])))
    result = send(alice, record(span, annotation(labels["star"]), annotation(labels["text"])), record("x"))
    parsed = BulkAnnotationResponse(**result)
    assert (parsed.annotationsCreated, parsed.annotationsUpdated, parsed.notesCreated) == (1, 1, 0)
    assert (parsed.succeededCount, parsed.errorsCount, parsed.warningsCount) == (1, 1, 1)
    for snake, camel in (
        ("annotations_created", "annotationsCreated"),
        ("annotations_updated", "annotationsUpdated"),
        ("notes_created", "notesCreated"),
        ("succeeded_count", "succeededCount"),
        ("errors_count", "errorsCount"),
        ("warnings_count", "warningsCount"),
    ):
        assert result[snake] == result[camel]


def test_keys_may_be_camel_case(alice: Caller, span: Source, labels: dict[str, Label]) -> None:
    one = {"annotationLabelId": str(labels["numeric"].pk), "valueFloat": 3}
    result = send(alice, {"observationSpanId": span.source_id, "annotations": [one]})
    assert result["annotations_created"] == 1


def test_an_update_is_a_warning_and_keeps_the_old_value(alice: Caller, span: Source, labels: dict[str, Label]) -> None:
    star = labels["star"]
    send(alice, record(span, annotation(star)))
    result = send(alice, record(span, annotation(star, value_float=2), annotation(labels["text"])))
    assert (result["annotations_created"], result["annotations_updated"]) == (1, 1)
    assert result["warnings"] == [
        {
            "record_index": 1,
            "span_id": "span_ab12",
            "label_id": str(star.pk),
            "warning": f"The score of label {star.pk} existed and has this value now",
        }
    ]
    assert Score.objects.get(label=star).value == {"rating": 2}
    assert ScoreRevision.objects.get().value == {"rating": 4}


def test_a_repeat_of_the_request_writes_nothing(alice: Caller, span: Source, labels: dict[str, Label]) -> None:
    one = record(span, *map(annotation, labels.values()), notes=[{"text": "n"}])
    send(alice, one)
    stored = list(Score.objects.order_by("id").values())
    again = send(alice, one)
    assert (again["annotations_created"], again["annotations_updated"], again["notes_created"]) == (0, 5, 0)
    assert list(Score.objects.order_by("id").values()) == stored
    assert not ScoreRevision.objects.exists()


def test_scores_of_others_and_of_queues_are_no_updates(
    alice: Caller, bob: Caller, span: Source, labels: dict[str, Label]
) -> None:
    ScoreFactory.create(source=span, label=labels["star"], annotator=bob.user)
    item = ItemFactory.create(source=span, queue=QueueFactory.create(created_by=alice.user))
    of_queue = {"queue_item": item.pk, "queue_id": item.queue_id}
    ScoreFactory.create(source=span, label=labels["star"], annotator=alice.user, **of_queue)
    assert send(alice, record(span, annotation(labels["star"])))["warnings"] is None
    assert Score.objects.count() == 3


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no value": ({}, "exactly one value must be given, as value_float, got none"),
    "two values": ({"value_float": 1, "value": "1"}, "as value_float, got value, value_float"),
    "another field": ({"value": "4"}, "exactly one value must be given, as value_float, got value"),
    "no number": ({"value_float": "4"}, 'value_float must be a number, got "4"'),
    "a boolean": ({"value_float": True}, "value_float must be a number, got true"),
    "an object": ({"value_float": {"rating": 4}}, 'value_float must be a number, got {"rating":4}'),
    "above the maximum": ({"value_float": 6}, "rating must be a whole number from 1 to 5, got 6"),
    "a misspelled field": ({"value_floats": 4}, 'Unknown field "value_floats". Did you mean "value_float"?'),
}


@pytest.mark.parametrize(("value", "sentence"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_annotation_is_its_own_error(
    alice: Caller, span: Source, labels: dict[str, Label], value: dict[str, Any], sentence: str
) -> None:
    wrong = {"annotation_label_id": str(labels["star"].pk), **value}
    result = send(alice, record(span, annotation(labels["text"]), wrong))
    [(index, kind, words)] = errors_of(result)
    assert (index, kind) == (1, "annotation_error")
    assert words.startswith("annotations[1]: ")
    assert sentence in words
    assert result["errors"][0]["span_id"] == "span_ab12"
    assert (result["annotations_created"], result["succeeded_count"]) == (1, 0)


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        ("categorical", {"value_str_list": ["positive", "neutral"]}, "selected must hold one option only"),
        ("categorical", {"value_str_list": ["great"]}, "great"),
        ("categorical", {"value_str_list": "positive"}, "value_str_list must be a list of strings"),
        ("text", {"value": {"text": "x"}}, "value must be a string"),
        ("text", {"value": ""}, "text must have from 1 to 5000 characters"),
        ("thumbs_up_down", {"value_bool": "up"}, "value_bool must be true or false"),
        ("numeric", {"value_float": 7.5}, "value must be 0 plus a multiple of 1"),
        ("star", {"value_float": 3.5}, "rating must be a whole number"),
    ],
)
def test_each_type_has_one_field_and_its_labels_rule(
    alice: Caller, span: Source, labels: dict[str, Label], kind: str, value: dict[str, Any], sentence: str
) -> None:
    [(_, _, words)] = errors_of(send(alice, record(span, annotation(labels[kind], **value))))
    assert sentence in words
    assert not Score.objects.exists()


def test_the_noise_of_doubles_is_no_error(alice: Caller, span: Source, organization: Organization) -> None:
    settings = {"min": 0, "max": 1, "step_size": 0.1, "display_type": "slider"}
    label = LabelFactory.create(organization=organization, type="numeric", settings=settings)
    assert send(alice, record(span, annotation(label, value_float=0.1 + 0.2)))["errors"] is None
    assert str(Score.objects.get().value["value"]) == "0.3"
    [(_, _, words)] = errors_of(send(alice, record(span, annotation(label, value_float=0.3001))))
    assert "value must be 0 plus a multiple of 0.1 (or 1), got 0.3001" in words


def test_errors_are_in_the_order_of_the_request(alice: Caller, span: Source, labels: dict[str, Label]) -> None:
    wrong = [annotation(labels["star"], value_float=9), {}, annotation(labels["text"], value=""), "x"]
    found = errors_of(send(alice, "x", record(span, *wrong, notes=[{}, {}]), record("none", notes=[{"text": "n"}])))
    assert [(index, words.partition(":")[0]) for index, _, words in found] == [
        (1, 'A record must be an object, got "x"'),
        *((2, f"annotations[{place}]") for place in range(4)),
        (2, "notes[0]"),
        (2, "notes[1]"),
        (3, "Source not found"),
    ]


def test_labels_must_exist_in_the_organization(
    alice: Caller, charlie: Caller, span: Source, labels: dict[str, Label]
) -> None:
    foreign = LabelFactory.create(organization=charlie.user.organization)
    gone = labels["text"]
    alice.delete(f"/model-hub/annotations-labels/{gone.pk}/")
    ids: list[object] = [str(foreign.pk), str(uuid.UUID(int=7)), str(gone.pk), "x", 7, None]
    result = send(alice, record(span, *({"annotation_label_id": label_id, "value": "1"} for label_id in ids)))
    sentences = [words.partition(": ")[2] for _, _, words in errors_of(result)]
    assert sentences[0] == f"Label not found: {foreign.pk}"
    assert sentences[1] == f"Label not found: {uuid.UUID(int=7)}"
    assert [words for words in sentences if "UUID, got" in words] == [
        'annotation_label_id must be a UUID, got "x"',
        "annotation_label_id must be a UUID, got 7",
        "annotation_label_id must be a UUID, got null",
    ]
    assert any("the label was deleted" in words for words in sentences)
    assert len(sentences) == 6
    assert not Score.objects.exists()


def test_a_label_twice_for_a_span_is_an_error_within_and_across_records(
    alice: Caller, span: Source, labels: dict[str, Label]
) -> None:
    star = labels["star"]
    ones = [annotation(star, value_float=number) for number in (9, 1, 2)]
    result = send(alice, record(span, *ones), record(span, annotation(star, value_float=3), annotation(labels["text"])))
    twice = f"Label {star.pk} is already used for this span in this request"
    found = errors_of(result)
    assert found[0][2].startswith("annotations[0]: ")
    assert found[1:] == [
        (1, "annotation_error", f"annotations[2]: {twice}"),
        (2, "annotation_error", f"annotations[0]: {twice}"),
    ]
    assert Score.objects.get(label=star).value == {"rating": 1}
    assert (result["annotations_created"], result["succeeded_count"]) == (2, 0)


def test_an_unknown_span_is_the_error_of_its_record(
    alice: Caller, charlie: Caller, span: Source, labels: dict[str, Label]
) -> None:
    foreign = SourceFactory.create(organization=charlie.user.organization, source_type="span", source_id="theirs")
    trace = SourceFactory.create(organization=alice.user.organization, source_type="trace", source_id="a-trace")
    ones = [record(one, annotation(labels["star"]), notes=[{"text": "n"}]) for one in (foreign, trace, "none", span)]
    result = send(alice, *ones)
    assert [(index, kind) for index, kind, _ in errors_of(result)] == [(1, "error"), (2, "error"), (3, "error")]
    sentence = "Source not found: span none. Register it with POST /model-hub/sources/ first."
    assert errors_of(result)[2][2] == sentence
    assert (result["annotations_created"], result["notes_created"], result["succeeded_count"]) == (1, 1, 1)
    assert SourceNote.objects.get().source == span


def test_unknown_spans_are_created_where_the_settings_allow_it(
    alice: Caller, bob: Caller, labels: dict[str, Label], settings: Any
) -> None:
    settings.AUTO_CREATE_SOURCES = True
    annotator = Caller(ApiKeyFactory.create(user=bob.user, scopes=["annotate"]))
    [(_, kind, _)] = errors_of(send(annotator, record("new", annotation(labels["star"]))))
    assert kind == "error"
    result = send(
        alice,
        record("new", annotation(labels["star"]), notes=[{"text": "n"}]),
        record("noted", notes=[{"text": "n"}]),
        record("wrong", annotation(labels["star"], value_float=9)),
    )
    assert (result["annotations_created"], result["notes_created"], result["errors_count"]) == (1, 2, 1)
    assert set(Source.objects.values_list("source_type", "source_id")) == {("span", "new"), ("span", "noted")}
    assert send(annotator, record("new", annotation(labels["star"])))["annotations_created"] == 1


RECORDS: dict[str, tuple[object, str]] = {
    "no object": ("x", 'A record must be an object, got "x"'),
    "no span": ({"annotations": [], "notes": [{"text": "n"}]}, "observation_span_id must be a string of 1 to 255"),
    "a number as span": (record("s", notes=[{"text": "n"}]) | {"observation_span_id": 7}, "characters, got 7"),
    "an invisible span": (record("a\u200bb", notes=[{"text": "n"}]), "observation_span_id must be a string"),
    "NUL": (record("a\x00b", notes=[{"text": "n"}]), "observation_span_id must be a string"),
    "nothing": (record("s"), "A record must have annotations or notes"),
    "annotations that are no list": (
        {"observation_span_id": "s", "annotations": {}, "notes": 7},
        "annotations must be",
    ),
    "too many annotations": (record("s", *[{}] * 21), "annotations must be a list of at most 20 annotations, got 21"),
    "too many notes": (record("s", notes=[{}] * 21), "notes must be a list of at most 20 notes, got 21"),
    "a misspelled key": ({"observation_span_id": "s", "annotation": [1]}, 'Did you mean "annotations"?'),
    "both spellings": (
        {"observation_span_id": "s", "observationSpanId": "t", "notes": [{"text": "n"}]},
        "observation_span_id and observationSpanId are both given and differ",
    ),
}


@pytest.mark.parametrize(("sent", "sentence"), RECORDS.values(), ids=list(RECORDS))
def test_a_wrong_record_is_its_own_error(
    alice: Caller, span: Source, labels: dict[str, Label], sent: object, sentence: str
) -> None:
    result = send(alice, sent, record(span, annotation(labels["star"])))
    [(index, kind, words)] = errors_of(result)
    assert (index, kind) == (1, "error")
    assert sentence in words
    assert (result["annotations_created"], result["succeeded_count"]) == (1, 1)


NOTES: dict[str, tuple[object, str]] = {
    "no object": ("n", 'A note must be an object, got "n"'),
    "no text": ({}, "text must be a string of 1 to 5000 characters, got null"),
    "blank": ({"text": " \n"}, "text must be a string of 1 to 5000 characters"),
    "too long": ({"text": "x" * 5001}, "text must be a string of 1 to 5000 characters, got 5001 characters"),
    "NUL": ({"text": "a\x00b"}, "NUL"),
    "half a surrogate pair": ({"text": "a\ud800"}, "surrogate"),
}


@pytest.mark.parametrize(("note", "sentence"), NOTES.values(), ids=list(NOTES))
def test_a_wrong_note_is_its_own_error(alice: Caller, span: Source, note: object, sentence: str) -> None:
    result = send(alice, record(span, notes=[note, {"text": "ü" * 5000}]))
    [(index, kind, words)] = errors_of(result)
    assert (index, kind) == (1, "note_error")
    assert words.startswith("notes[0]: ")
    assert sentence in words
    assert result["notes_created"] == 1


def test_an_identical_note_of_the_same_user_is_skipped(alice: Caller, bob: Caller, span: Source) -> None:
    same = record(span, notes=[{"text": "n"}, {"text": "n"}, {"text": "m"}])
    assert send(alice, same)["notes_created"] == 2
    again = send(alice, same)
    assert (again["notes_created"], again["errors"], again["warnings"]) == (0, None, None)
    assert send(bob, same)["notes_created"] == 2


def test_notes_are_read_by_source_with_their_authors(
    alice: Caller, bob: Caller, charlie: Caller, span: Source, trace: Source
) -> None:
    send(alice, record(span, notes=[{"text": "first"}]))
    send(bob, record(span, notes=[{"text": "second"}]))
    found = notes_of_sources(alice.user.organization_id, [span.pk, trace.pk])
    assert [(note.notes, note.annotator_name, note.annotator_email) for note in found[span.pk]] == [
        ("first", "Alice", "alice@example.com"),
        ("second", "Bob", "bob@example.com"),
    ]
    assert found[span.pk][0].annotator_id == str(alice.user.pk)
    assert found[trace.pk] == []
    assert notes_of_sources(charlie.user.organization_id, [span.pk]) == {span.pk: []}


@pytest.mark.parametrize("records", [None, [], {}, "x", 7])
def test_a_body_without_records_is_a_400(alice: Caller, records: object) -> None:
    answer = alice.post(PATH, {"records": records})
    assert answer.status == 400
    assert "records must be a list of 1 to 1000 records, got" in answer.body["errors"]["records"][0]


def test_more_records_than_a_thousand_are_a_400(alice: Caller, span: Source) -> None:
    one = record(span, notes=[{"text": "n"}])
    answer = alice.post(PATH, {"records": [one] * 1001})
    assert (answer.status, answer.body["message"]) == (
        400,
        "records must be a list of 1 to 1000 records, got 1001 records",
    )
    assert not SourceNote.objects.exists()
    assert send(alice, *[one] * 1000)["notes_created"] == 1


def test_more_annotations_of_one_span_than_a_batch_takes(
    alice: Caller, span: Source, labels: dict[str, Label], settings: Any
) -> None:
    settings.MAX_SCORES = 4
    ones = [annotation(label) for label in labels.values()]
    result = send(alice, record(span, *ones, notes=[{"text": "n"}]))
    assert errors_of(result) == [(1, "error", "At most 4 scores a request, got 5")]
    assert (result["annotations_created"], result["notes_created"]) == (0, 1)


def test_annotator_id_of_an_annotation_is_ignored(
    alice: Caller, bob: Caller, span: Source, labels: dict[str, Label]
) -> None:
    send(alice, record(span, annotation(labels["star"], value_float=4, annotator_id=str(bob.user.pk))))
    assert Score.objects.get().annotator == alice.user


def test_statements_grow_with_spans_only(alice: Caller, organization: Organization) -> None:
    spans = [SourceFactory.create(organization=organization, source_type="span") for _ in range(3)]
    numbers: list[Label] = LabelFactory.create_batch(20, organization=organization, type="numeric")
    send(alice, record(spans[0], annotation(numbers[0])))

    def statements(*records: object) -> int:
        with CaptureQueriesContext(connection) as queries:
            send(alice, *records)
        return len(queries)

    one = statements(record(spans[1], annotation(numbers[0]), notes=[{"text": "n"}]))
    notes: list[object] = [{"text": str(number)} for number in range(20)]
    assert statements(record(spans[2], *map(annotation, numbers), notes=notes)) == one
    assert statements(*(record(span, annotation(numbers[0]), notes=[{"text": "m"}]) for span in spans)) == one + 2 * 3


@pytest.mark.django_db(transaction=True)
def test_two_hundred_rows_of_two_clients_in_opposite_order(
    alice: Caller, bob: Caller, organization: Organization, labels: dict[str, Label]
) -> None:
    """Each request has several transactions, which lock the same spans."""
    spans = [
        SourceFactory.create(organization=organization, source_type="span", source_id=f"s{at}") for at in range(200)
    ]
    assert len(spans) > 2 * SPANS_PER_TRANSACTION
    rows = [record(span, annotation(labels["star"]), annotation(labels["text"])) for span in spans]

    def act(caller: Caller, records: list[dict[str, Any]]) -> Answer:
        try:
            return caller.post(PATH, {"records": records})
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(act, (alice, bob), (rows, rows[::-1])))
    assert [answer.body["result"]["annotations_created"] for answer in answers] == [400, 400]
    assert [answer.body["result"]["errors"] for answer in answers] == [None, None]
    assert Score.objects.count() == 800
