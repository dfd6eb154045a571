"""Import of exported scores, which keep their ids and times (contract 0.12).

Nothing is guessed and nothing is merged.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from modelhub.accounts.models import User
from modelhub.accounts.people import create_annotators, draft_annotator
from modelhub.core.errors import Invalid, NotFound, Refused
from modelhub.core.exact_json import same
from modelhub.core.ids import new_id, parse_uuid
from modelhub.core.models import LIVE
from modelhub.core.text import fold, show
from modelhub.core.transactions import in_transaction, is_refusal, repeat_aborted
from modelhub.labels.locks import share_labels
from modelhub.labels.models import LabelVersion
from modelhub.labels.rules import LabelRule
from modelhub.labels.services import labels_of
from modelhub.labels.types import get_type
from modelhub.scores.entries import CONTENT_RULES, ScoreContent
from modelhub.scores.import_files import Record
from modelhub.scores.line_index import FirstLine, LineIndex
from modelhub.scores.models import Score
from modelhub.scores.statements import keep_revisions, later_than, write_scores
from modelhub.sources.models import Source
from modelhub.sources.refs import Identity, SourceEntry, SourceRef, check_source_ref
from modelhub.sources.services import lock_sources, store_sources

# Clocks of two machines may differ; later times are errors.
CLOCK_DIFFERENCE = timedelta(minutes=1)
# Content of a new score that its line does not give.
DEFAULTS = {"score_source": "imported", "notes": ""}


@dataclass(slots=True)
class ImportResult:
    """Numbers of scores and failed lines, new annotators, and errors by line."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    annotators: set[uuid.UUID] = field(default_factory=set)
    errors: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: "ImportResult") -> None:
        """Add the result of the next lines, except for the texts of its errors."""
        self.created += other.created
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.failed += len(other.errors)
        self.annotators |= other.annotators


@dataclass(slots=True)
class Line:
    """A readable line: the score that it names, and its content or `refusal`.

    `sent` is the value before its label judged it, `content` the other fields that are given.
    """

    number: int
    digest: bytes
    score_id: uuid.UUID | None
    ref: SourceRef
    label: LabelRule
    annotator: User
    stands_in: bool
    created_at: datetime | None
    updated_at: datetime | None
    sent: Any
    content: dict[str, Any]
    value: dict[str, Any] = field(default_factory=dict)
    updated_by: User | None = None
    refusal: Refused | None = None

    @property
    def slot(self) -> tuple[Identity, str, uuid.UUID]:
        """Return the parts of a score that no two lines may share."""
        return self.ref.identity, self.label.id, self.annotator.pk

    @property
    def keys(self) -> list[object]:
        return [self.slot, self.score_id] if self.score_id else [self.slot]

    def equals(self, score: Score) -> bool:
        """Return whether the content is stored; fields that are not given are equal."""
        if not (same(score.value, self.sent) or (not self.refusal and same(score.value, self.value))):
            return False
        return all(same(getattr(score, name), sent) for name, sent in self.content.items())


class ImportedScore(ScoreContent, frozen=True, kw_only=True):
    """A score as a row to write; `overwrites` a live one."""

    line: int
    id: uuid.UUID
    source_id: uuid.UUID
    label_id: uuid.UUID
    annotator_id: uuid.UUID
    created_at: datetime
    updated_at: datetime
    updated_by_id: uuid.UUID | None
    overwrites: bool


