"""`GET /model-hub/annotation-queues/{id}/progress/` (contract 7.6)."""

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from modelhub.accounts.models import User
from modelhub.core import clock
from modelhub.queues.analytics import PEOPLE_PERFORMANCE
from modelhub.queues.models import Item, Queue
from modelhub.queues.own_work import OWN_WORK
from modelhub.queues.progress import PEOPLE_PROGRESS
from tests.client import Caller
from tests.factories import (
    ApiKeyFactory,
    AssignmentFactory,
    ItemFactory,
    LabelFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    ScoreFactory,
    SlotFactory,
    UserFactory,
)
from tests.plans import nodes

pytestmark = pytest.mark.django_db

NONE = {"completed": 0, "pending": 0, "in_progress": 0, "in_review": 0, "skipped": 0, "annotations_count": 0}
IN_REVIEW = {"status": "in_progress", "review_status": "pending_review"}
REJECTED = {"status": "in_progress", "review_status": "rejected", "reviewed_at": clock.now()}


@pytest.fixture
def queue(alice: Caller) -> Queue:
    return QueueFactory.create(created_by=alice.user)


def path_of(queue: Queue) -> str:
    return f"/model-hub/annotation-queues/{queue.pk}/progress/"


def progress(caller: Caller, queue: Queue) -> Any:
    answer = caller.get(path_of(queue))
    assert answer.status == 200, answer.body
    return answer.body


def row(user: User, **counts: int) -> dict[str, Any]:
    return {"user_id": str(user.pk), "name": user.display_name, **NONE, **counts}


def test_an_empty_queue_has_zeros_and_no_division(alice: Caller, queue: Queue) -> None:
    assert progress(alice, queue) == {
        **dict.fromkeys(("total", "pending", "in_progress", "in_review", "completed", "skipped"), 0),
        "progress_pct": 0,
        "annotator_stats": [],
        "user_progress": {
            "total": 0,
            "completed": 0,
            "pending": 0,
            "in_progress": 0,
            "skipped": 0,
            "progress_pct": 0,
        },
    }


def test_the_counts_add_up_and_items_in_review_are_in_no_other_count(alice: Caller, queue: Queue) -> None:
    states: list[dict[str, Any]] = [
        {"status": "pending"},
        {"status": "in_progress"},
        IN_REVIEW,
        IN_REVIEW | {"reviewed_at": clock.now()},
        REJECTED,
        {"status": "completed"},
        {"status": "completed", "review_status": "approved", "reviewed_at": clock.now()},
        {"status": "skipped"},
    ]
    for number, state in enumerate(states, start=1):
        ItemFactory.create_batch(number, queue=queue, **state)
    ItemFactory.create(queue=queue, status="completed", deleted_at=clock.now())
    ItemFactory.create(queue__created_by=alice.user, status="completed")
    found = progress(alice, queue)
    counts = {name: found[name] for name in ("pending", "in_progress", "in_review", "completed", "skipped")}
    assert counts == {"pending": 1, "in_progress": 2 + 5, "in_review": 3 + 4, "completed": 6 + 7, "skipped": 8}
    assert found["total"] == sum(counts.values()) == 36
    assert found["progress_pct"] == Decimal("36.1")


def test_each_person_has_the_items_assigned_to_it_and_those_that_it_works_on(
    alice: Caller, bob: Caller, queue: Queue
) -> None:
    assigned: list[Item] = ItemFactory.create_batch(3, queue=queue)
    for item in assigned:
        AssignmentFactory.create(item=item, user=bob.user)
    SlotFactory.create(item=assigned[0], user=bob.user, state="submitted")
    # Not assigned: by slots of each state.
    for state in ("reserved", "submitted", "completed", "skipped"):
        SlotFactory.create(item=ItemFactory.create(queue=queue, status="in_progress"), user=bob.user, state=state)
    found = progress(bob, queue)
    assert found["annotator_stats"] == [row(bob.user, pending=3, in_progress=2, completed=1, skipped=1)]
    assert found["user_progress"] == {
        "total": 7,
        "completed": 1,
        "pending": 3,
        "in_progress": 2,
        "skipped": 1,
        "progress_pct": Decimal("14.3"),
    }
    assert progress(alice, queue)["user_progress"]["total"] == 0


