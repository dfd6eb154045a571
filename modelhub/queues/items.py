"""Correct, remove and give back the items of a queue."""

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Case, Exists, OuterRef, Q, Value, When

from modelhub.accounts.people import Actor
from modelhub.core import clock
from modelhub.core.models import LIVE
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.queues.access import Access, get_access
from modelhub.queues.completion import reopen_queue, settle_items, settle_queue
from modelhub.queues.expected import check_expected, rules_of
from modelhub.queues.models import IN_REVIEW, Assignment, DatabaseClock, Slot
from modelhub.queues.queries import item_not_found, items_of
from modelhub.scores.changes import delete_scores_of_items
from modelhub.scores.models import Score

# Items that can be given back: of several annotators, one has skipped an open item, or all have.
SKIPPED_BY_SOME = (
    Exists(Slot.objects.filter(organization=OuterRef("organization"), item=OuterRef("pk"), state="skipped"))
    & ~Q(status="completed")
    & ~IN_REVIEW
)


@repeat_aborted
@in_transaction
def update_item(*, actor: Actor, queue_id: uuid.UUID, item_id: uuid.UUID, changes: Mapping[str, Any]) -> Access:
    """Set priority, `gold` and `expected` of an item; the last makes it gold.

    Raise `NotFound`, `Forbidden` without the right to manage the queue, `Invalid` for unfit expected values.
    """
    access = get_access(actor, queue_id)
    access.check("manage")
    fields = dict(changes)
    if fields.get("expected"):
        fields["expected"] = check_expected(rules_of(access.queue), fields["expected"])
        fields.setdefault("gold", True)
    if not items_of(access.queue).filter(pk=item_id).update(**fields, updated_at=clock.now()):
        raise item_not_found(item_id)
    return access


@repeat_aborted
@in_transaction
def remove_item(*, actor: Actor, queue_id: uuid.UUID, item_id: uuid.UUID) -> None:
    """Remove an item. Raise `NotFound`, `Forbidden` without the right to manage."""
    if not remove_items(actor=actor, queue_id=queue_id, item_ids=[item_id]):
        raise item_not_found(item_id)


@repeat_aborted
@in_transaction
def remove_items(*, actor: Actor, queue_id: uuid.UUID, item_ids: Collection[uuid.UUID]) -> int:
    """Remove items of a queue and return their number; other ids are ignored.

    Assignments and reservations end, and scores are deleted softly. A source that is added again becomes a new item.
    A queue whose other items are completed is completed.
    Raise `NotFound` for the queue, `Forbidden` without the right to manage it.
    """
    access = get_access(actor, queue_id, lock=True)
    access.check("manage")
    organization_id = access.queue.organization_id
    locked = items_of(access.queue).filter(pk__in=item_ids).order_by("pk").select_for_update(no_key=True)
    sources = dict(locked.values_list("pk", "source_id"))
    if not sources:
        return 0
    delete_scores_of_items(actor=actor, sources=sources)
    Assignment.objects.filter(organization_id=organization_id, item__in=list(sources)).delete()
    slots = Slot.objects.filter(organization_id=organization_id, item__in=list(sources))
    slots.filter(state="reserved").delete()
    now = clock.now()
    slots.update(seat=None, updated_at=now)
    items_of(access.queue).filter(pk__in=list(sources)).update(is_assigned=False, deleted_at=now, updated_at=now)
    settle_queue(access.queue)
    return len(sources)


@repeat_aborted
@in_transaction
def give_back_items(*, actor: Actor, queue_id: uuid.UUID, item_ids: Collection[uuid.UUID]) -> int:
    """Open items for those again that have skipped them. Return their number.

    Completed items, those in review and others without a skip are ignored. The skips end; scores and notes of their
    people stay, as work without a seat. A completed queue with a skipped item is active again. Raise `NotFound` for the
    queue, `Forbidden` without the right to manage it.
    """
    access = get_access(actor, queue_id, lock=True)
    access.check("manage")
    queue = access.queue
    skipped = items_of(queue).filter(SKIPPED_BY_SOME, pk__in=item_ids)
    locked = skipped.order_by("pk").select_for_update(no_key=True, of=("self",))
    found = list(locked.values_list("pk", flat=True))
    if not found:
        return 0
    of_organization = {"organization_id": queue.organization_id}
    skips = Slot.objects.filter(**of_organization, item__in=found, state="skipped")
    scores = Score.objects.filter(
        LIVE, **of_organization, queue_item=OuterRef("item"), annotator=OuterRef("user"), queue_id=queue.pk
    )
    skips.filter(~Exists(scores), notes="").delete()
    skips.update(
        state=Case(When(Exists(scores), then=Value("submitted")), default=Value("reserved")),
        skip_reason="",
        ended_at=None,
        reserved_until=DatabaseClock(),
        updated_at=DatabaseClock(),
    )
    settle_items(queue, found)
    reopen_queue(queue)
    return len(found)
