"""Import of the JSON export: scores keep their ids and times."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from modelhub.accounts.models import User
from modelhub.core import exact_json
from modelhub.core.errors import Invalid, Refused
from modelhub.core.ids import new_id, parse_uuid
from modelhub.core.models import LIVE
from modelhub.core.text import show
from modelhub.core.transactions import is_refusal
from modelhub.labels.models import Label
from modelhub.labels.rules import LabelRule
from modelhub.scores.entries import CONTENT_RULES
from modelhub.scores.models import Score
from modelhub.scores.statements import keep_revisions, write_scores
from modelhub.sources.refs import SourceEntry, SourceRef, check_source_ref
from modelhub.sources.services import register_sources

# Content that a line may leave out.
DEFAULTS = {"score_source": "imported"}
# The database holds one live score per source, label and annotator.
Slot = tuple[uuid.UUID, uuid.UUID, uuid.UUID]


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


@dataclass(frozen=True, slots=True)
class Line:
    """A readable line; the row of its source is not known yet."""

    number: int
    score_id: uuid.UUID
    ref: SourceRef
    label_id: uuid.UUID
    annotator_id: uuid.UUID
    content: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @property
    def source(self) -> tuple[str, str]:
        return self.ref.source_type, self.ref.key


@dataclass(frozen=True, slots=True)
class Write:
    """A row to write, and the live score that it overwrites, if any."""

    number: int
    row: dict[str, Any]
    overwrites: bool


class Importer:
    """Import into one organization; revisions of overwritten scores name `user`."""

    def __init__(self, user: User, *, annotator: User | None = None) -> None:
        """`annotator` stands in for annotators that the organization does not have."""
        self.user, self.stand_in = user, annotator
        self.organization_id = user.organization_id
        labels = list(Label.objects.filter(organization_id=self.organization_id).order_by("-created_at", "-id"))
        self.rules = {label.pk: LabelRule.of(label) for label in labels}
        live = [label for label in labels if label.deleted_at is None]
        self.label_ids = {(label.name.lower(), label.type): label.pk for label in live}
        people = User.objects.filter(organization_id=self.organization_id)
        self.people = {key: person for person in people for key in (person.email, str(person.pk))}

    def run(self, lines: Sequence[tuple[int, bytes]], *, dry_run: bool = False) -> ImportResult:
        """Import numbered lines in one transaction; an error costs its line only.

        A line that is imported again changes nothing. A score with another value is overwritten, a deleted one is
        live again.
        """
        result = ImportResult()
        with transaction.atomic():
            for batch in _without_repeats(self._read(lines, result)):
                self._import(batch, result)
            if dry_run:
                transaction.set_rollback(True)
        result.errors.sort()
        return result

    def _read(self, lines: Sequence[tuple[int, bytes]], result: ImportResult) -> list[Line]:
        readable = []
        for number, text in lines:
            try:
                readable.append(self._read_line(number, text))
            except (Refused, ValueError) as error:
                result.errors.append((number, str(error)))
        return readable

    def _read_line(self, number: int, text: bytes) -> Line:
        fields = exact_json.loads(text)
        if not isinstance(fields, dict):
            raise Invalid(f"A line must be a JSON object, got {show(fields)}")
        rule = self._find_label(fields)
        created_at = _read_time(fields, "created_at", timezone.now())
        return Line(
            number=number,
            score_id=parse_uuid(fields.get("id")) or new_id(),
            ref=check_source_ref(fields.get("source_type"), fields.get("source_id")),
            label_id=uuid.UUID(rule.id),
            annotator_id=self._find_annotator(fields).pk,
            content={
                "value": rule.check(fields.get("value")),
                **{name: check(fields.get(name, DEFAULTS.get(name))) for name, check in CONTENT_RULES.items()},
            },
            created_at=created_at,
            updated_at=_read_time(fields, "updated_at", created_at),
        )

    def _find_label(self, fields: dict[str, Any]) -> LabelRule:
        """Find a label by its id, else by name and type, as on another server."""
        pk = parse_uuid(fields.get("label_id"))
        if pk not in self.rules:
            pk = self.label_ids.get((str(fields.get("label_name")).lower(), str(fields.get("label_type"))))
        if pk is None:
            raise Invalid(f"Label not found: {show(fields.get('label_id'))} ({show(fields.get('label_name'))})")
        return self.rules[pk]

    def _find_annotator(self, fields: dict[str, Any]) -> User:
        email, pk = fields.get("annotator_email"), fields.get("annotator_id") or fields.get("annotator")
        found = self.people.get(str(email).lower()) or self.people.get(str(pk)) or self.stand_in
        if found is None:
            raise Invalid(f"Annotator not found: {show(email or pk)}; name one for all such lines with --annotator")
        return found

    def _import(self, lines: Sequence[Line], result: ImportResult) -> None:
        """Import lines without repeated scores; locks their sources."""
        refs = {line.source: line.ref for line in lines}
        entries = [SourceEntry(ref) for ref in refs.values()]
        registered = register_sources(organization_id=self.organization_id, entries=entries)
        sources = {key: one.source.pk for key, one in zip(refs, registered, strict=True) if one.source}
        by_slot, by_id = self._find_stored(lines, list(sources.values()))
        writes = []
        for line in lines:
            source_id = sources.get(line.source)
            if source_id is None:
                result.errors.append((line.number, "The database refused the source of this line"))
                continue
            slot = (source_id, line.label_id, line.annotator_id)
            score = by_slot.get(slot) or by_id.get(line.score_id)
            if score and _slot_of(score) != slot:
                result.errors.append((line.number, id_is_taken(score.pk)))
            elif score and score.deleted_at is None and _is_equal(score, line):
                result.unchanged += 1
            else:
                writes.append(_as_write(line, slot, score))
        self._write(writes, result)

    def _find_stored(
        self, lines: Sequence[Line], source_ids: Sequence[uuid.UUID]
    ) -> tuple[dict[Slot, Score], dict[uuid.UUID, Score]]:
        """Return the live scores of the sources by slot, and the lines' scores by id."""
        scores = Score.objects.filter(organization_id=self.organization_id)
        live = scores.filter(LIVE, source_id__in=source_ids, queue_item=None)
        return {_slot_of(score): score for score in live}, scores.in_bulk([line.score_id for line in lines])

    def _write(self, writes: Sequence[Write], result: ImportResult) -> None:
        """Write all rows in one savepoint, else each row in its own."""
        written = self._try_write(writes)
        if written is None:
            each = [(write, self._try_write([write])) for write in writes]
            result.errors += [(write.number, "The database refused this score") for write, ids in each if ids is None]
            writes = [write for write, ids in each if ids is not None]
            written = {pk for _, ids in each if ids for pk in ids}
        for write in writes:
            if write.row["id"] not in written:
                result.errors.append((write.number, id_is_taken(write.row["id"])))
            elif write.overwrites:
                result.changed += 1
            else:
                result.created += 1

    def _try_write(self, writes: Sequence[Write]) -> set[uuid.UUID] | None:
        """Write rows in one savepoint. Return their ids, or None for a rejected row."""
        overwritten = [write.row["id"] for write in writes if write.overwrites]
        try:
            with transaction.atomic():
                if overwritten:
                    keep_revisions(
                        overwritten,
                        organization_id=self.organization_id,
                        action="overwritten",
                        replaced_by=self.user.pk,
                        now=timezone.now(),
                    )
                return write_scores([write.row for write in writes], organization_id=self.organization_id)
        except DatabaseError as error:
            if not is_refusal(error):
                raise
            return None


