"""The end of a person's work on an item: complete, skip, undo (contract 7.5).

Each locks the queue's row first: the last item completes the queue.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Q

from modelhub.accounts.people import Actor
from modelhub.core.errors import Conflict, Invalid
from modelhub.core.models import LIVE
from modelhub.core.sql import read_sql
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.queues.access import Access, get_access
from modelhub.queues.assignment import assign_after_skip
from modelhub.queues.claims import (
    Claims,
    check_assigned,
    check_not_in_review,
    check_open,
    check_takable,
    claim,
    not_active,
    put_slot,
    read_claims,
)
from modelhub.queues.completion import reopen_item, reopen_queue, settle
from modelhub.queues.models import ENDED, Item, Slot
from modelhub.queues.queries import get_item, get_item_row, scores_of
from modelhub.queues.rows import ItemRow

LABELS_TO_COMPLETE = read_sql("queues", "labels_to_complete")


@dataclass(frozen=True, slots=True)
class Completion:
    """A completed item; with `missing_labels` the person's work on it is still open."""

    item: ItemRow
    missing_labels: list[str] = field(default_factory=list)


@repeat_aborted
@in_transaction
def complete_item(*, actor: Actor, queue_id: uuid.UUID, item_id: uuid.UUID) -> Completion:
    """Complete the actor's work on an item.

    A repeat changes nothing. Raise `NotFound`, `Forbidden`, `Invalid`, `ItemReserved`.
    """
    access, item, claims = lock_item(actor, queue_id, item_id)
    missing = complete(access, item, claims)
    return Completion(get_item_row(access, item.pk), missing)


def complete(access: Access, item: Item, claims: Claims, notes: str | None = None) -> list[str]:
    """Complete the actor's work on a locked item of a locked queue, with a note.

    Return the ids of labels without a score of the actor: with any, the work stays open. Raise `Forbidden`, `Invalid`,
    `ItemReserved`.
    """
    if claims.has_completed:
        return []
    check_takable(access, item)
    labels = _labels_to_complete(access, item)
    if not any(is_scored for _, _, is_scored in labels):
        email = access.actor.user.email
        sentence = f"Item {item.pk} must have a score of {email} before it is completed; submit one first"
        raise Invalid(sentence, code="nothing_to_complete")
    missing = [label_id for label_id, required, is_scored in labels if required and not is_scored]
    claim(access, item, claims, "submitted" if missing else "completed", notes=notes)
    settle(access.queue, item)
    return missing


@repeat_aborted
@in_transaction
def skip_item(*, actor: Actor, queue_id: uuid.UUID, item_id: uuid.UUID, reason: str) -> ItemRow:
    """Skip an item, which frees the actor's seat; a strategy assigns it to another.

    A repeat changes nothing. Raise `NotFound`, `Forbidden`, `Invalid`.
    """
    access, item, claims = lock_item(actor, queue_id, item_id)
    if claims.own and claims.own.state == "skipped":
        return get_item_row(access, item.pk)
    check_not_in_review(item)
    if claims.has_completed:
        sentence = f"Item {item.pk} is completed by {actor.user.email} and cannot be skipped: undo it first"
        raise Invalid(sentence, code="item_completed")
    check_open(item)
    check_takable(access, item)
    put_slot(access, item, "skipped", skip_reason=reason)
    assign_after_skip(access.queue, item, actor.user.pk)
    settle(access.queue, item)
    return get_item_row(access, item.pk)


@repeat_aborted
@in_transaction
def undo_item(*, actor: Actor, queue_id: uuid.UUID, item_id: uuid.UUID | None) -> ItemRow:
    """Take back the actor's completion or skip of an item, by default the last one.

    Raise `NotFound`, `Forbidden`, `Invalid`, `Conflict` after a review, and `ItemReserved` for a
    skip whose seat is taken.
    """
    access = get_access(actor, queue_id, lock=True)
    access.check("annotate")
    item_id = item_id or _find_last_ended(access)
    if item_id is None:
        raise _nothing_to_undo(f"{actor.user.email} has completed and skipped nothing in this queue")
    item = get_item(access, item_id, lock=True)
    claims = read_claims(access, item)
    own = get_undoable(access, item, claims.own)
    reopen_queue(access.queue)
    if own.state == "completed":
        put_slot(access, item, "submitted", seat=own.seat)
        reopen_item(item)
        # With fewer `annotations_required` than before, others may have all seats: no other person could end the item.
        if sum(slot.state == "completed" for slot in claims.slots) > access.queue.annotations_required:
            settle(access.queue, item)
    else:
        has_scores = scores_of(item).filter(annotator=actor.user.pk).exists()
        claim(access, item, claims, "submitted" if has_scores else "reserved")
        settle(access.queue, item)
    return get_item_row(access, item.pk)


def get_undoable(access: Access, item: Item, own: Slot | None) -> Slot:
    """Return the actor's slot of an item if its end can be taken back, seats apart.

    Raise `Conflict` after a review, `Invalid`, `Forbidden`.
    """
    if own and _is_reviewed(item, own):
        sentence = f"Item {item.pk} was reviewed since: this cannot be undone"
        raise Conflict(sentence, code="already_reviewed")
    if own is None or own.state not in ENDED:
        raise _nothing_to_undo(f"{access.actor.user.email} has neither completed nor skipped item {item.pk}")
    if access.queue.status not in ("active", "completed"):
        raise not_active(access.queue)
    if own.state == "skipped":
        check_open(item)
        check_assigned(access, item)
    return own


def lock_item(actor: Actor, queue_id: uuid.UUID, item_id: uuid.UUID) -> tuple[Access, Item, Claims]:
    """Lock the queue and then the item, and read its slots.

    Raise `NotFound`, `Forbidden` without the right to annotate.
    """
    access = get_access(actor, queue_id, lock=True)
    access.check("annotate")
    item = get_item(access, item_id, lock=True)
    return access, item, read_claims(access, item)


def _labels_to_complete(access: Access, item: Item) -> list[tuple[str, bool, bool]]:
    """Return id, whether it is required and whether it is scored, for each label."""
    parameters: dict[str, Any] = {
        "organization_id": item.organization_id,
        "queue_id": item.queue_id,
        "item_id": item.pk,
        "source_id": item.source_id,
        "user_id": access.actor.user.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(LABELS_TO_COMPLETE, parameters)
        labels: list[tuple[str, bool, bool]] = cursor.fetchall()
    return labels


def _find_last_ended(access: Access) -> uuid.UUID | None:
    """Return the item that the actor completed or skipped last, if any."""
    organization_id = access.queue.organization_id
    slots = Slot.objects.filter(
        Q(item__in=Item.objects.filter(LIVE, organization_id=organization_id)),
        organization_id=organization_id,
        queue=access.queue,
        user=access.actor.user.pk,
    )
    last = [
        slots.filter(state=state).order_by("-ended_at").values_list("ended_at", "item_id").first() for state in ENDED
    ]
    return max(((ended_at, item_id) for ended_at, item_id in filter(None, last) if ended_at), default=(None, None))[1]


def _is_reviewed(item: Item, slot: Slot) -> bool:
    """Return whether a reviewer has decided since the slot ended."""
    if slot.state == "submitted":
        return slot.returned_at is not None
    if slot.state != "completed" or item.review_status not in ("approved", "rejected"):
        return False
    return item.reviewed_at is None or slot.ended_at is None or slot.ended_at <= item.reviewed_at


def _nothing_to_undo(sentence: str) -> Invalid:
    return Invalid(sentence, code="nothing_to_undo")
