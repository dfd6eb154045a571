"""Count the items of a queue, in all and per person (contract 7.6).

The counts are not kept: indexes hold all columns that they read (`item_by_state`, `slot_by_user`,
`assignment_by_user`, `score_by_queue`).
"""

from collections import Counter
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Count, ExpressionWrapper, Q

from modelhub.core.models import LIVE
from modelhub.core.sql import read_sql
from modelhub.queues.access import Access
from modelhub.queues.models import Item, Queue

PEOPLE_PROGRESS = read_sql("queues", "people_progress")
PERSON_FIELDS = ("user_id", "name", "completed", "pending", "in_progress", "in_review", "skipped", "annotations_count")


def count_items(queue: Queue) -> Counter[str]:
    """Return the numbers of live items of a queue by workflow status.

    Their sum is the number of all items.
    """
    items = Item.objects.filter(LIVE, organization_id=queue.organization_id, queue_id=queue.pk)
    is_reviewed = ExpressionWrapper(Q(reviewed_at__isnull=False), output_field=BooleanField())
    rows = items.values_list("status", "review_status", is_reviewed).annotate(items=Count("pk")).order_by()
    counts: Counter[str] = Counter()
    for status, review_status, reviewed, number in rows:
        counts[_workflow_status(status, review_status, reviewed=reviewed)] += number
    return counts


def _workflow_status(status: str, review_status: str, *, reviewed: bool) -> str:
    if review_status == "pending_review":
        return "resubmitted" if reviewed else "in_review"
    return "needs_changes" if (status, review_status) == ("in_progress", "rejected") else status


def get_progress(access: Access) -> dict[str, Any]:
    """Return the counts of the queue, of its people and of the actor.

    A key with the scope `annotate` alone gets the actor's own row of `annotator_stats`.
    """
    counts, people, own_id = count_items(access.queue), read_people(access.queue), str(access.actor.user.pk)
    own: dict[str, Any] = next((one for one in people if one["user_id"] == own_id), dict.fromkeys(PERSON_FIELDS, 0))
    # Waiting for review is completed for the annotator.
    done = own["completed"] + own["in_review"]
    total = done + own["pending"] + own["in_progress"] + own["skipped"]
    return {
        "total": counts.total(),
        "pending": counts["pending"],
        "in_progress": counts["in_progress"] + counts["needs_changes"],
        "in_review": counts["in_review"] + counts["resubmitted"],
        "completed": counts["completed"],
        "skipped": counts["skipped"],
        "progress_pct": percentage(counts["completed"], counts.total()),
        "annotator_stats": [one for one in people if access.actor.sees_all or one["user_id"] == own_id],
        "user_progress": {
            "total": total,
            "completed": done,
            "pending": own["pending"],
            "in_progress": own["in_progress"],
            "skipped": own["skipped"],
            "progress_pct": percentage(done, total),
        },
    }


def percentage(part: int, total: int) -> float:
    return round(100 * part / total, 1) if total else 0.0


def read_people(queue: Queue) -> list[dict[str, Any]]:
    """Return the counts per person with work or assignments, as in `PERSON_FIELDS`."""
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE_PROGRESS, {"organization_id": queue.organization_id, "queue_id": queue.pk})
        return [dict(zip(PERSON_FIELDS, row, strict=True)) for row in cursor.fetchall()]
