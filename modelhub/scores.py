"""Scores: the verbs that write them."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from modelhub.errors import Invalid, Refused, TooLarge
from modelhub.exact_json import same
from modelhub.models import Label, Score, Source, User
from modelhub.savepoints import write_what_is_accepted
from modelhub.score_entries import EntryError, ScoreEntry, check_against_label, check_entry, describe
from modelhub.score_rows import read_labels, read_live_scores, write_scores
from modelhub.source_refs import SourceRef
from modelhub.sources import find_source
from modelhub.transactions import in_one_transaction


@dataclass(slots=True)
class Recorded:
    """What came of a request: the scores that are stored, and why the others are not, both in its order."""

    source: Source
    scores: list[Score] = field(default_factory=list)
    errors: list[EntryError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Judged:
    """An entry that may be stored: its label, and its value in the shape that is stored."""

    entry: ScoreEntry
    label: Label
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """The score that the entry at `index` becomes, and whether that changes anything that is stored."""

    index: int
    score: Score
    changed: bool


@in_one_transaction
def record_scores(
    *,
    annotator: User,
    ref: SourceRef,
    entries: Sequence[object],
    notes: str | None = None,
    dry_run: bool = False,
    atomic: bool = False,
) -> Recorded:
    """Store the annotator's scores of one source, in one transaction; what is wrong with one costs that one only.

    An entry is a mapping of `label_id`, `value`, `score_source`, `notes`, or the refusal of one. A score that
    exists is overwritten and its old self kept as a revision; one that says what is stored already is not
    written. `notes` go on every score whose entry has none of its own; no notes at all leave the stored ones
    alone. `dry_run` stores nothing; `atomic` stores nothing if there is any error.

    The number of statements does not depend on the number of entries, unless the database refuses some.
    Raises `NotFound` for the source and `TooLarge` for too many entries.
    """
    if len(entries) > settings.MAX_SCORES:
        sentence = f"At most {settings.MAX_SCORES} scores a request, got {len(entries)}"
        raise TooLarge(sentence, code="too_many_scores")
    source = find_source(organization_id=annotator.organization_id, ref=ref, lock=True)
    recorded = Recorded(source)
    drafts = _merge(source, annotator, _judge(recorded, entries, annotator), notes)
    if not (atomic and recorded.errors):
        _write(recorded, drafts, annotator)
    if undone := atomic and bool(recorded.errors):
        recorded.scores = []
    if undone or dry_run:
        transaction.set_rollback(True)
    recorded.errors.sort(key=lambda error: error.index)
    return recorded


def _judge(recorded: Recorded, entries: Sequence[object], annotator: User) -> list[Judged]:
    """Judge every entry without a write; what is refused becomes an error.

    A label goes to the first entry that may be stored: a wrong entry takes no label away from a right one.
    """
    readable = list(_read(recorded, entries))
    labels = read_labels(annotator.organization_id, {entry.label_id for entry in readable})
    judged: dict[uuid.UUID, Judged] = {}
    for entry in readable:
        try:
            label = labels.get(entry.label_id)
            if label is None:
                raise Invalid(f"Label not found: {entry.label_id}", code="label_not_found")
            value = check_against_label(label, entry.value)
            if first := judged.get(label.pk):
                sentence = f"Label {label.pk} is already used by scores[{first.entry.index}]"
                raise Invalid(sentence, code="duplicate_label")
            judged[label.pk] = Judged(entry, label, value)
        except Refused as refused:
            recorded.errors.append(EntryError.of(entry.index, entries[entry.index], refused))
    return list(judged.values())


def _read(recorded: Recorded, entries: Sequence[object]) -> Iterator[ScoreEntry]:
    for index, fields in enumerate(entries):
        try:
            yield check_entry(index, fields)
        except Refused as refused:
            recorded.errors.append(EntryError.of(index, fields, refused))


def _merge(source: Source, annotator: User, judged: Sequence[Judged], notes: str | None) -> list[Draft]:
    """Lay what is wanted over what is stored."""
    stored = read_live_scores(source.pk, annotator.pk, [one.label.pk for one in judged])
    now = timezone.now()
    drafts = []
    for one in judged:
        entry = one.entry
        score = stored.get(one.label.pk) or Score(organization_id=source.organization_id, created_at=now)
        wanted = {
            "value": one.value,
            "score_source": entry.score_source,
            "notes": _first_given(entry.notes, notes, score.notes),
        }
        changed = score._state.adding or not all(same(getattr(score, name), wanted[name]) for name in wanted)
        if changed:
            for name, value in wanted.items():
                setattr(score, name, value)
            score.updated_at = now
        score.source, score.label, score.annotator = source, one.label, annotator
        drafts.append(Draft(entry.index, score, changed))
    return drafts


def _first_given(*notes: str | None) -> str:
    """An entry's own notes win over those of the batch, and these over the stored ones (contract 0.7)."""
    return next(note for note in notes if note is not None)


def _write(recorded: Recorded, drafts: Sequence[Draft], annotator: User) -> None:
    """Write what changed; what the database refuses becomes an error in words of our own."""

    def write(batch: Sequence[Draft]) -> None:
        write_scores([draft.score for draft in batch], replaced_by=annotator.pk)

    refused = {draft.index for draft in write_what_is_accepted([one for one in drafts if one.changed], write)}
    for draft in drafts:
        if draft.index not in refused:
            recorded.scores.append(draft.score)
            continue
        label = draft.score.label
        error = Invalid("the database refused this score", code="database_refused")
        recorded.errors.append(EntryError(draft.index, str(label.pk), error.code, f"{describe(label)}: {error}"))
