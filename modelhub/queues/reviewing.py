"""Decisions of reviewers on items (contract 7.2)."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Case, DateTimeField, Exists, F, OuterRef, QuerySet, When
from django.db.models.functions import Now

from modelhub.accounts.people import Actor
from modelhub.core.errors import Forbidden, Invalid, Refused
from modelhub.core.models import LIVE
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.queues.access import ROLES_WITH, Access, get_access
from modelhub.queues.completion import reopen_queue, settle_queue
from modelhub.queues.models import DatabaseClock, Item, Queue, QueueLabel, QueueMember, Review, Slot
from modelhub.queues.queries import item_not_found
from modelhub.scores.models import Score

# The review status that each action needs; a comment fits any.
NEEDED = {
    "approve": "pending_review",
    "request_changes": "pending_review",
    "reject": "pending_review",
    "reopen": "approved",
}
# Returned work is its annotator's for at least so long.
RETURNED_FOR = timedelta(days=7)
RETURNS = ("request_changes", "reject")
WITH_REASON = (*RETURNS, "comment")


@dataclass(frozen=True, slots=True)
class LabelComment:
    """A comment on an item's scores by one label, of one annotator or of all."""

    label_id: uuid.UUID
    comment: str
    target_annotator_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """An action of `REVIEW_ACTIONS` with its reasons."""

    action: str
    notes: str = ""
    label_comments: Sequence[LabelComment] = ()

    @property
    def lacks_reason(self) -> bool:
        return self.action in WITH_REASON and not (self.notes or self.label_comments)

    @property
    def targets(self) -> set[uuid.UUID]:
        """Return the annotators to return the work to, none for all of them."""
        targets = {comment.target_annotator_id for comment in self.label_comments}
        return set() if None in targets else {target for target in targets if target}


@repeat_aborted
@in_transaction
def review_item(*, actor: Actor, queue_id: uuid.UUID, item_id: uuid.UUID, decision: Decision) -> Access:
    """Review one item. Return the access to its queue, whose status may have changed.

    Raise `NotFound`, `Forbidden` for own work, and `Invalid` for another review status or an unfit comment.
    """
    access = _lock_queue(actor, queue_id, decision)
    errors = _review(access, [item_id], decision)
    if error := errors.get(item_id):
        raise error
    return access


@repeat_aborted
@in_transaction
def review_items(
    *, actor: Actor, queue_id: uuid.UUID, item_ids: Sequence[uuid.UUID], decision: Decision
) -> dict[uuid.UUID, Refused]:
    """Review many items. Return the errors of those that were left alone, by item.

    Raise `NotFound` for the queue, `Forbidden`, `Invalid` for a missing reason.
    """
    return _review(_lock_queue(actor, queue_id, decision), item_ids, decision)


def _lock_queue(actor: Actor, queue_id: uuid.UUID, decision: Decision) -> Access:
    access = get_access(actor, queue_id, lock=True)
    access.check("review")
    if decision.lacks_reason:
        raise Invalid(f"notes or label_comments must say why, for {decision.action}", code="required", field="notes")
    return access


def _review(access: Access, item_ids: Collection[uuid.UUID], decision: Decision) -> dict[uuid.UUID, Refused]:
    """Lock the items and review those that fit. Return the errors of the others."""
    queue = access.queue
    live = Item.objects.filter(LIVE, organization_id=queue.organization_id, queue=queue, pk__in=item_ids)
    items = {item.pk: item for item in live.order_by("pk").select_for_update(no_key=True)}
    own = annotated_by(access.actor, items.values())
    found = {pk: _find_error(access, items.get(pk), pk, decision, is_own=pk in own) for pk in item_ids}
    errors = {pk: error for pk, error in found.items() if error}
    fitting = [item for pk, item in items.items() if pk not in errors]
    if fitting:
        _check_comments(queue, fitting, decision)
        _store(access, fitting, decision)
        _apply(access, fitting, decision)
    return errors


def annotated_by(actor: Actor, items: Collection[Item]) -> set[uuid.UUID]:
    """Return the ids of the items on which the actor has work or scores."""
    own = {"organization_id": actor.user.organization_id}
    slots = Slot.objects.filter(**own, user=actor.user.pk, item__in=items, state__in=["submitted", "completed"])
    scores = Score.objects.filter(
        LIVE,
        **own,
        annotator=actor.user.pk,
        source__in=[item.source_id for item in items],
        queue_item__in=[item.pk for item in items],
    )
    worked = {*slots.values_list("item_id", flat=True), *scores.values_list("queue_item", flat=True)}
    return {item.pk for item in items if item.pk in worked}


