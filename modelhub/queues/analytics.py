"""Analytics of a queue (contract 7.7): throughput, people, values and statuses.

Live items and attached labels count. Of the statements, all but the values of labels and the answers to gold items read
indexes only.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count
from django.db.models.functions import TruncDate

from modelhub.core import clock, exact_json
from modelhub.core.models import LIVE
from modelhub.core.sql import read_sql
from modelhub.labels.rules import LabelRule
from modelhub.labels.types import get_type
from modelhub.queues.access import Access
from modelhub.queues.models import ITEM_STATUSES, Item, Queue, QueueLabel
from modelhub.queues.progress import count_items

PEOPLE_PERFORMANCE = read_sql("queues", "people_performance")
LABEL_VALUES = read_sql("queues", "label_values")
GOLD_ANSWERS = read_sql("queues", "gold_answers")

DAYS = 30
# Values per label; a distribution of free text would have no end.
MOST_VALUES = 1000


def get_analytics(access: Access) -> dict[str, Any]:
    """Return the analytics of a queue. Raise `Forbidden` without the right to review."""
    access.check("review")
    queue, labels = access.queue, _attached_labels(access.queue)
    counts, daily = count_items(queue), _read_daily(queue)
    return {
        "throughput": {
            "daily": daily,
            "total_completed": counts["completed"],
            "avg_per_day": round(sum(day["count"] for day in daily) / DAYS, 1),
        },
        "annotator_performance": _read_performance(queue, labels),
        "label_distribution": _read_distribution(queue, labels),
        "status_breakdown": {**dict.fromkeys(ITEM_STATUSES, 0), **counts},
        "total": counts.total(),
    }


def _attached_labels(queue: Queue) -> dict[str, LabelRule]:
    """Return the labels of a queue by id, in its order."""
    attached = QueueLabel.objects.filter(organization_id=queue.organization_id, queue=queue)
    labels = [one.label for one in attached.select_related("label").order_by("order", "pk")]
    return {str(label.pk): LabelRule.of(label) for label in labels}


def _read_daily(queue: Queue) -> list[dict[str, Any]]:
    """Return the days in UTC, of the last 30, on which items were completed."""
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    items = Item.objects.filter(
        LIVE,
        organization_id=queue.organization_id,
        queue=queue.pk,
        completed_at__gte=today - timedelta(days=DAYS - 1),
    )
    days = (
        items.values_list(TruncDate("completed_at", tzinfo=UTC))
        .annotate(items=Count("pk"))
        .order_by(TruncDate("completed_at", tzinfo=UTC))
    )
    return [{"date": day.isoformat(), "count": number} for day, number in days]


def _read_performance(queue: Queue, labels: Mapping[str, LabelRule]) -> list[dict[str, Any]]:
    """Return the people with scores or skips, with their answers to gold items."""
    gold = _count_gold_answers(queue, labels)
    return [
        {
            "user_id": user_id,
            "name": name,
            "completed": completed,
            "skips": skips,
            "last_active": exact_json.timestamp(last_active),
            "gold": {
                "answered": (answered := gold[user_id, True] + gold[user_id, False]),
                "correct": gold[user_id, True],
                "accuracy": round(gold[user_id, True] / answered, 3) if answered else None,
            },
        }
        for user_id, name, completed, skips, last_active in _execute(PEOPLE_PERFORMANCE, queue, labels)
    ]


def _count_gold_answers(queue: Queue, labels: Mapping[str, LabelRule]) -> Counter[tuple[str, bool]]:
    """Return the numbers of correct and of wrong answers per annotator."""
    answers: Counter[tuple[str, bool]] = Counter()
    for annotator_id, label_id, is_equal, given, expected, number in _execute(GOLD_ANSWERS, queue, labels):
        is_correct = is_equal or (
            given is not None and _options(labels[label_id], given) == _options(labels[label_id], expected)
        )
        answers[annotator_id, is_correct] += number
    return answers


def _options(label: LabelRule, content: str) -> set[str]:
    return {label.spell(option) for option in exact_json.loads(content)}


def _read_distribution(queue: Queue, labels: Mapping[str, LabelRule]) -> dict[str, dict[str, Any]]:
    """Return the numbers of scores per label and plain value, the most frequent first.

    `other` is the number of those that are not listed.
    """
    distribution: dict[str, dict[str, Any]] = {
        label_id: {"name": label.name, "type": label.type, "values": Counter(), "other": 0}
        for label_id, label in labels.items()
    }
    for label_id, part, number in _execute(LABEL_VALUES, queue, labels):
        shown = distribution[label_id]
        if part is None:
            shown["other"] += number
        else:
            shown["values"][labels[label_id].spell(exact_json.loads(part))] += number
    return distribution


def _execute(statement: str, queue: Queue, labels: Mapping[str, LabelRule]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement about a queue and its labels."""
    keys = [{"id": label.id, "key": get_type(label.type).key} for label in labels.values()]
    parameters: dict[str, Any] = {
        "organization_id": queue.organization_id,
        "queue_id": queue.pk,
        "labels": exact_json.dumps(keys),
        "most": MOST_VALUES,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
