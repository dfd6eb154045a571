"""Annotations and notes of many spans in one request (contract 8)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.conf import settings

from modelhub.accounts.models import User
from modelhub.core.envelope import read_object, reject_misspelled
from modelhub.core.errors import Invalid, NotFound, Refused, TooLarge
from modelhub.core.exact_json import check_storable
from modelhub.core.ids import spell_uuid
from modelhub.core.models import LIVE
from modelhub.core.text import is_visible_id, show
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.labels.cache import read_labels
from modelhub.labels.locks import share_labels
from modelhub.labels.rules import LabelRule
from modelhub.labels.types.base import as_number
from modelhub.labels.types.numeric import Numeric
from modelhub.scores.entries import EntryError
from modelhub.scores.models import Score
from modelhub.scores.recording import Batch, record_scores
from modelhub.sources.models import Source
from modelhub.sources.notes import add_notes
from modelhub.sources.refs import MAX_ID_LENGTH, Identity, SourceEntry, SourceRef, check_source_ref
from modelhub.sources.services import lock_sources, source_not_found
from modelhub.sources.statements import upsert_sources

MAX_RECORDS, MAX_PER_RECORD, MAX_NOTE_LENGTH = 1000, 20, 5000
# One savepoint per span: beyond 64 per transaction, they slow down every other session.
SPANS_PER_TRANSACTION = 50

RECORD_FIELDS = ("observation_span_id", "annotations", "notes")
# The field of a value, its JSON type and that type in words, by the type of the label.
VALUE_FIELDS: dict[str, tuple[str, type, str]] = {
    "text": ("value", str, "a string"),
    "numeric": ("value_float", object, "a number"),
    "star": ("value_float", object, "a number"),
    "thumbs_up_down": ("value_bool", bool, "true or false"),
    "categorical": ("value_str_list", list, "a list of strings"),
}
VALUE_NAMES = tuple(dict.fromkeys(name for name, _, _ in VALUE_FIELDS.values()))
# The annotator is the user of the key: `annotator_id` is known and ignored.
ANNOTATION_FIELDS = ("annotation_label_id", *VALUE_NAMES, "annotator_id")


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the request, counted from 1, with its span as sent."""

    index: int
    span_id: str | None

    def report(self, place: int = 0, **words: str) -> "Report":
        """Return an error or a warning about this record."""
        return Report(
            self.index, next(iter(words)), place, {"record_index": self.index, "span_id": self.span_id, **words}
        )


class Report(NamedTuple):
    """An error or a warning, sorted by record, kind and place in the record."""

    record_index: int
    kind: str
    place: int
    body: dict[str, Any]


class Annotation(NamedTuple):
    """An entry for `record_scores`, from a place in a record."""

    record: Record
    place: int
    entry: dict[str, Any]


@dataclass(slots=True)
class Span:
    """All annotations and notes of one span."""

    ref: SourceRef
    records: list[Record] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """Numbers of stored annotations and notes, and the reports about records."""

    created: int = 0
    updated: int = 0
    notes: int = 0
    warnings: list[Report] = field(default_factory=list)
    errors: list[Report] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        self.created += other.created
        self.updated += other.updated
        self.notes += other.notes
        self.warnings += other.warnings
        self.errors += other.errors


def annotate_spans(annotator: User, records: Sequence[object], *, create_sources: bool) -> Outcome:
    """Store the valid annotations and notes of records, with a report per invalid one.

    Spans are stored in transactions of fifty: a lost connection may leave the first ones stored, and a repeat of the
    request stores the rest. `create_sources`: the annotator may, where the settings allow it.
    """
    outcome = Outcome()
    spans: dict[Identity, Span] = {}
    labels = read_labels(annotator.organization_id, set(_label_ids(records))).rules
    for index, sent in enumerate(records, 1):
        _read_record(index, sent, labels, spans, outcome)
    # Sources are locked in the order of their keys, which avoids deadlocks.
    ordered = [spans[identity] for identity in sorted(spans)]
    may_create = create_sources and settings.AUTO_CREATE_SOURCES
    for first in range(0, len(ordered), SPANS_PER_TRANSACTION):
        outcome.add(_store(annotator, ordered[first : first + SPANS_PER_TRANSACTION], may_create=may_create))
    for reports in (outcome.warnings, outcome.errors):
        reports.sort(key=lambda report: report[:3])
    return outcome