def _find_error(
    access: Access, item: Item | None, item_id: uuid.UUID, decision: Decision, *, is_own: bool
) -> Refused | None:
    if item is None:
        return item_not_found(item_id)
    if is_own:
        sentence = f"Item {item_id} must be reviewed by another person than {access.actor.user.email}, its annotator"
        return Forbidden(sentence, code="own_work")
    needed = NEEDED.get(decision.action)
    if needed in (None, item.review_status):
        return None
    sentence = f"The review status of item {item_id} must be {needed} for {decision.action}"
    code = "not_in_review" if needed == "pending_review" else "not_approved"
    return Invalid(f"{sentence}, got {item.review_status or 'none'}", code=code)


def _check_comments(queue: Queue, items: Collection[Item], decision: Decision) -> None:
    """Raise `Invalid` for a comment on a label or a person that the items do not have."""
    if not decision.label_comments:
        return
    attached = QueueLabel.objects.filter(organization_id=queue.organization_id, queue=queue)
    labels = set(attached.values_list("label_id", flat=True))
    people = set(_completed_slots(queue, items).values_list("user_id", flat=True))
    for index, comment in enumerate(decision.label_comments):
        place, target = f"label_comments[{index}]", comment.target_annotator_id
        if comment.label_id not in labels:
            sentence = f"{place}.label_id must be a label of the queue, got {comment.label_id}"
            raise Invalid(sentence, field="label_comments")
        if target not in (None, *people):
            sentence = f"{place}.target_annotator_id must be a person with completed work on the item, got {target}"
            raise Invalid(sentence, field="label_comments")


def _completed_slots(queue: Queue, items: Collection[Item]) -> QuerySet[Slot]:
    return Slot.objects.filter(organization_id=queue.organization_id, item__in=items, state="completed")


def slots_to_return(queue: Queue, items: Collection[Item], targets: Collection[uuid.UUID]) -> QuerySet[Slot]:
    """Return the completed slots of the targets of a decision, of all people without."""
    slots = _completed_slots(queue, items)
    return slots.filter(user__in=targets) if targets else slots


def _store(access: Access, items: Collection[Item], decision: Decision) -> None:
    comments = [
        {
            "label_id": str(one.label_id),
            "target_annotator_id": str(one.target_annotator_id) if one.target_annotator_id else None,
            "comment": one.comment,
        }
        for one in decision.label_comments
    ]
    reviews = [
        Review(
            organization_id=item.organization_id,
            item=item,
            reviewer=access.actor.user,
            action=decision.action,
            notes=decision.notes,
            label_comments=comments,
        )
        for item in items
    ]
    Review.objects.bulk_create(reviews)


def _apply(access: Access, items: Collection[Item], decision: Decision) -> None:
    """Set the statuses of items, returned slots and the queue."""
    # The start of the statement, after all waits for locks: one time for all of its columns.
    queue, now = access.queue, Now()
    rows = Item.objects.filter(organization_id=queue.organization_id, pk__in=[item.pk for item in items])
    reviewed: dict[str, Any] = {
        "reviewed_by": access.actor.user,
        "reviewed_at": now,
        "review_notes": decision.notes,
        "updated_at": now,
    }
    match decision.action:
        case "approve":
            rows.update(**reviewed, status="completed", review_status="approved", completed_at=now)
            settle_queue(queue)
        case action if action in RETURNS:
            rows.update(**reviewed, status="in_progress", review_status="rejected")
            _return_work(queue, items, decision.targets)
            reopen_queue(queue)
        case "reopen":
            # As before its review: an item with a reviewer would count as resubmitted.
            rows.update(
                status="in_progress",
                review_status="pending_review",
                completed_at=None,
                reviewed_by=None,
                reviewed_at=None,
                review_notes="",
                updated_at=now,
            )
            reopen_queue(queue)


def _return_work(queue: Queue, items: Collection[Item], targets: Collection[uuid.UUID]) -> None:
    """Submit completed slots again, with their seats and a reservation of a week.

    A person that may not annotate any more keeps no seat.
    """
    slots = slots_to_return(queue, items, targets)
    now = DatabaseClock()
    reservation = max(RETURNED_FOR, timedelta(seconds=queue.reservation_seconds))
    may_annotate = Exists(
        QueueMember.objects.filter(
            organization_id=queue.organization_id,
            queue=queue,
            user=OuterRef("user"),
            user__is_active=True,
            roles__overlap=[*ROLES_WITH["annotate"]],
        )
    )
    slots.update(
        state="submitted",
        ended_at=None,
        returned_at=now,
        seat=Case(When(may_annotate, then=F("seat"))),
        reserved_until=Case(When(may_annotate, then=now + reservation), default=now, output_field=DateTimeField()),
        updated_at=now,
    )
