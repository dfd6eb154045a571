"""A person's queues, item in hand and ended items, for pages of annotators."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from modelhub.accounts.people import Actor
from modelhub.core.errors import Refused
from modelhub.core.sql import read_sql
from modelhub.queues.access import Access, get_access
from modelhub.queues.annotating import store, submit
from modelhub.queues.claims import Claims, read_claims
from modelhub.queues.detail import read_comments
from modelhub.queues.ending import complete, get_undoable, lock_item
from modelhub.queues.models import Item, QueueLabel, QueueMember, Slot
from modelhub.queues.overview import labels_of_queue
from modelhub.queues.queries import get_item, get_item_with_content, scores_of
from modelhub.queues.rows import GoldItemWithContentRow, ItemWithContentRow

OWN_WORK = read_sql("queues", "own_work")
OWN_PROGRESS = read_sql("queues", "own_progress")
LAST_ENDED = read_sql("queues", "ended")
FIRST_ENDED = LAST_ENDED.replace("DESC", "ASC")


@dataclass(frozen=True, slots=True)
class QueueOfPerson:
    """A queue with a person's rights in it, and numbers of its items.

    `open` are the items that the person may still take, `in_review` those that wait for a review, and
    `own_completed` those that the person has completed.
    """

    access: Access
    items: int = 0
    completed: int = 0
    in_review: int = 0
    open: int = 0
    own_completed: int = 0

    @property
    def may_annotate(self) -> bool:
        return self.access.may("annotate")

    @property
    def may_review(self) -> bool:
        return self.access.may("review")

    @property
    def instructions(self) -> str:
        """Return the first line of the instructions, or of the description."""
        queue = self.access.queue
        lines = (queue.instructions.strip() or queue.description.strip()).splitlines()
        return lines[0] if lines else ""


class OwnProgress(NamedTuple):
    """The numbers of items of a queue beside the work on one of them."""

    total: int
    completed: int
    own_completed: int


class EndedItem(NamedTuple):
    """An item that a person has completed or skipped."""

    item_id: uuid.UUID
    name: str
    state: str
    ended_at: datetime
    # Of the item, which others work on, too.
    status: str
    review_status: str
    reviewed_at: datetime | None
    is_assigned: bool


@dataclass(frozen=True, slots=True)
class OwnScore:
    """A score of the person with the columns that a form needs."""

    label_id: str
    value: dict[str, Any]
    notes: str


class LockedWork(NamedTuple):
    """A locked item with the labels of its queue, and a person's work on it."""

    access: Access
    item: Item
    claims: Claims
    labels: list[QueueLabel]
    scores: list[OwnScore]

    @property
    def notes(self) -> str:
        return self.claims.own.notes if self.claims.own else ""


@dataclass(frozen=True, slots=True)
class OwnItem:
    """An item with the labels of its queue, and a person's own work on it.

    `comments` are the reviews for the person of an item that was returned, the last one first.
    """

    access: Access
    item: Item
    source: ItemWithContentRow | GoldItemWithContentRow
    claims: Claims
    labels: list[QueueLabel]
    scores: list[OwnScore]
    comments: list[dict[str, Any]]


def own_queues(actor: Actor) -> QuerySet[QueueMember]:
    """Return the actor's memberships in live queues: active ones first, then by name."""
    members = QueueMember.objects.filter(
        organization_id=actor.user.organization_id, user=actor.user.pk, queue__deleted_at=None
    )
    return members.select_related("queue").order_by("queue__status", "queue__name", "queue__id")


def count_work(actor: Actor, members: Sequence[QueueMember]) -> list[QueueOfPerson]:
    """Return the queues of memberships with their numbers, with one statement."""
    if not members:  # of an empty array PostgreSQL expects no row, and may scan all organizations for it
        return []
    parameters: dict[str, Any] = {
        "organization_id": actor.user.organization_id,
        "user_id": actor.user.pk,
        "queue_ids": [member.queue_id for member in members],
    }
    with connection.cursor() as cursor:
        cursor.execute(OWN_WORK, parameters)
        counts = {queue_id: numbers for queue_id, *numbers in cursor.fetchall()}
    return [
        QueueOfPerson(Access(actor, member.queue, frozenset(member.roles)), *counts.get(member.queue_id, ()))
        for member in members
    ]