def test_an_item_that_is_closed_is_closed_for_all_who_were_assigned(bob: Caller, queue: Queue) -> None:
    for state in ({"status": "completed"}, {"status": "skipped"}, IN_REVIEW, {"status": "in_progress"}):
        AssignmentFactory.create(item=ItemFactory.create(queue=queue, **state), user=bob.user)
    found = progress(bob, queue)
    assert found["annotator_stats"] == [row(bob.user, completed=1, skipped=1, in_review=1, pending=1)]
    assert found["user_progress"]["completed"] == 2, "waiting for review is completed for the annotator"


def test_own_work_that_is_completed_counts_while_others_are_missing(bob: Caller, queue: Queue) -> None:
    item = ItemFactory.create(queue=queue, status="in_progress")
    other = UserFactory.create(organization=queue.organization, name="Aaron")
    for user in (bob.user, other):
        AssignmentFactory.create(item=item, user=user)
    SlotFactory.create(item=item, user=bob.user, state="completed")
    found = progress(bob, queue)
    assert found["annotator_stats"] == [row(other, pending=1), row(bob.user, completed=1)]
    assert (found["completed"], found["in_progress"]) == (0, 1)
    assert found["user_progress"]["progress_pct"] == 100


def test_scores_count_by_attached_labels_on_live_items_in_this_queue(alice: Caller, bob: Caller, queue: Queue) -> None:
    attached = QueueLabelFactory.create(queue=queue).label
    removed = LabelFactory.create(organization=queue.organization)
    item = ItemFactory.create(queue=queue)
    of_item = {"source": item.source, "annotator": bob.user, "queue_item": item.pk, "queue_id": queue.pk}
    ScoreFactory.create(label=attached, **of_item)
    ScoreFactory.create(label=removed, **of_item)
    ScoreFactory.create(label=attached, **of_item, deleted_at=clock.now())
    ScoreFactory.create(label=attached, source=item.source, annotator=bob.user)
    gone = ItemFactory.create(queue=queue, deleted_at=clock.now())
    SlotFactory.create(item=gone, user=alice.user, state="completed")
    assert progress(alice, queue)["annotator_stats"] == [row(bob.user, annotations_count=1)]


def test_a_judge_has_its_scores_and_no_items(alice: Caller, bob: Caller, queue: Queue) -> None:
    label, item = QueueLabelFactory.create(queue=queue).label, ItemFactory.create(queue=queue)
    of_item = {"label": label, "source": item.source, "queue_item": item.pk, "queue_id": queue.pk}
    ScoreFactory.create(annotator=bob.user, score_source="model", **of_item)
    found = progress(alice, queue)
    assert found["annotator_stats"] == [row(bob.user, annotations_count=1)]
    assert (found["pending"], found["in_progress"]) == (1, 0)


def test_a_blind_queue_shows_an_annotator_counts_and_no_values(bob: Caller, alice: Caller, queue: Queue) -> None:
    QueueMemberFactory.create(queue=queue, user=bob.user)
    label = QueueLabelFactory.create(queue=queue).label
    item = ItemFactory.create(queue=queue, status="in_progress", gold=True, expected={str(label.pk): {"rating": 3}})
    ScoreFactory.create(
        label=label,
        source=item.source,
        annotator=alice.user,
        queue_item=item.pk,
        queue_id=queue.pk,
        value={"rating": 5},
        notes="secret",
    )
    found = progress(bob, queue)
    [stats] = found["annotator_stats"]
    assert stats == row(alice.user, annotations_count=1)
    assert not {"value", "values", "gold", "expected", "notes"} & {*found, *stats, *found["user_progress"]}


