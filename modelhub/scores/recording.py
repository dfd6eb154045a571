"""The heart: store the scores of a request, with a sentence for each error."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec
import structlog
from django.conf import settings
from django.db import DatabaseError, transaction

from modelhub.accounts.models import User
from modelhub.core.errors import Invalid, NotFound, Refused, Sentences, TooLarge
from modelhub.core.ids import new_id_text, spell_uuid
from modelhub.core.metrics import FALLBACKS, count_scores
from modelhub.core.transactions import in_transaction, is_refusal, repeat_aborted, savepoint, sqlstate
from modelhub.labels.cache import OrganizationLabels, find_labels, read_labels
from modelhub.labels.locks import share_labels
from modelhub.labels.rules import Deadline
from modelhub.scores.entries import EntryError, check_entry, sent_label_id
from modelhub.scores.rows import ScoreRow
from modelhub.scores.statements import Author, Draft, StoreResult, store_scores
from modelhub.sources.refs import SourceEntry, SourceRef
from modelhub.sources.services import source_not_found
from modelhub.sources.statements import upsert_sources

log = structlog.get_logger(__name__)

FEWER = "Send fewer scores, or smaller values, in one request."


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of a request: scores of one source by one annotator.

    `queue_item` and `queue_id` name the item of an annotation queue; the caller has locked it.
    `notes` go on every score whose entry has none of its own. `dry_run` stores nothing; `atomic` stores nothing if
    there is an error. `create_source`: the annotator may, where the settings allow it.
    """

    annotator: User
    ref: SourceRef
    entries: Sequence[object]
    notes: str | None = None
    queue_item: uuid.UUID | None = None
    queue_id: uuid.UUID | None = None
    dry_run: bool = False
    atomic: bool = False
    create_source: bool = True
    deadline: Deadline = field(default_factory=Deadline)

    @property
    def label_ids(self) -> set[str]:
        """Return the ids of labels that entries name, known or not."""
        return {label_id for entry in self.entries if (label_id := spell_uuid(sent_label_id(entry)))}


@dataclass(frozen=True, slots=True)
class Recording:
    """The stored scores and the errors of the others, in the request's order."""

    rows: list[ScoreRow]
    errors: list[EntryError]


@repeat_aborted
def record_scores(batch: Batch) -> Recording:
    """Validate each entry by its label, store the scores and count them.

    An existing score is overwritten and its old value kept as a revision; an equal one is not written.

    Raise `NotFound` for the source, `TooLarge` for too many entries, `Overdue` at the request's timeout,
    `OutcomeUnknown` for a connection lost in COMMIT.
    """
    if len(batch.entries) > settings.MAX_SCORES:
        sentence = f"At most {settings.MAX_SCORES} scores a request, got {len(batch.entries)}"
        raise TooLarge(sentence, code="too_many_scores", field="scores")
    recording = None if batch.dry_run else store_all(batch)
    if recording is None:
        recording = store_each(batch)
    if not batch.dry_run:
        codes = [error.code for error in recording.errors]
        transaction.on_commit(partial(count_scores, stored=len(recording.rows), refused=codes))
    return recording


def store_all(batch: Batch) -> Recording | None:
    """Judge by cached labels and store everything with one statement.

    Return None, with nothing stored, where a label changed meanwhile, the source must be created first, or the
    database refuses a score.
    """
    organization_id = batch.annotator.organization_id
    labels = find_labels(organization_id) or read_labels(organization_id, batch.label_ids)
    drafts, errors = judge(batch, labels)
    result = _store(batch, drafts, labels_version=labels.version)
    if result.outcome != "stored":
        return None
    return _recording(batch, [(draft, result) for draft in drafts], errors)


@in_transaction
def store_each(batch: Batch) -> Recording:
    """Judge by locked labels and store in one transaction, if need be by savepoints.

    One savepoint for all comes first: beyond 64 per transaction, they slow down every other session (PostgreSQL's
    subtransaction cache).
    """
    organization_id = batch.annotator.organization_id
    share_labels(organization_id)
    drafts, errors = judge(batch, read_labels(organization_id, batch.label_ids))
    result = _store(batch, drafts)
    if result.outcome == "source_not_found":
        # Another request may create it at the same time.
        upsert_sources(organization_id, [SourceEntry(batch.ref)])
        result = _store(batch, drafts)
    if result.outcome == "stored":
        stored = [(draft, result) for draft in drafts]
    else:
        FALLBACKS.inc()
        each = [(draft, _store(batch, [draft])) for draft in drafts]
        stored = [(draft, result) for draft, result in each if result.outcome == "stored"]
        errors += [_refusal(batch, draft) for draft, result in each if result.outcome != "stored"]
    if batch.atomic and errors:
        stored = []
    if batch.dry_run or not stored:
        # Without a stored score, its source is not created either.
        transaction.set_rollback(True)
    return _recording(batch, stored, errors)