def get_own_item(*, actor: Actor, queue_id: uuid.UUID, item_id: uuid.UUID) -> OwnItem:
    """Return an item for the actor's work on it. Raise `NotFound`, `Forbidden`."""
    access = get_access(actor, queue_id)
    access.check("annotate")
    item = get_item(access, item_id)
    claims = read_claims(access, item)
    is_returned = item.review_status == "rejected" or (claims.own is not None and claims.own.returned_at is not None)
    return OwnItem(
        access=access,
        item=item,
        source=get_item_with_content(access, item_id),
        claims=claims,
        labels=list(labels_of_queue(access.queue)),
        scores=_read_scores(access, item),
        comments=read_comments(access, item, addressed=True) if is_returned else [],
    )


def lock_own_work(*, actor: Actor, queue_id: uuid.UUID, item_id: uuid.UUID) -> LockedWork:
    """Lock the queue and the item, and read the actor's work. Raise `NotFound`, `Forbidden`."""
    access, item, claims = lock_item(actor, queue_id, item_id)
    return LockedWork(access, item, claims, list(labels_of_queue(access.queue)), _read_scores(access, item))


def submit_and_complete(work: LockedWork, entries: Sequence[object], notes: str | None) -> list[str]:
    """Store the actor's scores and complete the item, in the transaction of the lock.

    Return the ids of missing labels: with any the scores are stored, and the work stays open. Raise the errors of
    `submit_annotations` and `complete_item`, after which the transaction must be rolled back.
    """
    access, item, claims = work.access, work.item, work.claims
    if claims.has_completed:
        submit(access, item, claims, entries, notes)
        return []
    # The slot and the status are written once, and not first as submitted and then as completed.
    store(access, item, claims, entries, notes)
    return complete(access, item, claims, notes)


def read_progress(access: Access) -> OwnProgress:
    """Return the numbers of items of the queue, with those that the actor has completed."""
    with connection.cursor() as cursor:
        cursor.execute(OWN_PROGRESS, _own(access))
        return OwnProgress(*cursor.fetchall()[0])


def read_ended(
    access: Access, *, limit: int, before: datetime | None = None, after: datetime | None = None
) -> list[EndedItem]:
    """Return live items that the actor has ended, the last one first.

    With `after` the first ones after that time, the earliest first.
    """
    statement = LAST_ENDED if after is None else FIRST_ENDED
    with connection.cursor() as cursor:
        cursor.execute(statement, {**_own(access), "limit": limit, "before": before, "after": after})
        return [EndedItem(*row) for row in cursor.fetchall()]


def may_undo(access: Access, item: Item, slot: Slot | None) -> bool:
    """Return whether the actor may take back the end of work on an item, seats apart."""
    try:
        get_undoable(access, item, slot)
    except Refused:
        return False
    return True


def find_undoable(access: Access, ended: Sequence[EndedItem]) -> EndedItem | None:
    """Return the first of the ended items if the actor may take it back."""
    if not ended:
        return None
    first = ended[0]
    item = Item(
        pk=first.item_id,
        organization_id=access.queue.organization_id,
        status=first.status,
        review_status=first.review_status,
        reviewed_at=first.reviewed_at,
        is_assigned=first.is_assigned,
    )
    return first if may_undo(access, item, Slot(state=first.state, ended_at=first.ended_at)) else None


def _own(access: Access) -> dict[str, Any]:
    """Return the parameters of statements about the actor's work in the queue."""
    return {
        "organization_id": access.queue.organization_id,
        "queue_id": access.queue.pk,
        "user_id": access.actor.user.pk,
    }


def _read_scores(access: Access, item: Item) -> list[OwnScore]:
    rows = scores_of(item).filter(annotator=access.actor.user.pk).values_list("label_id", "value", "notes")
    return [OwnScore(str(label_id), value, notes) for label_id, value, notes in rows]
