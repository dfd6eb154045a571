"""Scores from a file: what `GET /model-hub/scores/export/` writes comes back as it was, ids and times included."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from modelhub.accounts.models import User
from modelhub.core import exact_json
from modelhub.core.errors import Invalid, Refused
from modelhub.core.ids import new_id, parse_uuid
from modelhub.core.models import LIVE
from modelhub.core.savepoints import write_what_is_accepted
from modelhub.core.text import show
from modelhub.labels.models import Label
from modelhub.labels.rows import LabelView
from modelhub.labels.services import all_labels_of
from modelhub.scores.entries import check_notes, check_score_source, check_value_of
from modelhub.scores.models import Score
from modelhub.scores.statements import insert_scores, overwrite_scores, revive_scores
from modelhub.sources.refs import SourceRef, check_source_ref
from modelhub.sources.services import register_sources

Slot = tuple[uuid.UUID, uuid.UUID, uuid.UUID]


@dataclass(slots=True)
class Imported:
    """What came of some lines: numbers of scores, and the errors by the number of their line (from 1)."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that can be read: everything of a score but the row of its source."""

    number: int
    score_id: uuid.UUID
    ref: SourceRef
    label: Label
    annotator: User
    wanted: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @property
    def slot(self) -> tuple[str, str, uuid.UUID, uuid.UUID]:
        """What there can be one score of."""
        return self.ref.source_type, self.ref.key, self.label.pk, self.annotator.pk


