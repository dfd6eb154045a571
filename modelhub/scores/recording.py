"""Scores: the verbs that write them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
from django.conf import settings

from modelhub.accounts.models import User
from modelhub.core.errors import Invalid, Refused, TooLarge
from modelhub.core.ids import new_id_text
from modelhub.core.savepoints import write_what_is_accepted
from modelhub.core.transactions import in_one_statement, in_one_transaction, undo
from modelhub.labels.cache import KNOWN_LABELS, Known
from modelhub.labels.locks import keep_labels
from modelhub.labels.rows import LabelView
from modelhub.scores.entries import EntryError, ScoreEntry, check_against_label, check_entry, describe
from modelhub.scores.rows import ScoreView, ViewMaker, view_maker
from modelhub.scores.store import LabelsChanged, SourceMissing, Stored, WantedScore, store_scores
from modelhub.sources.refs import SourceRef
from modelhub.sources.services import create_missing_source, refuse_missing_source


@dataclass(slots=True)
class Recorded:
    """What came of a request: the scores that are stored, and why the others are not, both in its order."""

    scores: list[ScoreView]
    errors: list[EntryError]


class Draft(msgspec.Struct, frozen=True, gc=False):
    """The score that the entry at `index` becomes, if the database accepts it."""

    index: int
    label: LabelView
    wanted: WantedScore


@dataclass(frozen=True, slots=True)
class Batch:
    """Whose scores of which source a request stores, and how; its entries, and which of them can be read."""

    annotator: User
    ref: SourceRef
    notes: str | None
    dry_run: bool
    atomic: bool
    entries: Sequence[object]
    readable: Sequence[ScoreEntry]
    unreadable: Sequence[EntryError]


def record_scores(
    *,
    annotator: User,
    ref: SourceRef,
    entries: Sequence[object],
    notes: str | None = None,
    dry_run: bool = False,
    atomic: bool = False,
) -> Recorded:
    """Store the annotator's scores of one source; what is wrong with one costs that one only.

    An entry is a mapping of `label_id`, `value`, `score_source`, `notes`, or the refusal of one. A score that
    exists is overwritten and its old self kept as a revision; one that says what is stored already is not
    written. `notes` go on every score whose entry has none of its own; no notes at all leave the stored ones
    alone. `dry_run` stores nothing; `atomic` stores nothing if there is any error.

    One statement, however many entries, unless a label changed or the database refuses something.
    Raises `NotFound` for the source, `TooLarge` for too many entries.
    """
    if len(entries) > settings.MAX_SCORES:
        sentence = f"At most {settings.MAX_SCORES} scores a request, got {len(entries)}"
        raise TooLarge(sentence, code="too_many_scores")
    batch = Batch(annotator, ref, notes, dry_run, atomic, entries, *_read(entries))
    for anew in (False, True):
        known = _find_labels(batch, anew=anew)
        try:
            return _record(batch, known.labels, known.version)
        except LabelsChanged:
            continue
    return _record_with_labels_kept(batch)


@in_one_transaction
def _record_with_labels_kept(batch: Batch) -> Recorded:
    """Nobody changes a label while they are read and used: whoever goes on changing them keeps nobody from scoring."""
    keep_labels(batch.annotator.organization_id)
    return _record(batch, _find_labels(batch, anew=True).labels, None)


def _find_labels(batch: Batch, *, anew: bool) -> Known:
    label_ids = {entry.label_id for entry in batch.readable}
    return KNOWN_LABELS.find(batch.annotator.organization_id, label_ids, anew=anew)


def _record(batch: Batch, labels: Mapping[str, LabelView], labels_version: str | None) -> Recorded:
    """Judge by these labels, and store if they are still those of the database: else raises `LabelsChanged`."""
    drafts, refused = _judge(batch, labels)
    errors = [*batch.unreadable, *refused]
    store = _store_in_transaction if batch.dry_run else _store_in_statement
    return store(batch, [] if batch.atomic and errors else drafts, errors, labels_version)


def _read(entries: Sequence[object]) -> tuple[list[ScoreEntry], list[EntryError]]:
    """The entries that can be read, and the errors of those that cannot."""
    readable, errors = [], []
    for index, fields in enumerate(entries):
        try:
            readable.append(check_entry(index, fields))
        except Refused as refused:
            errors.append(EntryError.of(index, fields, refused))
    return readable, errors


def _judge(batch: Batch, labels: Mapping[str, LabelView]) -> tuple[list[Draft], list[EntryError]]:
    """Judge every entry by its label.

    A label goes to the first entry that may be stored: a wrong entry takes no label away from a right one.
    An entry's own notes win over those of the batch, and these over the stored ones (contract 0.7).
    """
    drafts: dict[str, Draft] = {}
    errors = []
    for entry in batch.readable:
        try:
            label = labels.get(entry.label_id)
            if label is None:
                raise Invalid(f"Label not found: {entry.label_id}", code="label_not_found")
            value = check_against_label(label, entry.value)
            if first := drafts.get(label.id):
                sentence = f"Label {label.id} is already used by scores[{first.index}]"
                raise Invalid(sentence, code="duplicate_label")
            own = batch.notes if entry.notes is None else entry.notes
            wanted = WantedScore(new_id_text(), label.id, value, entry.score_source, own)
            drafts[label.id] = Draft(entry.index, label, wanted)
        except Refused as refused:
            errors.append(EntryError.of(entry.index, batch.entries[entry.index], refused))
    return list(drafts.values()), errors


def _store(batch: Batch, drafts: Sequence[Draft], errors: Sequence[EntryError], labels_version: str | None) -> Recorded:
    """Store these; what the database refuses becomes an error, too, in words of our own."""
    annotator, ref = batch.annotator, batch.ref
    store = partial(store_scores, annotator=annotator, ref=ref, labels_version=labels_version)
    views: dict[int, ScoreView] = {}

    def write(some: Sequence[Draft]) -> None:
        wanted = [draft.wanted for draft in some]
        try:
            stored = store(wanted)
        except SourceMissing:
            create_missing_source(organization_id=annotator.organization_id, ref=ref)
            stored = store(wanted)
        view = view_maker(ref.source_type, stored.source_id, annotator)
        views.update((draft.index, _view(draft, stored, view)) for draft in some)

    if drafts:
        refused = [_refusal(draft) for draft in write_what_is_accepted(drafts, write)]
        errors = [*errors, *refused]
    else:
        _look(store, ref)
    undone = batch.atomic and bool(errors)
    if undone or batch.dry_run:
        undo()
    scores = [] if undone else [views[draft.index] for draft in drafts if draft.index in views]
    return Recorded(scores, sorted(errors, key=lambda error: error.index))


_store_in_statement, _store_in_transaction = in_one_statement(_store), in_one_transaction(_store)


def _look(store: Callable[[Sequence[WantedScore]], Stored], ref: SourceRef) -> None:
    """Where nothing is to be stored: the labels must be those that the errors speak of, and the source be there."""
    try:
        store(())
    except SourceMissing:
        refuse_missing_source(ref)


def _view(draft: Draft, stored: Stored, view: ViewMaker) -> ScoreView:
    """The score as it is stored now."""
    label, wanted, before = draft.label, draft.wanted, stored.before.get(draft.label.id)
    if before is None:
        now = stored.moment
        return view(wanted.id, label, wanted.value, wanted.score_source, wanted.notes or "", now, now)
    value = wanted.value if before.changed else before.value
    return view(before.id, label, value, wanted.score_source, before.notes, before.created_at, before.updated_at)


def _refusal(draft: Draft) -> EntryError:
    error = Invalid(f"{describe(draft.label)}: the database refused this score", code="database_refused")
    return EntryError(draft.index, draft.label.id, error.code, str(error))