class Importer:
    """Import of one file into one organization.

    Revisions of overwritten scores name `user`. `annotator` stands in for people that the organization does not have.
    `create_annotators` creates them instead, where a line has their email. `force` keeps values that the present
    settings of their label reject.
    """

    def __init__(
        self, user: User, *, annotator: User | None = None, create_annotators: bool = False, force: bool = False
    ) -> None:
        self.user, self.stand_in, self.creates, self.force = user, annotator, create_annotators, force
        self.organization_id = user.organization_id
        people = User.objects.filter(organization_id=self.organization_id)
        self.people: dict[object, User] = {key: person for person in people for key in (person.email, person.pk)}
        self.drafts: dict[uuid.UUID, User] = {}
        self.index = LineIndex()
        self.labels_version: object = None
        self.labels: dict[uuid.UUID, LabelRule] = {}
        self.labels_by_name: dict[str, list[LabelRule]] = {}

    @repeat_aborted
    @in_transaction
    def run(self, records: Sequence[Record], *, dry_run: bool = False) -> ImportResult:
        """Import the next lines of the file in one transaction.

        An error costs its line only. A stored score is unchanged if its line is equal, else overwritten. A deleted one
        is live again.
        """
        result = ImportResult()
        self._lock_labels()
        lines = []
        for record in records:
            try:
                lines.append(self._read(record))
            except Refused as refused:
                result.errors.append((record.number, str(refused)))
        for run in _without_repeats(lines):
            self._import(self._new_among(run, result), result)
        if dry_run:
            transaction.set_rollback(True)
        result.errors.sort()
        return result

    def _lock_labels(self) -> None:
        """Lock the labels until the transaction ends, and read them if they changed."""
        share_labels(self.organization_id)
        versions = LabelVersion.objects.filter(organization_id=self.organization_id)
        version = versions.values_list("version", flat=True).first() or "no labels"
        if version == self.labels_version:
            return
        self.labels_version, self.labels, by_name = version, {}, defaultdict(list)
        for label in map(LabelRule.of, labels_of(self.organization_id)):
            self.labels[uuid.UUID(label.id)] = label
            by_name[fold(label.name)].append(label)
        self.labels_by_name = dict(by_name)

    def _read(self, record: Record) -> Line:
        """Return the score of a line. Raise `Refused` for a line that names none."""
        fields = record.fields
        if isinstance(fields, Invalid):
            raise fields
        label = self._find_label(fields)
        person = self._find_person(fields, "annotator")
        annotator = person or self.stand_in
        if annotator is None:
            raise _not_found(fields, "annotator")
        line = Line(
            number=record.number,
            digest=record.digest,
            score_id=_read_id(fields, "id"),
            ref=check_source_ref(fields.get("source_type"), fields.get("source_id")),
            label=label,
            annotator=annotator,
            stands_in=person is None,
            created_at=_read_time(fields, "created_at"),
            updated_at=_read_time(fields, "updated_at"),
            sent=_shaped(label, fields.get("value")),
            content={name: fields[name] for name in CONTENT_RULES if fields.get(name) is not None},
        )
        try:
            self._judge(line, fields)
        except Refused as refused:
            line.refusal = refused
        return line

    def _judge(self, line: Line, fields: Mapping[str, Any]) -> None:
        """Set the value and its author. Raise `Refused` for unfit content."""
        if "value" not in fields:
            raise Invalid("value must be given")
        line.value = line.label.check_new(fields["value"], force=self.force)
        for name, sent in line.content.items():
            CONTENT_RULES[name](sent)
        for name in ("created_at", "updated_at"):
            moment = getattr(line, name)
            if moment and moment > timezone.now() + CLOCK_DIFFERENCE:
                raise Invalid(f"{name} must not be in the future, got {show(fields[name])}")
        if fields.get("updated_by") or fields.get("updated_by_email"):
            line.updated_by = self._find_person(fields, "updated_by") or self.stand_in
            if line.updated_by is None:
                raise _not_found(fields, "updated_by")

    def _find_label(self, fields: Mapping[str, Any]) -> LabelRule:
        """Return a label by its id, else by name and type. Raise `Refused`."""
        label_id, name, label_type = _read_id(fields, "label_id"), _read_text(fields, "label_name"), None
        if label_id in self.labels:
            return self.labels[label_id]
        if name is None:
            raise (
                NotFound(f"Label not found: {label_id}")
                if label_id
                else Invalid("label_id or label_name must be given")
            )
        label_type = _read_text(fields, "label_type")
        named = [one for one in self.labels_by_name.get(fold(name), []) if label_type in (None, one.type)]
        fitting = [one for one in named if not one.deleted] or named
        if len(fitting) > 1:
            ids = ", ".join(one.id for one in fitting)
            raise Invalid(f"label_name {show(name)} fits {len(fitting)} labels, name one by its label_id: {ids}")
        if not fitting:
            words = [str(label_id)] if label_id else []
            words.append(show(name) + (f" of type {show(label_type)}" if label_type else ""))
            raise NotFound(f"Label not found: {', nor '.join(words)}")
        return fitting[0]

    def _find_person(self, fields: Mapping[str, Any], role: str) -> User | None:
        """Return the user in a role by id or email. Raise `Invalid` for two.

        An absent one is drafted if annotators are created.
        """
        pk, email = _id_of(fields, role), (_read_text(fields, f"{role}_email") or "").strip().lower()
        by_id, by_email = self.people.get(pk), self.people.get(email)
        if by_id and by_email and by_id != by_email:
            raise Invalid(f"{role} and {role}_email must name one user, got {by_id.email} and {by_email.email}")
        found = by_id or by_email
        if found is None and email and self.creates:
            name = fields.get(f"{role}_name")
            found = draft_annotator(
                organization_id=self.organization_id, email=email, name=None if name == email else name, pk=pk
            )
            self.people |= {email: found, found.pk: found}
            self.drafts[found.pk] = found
        return found

    def _new_among(self, lines: Sequence[Line], result: ImportResult) -> list[Line]:
        """Return the lines whose score no earlier line of the file has."""
        new = []
        for line in lines:
            first = self.index.find(line.slot)
            if first and first.number != line.number:
                if first.digest == line.digest:
                    result.unchanged += 1
                else:
                    annotator = f"stand-in {line.annotator.email}" if line.stands_in else "annotator"
                    sentence = f"Line {first.number} has another score of this source, label and {annotator}"
                    result.errors.append((line.number, sentence))
                continue
            first = self.index.find(line.score_id) if line.score_id else None
            if first and first.number != line.number:
                result.errors.append((line.number, f"Line {first.number} has another score with this id"))
                continue
            new.append(line)
        return new

    def _import(self, lines: Sequence[Line], result: ImportResult) -> None:
        """Import lines that share neither score nor id; locks their sources."""
        by_line = {line.number: line for line in lines}
        rows = []
        stored = StoredScores(self.organization_id, lines)
        for line in lines:
            try:
                row = stored.row_of(line)
            except Refused as refused:
                result.errors.append((line.number, str(refused)))
                continue
            if row is None:
                result.unchanged += 1
                self._add_to_index(line)
            else:
                rows.append(row)
        for row in self._write(rows, result):
            self._add_to_index(by_line[row.line])

    def _add_to_index(self, line: Line) -> None:
        for key in line.keys:
            self.index.add(key, FirstLine(line.number, line.digest))

    def _write(self, rows: Sequence[ImportedScore], result: ImportResult) -> list[ImportedScore]:
        """Write all rows in one savepoint, else each in its own. Return the written ones."""
        written = self._try_write(rows, result) if rows else set()
        if written is None and len(rows) > 1:
            return [row for one in rows for row in self._write([one], result)]
        for row in rows:
            if written is None:
                result.errors.append((row.line, "The database refused this score"))
            elif row.id not in written:
                result.errors.append((row.line, _id_is_taken(row.id)))
            elif row.overwrites:
                result.changed += 1
            else:
                result.created += 1
        return [row for row in rows if written and row.id in written]

    def _try_write(self, rows: Sequence[ImportedScore], result: ImportResult) -> set[uuid.UUID] | None:
        """Write rows in one savepoint. Return their ids, or None for a rejected row."""
        overwritten = [row.id for row in rows if row.overwrites]
        named = {pk for row in rows for pk in (row.annotator_id, row.updated_by_id)}
        absent = [person for pk, person in self.drafts.items() if pk in named]
        try:
            with transaction.atomic():
                if absent:
                    create_annotators(absent)
                if overwritten:
                    keep_revisions(overwritten, action="overwritten", user=self.user, now=timezone.now())
                written = write_scores(rows, organization_id=self.organization_id)
        except DatabaseError as error:
            if not is_refusal(error):
                raise
            return None
        result.annotators.update(person.pk for person in absent)
        return written


