"""Scores: the verbs that write them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from modelhub.errors import Invalid, Refused, TooLarge
from modelhub.exact_json import same, timestamp
from modelhub.ids import new_id_text
from modelhub.models import Source, User
from modelhub.savepoints import write_what_is_accepted
from modelhub.score_entries import EntryError, ScoreEntry, check_against_label, check_entry, describe
from modelhub.score_reads import read_labels_and_scores
from modelhub.score_rows import OVERWRITTEN, insert_scores, overwrite_scores, row_of
from modelhub.score_views import LabelView, ScoreView, view_maker
from modelhub.source_refs import SourceRef
from modelhub.sources import find_source
from modelhub.transactions import in_one_transaction


@dataclass(slots=True)
class Recorded:
    """What came of a request: the scores that are stored, and why the others are not, both in its order."""

    source: Source
    scores: list[ScoreView] = field(default_factory=list)
    errors: list[EntryError] = field(default_factory=list)


class Judged(msgspec.Struct, frozen=True, gc=False):
    """An entry that may be stored: its label, and its value in the shape that is stored."""

    entry: ScoreEntry
    label: LabelView
    value: dict[str, Any]


class Draft(msgspec.Struct, frozen=True, gc=False):
    """The score that the entry at `index` becomes, and what has to be written: a new row, a change, or nothing."""

    index: int
    label: LabelView
    score: ScoreView
    new: bool = False
    changed: bool = False


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
    readable, errors = _read(entries)
    source = find_source(organization_id=annotator.organization_id, ref=ref)
    recorded = Recorded(source, errors=errors)
    labels, stored = read_labels_and_scores(source, annotator, {entry.label_id for entry in readable})
    judged = _judge(recorded, readable, entries, labels)
    if not (atomic and recorded.errors):
        _write(recorded, _merge(source, annotator, judged, stored, notes), annotator)
    if undone := atomic and bool(recorded.errors):
        recorded.scores = []
    if undone or dry_run:
        transaction.set_rollback(True)
    recorded.errors.sort(key=lambda error: error.index)
    return recorded


def _read(entries: Sequence[object]) -> tuple[list[ScoreEntry], list[EntryError]]:
    """The entries that can be read, and the errors of those that cannot."""
    readable, errors = [], []
    for index, fields in enumerate(entries):
        try:
            readable.append(check_entry(index, fields))
        except Refused as refused:
            errors.append(EntryError.of(index, fields, refused))
    return readable, errors


def _judge(
    recorded: Recorded, readable: Sequence[ScoreEntry], entries: Sequence[object], labels: Mapping[str, LabelView]
) -> list[Judged]:
    """Judge every entry by its label; what is refused becomes an error.

    A label goes to the first entry that may be stored: a wrong entry takes no label away from a right one.
    """
    judged: dict[str, Judged] = {}
    for entry in readable:
        try:
            label = labels.get(entry.label_id)
            if label is None:
                raise Invalid(f"Label not found: {entry.label_id}", code="label_not_found")
            value = check_against_label(label, entry.value)
            if first := judged.get(label.id):
                sentence = f"Label {label.id} is already used by scores[{first.entry.index}]"
                raise Invalid(sentence, code="duplicate_label")
            judged[label.id] = Judged(entry, label, value)
        except Refused as refused:
            recorded.errors.append(EntryError.of(entry.index, entries[entry.index], refused))
    return list(judged.values())


def _merge(
    source: Source, annotator: User, judged: Sequence[Judged], stored: Mapping[str, ScoreView], notes: str | None
) -> list[Draft]:
    """Lay what is wanted over what is stored."""
    now, view = timestamp(timezone.now()), view_maker(source, annotator)
    drafts = []
    for one in judged:
        entry, label = one.entry, one.label
        if score := stored.get(label.id):
            drafts.append(_overwrite(one, score, notes, now))
            continue
        own = _first_given(entry.notes, notes, "")
        score = view(new_id_text(), label, one.value, entry.score_source, own, now, now)
        drafts.append(Draft(entry.index, label, score, new=True))
    return drafts


def _overwrite(one: Judged, score: ScoreView, notes: str | None, now: str) -> Draft:
    """The stored score with what the entry changes of it, if anything."""
    entry = one.entry
    notes = _first_given(entry.notes, notes, score.notes)
    if entry.score_source == score.score_source and notes == score.notes and same(one.value, score.value):
        return Draft(entry.index, one.label, score)
    score.value, score.score_source, score.notes, score.updated_at = one.value, entry.score_source, notes, now
    return Draft(entry.index, one.label, score, changed=True)


def _first_given(own: str | None, of_batch: str | None, stored: str) -> str:
    """An entry's own notes win over those of the batch, and these over the stored ones (contract 0.7)."""
    if own is not None:
        return own
    return stored if of_batch is None else of_batch


def _write(recorded: Recorded, drafts: Sequence[Draft], annotator: User) -> None:
    """Write what is new or changed; what the database refuses becomes an error in words of our own."""

    def write(batch: Sequence[Draft]) -> None:
        write_drafts(recorded.source, annotator, batch)

    to_write = [draft for draft in drafts if draft.new or draft.changed]
    refused = {draft.index for draft in write_what_is_accepted(to_write, write)}
    for draft in drafts:
        if draft.index not in refused:
            recorded.scores.append(draft.score)
            continue
        error = Invalid(f"{describe(draft.label)}: the database refused this score", code="database_refused")
        recorded.errors.append(EntryError(draft.index, draft.label.id, error.code, str(error)))


def write_drafts(source: Source, annotator: User, drafts: Sequence[Draft]) -> None:
    """At most two statements: one for the scores that are new, one for those that change."""
    if new := [draft.score for draft in drafts if draft.new]:
        insert_scores(
            [
                {
                    "id": score.id,
                    "label_id": score.label_id,
                    "value": score.value,
                    "score_source": score.score_source,
                    "notes": score.notes,
                }
                for score in new
            ],
            organization_id=source.organization_id,
            source_id=source.pk,
            annotator_id=annotator.pk,
            now=new[0].created_at,
        )
    if changed := [draft.score for draft in drafts if draft.changed]:
        overwrite_scores([row_of(score, OVERWRITTEN) for score in changed], replaced_by=annotator.pk)