def _label_ids(records: Iterable[object]) -> Iterator[str]:
    """Yield the ids of labels that annotations name, known or not."""
    for record in records:
        annotations = record.get("annotations") if isinstance(record, dict) else None
        for one in annotations if isinstance(annotations, list) else ():
            sent = one.get("annotation_label_id", one.get("annotationLabelId")) if isinstance(one, dict) else None
            if label_id := spell_uuid(sent):
                yield label_id


def _read_record(
    index: int, sent: object, labels: Mapping[str, LabelRule], spans: dict[Identity, Span], outcome: Outcome
) -> None:
    """Add annotations and notes of a record to its span, errors to the outcome."""
    record = Record(index, None)
    try:
        fields = _read_object(sent, RECORD_FIELDS, kind="A record")
        span_id = fields.get("observation_span_id")
        record = Record(index, span_id if isinstance(span_id, str) else None)
        if record.span_id is None or not is_visible_id(record.span_id, longest=MAX_ID_LENGTH):
            rule = f"a string of 1 to {MAX_ID_LENGTH} visible characters"
            raise Invalid(f"observation_span_id must be {rule}, got {show(span_id)}")
        annotations, notes = (_check_list(name, fields.get(name)) for name in ("annotations", "notes"))
        if not annotations and not notes:
            raise Invalid("A record must have annotations or notes")
    except Refused as refused:
        outcome.errors.append(record.report(error=str(refused)))
        return
    ref = check_source_ref("span", record.span_id)
    span = spans.setdefault(ref.identity, Span(ref))
    span.records.append(record)
    for place, one in enumerate(annotations):
        try:
            span.annotations.append(Annotation(record, place, _read_annotation(one, labels)))
        except Refused as refused:
            outcome.errors.append(record.report(place, annotation_error=f"annotations[{place}]: {refused}"))
    for place, one in enumerate(notes):
        try:
            span.notes.append(_read_note(one))
        except Refused as refused:
            outcome.errors.append(record.report(place, note_error=f"notes[{place}]: {refused}"))


def _read_object(sent: object, names: tuple[str, ...], *, kind: str) -> dict[str, Any]:
    """Return the known fields of an object. Raise `Invalid`."""
    if not isinstance(sent, dict):
        raise Invalid(f"{kind} must be an object, got {show(sent)}")
    fields = read_object(sent, names)
    reject_misspelled(sent, names)
    return fields


def _check_list(name: str, sent: object) -> list[Any]:
    if sent is None:
        return []
    if not isinstance(sent, list) or len(sent) > MAX_PER_RECORD:
        got = len(sent) if isinstance(sent, list) else show(sent)
        raise Invalid(f"{name} must be a list of at most {MAX_PER_RECORD} {name}, got {got}")
    return sent


def _read_annotation(sent: object, labels: Mapping[str, LabelRule]) -> dict[str, Any]:
    """Return an entry of a batch of scores. Raise `Invalid`, `NotFound`."""
    fields = _read_object(sent, ANNOTATION_FIELDS, kind="An annotation")
    label_id = spell_uuid(fields.get("annotation_label_id"))
    if label_id is None:
        raise Invalid(f"annotation_label_id must be a UUID, got {show(fields.get('annotation_label_id'))}")
    if (label := labels.get(label_id)) is None:
        raise NotFound(f"Label not found: {label_id}")
    given = [name for name in VALUE_NAMES if fields.get(name) is not None]
    name, json_type, words = VALUE_FIELDS[label.type]
    if given != [name]:
        sentence = f"{label}: exactly one value must be given, as {name}, got {', '.join(given) or 'none'}"
        raise Invalid(sentence)
    value = fields[name]
    if not isinstance(value, json_type) or (name == "value_float" and as_number(value) is None):
        raise Invalid(f"{label}: {name} must be {words}, got {show(value)}")
    if isinstance(label.kind, Numeric):
        # A client computes in doubles: 0.1 + 0.2 is meant to be a step of 0.1.
        value = label.kind.nearest(value)
    return {"label_id": label_id, "value": value}


