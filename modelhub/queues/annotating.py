"""Scores of items: submit, import and read them (contract 7.4)."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from modelhub.accounts.models import User
from modelhub.accounts.people import Actor
from modelhub.core.envelope import rename
from modelhub.core.errors import Invalid
from modelhub.core.ids import spell_uuid
from modelhub.core.sql import read_sql
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.labels.types import get_type
from modelhub.queues.access import Access, get_access
from modelhub.queues.claims import (
    Claims,
    check_assigned,
    check_not_in_review,
    check_open,
    claim,
    not_active,
    put_notes,
    read_claims,
)
from modelhub.queues.completion import begin, reopen_queue
from modelhub.queues.models import Item
from modelhub.queues.queries import get_item
from modelhub.scores.entries import FIELDS, EntryError, sent_label_id
from modelhub.scores.recording import Batch, record_scores
from modelhub.sources.refs import SourceRef

LABEL_TYPES = read_sql("queues", "label_types")


class InvalidAnnotations(Invalid):
    """Raised for entries with errors; `by_label` has the sentences by label id.

    The ids are spelled as they were sent; entries without one are under "".
    """

    def __init__(self, errors: Sequence[EntryError], positions: Sequence[int]) -> None:
        sentences = [f"annotations[{positions[error.index]}]: {error.message}" for error in errors]
        super().__init__("; ".join(sentences), code=errors[0].code, fields={"annotations": sentences})
        self.by_label: dict[str, list[str]] = {}
        for error in errors:
            self.by_label.setdefault(error.label_id or "", []).append(error.message)


@dataclass(frozen=True, slots=True)
class Submission:
    """The number of stored scores, and the ids of labels that were not counted."""

    submitted: int
    skipped: list[str]


@repeat_aborted
@in_transaction
def submit_annotations(
    *, actor: Actor, queue_id: uuid.UUID, item_id: uuid.UUID, entries: Sequence[object], notes: str | None
) -> Submission:
    """Store the actor's scores and note of an item, all or none.

    Take a seat of the item, or change completed work. Raise `NotFound`, `Forbidden`, `Invalid`, `ItemReserved`.
    """
    access = get_access(actor, queue_id)
    if access.queue.status == "completed":
        # A skipped item that is submitted opens the queue again.
        access = get_access(actor, queue_id, lock=True)
    access.check("annotate")
    item = get_item(access, item_id, lock=True)
    return submit(access, item, read_claims(access, item), entries, notes)


def submit(access: Access, item: Item, claims: Claims, entries: Sequence[object], notes: str | None) -> Submission:
    """Store the actor's scores and note of a locked item, all or none.

    Take a seat of it, or change completed work. Raise `Forbidden`, `Invalid`, `ItemReserved`.
    """
    submission = store(access, item, claims, entries, notes)
    if not submission.submitted and notes is None:
        return submission
    if not claims.has_completed:
        claim(access, item, claims, "submitted", notes=notes)
        begin(item)
    elif claims.own and notes is not None:
        put_notes(claims.own, notes)
    return submission


def store(access: Access, item: Item, claims: Claims, entries: Sequence[object], notes: str | None) -> Submission:
    """Store the actor's scores of a locked item, all or none; the claim follows.

    A skipped item that is submitted opens the queue again. Raise `Forbidden`, `Invalid`.
    """
    check_not_in_review(item)
    check_status(access, item, has_completed=claims.has_completed)
    if not claims.has_completed:
        check_open(item)
        check_assigned(access, item)
    counted, skipped = choose_entries(entries, types_of_labels(access))
    record(access, item, access.actor.user, counted)
    if item.status == "skipped" and not claims.has_completed and (counted or notes is not None):
        reopen_queue(access.queue)
    return Submission(len(counted), skipped)


@repeat_aborted
@in_transaction
def import_annotations(
    *, actor: Actor, annotator: User, queue_id: uuid.UUID, item_id: uuid.UUID, entries: Sequence[object]
) -> Submission:
    """Store scores of an annotator on an item, all or none; no status changes.

    Raise `NotFound`, `Forbidden`, `Invalid`.
    """
    access = get_access(actor, queue_id)
    access.check("manage")
    item = get_item(access, item_id, lock=True)
    imported = [with_source(entry, "imported") for entry in entries]
    counted, skipped = choose_entries(imported, types_of_labels(access))
    record(access, item, annotator, counted)
    return Submission(len(counted), skipped)


def check_status(access: Access, item: Item, *, has_completed: bool) -> None:
    """Raise `Invalid` unless the queue accepts scores of the item.

    A completed queue accepts changes of own completed work, and skipped items.
    """
    status = access.queue.status
    if status != "active" and not (status == "completed" and (has_completed or item.status == "skipped")):
        raise not_active(access.queue)


def types_of_labels(access: Access) -> Mapping[str, str]:
    """Return the types of the queue's labels by id, without deleted labels."""
    with connection.cursor() as cursor:
        cursor.execute(LABEL_TYPES, {"organization_id": access.queue.organization_id, "queue_id": access.queue.pk})
        return dict(cursor.fetchall())


def choose_entries(entries: Sequence[object], types: Mapping[str, str]) -> tuple[dict[int, object], list[str]]:
    """Return the entries to store by position, one per label, and the other labels.

    Left out are blank values and labels that the queue does not have. A malformed entry is chosen: it is an error.
    """
    chosen: dict[object, int] = {}
    left_out: dict[str, None] = {}
    for index, entry in enumerate(entries):
        sent = sent_label_id(entry)
        label_id = spell_uuid(sent)
        if sent is None or label_id is None:
            chosen[index] = index
        elif label_id not in types or is_blank(entry, types[label_id]):
            left_out[label_id] = None
        else:
            chosen[label_id] = index
    positions = sorted(chosen.values())
    return {index: entries[index] for index in positions}, [label_id for label_id in left_out if label_id not in chosen]


def is_blank(entry: object, label_type: str) -> bool:
    """Return whether an entry has no value (contract 7.4), as a form sends it."""
    fields = rename(entry, FIELDS) if isinstance(entry, dict) else {}
    if "value" not in fields:
        return False
    value = fields["value"]
    key = get_type(label_type).key
    if isinstance(value, dict) and key in value:
        value = value[key]
    return value in (None, "", []) or (label_type == "star" and value == 0 and value is not False)


def with_source(entry: object, score_source: str) -> object:
    """Return the entry with a score source, unless it has one."""
    if not isinstance(entry, dict):
        return entry
    fields = rename(entry, FIELDS)
    return fields if fields.get("score_source") is not None else {**fields, "score_source": score_source}


def record(access: Access, item: Item, annotator: User, entries: Mapping[int, object]) -> None:
    """Store scores of the item, all or none. Raise `InvalidAnnotations`."""
    if not entries:
        return
    source = item.source
    ref = SourceRef(source.source_type, source.source_type, source.source_id, source.source_key)
    batch = Batch(
        annotator,
        ref,
        list(entries.values()),
        queue_item=item.pk,
        queue_id=access.queue.pk,
        atomic=True,
        create_source=False,
    )
    errors = record_scores(batch).errors
    if errors:
        raise InvalidAnnotations(errors, list(entries))
