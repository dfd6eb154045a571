"""Import of the JSON export: scores keep their ids and times."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from msgspec.structs import replace

from modelhub.accounts.models import User
from modelhub.core.errors import Invalid, Refused
from modelhub.core.exact_json import loads, same
from modelhub.core.ids import new_id, parse_uuid, spell_uuid
from modelhub.core.models import LIVE
from modelhub.core.text import show
from modelhub.core.transactions import is_refusal
from modelhub.labels.rules import LabelRule
from modelhub.labels.services import labels_of
from modelhub.scores.entries import CONTENT_RULES, ScoreContent
from modelhub.scores.models import Score
from modelhub.scores.statements import keep_revisions, write_scores
from modelhub.sources.refs import SourceEntry, SourceRef, check_source_ref
from modelhub.sources.services import store_sources


@dataclass(slots=True)
class ImportResult:
    """Numbers of scores, and the errors by the number of their line (from 1)."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: "ImportResult") -> None:
        self.created += other.created
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.errors += other.errors


class Line(ScoreContent, frozen=True, kw_only=True):
    """A readable line, as the row to write.

    `source_id` and `overwrites`, whether a live score has this id, follow from the stored rows.
    """

    number: int
    ref: SourceRef
    id: uuid.UUID
    source_id: uuid.UUID | None = None
    label_id: uuid.UUID
    annotator_id: uuid.UUID
    created_at: datetime
    updated_at: datetime
    updated_by_id: uuid.UUID | None = None
    overwrites: bool = False


