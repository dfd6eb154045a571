"""Add sources to a queue as items: by a list, or by a filter over sources."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from modelhub.accounts.people import Actor
from modelhub.core import clock, exact_json
from modelhub.core.errors import Refused, TooLarge
from modelhub.core.ids import new_id
from modelhub.core.models import LIVE
from modelhub.core.sql import read_sql
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.labels.services import get_label
from modelhub.queues.access import get_access
from modelhub.queues.assignment import BATCH, find_roster, store_assignments
from modelhub.queues.completion import reopen_queue
from modelhub.queues.expected import check_expected, rules_of
from modelhub.queues.models import Queue
from modelhub.queues.queries import items_of
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from modelhub.sources.refs import Identity, SourceEntry, SourceRef
from modelhub.sources.services import find_sources, source_not_found, sources_of, store_sources

INSERT_ITEMS = read_sql("queues", "insert_items")
# Items of one request: of a list, and of a filter.
MAX_LISTED = 1000
MAX_FILTERED = 100_000


@dataclass(frozen=True, slots=True)
class ItemEntry:
    """A source to add. `expected` has values by label id or name.

    With them, `gold` of None is true.
    """

    ref: SourceRef
    priority: int = 0
    gold: bool | None = None
    expected: Mapping[str, Any] = field(default_factory=dict)


class ItemError(msgspec.Struct, frozen=True):
    """An entry that was not added: its source as sent, and the reason."""

    source_type: str | None
    source_id: str | None
    error: str


@dataclass(frozen=True, slots=True)
class SourceSelection:
    """A filter over sources; `scored` is about live scores of the label."""

    source_type: str | None = None
    registered_after: datetime | None = None
    registered_before: datetime | None = None
    label_id: uuid.UUID | None = None
    scored: bool = True
    metadata: Mapping[str, Any] = field(default_factory=dict)
    limit: int | None = None


class AddOutcome(msgspec.Struct, frozen=True):
    """Numbers of new items and of sources that the queue had, and the errors."""

    added: int
    duplicates: int
    errors: Sequence[ItemError]
    queue_status: str


class NewItem(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A row for `insert_items`."""

    id: uuid.UUID
    source_id: uuid.UUID
    priority: int = 0
    gold: bool = False
    expected: Mapping[str, Any] = {}


@repeat_aborted
@in_transaction
def add_listed_items(*, actor: Actor, queue_id: uuid.UUID, entries: Sequence[ItemEntry | ItemError]) -> AddOutcome:
    """Add the sources of a list, in its order; a wrong entry fails alone.

    `MODELHUB_AUTO_CREATE_SOURCES` registers unknown sources. Raise `TooLarge` above 1,000 entries, `NotFound` for the
    queue, `Forbidden` without the right to manage it.
    """
    if len(entries) > MAX_LISTED:
        sentence = f"items must have at most {MAX_LISTED} entries, got {len(entries)}; a filter adds more at once"
        raise TooLarge(sentence, code="items_too_large", field="items")
    access = get_access(actor, queue_id, lock=True)
    access.check("manage")
    refs = [entry.ref for entry in entries if isinstance(entry, ItemEntry)]
    sources = _find_or_create(access.queue.organization_id, refs)
    has_expected = any(isinstance(entry, ItemEntry) and entry.expected for entry in entries)
    rules = rules_of(access.queue) if has_expected else []
    rows: dict[uuid.UUID, NewItem] = {}
    errors: list[ItemError] = []
    repeated = 0
    for at, entry in enumerate(entries):
        if isinstance(entry, ItemError):
            errors.append(entry)
            continue
        try:
            source_id = sources.get(entry.ref.identity)
            if source_id is None:
                raise source_not_found(entry.ref)
            expected = check_expected(rules, entry.expected)
        except Refused as refused:
            errors.append(ItemError(entry.ref.word, entry.ref.source_id, f"items[{at}]: {refused}"))
            continue
        repeated += source_id in rows
        gold = bool(expected) if entry.gold is None else entry.gold
        rows.setdefault(source_id, NewItem(new_id(), source_id, entry.priority, gold, expected))
    known = set(items_of(access.queue).filter(source__in=list(rows)).values_list("source_id", flat=True))
    new = [row for source_id, row in rows.items() if source_id not in known]
    _insert(access.queue, new)
    return AddOutcome(len(new), repeated + len(known), errors, access.queue.status)


