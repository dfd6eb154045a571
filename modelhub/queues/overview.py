"""Queues as clients see them: with labels, members, counts and the viewer's roles."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, QuerySet

from modelhub.accounts.people import Actor
from modelhub.core.models import LIVE
from modelhub.queues.models import QUEUE_ROLES, Item, Queue, QueueLabel, QueueMember

COUNTS = ("item_count", "pending_count", "in_progress_count", "in_review_count", "completed_count", "skipped_count")


def describe_queues(queues: Sequence[Queue], actor: Actor) -> Sequence[Queue]:
    """Set what clients see of queues beside their columns, with three statements."""
    of_queues = _of_queues(queues, actor)
    labels: dict[uuid.UUID, list[QueueLabel]] = defaultdict(list)
    for attached in attached_labels().filter(**of_queues):
        labels[attached.queue_id].append(attached)
    members: dict[uuid.UUID, list[QueueMember]] = defaultdict(list)
    for member in members_in_order().filter(**of_queues):
        members[member.queue_id].append(member)
    for queue in queues:
        queue.labels, queue.annotators = labels[queue.pk], members[queue.pk]
        own = [role for member in queue.annotators if member.user_id == actor.user.pk for role in member.roles]
        queue.viewer_roles = own if actor.missing_right else list(QUEUE_ROLES)
    count_items_of(queues, actor)
    return queues


def count_items_of(queues: Sequence[Queue], actor: Actor) -> None:
    """Set the numbers of items of queues, with one statement."""
    counts: dict[uuid.UUID, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
    by_status = Item.objects.filter(LIVE, **_of_queues(queues, actor)).values_list(
        "queue_id", "status", "review_status"
    )
    for queue_id, status, review_status, number in by_status.annotate(number=Count("*")):
        counts[queue_id]["item_count"] += number
        counts[queue_id]["in_review_count" if review_status == "pending_review" else f"{status}_count"] += number
    for queue in queues:
        for name, number in counts[queue.pk].items():
            setattr(queue, name, number)


def _of_queues(queues: Sequence[Queue], actor: Actor) -> dict[str, Any]:
    return {"organization_id": actor.user.organization_id, "queue_id__in": [queue.pk for queue in queues]}


def attached_labels() -> QuerySet[QueueLabel]:
    """Return labels of queues in their order, without deleted labels."""
    rows = QueueLabel.objects.filter(label__deleted_at=None).select_related("label")
    return rows.order_by("queue_id", "order", "id")


def labels_of_queue(queue: Queue) -> QuerySet[QueueLabel]:
    """Return the labels of a queue in their order, without deleted labels."""
    return attached_labels().filter(organization_id=queue.organization_id, queue=queue)


def members_in_order() -> QuerySet[QueueMember]:
    """Return members of queues with their users, the first one first."""
    return QueueMember.objects.select_related("user").order_by("queue_id", "created_at", "id")