class StoredScores:
    """The stored scores that lines name; their sources are registered and locked."""

    def __init__(self, organization_id: uuid.UUID, lines: Sequence[Line]) -> None:
        refs = {line.ref.identity: line.ref for line in lines}
        self.sources: dict[Identity, Source] = lock_sources(organization_id, list(refs.values()))
        # A line that is not stored registers no source.
        new = {line.ref.identity for line in lines if not line.refusal} - self.sources.keys()
        if new:
            self.sources |= store_sources(organization_id, [SourceEntry(refs[identity]) for identity in new])
        scores = Score.objects.filter(organization_id=organization_id)
        live = scores.filter(LIVE, source_id__in=[source.pk for source in self.sources.values()], queue_item=None)
        self.by_slot = {_slot_of(score): score for score in live}
        self.by_id = {score.pk: score for score in self.by_slot.values()}
        others = {line.score_id for line in lines if line.score_id} - self.by_id.keys()
        self.by_id |= scores.in_bulk(list(others))

    def row_of(self, line: Line) -> ImportedScore | None:
        """Return the row of a line, None for an unchanged score. Raise `Refused`."""
        source = self.sources.get(line.ref.identity)
        slot = source.pk if source else None, uuid.UUID(line.label.id), line.annotator.pk
        named = self.by_id.get(line.score_id) if line.score_id else None
        if named and _slot_of(named) != slot:
            raise Invalid(_id_is_taken(named.pk))
        score = self.by_slot.get(slot, named)
        is_equal = score is not None and line.equals(score)
        if score and line.stands_in and line.score_id != score.pk and not (is_equal and line.score_id is None):
            raise Invalid(f"{line.annotator.email} has another score of this source and label, {score.pk}")
        if score and is_equal and not score.deleted_at:
            return None
        if line.refusal:
            raise line.refusal
        if source is None:
            raise Invalid("The database refused the source of this line")
        return _row(line, source, score, is_equal=is_equal)