@repeat_aborted
@in_transaction
def add_selected_items(*, actor: Actor, queue_id: uuid.UUID, selection: SourceSelection) -> AddOutcome:
    """Add the sources that match a filter, the oldest first.

    Sources that are in the queue are passed over as duplicates, and do not count towards the limit. Raise `TooLarge` if
    more than 100,000 are new, `NotFound` for queue or label, `Forbidden` without the right to manage the queue.
    """
    access = get_access(actor, queue_id, lock=True)
    access.check("manage")
    new, duplicates = _select_new(access.queue, selection)
    _insert(access.queue, [NewItem(new_id(), source_id) for source_id in new])
    return AddOutcome(len(new), duplicates, [], access.queue.status)


@in_transaction
def count_selected_items(*, actor: Actor, queue_id: uuid.UUID, selection: SourceSelection) -> tuple[int, int]:
    """Return the numbers of sources that `add_selected_items` would add and pass over.

    Raise the same errors.
    """
    access = get_access(actor, queue_id)
    access.check("manage")
    new, duplicates = _select_new(access.queue, selection)
    return len(new), duplicates


def _select_new(queue: Queue, selection: SourceSelection) -> tuple[list[uuid.UUID], int]:
    """Return the sources of a filter that the queue lacks, and the number of others.

    The caller has begun a transaction, for the cursor of the iteration. Raise `TooLarge` above 100,000 new ones.
    """
    known = set(items_of(queue).values_list("source_id", flat=True))
    limit = selection.limit or MAX_FILTERED + 1
    new: list[uuid.UUID] = []
    duplicates = 0
    matching = _matching(queue.organization_id, selection).order_by("created_at", "id")
    for source_id in matching.values_list("pk", flat=True).iterator(chunk_size=BATCH):
        if source_id in known:
            duplicates += 1
            continue
        new.append(source_id)
        if len(new) == limit:
            break
    if len(new) > MAX_FILTERED:
        sentence = f"filter must match at most {MAX_FILTERED} new sources, or have a limit of at most that number"
        raise TooLarge(sentence, code="items_too_large", field="filter")
    return new, duplicates


def _insert(queue: Queue, rows: Sequence[NewItem]) -> None:
    """Insert and assign sources that the queue lacks; reopen a completed queue."""
    if not rows:
        return
    roster = find_roster(queue)
    for at in range(0, len(rows), BATCH):
        parameters: dict[str, Any] = {
            "organization_id": queue.organization_id,
            "queue_id": queue.pk,
            "now": clock.now(),
            "rows": exact_json.dumps(rows[at : at + BATCH]),
            "is_assigned": roster is not None,
        }
        with connection.cursor() as cursor:
            cursor.execute(INSERT_ITEMS, parameters)
    if roster is not None:
        store_assignments(queue, [row.id for row in rows], roster)
    reopen_queue(queue)


def _find_or_create(organization_id: uuid.UUID, refs: Sequence[SourceRef]) -> Mapping[Identity, uuid.UUID]:
    """Return the ids of sources; register unknown ones if the settings allow it."""
    sources = find_sources(organization_id, refs)
    # Of several spellings of an id, the first one is registered.
    unknown = {ref.identity: SourceEntry(ref) for ref in reversed(refs) if ref.identity not in sources}
    if unknown and settings.AUTO_CREATE_SOURCES:
        stored = store_sources(organization_id, list(unknown.values()))
        sources |= {identity: source.pk for identity, source in stored.items()}
    return sources


def _matching(organization_id: uuid.UUID, selection: SourceSelection) -> QuerySet[Source]:
    """Return the sources under a filter. Raise `NotFound` for its label."""
    sources = sources_of(organization_id)
    if selection.source_type is not None:
        sources = sources.filter(source_type=selection.source_type)
    if selection.registered_after is not None:
        sources = sources.filter(created_at__gte=selection.registered_after)
    if selection.registered_before is not None:
        sources = sources.filter(created_at__lt=selection.registered_before)
    if selection.metadata:
        sources = sources.filter(metadata__contains=selection.metadata)
    if selection.label_id is not None:
        label = get_label(organization_id=organization_id, label_id=selection.label_id)
        scores = Score.objects.filter(LIVE, organization_id=organization_id, source=OuterRef("pk"), label=label)
        sources = sources.filter(Exists(scores) if selection.scored else ~Exists(scores))
    return sources
