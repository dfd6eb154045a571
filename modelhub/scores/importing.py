"""Import of exported scores, which keep their ids and times (contract 0.12).

Nothing is guessed and nothing is merged.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DatabaseError, transaction

from modelhub.accounts.models import User
from modelhub.accounts.people import create_annotators
from modelhub.core import clock
from modelhub.core.errors import Invalid, Refused, Sentences
from modelhub.core.ids import new_id
from modelhub.core.models import LIVE
from modelhub.core.transactions import in_transaction, is_refusal, repeat_aborted
from modelhub.scores.entries import CONTENT_RULES, ScoreContent
from modelhub.scores.import_files import Record
from modelhub.scores.import_lines import Line, LineReader
from modelhub.scores.line_index import FirstLine, LineIndex
from modelhub.scores.models import Score
from modelhub.scores.statements import keep_revisions, later_than, write_scores
from modelhub.sources.models import Source
from modelhub.sources.refs import Identity, SourceEntry
from modelhub.sources.services import lock_sources, store_sources

# Has the content of a new score that its line does not give.
NEW_SCORE = Score(score_source="imported")


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
    """Import of one file into the organization of `user`.

    Revisions of overwritten scores name this user. `index` gets the lines of the file.
    """

    def __init__(self, user: User, reader: LineReader, index: LineIndex) -> None:
        self.user, self.organization_id, self.reader, self.index = user, user.organization_id, reader, index
        self.sentences = Sentences()

    @repeat_aborted
    @in_transaction
    def run(self, records: Sequence[Record], *, dry_run: bool = False) -> ImportResult:
        """Import the next lines of the file in one transaction.

        An error costs its line only. A stored score is unchanged if its line is equal, else overwritten. A deleted one
        is live again.
        """
        result = ImportResult()
        self.reader.lock_labels()
        lines = []
        for record in records:
            try:
                lines.append(self.reader.read(record))
            except Refused as refused:
                result.errors.append((record.number, self.sentences.of(refused)))
        for run in _without_repeats(lines):
            self._import(self._new_among(run, result), result)
        if dry_run:
            transaction.set_rollback(True)
        result.errors.sort()
        return result

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
                row = stored.row_of(line, user=self.user)
            except Refused as refused:
                result.errors.append((line.number, self.sentences.of(refused)))
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
        absent = [person for pk, person in self.reader.drafts.items() if pk in named]
        try:
            with transaction.atomic():
                if absent:
                    create_annotators(absent)
                if overwritten:
                    keep_revisions(overwritten, action="overwritten", user=self.user, now=clock.now())
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

    def row_of(self, line: Line, *, user: User) -> ImportedScore | None:
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
        return _row(line, source, score, is_equal=is_equal, user=user)


def _row(line: Line, source: Source, score: Score | None, *, is_equal: bool, user: User) -> ImportedScore:
    """Return the row of a new, a restored (`is_equal`) or an overwritten score."""
    now = clock.now()
    created_at = score.created_at if score else line.created_at or line.updated_at or now
    updated_at = line.updated_at or (now if score else created_at)
    if score and not is_equal:
        updated_at = max(updated_at, later_than(score.updated_at))
    content = {name: getattr(score or NEW_SCORE, name) for name in CONTENT_RULES} | line.content
    # The author belongs to the time: of a stored score that changes now, it is the user of the import.
    author = user if score and updated_at != line.updated_at else line.updated_by
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