def _row(line: Line, source: Source, score: Score | None, *, is_equal: bool) -> ImportedScore:
    """Return the row of a new, a restored (`is_equal`) or an overwritten score."""
    now = timezone.now()
    created_at = score.created_at if score else line.created_at or line.updated_at or now
    updated_at = line.updated_at or (now if score else created_at)
    if score and not is_equal:
        updated_at = max(updated_at, later_than(score.updated_at))
    content = {name: getattr(score, name) if score else DEFAULTS[name] for name in CONTENT_RULES} | line.content
    author = line.updated_by
    return ImportedScore(
        line=line.number,
        id=score.pk if score else line.score_id or new_id(),
        source_id=source.pk,
        label_id=uuid.UUID(line.label.id),
        annotator_id=line.annotator.pk,
        value=line.value,
        **content,
        created_at=created_at,
        updated_at=updated_at,
        updated_by_id=None if author is None or author == line.annotator else author.pk,
        overwrites=score is not None and score.deleted_at is None,
    )


def _id_is_taken(score_id: uuid.UUID) -> str:
    return f"The id {score_id} is taken by another score"


def _slot_of(score: Score) -> tuple[uuid.UUID | None, ...]:
    """Return the columns that the database holds unique among live scores."""
    return score.source_id, score.label_id, score.annotator_id


def _without_repeats(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield runs of lines that share neither score nor id."""
    run: list[Line] = []
    seen: set[object] = set()
    for line in lines:
        if not seen.isdisjoint(line.keys):
            yield run
            run, seen = [], set()
        run.append(line)
        seen.update(line.keys)
    if run:
        yield run


def _shaped(label: LabelRule, value: object) -> object:
    """Return a value as it would be stored, if it has the shape of its label."""
    with suppress(Invalid):
        return get_type(label.type).check_shape(value)
    return value


def _not_found(fields: Mapping[str, Any], role: str) -> Invalid:
    named = next((fields[name] for name in (f"{role}_email", f"{role}_id", role) if fields.get(name)), None)
    if named is None:
        return Invalid(f"{role}_email or {role} must be given; --annotator names one for all such lines")
    return Invalid(
        f"Annotator not found: {show(named)}; --create-annotators creates those with an email, "
        "--annotator names one for all"
    )


def _id_of(fields: Mapping[str, Any], role: str) -> uuid.UUID | None:
    """Return the id of the user in a role, if it is one. Raise `Invalid` for two."""
    ids = {parse_uuid(fields.get(name)) for name in (role, f"{role}_id")} - {None}
    if len(ids) > 1:
        raise Invalid(f"{role} and {role}_id must be the same, got {' and '.join(sorted(map(str, ids)))}")
    return next(iter(ids), None)


def _read_id(fields: Mapping[str, Any], name: str) -> uuid.UUID | None:
    sent = fields.get(name)
    if sent is not None and parse_uuid(sent) is None:
        raise Invalid(f"{name} must be a UUID, got {show(sent)}")
    return parse_uuid(sent)


def _read_text(fields: Mapping[str, Any], name: str) -> str | None:
    text = fields.get(name)
    if text is not None and not isinstance(text, str):
        raise Invalid(f"{name} must be a string, got {show(text)}")
    return text


def _read_time(fields: Mapping[str, Any], name: str) -> datetime | None:
    text = fields.get(name)
    if text is None:
        return None
    with suppress(ValueError, OverflowError):
        moment = parse_datetime(text) if isinstance(text, str) else None
        if moment and moment.tzinfo:
            return moment.astimezone(UTC)
    raise Invalid(f"{name} must be a time with its zone, as in 2026-01-31T12:00:00Z, got {show(text)}")
