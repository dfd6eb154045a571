"""Reads of the work on an item; in a blind queue others' work is hidden at first (contract 7)."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from modelhub.accounts.models import User
from modelhub.accounts.people import Actor
from modelhub.core.exact_json import timestamp
from modelhub.core.models import LISTED, LIVE
from modelhub.queues.access import Access, get_access
from modelhub.queues.claims import reserve_item
from modelhub.queues.models import Item, QueueLabel, Review, Slot
from modelhub.queues.overview import labels_of_queue
from modelhub.queues.progress import count_items
from modelhub.queues.queries import (
    get_item,
    get_item_with_content,
    items_after,
    items_before,
    items_of,
    score_rows_of,
)
from modelhub.queues.rows import GoldItemWithContentRow, ItemWithContentRow
from modelhub.scores.models import Score
from modelhub.scores.rows import ScoreRow


@dataclass(frozen=True, slots=True)
class ItemDetail:
    """Everything that a page for the work on an item shows."""

    item: ItemWithContentRow | GoldItemWithContentRow
    access: Access
    labels: list[QueueLabel]
    annotations: list[ScoreRow]
    progress: dict[str, Any]
    next_item_id: str | None
    prev_item_id: str | None
    review_comments: list[dict[str, Any]]
    existing_notes: str
    notes: list[dict[str, Any]]
    # None for annotators.
    skips: list[dict[str, Any]] | None


def get_annotations(*, actor: Actor, queue_id: uuid.UUID, item_id: uuid.UUID, of: User | None) -> list[ScoreRow]:
    """Return the scores of an item that the actor may see, newest first; `of` one person.

    Raise `NotFound`, `Forbidden`.
    """
    access = _get_readable(actor, queue_id)
    return list(_visible_scores(access, get_item(access, item_id), of))


def get_detail(*, actor: Actor, queue_id: uuid.UUID, item_id: uuid.UUID, of: User | None, reserve: bool) -> ItemDetail:
    """Return an item with all that the work on it needs, reserved if need be.

    Raise `NotFound`, `Forbidden`, and the errors of `reserve_item`.
    """
    access = _get_readable(actor, queue_id)
    if reserve:
        reserve_item(actor=actor, queue_id=queue_id, item_id=item_id)
    item = get_item(access, item_id)
    own = own_slots(access).filter(item=item.pk).first()
    notes, skips = _read_slots(access, item)
    return ItemDetail(
        item=get_item_with_content(access, item_id),
        access=access,
        labels=list(labels_of_queue(access.queue)),
        annotations=list(_visible_scores(access, item, of)),
        progress=_count_progress(access),
        next_item_id=_find_neighbour(access, item, after=True),
        prev_item_id=_find_neighbour(access, item, after=False),
        review_comments=read_comments(access, item),
        existing_notes=own.notes if own else "",
        notes=notes,
        skips=skips if access.sees_all else None,
    )


def _get_readable(actor: Actor, queue_id: uuid.UUID) -> Access:
    """Return the access of a person that may annotate or review. Raise `Forbidden`."""
    access = get_access(actor, queue_id)
    if not access.may("review"):
        access.check("annotate")
    return access


def _sees_others(access: Access, item: Item) -> bool:
    """Return whether the actor sees others' work on an item."""
    if access.sees_all or not access.queue.blind:
        return True
    return own_slots(access).filter(item=item.pk, state="completed").exists()


def _visible_scores(access: Access, item: Item, of: User | None) -> QuerySet[Score, ScoreRow]:
    rows = score_rows_of(item)
    if not _sees_others(access, item):
        rows = rows.filter(annotator=access.actor.user.pk)
    return rows if of is None else rows.filter(annotator=of.pk)


def _read_slots(access: Access, item: Item) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the notes and the skips of people on an item that the actor may see."""
    told = ~Q(notes="") | Q(state="skipped")
    slots = Slot.objects.filter(told, organization_id=item.organization_id, item=item.pk).select_related("user")
    if not _sees_others(access, item):
        slots = slots.filter(user=access.actor.user.pk)
    notes, skips = [], []
    for slot in slots.order_by("created_at", "id"):
        person = {"annotator_id": str(slot.user_id), "annotator_name": slot.user.display_name}
        if slot.notes:
            notes.append({**person, "notes": slot.notes})
        if slot.state == "skipped" and slot.ended_at:
            skips.append({**person, "reason": slot.skip_reason, "skipped_at": timestamp(slot.ended_at)})
    return notes, skips


def read_comments(access: Access, item: Item, *, addressed: bool = False) -> list[dict[str, Any]]:
    """Return the reviews of an item, newest first; comments for others are left out.

    With `addressed` only reviews for the actor: those with a comment for the actor or for all, or without a comment.
    """
    reviews = Review.objects.filter(organization_id=item.organization_id, item=item.pk).select_related("reviewer")
    own_id = str(access.actor.user.pk)
    sees_all = not addressed and _sees_others(access, item)
    return [
        {
            "id": str(review.pk),
            "action": review.action,
            "notes": review.notes,
            "label_comments": [
                comment
                for comment in review.label_comments
                if sees_all or comment.get("target_annotator_id") in (None, own_id)
            ],
            "reviewer_id": str(review.reviewer_id),
            "reviewer_name": review.reviewer.display_name,
            "created_at": timestamp(review.created_at),
        }
        for review in reviews.order_by("-created_at", "-id")
        if not addressed or _targets_of(review) & {None, own_id}
    ]


def _targets_of(review: Review) -> set[str | None]:
    """Return the ids of the annotators that a review is for, with None for all."""
    return {comment.get("target_annotator_id") for comment in review.label_comments} or {None}


def _count_progress(access: Access) -> dict[str, Any]:
    """Return the numbers of items in the queue, and of those that the actor has ended."""
    counts = count_items(access.queue)
    live = Item.objects.filter(LIVE, organization_id=access.queue.organization_id)
    own = (
        own_slots(access)
        .filter(item__in=live.values("pk"))
        .aggregate(
            own_completed=Count("pk", filter=Q(state="completed")), own_skipped=Count("pk", filter=Q(state="skipped"))
        )
    )
    return {"total": counts.total(), "completed": counts["completed"], "skipped": counts["skipped"], **own}


def _find_neighbour(access: Access, item: Item, *, after: bool) -> str | None:
    """Return the id of the item before or after another one in the order of the queue."""
    items = items_of(access.queue).filter(LISTED)
    found = items_after(items, item) if after else items_before(items, item)
    first = found.values_list("pk", flat=True).first()
    return str(first) if first else None


def own_slots(access: Access) -> QuerySet[Slot]:
    """Return the slots of the actor in the queue."""
    return Slot.objects.filter(
        organization_id=access.queue.organization_id, queue=access.queue, user=access.actor.user.pk
    )