class Importer:
    """Import into one organization; revisions of overwritten scores name `user`."""

    def __init__(self, user: User, *, annotator: User | None = None) -> None:
        """`annotator` stands in for annotators that the organization does not have."""
        self.user, self.stand_in = user, annotator
        self.organization_id = user.organization_id
        self.labels: dict[object, LabelRule] = {}
        for label in map(LabelRule.of, labels_of(self.organization_id)):
            self.labels[label.id] = label
            if not label.deleted:
                self.labels[label.name.lower(), label.type] = label
        people = User.objects.filter(organization_id=self.organization_id)
        self.people = {key: person for person in people for key in (person.email, str(person.pk))}

    def run(self, lines: Sequence[tuple[int, bytes]], *, dry_run: bool = False) -> ImportResult:
        """Import numbered lines in one transaction; an error costs its line only.

        A line that is imported again changes nothing. A score with another value is overwritten, a deleted one is
        live again.
        """
        result = ImportResult()
        readable = []
        for number, text in lines:
            try:
                readable.append(self._read_line(number, text))
            except (Refused, ValueError) as error:
                result.errors.append((number, str(error)))
        with transaction.atomic():
            for batch in _without_repeats(readable):
                self._import(batch, result)
            if dry_run:
                transaction.set_rollback(True)
        result.errors.sort()
        return result

    def _read_line(self, number: int, text: bytes) -> Line:
        fields = loads(text)
        if not isinstance(fields, dict):
            raise Invalid(f"A line must be a JSON object, got {show(fields)}")
        label = self._find_label(fields)
        created_at = _read_time(fields, "created_at", timezone.now())
        annotator = self._find_person(fields, "annotator")
        is_corrected = fields.get("updated_by") or fields.get("updated_by_email")
        author = self._find_person(fields, "updated_by") if is_corrected else annotator
        fields.setdefault("score_source", "imported")
        content: dict[str, Any] = {name: check(fields.get(name)) for name, check in CONTENT_RULES.items()}
        return Line(
            number=number,
            ref=check_source_ref(fields.get("source_type"), fields.get("source_id")),
            id=parse_uuid(fields.get("id")) or new_id(),
            label_id=uuid.UUID(label.id),
            annotator_id=annotator.pk,
            created_at=created_at,
            updated_at=_read_time(fields, "updated_at", created_at),
            updated_by_id=None if author == annotator else author.pk,
            value=label.check(fields.get("value")),
            **content,
        )

    def _find_label(self, fields: dict[str, Any]) -> LabelRule:
        """Find a label by its id, else by name and type, as on another server."""
        name = str(fields.get("label_name")).lower(), str(fields.get("label_type"))
        label = self.labels.get(spell_uuid(fields.get("label_id"))) or self.labels.get(name)
        if label is None:
            raise Invalid(f"Label not found: {show(fields.get('label_id'))} ({show(fields.get('label_name'))})")
        return label

    def _find_person(self, fields: dict[str, Any], role: str) -> User:
        """Find the annotator, or the author of the value, by email, else by id."""
        email, pk = fields.get(f"{role}_email"), fields.get(f"{role}_id") or fields.get(role)
        found = self.people.get(str(email).lower()) or self.people.get(str(pk)) or self.stand_in
        if found is None:
            raise Invalid(f"Annotator not found: {show(email or pk)}; name one for all such lines with --annotator")
        return found

    def _import(self, lines: Sequence[Line], result: ImportResult) -> None:
        """Import lines without repeated scores; locks their sources."""
        entries = {line.ref.identity: SourceEntry(line.ref) for line in lines}
        sources = store_sources(self.organization_id, list(entries.values()))
        scores = Score.objects.filter(organization_id=self.organization_id)
        live = scores.filter(LIVE, source_id__in=[source.pk for source in sources.values()], queue_item=None)
        by_slot = {_slot_of(score): score for score in live}
        by_id = scores.in_bulk([line.id for line in lines])
        changed = []
        for sent in lines:
            if sent.ref.identity not in sources:
                result.errors.append((sent.number, "The database refused the source of this line"))
                continue
            line = replace(sent, source_id=sources[sent.ref.identity].pk)
            score = by_slot.get(_slot_of(line)) or by_id.get(line.id)
            if score is None:
                changed.append(line)
            elif _slot_of(score) != _slot_of(line):
                result.errors.append((line.number, _id_is_taken(score.pk)))
            elif score.deleted_at:
                changed.append(line)
            elif all(same(getattr(score, name), getattr(line, name)) for name in ScoreContent.__struct_fields__):
                result.unchanged += 1
            else:
                changed.append(replace(line, id=score.pk, created_at=score.created_at, overwrites=True))
        self._write(changed, result)

    def _write(self, lines: Sequence[Line], result: ImportResult) -> None:
        """Write all lines in one savepoint, else each line in its own."""
        written = self._try_write(lines)
        if written is None and len(lines) > 1:
            for line in lines:
                self._write([line], result)
            return
        for line in lines:
            if written is None:
                result.errors.append((line.number, "The database refused this score"))
            elif line.id not in written:
                result.errors.append((line.number, _id_is_taken(line.id)))
            elif line.overwrites:
                result.changed += 1
            else:
                result.created += 1

    def _try_write(self, lines: Sequence[Line]) -> set[uuid.UUID] | None:
        """Write lines in one savepoint. Return their ids, or None for a rejected row."""
        overwritten = [line.id for line in lines if line.overwrites]
        try:
            with transaction.atomic():
                if overwritten:
                    keep_revisions(overwritten, action="overwritten", user=self.user, now=timezone.now())
                return write_scores(lines, organization_id=self.organization_id)
        except DatabaseError as error:
            if not is_refusal(error):
                raise
            return None


def _id_is_taken(score_id: uuid.UUID) -> str:
    return f"The id {score_id} is taken by another score"


def _slot_of(score: Score | Line) -> tuple[uuid.UUID | None, ...]:
    """Return the columns that the database holds unique among live scores."""
    return score.source_id, score.label_id, score.annotator_id


def _without_repeats(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield runs of lines without repeated scores; later lines overwrite."""
    run: list[Line] = []
    seen: set[object] = set()
    for line in lines:
        names = {line.id, (*line.ref.identity, line.label_id, line.annotator_id)}
        if names & seen:
            yield run
            run, seen = [], set()
        run.append(line)
        seen |= names
    if run:
        yield run


def _read_time(fields: dict[str, Any], name: str, default: datetime) -> datetime:
    text = fields.get(name)
    if text is None:
        return default
    moment = parse_datetime(text) if isinstance(text, str) else None
    with suppress(OverflowError):
        if moment and moment.tzinfo:
            return moment.astimezone(UTC)
    raise Invalid(f"{name} must be a time with its zone, as in 2026-01-31T12:00:00Z, got {show(text)}")