def id_is_taken(score_id: uuid.UUID) -> str:
    """Return the error of a line with the id of a score of another slot."""
    return f"The id {score_id} is taken by another score"


def _slot_of(score: Score) -> Slot:
    return score.source_id, score.label_id, score.annotator_id


def _is_equal(score: Score, line: Line) -> bool:
    return exact_json.same({name: getattr(score, name) for name in line.content}, line.content)


def _as_write(line: Line, slot: Slot, score: Score | None) -> Write:
    """Return the row of a line; a live score keeps its id and creation time."""
    overwrites = score is not None and score.deleted_at is None
    row = {
        "id": score.pk if score else line.score_id,
        "source_id": slot[0],
        "label_id": slot[1],
        "annotator_id": slot[2],
        "created_at": score.created_at if score and overwrites else line.created_at,
        "updated_at": line.updated_at,
        **line.content,
    }
    return Write(line.number, row, overwrites)


def _without_repeats(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield runs of lines without repeated scores; later lines overwrite."""
    run: list[Line] = []
    seen: set[object] = set()
    for line in lines:
        names = {line.score_id, (*line.source, line.label_id, line.annotator_id)}
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
    try:
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except OverflowError:
        pass
    raise Invalid(f"{name} must be a time with its zone, as in 2026-01-31T12:00:00Z, got {show(text)}")