def _read_note(sent: object) -> str:
    """Return the text of a note. Raise `Invalid`."""
    text = _read_object(sent, ("text",), kind="A note").get("text")
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_NOTE_LENGTH:
        got = f"{len(text)} characters" if isinstance(text, str) and len(text) > MAX_NOTE_LENGTH else show(text)
        raise Invalid(f"text must be a string of 1 to {MAX_NOTE_LENGTH} characters, got {got}")
    # At most six bytes per character, where JSON escapes it.
    check_storable(text, max_bytes=8 * MAX_NOTE_LENGTH, max_depth=2, name="text")
    return text


@repeat_aborted
@in_transaction
def _store(annotator: User, spans: Sequence[Span], *, may_create: bool) -> Outcome:
    """Store the annotations and notes of some spans in one transaction."""
    outcome = Outcome()
    organization_id = annotator.organization_id
    # The order of all writers of scores: labels, then sources.
    share_labels(organization_id)
    sources = lock_sources(organization_id, [span.ref for span in spans])
    before = _scored(annotator, sources)
    for span in spans:
        if span.ref.identity not in sources and not may_create:
            sentence = str(source_not_found(span.ref))
            outcome.errors += [record.report(error=sentence) for record in span.records]
        elif span.annotations:
            _record(annotator, span, before.get(span.ref.identity, set()), outcome, may_create=may_create)
    with_notes = [span for span in spans if span.notes and (may_create or span.ref.identity in sources)]
    if created := [SourceEntry(span.ref) for span in with_notes if span.ref.identity not in sources]:
        sources |= upsert_sources(organization_id, created)
    if notes := [(sources[span.ref.identity].pk, text) for span in with_notes for text in span.notes]:
        outcome.notes = add_notes(annotator, notes)
    return outcome


def _scored(annotator: User, sources: Mapping[Identity, Source]) -> dict[Identity, set[str]]:
    """Return the labels of the annotator's scores outside of queues, by source."""
    identities = {source.pk: identity for identity, source in sources.items()}
    scores = Score.objects.filter(
        LIVE,
        organization_id=annotator.organization_id,
        source_id__in=list(identities),
        annotator=annotator,
        queue_item=None,
    )
    found: dict[Identity, set[str]] = {}
    for source_id, label_id in scores.values_list("source_id", "label_id"):
        found.setdefault(identities[source_id], set()).add(str(label_id))
    return found


def _record(annotator: User, span: Span, before: Collection[str], outcome: Outcome, *, may_create: bool) -> None:
    """Store the annotations of one span; `before` names the labels with a score."""
    entries = [annotation.entry for annotation in span.annotations]
    try:
        recording = record_scores(Batch(annotator, span.ref, entries, create_source=may_create))
    except TooLarge as refused:
        outcome.errors += [record.report(error=str(refused)) for record in span.records]
        return
    refused_at = {error.index: error for error in recording.errors}
    for index, annotation in enumerate(span.annotations):
        record, label_id = annotation.record, annotation.entry["label_id"]
        if error := refused_at.get(index):
            sentence = f"annotations[{annotation.place}]: {_sentence(error)}"
            outcome.errors.append(record.report(annotation.place, annotation_error=sentence))
        elif label_id in before:
            outcome.updated += 1
            warning = f"The score of label {label_id} existed and has this value now"
            outcome.warnings.append(record.report(annotation.place, label_id=label_id, warning=warning))
        else:
            outcome.created += 1


def _sentence(error: EntryError) -> str:
    """Return the message; entries of a batch have other numbers than annotations."""
    if error.code == "duplicate_label":
        return f"Label {error.label_id} is already used for this span in this request"
    return error.message