class Importer:
    """Imports into one organization, as `user`, whom the revisions of overwritten scores name."""

    def __init__(self, user: User, *, annotator: User | None = None) -> None:
        """`annotator` stands in for annotators whom the organization does not have."""
        self.user, self.stand_in = user, annotator
        self.labels = {label.pk: label for label in all_labels_of(user.organization_id)}
        self.views = {pk: LabelView.of(label) for pk, label in self.labels.items()}
        live = [label for label in self.labels.values() if label.deleted_at is None]
        self.by_name = {(label.name.lower(), label.type): label for label in live}
        people = User.objects.filter(organization_id=user.organization_id)
        self.people = {key: one for one in people for key in (one.email, str(one.pk))}

    def run(self, lines: Sequence[tuple[int, bytes]], *, dry_run: bool = False) -> Imported:
        """Import these numbered lines in order, in one transaction; an error costs its line only.

        Importing a line again changes nothing. A score that is there already with another value is overwritten,
        one that was deleted is brought back.
        """
        outcome = Imported()
        with transaction.atomic():
            for batch in _without_repeats(self._read(lines, outcome)):
                self._import(batch, outcome)
            if dry_run:
                transaction.set_rollback(True)
        outcome.errors.sort()
        return outcome

    def _read(self, lines: Iterable[tuple[int, bytes]], outcome: Imported) -> list[Line]:
        readable = []
        for number, text in lines:
            try:
                readable.append(self._read_line(number, text))
            except (Refused, ValueError) as error:
                outcome.errors.append((number, str(error)))
        return readable

    def _read_line(self, number: int, text: bytes) -> Line:
        fields = exact_json.loads(text)
        if not isinstance(fields, dict):
            raise Invalid(f"A line must be a JSON object, got {show(fields)}")
        label = self._find_label(fields)
        now = timezone.now()
        created_at = _moment(fields, "created_at", now)
        return Line(
            number=number,
            score_id=parse_uuid(fields.get("id")) or new_id(),
            ref=check_source_ref(fields.get("source_type"), fields.get("source_id")),
            label=label,
            annotator=self._find_annotator(fields),
            wanted={
                "value": check_value_of(self.views[label.pk], fields.get("value")),
                "score_source": check_score_source(fields.get("score_source", "imported")),
                "notes": check_notes(fields.get("notes")) or "",
            },
            created_at=created_at,
            updated_at=_moment(fields, "updated_at", created_at),
        )

    def _find_label(self, fields: dict[str, Any]) -> Label:
        """By its id, or by name and type, which is how labels that were made anew are found."""
        pk = parse_uuid(fields.get("label_id"))
        label = self.labels.get(pk) if pk else None
        if label is None:
            name, type_ = fields.get("label_name"), fields.get("label_type")
            label = self.by_name.get((str(name).lower(), str(type_)))
        if label is None:
            raise Invalid(f"Label not found: {show(fields.get('label_id'))} ({show(fields.get('label_name'))})")
        return label

    def _find_annotator(self, fields: dict[str, Any]) -> User:
        email, pk = fields.get("annotator_email"), fields.get("annotator_id") or fields.get("annotator")
        found = self.people.get(str(email).lower()) or self.people.get(str(pk)) or self.stand_in
        if found is None:
            raise Invalid(f"Annotator not found: {show(email or pk)}; name one for all such lines with --annotator")
        return found

    def _import(self, lines: Sequence[Line], outcome: Imported) -> None:
        refs = {line.ref.source_type + line.ref.key: line.ref for line in lines}
        entries = [{"source_type": ref.word, "source_id": ref.source_id} for ref in refs.values()]
        registered = register_sources(organization_id=self.user.organization_id, entries=entries)
        sources = {key: one.source for key, one in zip(refs, registered, strict=True)}
        drafts = []
        stored = _stored(lines, [source.pk for source in sources.values() if source])
        for line in lines:
            source = sources[line.ref.source_type + line.ref.key]
            if source is None:
                outcome.errors.append((line.number, "The database refused the source of this line"))
                continue
            score = stored.by_slot.get((source.pk, line.label.pk, line.annotator.pk))
            if score is None:
                score = stored.by_id.get(line.score_id) or Score(pk=line.score_id)
            try:
                if draft := self._draft(line, score, source.pk):
                    drafts.append(draft)
                else:
                    outcome.unchanged += 1
            except Invalid as refused:
                outcome.errors.append((line.number, str(refused)))
        self._write(drafts, outcome)

    def _draft(self, line: Line, score: Score, source_id: uuid.UUID) -> "Draft | None":
        """The score as the line wants it, or `None` when it says that already."""
        new, deleted = score._state.adding, score.deleted_at is not None
        slot = (source_id, line.label.pk, line.annotator.pk)
        if not new and (score.source_id, score.label_id, score.annotator_id) != slot:
            raise Invalid(f"The id {score.pk} is taken by another score")
        if not (new or deleted) and exact_json.same({name: getattr(score, name) for name in line.wanted}, line.wanted):
            return None
        score.organization_id = self.user.organization_id
        score.source_id, score.label_id, score.annotator_id = slot
        for name, value in line.wanted.items():
            setattr(score, name, value)
        if new or deleted:
            score.created_at = line.created_at
        score.updated_at = line.updated_at
        return Draft(line.number, score, new=new, deleted=deleted)

    def _write(self, drafts: Sequence["Draft"], outcome: Imported) -> None:
        def write(batch: Sequence[Draft]) -> None:
            if again := [draft.score for draft in batch if draft.deleted]:
                revive_scores(again)
            if new := [draft.score for draft in batch if draft.new]:
                insert_scores(new)
            if changed := [draft.score for draft in batch if not (draft.new or draft.deleted)]:
                overwrite_scores(changed, replaced_by=self.user.pk, now=timezone.now())

        refused = {draft.number for draft in write_what_is_accepted(drafts, write)}
        for draft in drafts:
            if draft.number in refused:
                outcome.errors.append((draft.number, "The database refused this score"))
            elif draft.new or draft.deleted:
                outcome.created += 1
            else:
                outcome.changed += 1


@dataclass(frozen=True, slots=True)
class Draft:
    """A score to write, and whether its row is new or was deleted."""

    number: int
    score: Score
    new: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """What is there already, live by its slot, and anything by its id."""

    by_slot: dict[Slot, Score]
    by_id: dict[uuid.UUID, Score]


def _stored(lines: Sequence[Line], source_ids: Sequence[uuid.UUID]) -> Stored:
    """The sources are locked, because registering them wrote them: nobody else writes their scores meanwhile."""
    live = Score.objects.filter(LIVE, source_id__in=source_ids, queue_item=None)
    by_slot = {(one.source_id, one.label_id, one.annotator_id): one for one in live}
    return Stored(by_slot, Score.objects.in_bulk([line.score_id for line in lines]))


def _without_repeats(lines: Sequence[Line]) -> Iterable[list[Line]]:
    """The lines in runs that name no score twice: a later line overwrites an earlier one, as if sent after it."""
    run: list[Line] = []
    seen: set[object] = set()
    for line in lines:
        if line.slot in seen or line.score_id in seen:
            yield run
            run, seen = [], set()
        run.append(line)
        seen |= {line.slot, line.score_id}
    if run:
        yield run


def _moment(fields: dict[str, Any], name: str, default: datetime) -> datetime:
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