def judge(batch: Batch, labels: OrganizationLabels) -> tuple[list[Draft], list[EntryError]]:
    """Judge every entry. Return the scores to store and the errors of the others.

    An atomic batch with an error has none to store. A label belongs to the first entry that may be stored: a wrong
    entry takes no label away from a right one.
    """
    drafts: dict[str, Draft] = {}
    errors: list[EntryError] = []
    sentences = Sentences()
    for index, entry in enumerate(batch.entries):
        try:
            label_id, content = check_entry(entry)
            label = labels.rules.get(label_id)
            if label is None:
                raise NotFound(f"Label not found: {label_id}", code="label_not_found", field="label_id")
            value = label.check_new(content.value)
            if first := drafts.get(label_id):
                sentence = f"Label {label_id} is already used by scores[{first.index}]"
                raise Invalid(sentence, code="duplicate_label", field="label_id")
            # An entry's own notes win over those of the batch, and both over the stored ones (contract 0.7).
            notes = batch.notes if content.notes is None else content.notes
            content = msgspec.structs.replace(content, value=value, notes=notes)
            drafts[label_id] = Draft(index, new_id_text(), label, content)
        except Refused as refused:
            errors.append(EntryError.of(index, entry, refused, message=sentences.of(refused)))
        batch.deadline.check(advice=FEWER)
    if batch.atomic and errors:
        return [], errors
    return list(drafts.values()), errors


def _store(batch: Batch, drafts: Sequence[Draft], *, labels_version: str | None = None) -> StoreResult:
    """Store all drafts, or none if the database refuses a row.

    Raise `NotFound` for the source, unless sources are created as they are needed.
    """
    try:
        with savepoint():
            result = store_scores(
                drafts,
                annotator=batch.annotator,
                ref=batch.ref,
                queue_item=batch.queue_item,
                queue_id=batch.queue_id,
                labels_version=labels_version,
            )
    except DatabaseError as error:
        if not is_refusal(error):
            raise
        # The database's own message may hold values; the SQLSTATE says enough.
        log.warning("scores_refused_by_database", rows=len(drafts), sqlstate=sqlstate(error))
        return StoreResult("refused")
    if result.outcome == "source_not_found" and not (settings.AUTO_CREATE_SOURCES and batch.create_source):
        raise source_not_found(batch.ref)
    return result


def _refusal(batch: Batch, draft: Draft) -> EntryError:
    refused = Invalid(f"{draft.label}: the database refused this score", code="database_refused")
    return EntryError.of(draft.index, batch.entries[draft.index], refused, message=str(refused))


def _recording(batch: Batch, stored: Sequence[tuple[Draft, StoreResult]], errors: Sequence[EntryError]) -> Recording:
    """Return the scores as they are stored now; a dry run gives no id and no times."""
    annotator = Author(str(batch.annotator.pk), batch.annotator.display_name, batch.annotator.email)
    rows = []
    for draft, result in stored:
        before, content = result.before.get(draft.label.id), draft.content
        if before is None:
            score_id, value, notes = draft.id, content.value, content.notes or ""
            created_at = updated_at = result.moment
            updated_by = annotator
        else:
            # An equal value may be spelled differently: 1.0 and 1. The stored spelling is returned.
            value = content.value if before.changed else before.value
            score_id, notes = before.id, before.notes
            created_at, updated_at = before.created_at, before.updated_at
            updated_by = before.updated_by or annotator
        row = ScoreRow(
            id=None if batch.dry_run else score_id,
            source_type=batch.ref.word,
            source_id=result.source_id,
            label_id=draft.label.id,
            label_name=draft.label.name,
            label_type=draft.label.type,
            value=value,
            score_source=content.score_source,
            notes=notes,
            annotator=annotator.id,
            annotator_id=annotator.id,
            annotator_name=annotator.name,
            annotator_email=annotator.email,
            queue_item=_spelled(batch.queue_item),
            queue_id=_spelled(batch.queue_id),
            created_at=None if batch.dry_run else created_at,
            updated_at=None if batch.dry_run else updated_at,
            updated_by=updated_by.id,
            updated_by_name=updated_by.name,
            updated_by_email=updated_by.email,
        )
        rows.append(row)
    return Recording(rows, sorted(errors, key=lambda error: error.index))


def _spelled(pk: uuid.UUID | None) -> str | None:
    return None if pk is None else str(pk)