def test_a_key_with_annotate_alone_needs_membership_and_gets_its_own_row(
    alice: Caller, bob: Caller, queue: Queue
) -> None:
    key = Caller(ApiKeyFactory.create(user=bob.user, scopes=["annotate"]))
    assert key.get(path_of(queue)).status == 404
    QueueMemberFactory.create(queue=queue, user=bob.user)
    item = ItemFactory.create(queue=queue)
    for caller in (alice, bob):
        SlotFactory.create(item=item, user=caller.user, state="completed", seat=None)
    assert len(progress(bob, queue)["annotator_stats"]) == 2
    assert progress(key, queue)["annotator_stats"] == [row(bob.user, completed=1)]


def test_a_queue_that_is_deleted_foreign_or_unknown_is_not_found(alice: Caller, charlie: Caller, queue: Queue) -> None:
    assert charlie.get(path_of(queue)).status == 404
    unknown = Queue(pk=uuid.UUID(int=7))
    assert alice.get(path_of(unknown)).body["code"] == "queue_not_found"
    Queue.objects.filter(pk=queue.pk).update(deleted_at=clock.now())
    assert alice.get(path_of(queue)).status == 404


def test_the_statements_do_not_grow_with_people_and_items(alice: Caller, queue: Queue) -> None:
    alice.get(path_of(queue))  # records the use of the key
    numbers = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            progress(alice, queue)
        numbers.append(len(captured))
        for user in UserFactory.create_batch(5, organization=queue.organization):
            SlotFactory.create(item=ItemFactory.create(queue=queue), user=user, state="completed")
    assert numbers == [4, 4]


ITEMS = """
WITH source AS (
    INSERT INTO modelhub_source
        (id, organization_id, source_type, source_id, source_key, name, metadata, created_at, updated_at)
    SELECT gen_random_uuid(), %(organization_id)s, 'trace', number, number, '', '{}', now(), now()
    FROM generate_series(1, 2000) AS number
    RETURNING id, source_key::integer AS number
), item AS (
    INSERT INTO modelhub_item (id, organization_id, queue_id, source_id, "order", priority, status, review_status,
                               review_notes, gold, expected, is_assigned, completed_at, created_at, updated_at)
    SELECT gen_random_uuid(), %(organization_id)s, %(queue_id)s, source.id, number, 0, 'completed', '', '', false, '{}',
           true, now(), now(), now()
    FROM source
    RETURNING *
), assignments AS (
    INSERT INTO modelhub_assignment (id, created_at, organization_id, queue_id, item_id, user_id)
    SELECT gen_random_uuid(), now(), organization_id, queue_id, id, %(user_id)s FROM item
), slots AS (
    INSERT INTO modelhub_slot (id, created_at, updated_at, organization_id, queue_id, item_id, user_id, state, seat,
                               skip_reason, notes, ended_at)
    SELECT gen_random_uuid(), now(), now(), organization_id, queue_id, id, %(user_id)s, 'completed', 1, '', '', now()
    FROM item
)
INSERT INTO modelhub_score (id, organization_id, source_id, label_id, annotator_id, queue_item, queue_id, value,
                            score_source, notes, created_at, updated_at)
SELECT gen_random_uuid(), organization_id, source_id, %(label_id)s, %(user_id)s, id, queue_id, '{"rating": 4}', 'human',
       '', now(), now()
FROM item
"""


@pytest.mark.parametrize("statement", [PEOPLE_PROGRESS, PEOPLE_PERFORMANCE, OWN_WORK])
def test_nothing_is_read_per_item_while_the_statistics_are_old(alice: Caller, queue: Queue, statement: str) -> None:
    """Nested loops searched 20,000 new items for each of 40,000 assignments."""
    label = QueueLabelFactory.create(queue=queue).label
    parameters: dict[str, Any] = {
        "organization_id": queue.organization_id,
        "queue_id": queue.pk,
        "label_id": label.pk,
        "labels": json.dumps([{"id": str(label.pk), "key": "rating"}]),
        "user_id": alice.user.pk,
        "queue_ids": [queue.pk],
    }
    with connection.cursor() as cursor:
        cursor.execute(ITEMS, parameters)
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
        [(plans,)] = cursor.fetchall()
    # No part of the plan is run per item.
    assert max(node["Actual Loops"] for node in nodes(plans[0]["Plan"])) < 10
