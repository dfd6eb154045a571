"""Items as clients read, correct and remove them."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from modelhub.accounts.people import Actor
from modelhub.core import clock, exact_json
from modelhub.labels.models import Label
from modelhub.queues.access import get_access
from modelhub.queues.models import Assignment, Item, Queue, Slot
from modelhub.queues.queries import item_rows
from modelhub.scores.models import Score
from tests.client import Caller
from tests.factories import (
    ItemFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    ScoreFactory,
    SourceFactory,
)

FIELDS = [
    *("id", "queue", "source_type", "source_id", "source_name", "status", "workflow_status", "order", "priority"),
    *("metadata", "assigned_to", "assigned_to_name", "assigned_users", "reserved_by", "reserved_by_name"),
    *("reservation_expires_at", "review_status", "reviewed_by", "reviewed_by_name", "reviewed_at", "review_notes"),
    *("created_at", "updated_at", "completed_at"),
]


@pytest.fixture
def queue(alice: Caller, bob: Caller) -> Queue:
    """Create Alice's queue, in which Bob annotates."""
    queue = QueueFactory.create(created_by=alice.user)
    QueueMemberFactory.create(queue=queue, user=alice.user, roles=["manager", "reviewer", "annotator"])
    QueueMemberFactory.create(queue=queue, user=bob.user)
    return queue


def shown(caller: Caller, *items: Item) -> list[dict[str, Any]]:
    """Return items as a caller sees them."""
    access = get_access(Actor(caller.user, caller.key.scopes), items[0].queue_id)
    rows = exact_json.loads(exact_json.dumps(item_rows(access, [item.pk for item in items])))
    assert isinstance(rows, list)
    return rows


def hold(item: Item, user: Any, *, seconds: int, seat: int = 1, state: str = "reserved") -> Slot:
    return Slot.objects.create(
        organization=item.organization,
        queue=item.queue,
        item=item,
        user=user,
        state=state,
        seat=seat,
        reserved_until=clock.now() + timedelta(seconds=seconds),
    )


def test_rows_come_in_the_order_of_their_ids_without_removed_ones(queue: Queue, bob: Caller) -> None:
    first, removed, last = [ItemFactory.create(queue=queue) for _ in range(3)]
    Item.objects.filter(pk=removed.pk).update(deleted_at=clock.now())
    elsewhere = ItemFactory.create(queue=QueueFactory.create(created_by=queue.created_by))
    assert [row["id"] for row in shown(bob, last, removed, elsewhere, first)] == [str(last.pk), str(first.pk)]


def test_a_row_has_the_fields_of_the_contract(queue: Queue, bob: Caller) -> None:
    source = SourceFactory.create(organization=queue.organization, name="Refund", metadata={"model": "small-1"})
    [row] = shown(bob, ItemFactory.create(queue=queue, source=source, order=7))
    assert list(row) == FIELDS
    assert row["source_name"] == "Refund"
    assert row["metadata"] == {"model": "small-1"}
    assert (row["order"], row["priority"], row["status"], row["workflow_status"]) == (7, 0, "pending", "pending")
    empty = [name for name in FIELDS if row[name] in (None, "", [])]
    assert empty == [
        *("assigned_to", "assigned_to_name", "assigned_users", "reserved_by", "reserved_by_name"),
        *("reservation_expires_at", "review_status", "reviewed_by", "reviewed_by_name", "reviewed_at"),
        *("review_notes", "completed_at"),
    ]


def test_gold_is_shown_to_managers_and_reviewers_only(queue: Queue, alice: Caller, bob: Caller) -> None:
    label = str(uuid.uuid4())
    item = ItemFactory.create(queue=queue, gold=True, expected={label: {"rating": 5}})
    [seen] = shown(alice, item)
    assert (seen["gold"], seen["expected"]) == (True, {label: {"rating": 5}})
    queue.members.filter(user=bob.user).update(roles=["reviewer"])
    assert shown(bob, item) == [seen]
    queue.members.filter(user=bob.user).update(roles=["annotator"])
    [hidden] = shown(bob, item)
    assert not hidden.keys() & {"gold", "expected"}


def test_assigned_people_come_in_the_order_of_their_assignment(queue: Queue, alice: Caller, bob: Caller) -> None:
    item = ItemFactory.create(queue=queue)
    for user in (bob.user, alice.user):
        Assignment.objects.create(organization=queue.organization, queue=queue, item=item, user=user)
    [row] = shown(bob, item)
    assert (row["assigned_to"], row["assigned_to_name"]) == (str(bob.user.pk), "Bob")
    assert row["assigned_users"] == [
        {"id": str(bob.user.pk), "name": "Bob", "email": "bob@example.com"},
        {"id": str(alice.user.pk), "name": "Alice", "email": "alice@example.com"},
    ]


def test_the_earliest_live_reservation_is_shown(queue: Queue, alice: Caller, bob: Caller) -> None:
    item = ItemFactory.create(queue=queue)
    hold(item, alice.user, seconds=900, state="submitted")
    slot = hold(item, bob.user, seconds=600, seat=2)
    [row] = shown(bob, item)
    assert (row["reserved_by"], row["reserved_by_name"]) == (str(bob.user.pk), "Bob")
    assert slot.reserved_until
    assert row["reservation_expires_at"] == exact_json.timestamp(slot.reserved_until)
    Slot.objects.filter(pk=slot.pk).update(reserved_until=clock.now() - timedelta(seconds=1))
    assert shown(bob, item)[0]["reserved_by"] == str(alice.user.pk)


def test_the_workflow_status_follows_the_review(queue: Queue, bob: Caller) -> None:
    item = ItemFactory.create(queue=queue, status="in_progress", review_status="pending_review")
    assert shown(bob, item)[0]["workflow_status"] == "in_review"
    Item.objects.filter(pk=item.pk).update(review_status="rejected")
    assert shown(bob, item)[0]["workflow_status"] == "needs_changes"
    Item.objects.filter(pk=item.pk).update(review_status="pending_review", reviewed_at=clock.now())
    assert shown(bob, item)[0]["workflow_status"] == "resubmitted"


def path_of(queue: Queue, rest: object = "") -> str:
    return f"/model-hub/annotation-queues/{queue.pk}/items/{rest}"


def listed(caller: Caller, queue: Queue, query: str = "") -> list[str]:
    answer = caller.get(path_of(queue, query))
    assert answer.status == 200, answer.body
    return [row["id"] for row in answer.body["results"]]


def ids_of(*items: Item) -> list[str]:
    return [str(item.pk) for item in items]


def assign(item: Item, *callers: Caller) -> None:
    for caller in callers:
        Assignment.objects.create(organization=item.organization, queue=item.queue, item=item, user=caller.user)


class TestList:
    def test_pages_are_in_the_order_of_the_queue(self, queue: Queue, bob: Caller) -> None:
        items = [ItemFactory.create(queue=queue, order=order) for order in (3, 1, 2, 5, 4)]
        in_order = ids_of(*sorted(items, key=lambda item: item.order))
        Item.objects.filter(pk=items[3].pk).update(deleted_at=clock.now())
        first = bob.get(path_of(queue, "?page=1&page_size=3"))
        assert (first.body["count"], first.body["total_pages"]) == (4, 2)
        assert [row["id"] for row in first.body["results"]] == in_order[:3]
        assert listed(bob, queue, "?pageSize=3&page=2") == in_order[3:4]
        assert bob.get(path_of(queue, "?page=2&page_size=4")).status == 404

    def test_several_statuses_are_repeated_or_separated_by_commas(self, queue: Queue, bob: Caller) -> None:
        pending, begun, done, skipped = [
            ItemFactory.create(queue=queue, status=status)
            for status in ("pending", "in_progress", "completed", "skipped")
        ]
        assert listed(bob, queue, "?status=skipped") == ids_of(skipped)
        assert listed(bob, queue, "?status=skipped,pending") == ids_of(pending, skipped)
        assert listed(bob, queue, "?status=completed&status=in_progress") == ids_of(begun, done)

    def test_items_are_filtered_by_their_review(self, queue: Queue, bob: Caller) -> None:
        waiting, approved, _ = [
            ItemFactory.create(queue=queue, review_status=word) for word in ("pending_review", "approved", "")
        ]
        assert listed(bob, queue, "?review_status=approved") == ids_of(approved)
        assert listed(bob, queue, "?reviewStatus=approved,pending_review") == ids_of(waiting, approved)

    def test_items_are_filtered_by_an_assigned_person(self, queue: Queue, alice: Caller, bob: Caller) -> None:
        both, bobs, _ = [ItemFactory.create(queue=queue) for _ in range(3)]
        assign(both, alice, bob)
        assign(bobs, bob)
        assert listed(bob, queue, "?assigned_to=me") == ids_of(both, bobs)
        assert listed(alice, queue, "?assigned_to=me") == ids_of(both)
        assert listed(alice, queue, f"?assigned_to={bob.user.pk}&status=pending") == ids_of(both, bobs)
        assert listed(alice, queue, "?assigned_to=BOB@example.com") == ids_of(both, bobs)
        assert listed(alice, queue, f"?assigned_to={uuid.uuid4()}") == []

    def test_items_are_filtered_by_their_source(self, queue: Queue, bob: Caller) -> None:
        span = SourceFactory.create(organization=queue.organization, source_type="span")
        trace = SourceFactory.create(organization=queue.organization, source_id=span.source_id)
        items = [ItemFactory.create(queue=queue, source=source) for source in (span, trace)]
        assert listed(bob, queue, "?source_type=observation_span") == ids_of(items[0])
        assert listed(bob, queue, f"?source_id={span.source_id.upper()}") == ids_of(*items)
        assert listed(bob, queue, f"?source_id={span.source_id}&source_type=trace") == ids_of(items[1])

    def test_other_orders_keep_that_of_the_queue_among_equals(self, queue: Queue, bob: Caller) -> None:
        now = clock.now()
        items = [
            ItemFactory.create(queue=queue, order=at, priority=priority, created_at=now - timedelta(hours=at))
            for at, priority in enumerate([1, 5, 1])
        ]
        assert listed(bob, queue, "?priority=1") == ids_of(items[0], items[2])
        assert listed(bob, queue, "?ordering=-order") == ids_of(*reversed(items))
        assert listed(bob, queue, "?ordering=priority") == ids_of(items[0], items[2], items[1])
        assert listed(bob, queue, "?ordering=-priority") == ids_of(items[1], items[0], items[2])
        assert listed(bob, queue, "?ordering=-created_at") == ids_of(*items)

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("status=open", 'status must be one of pending, in_progress, completed, skipped, got "open"'),
            ("status=pending,", "status must be one of "),
            ("status=", "status must be one of "),
            ("review_status=none", "review_status must be one of pending_review, approved, rejected"),
            ("assigned_to=bob", 'assigned_to must be the id or email of a person, or me, got "bob"'),
            ("priority=high", 'priority must be a whole number, got "high"'),
            ("priority=1&priority=2", 'priority must be given once, got "1", "2"'),
            ("ordering=status", "ordering must be one of order, -order, "),
            ("state=pending", 'Unknown query parameter "state"'),
        ],
    )
    def test_an_unusable_filter_is_an_error(self, queue: Queue, bob: Caller, query: str, sentence: str) -> None:
        answer = bob.get(path_of(queue, f"?{query}"))
        assert answer.status == 400
        assert answer.body["detail"].startswith(sentence)

    def test_a_number_beyond_the_column_finds_nothing(self, queue: Queue, bob: Caller) -> None:
        ItemFactory.create(queue=queue)
        assert listed(bob, queue, "?priority=99999999999999999999") == []

    def test_annotators_of_other_queues_and_organizations_see_no_items(
        self, queue: Queue, bob: Caller, charlie: Caller
    ) -> None:
        item = ItemFactory.create(queue=queue)
        queue.members.filter(user=bob.user).delete()
        assert listed(bob, queue) == ids_of(item)
        type(bob.key).objects.filter(pk=bob.key.pk).update(scopes=["annotate"])
        for caller in (bob, charlie):
            for path in (path_of(queue), path_of(queue, f"{item.pk}/")):
                answer = caller.get(path)
                assert (answer.status, answer.body["code"]) == (404, "queue_not_found")


class TestOne:
    def test_an_item_is_read_by_its_id(self, queue: Queue, bob: Caller) -> None:
        item = ItemFactory.create(queue=queue)
        assert bob.get(path_of(queue, f"{item.pk}/")).body == shown(bob, item)[0]
        other = ItemFactory.create(queue=QueueFactory.create(created_by=queue.created_by))
        for unknown in (other.pk, uuid.uuid4(), "unknown"):
            assert bob.get(path_of(queue, f"{unknown}/")).status == 404

    def test_managers_set_priority_and_expected_values(self, queue: Queue, alice: Caller, bob: Caller) -> None:
        label = QueueLabelFactory.create(queue=queue).label
        item = ItemFactory.create(queue=queue)
        path = path_of(queue, f"{item.pk}/")
        body = alice.patch(path, {"priority": 7, "expected": {label.name: 3}}).body
        assert (body["priority"], body["gold"], body["expected"]) == (7, True, {str(label.pk): {"rating": 3}})
        assert body["updated_at"] > body["created_at"]
        body = alice.patch(path, {"gold": False}).body
        assert (body["priority"], body["gold"], body["expected"]) == (7, False, {str(label.pk): {"rating": 3}})
        body = alice.patch(path, {"priority": None, "expected": None}).body
        assert (body["priority"], body["gold"], body["expected"]) == (0, False, {})
        assert bob.patch(path, {"priority": 1}).body["code"] == "queue_role"

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"priority": 1.5}, "priority must be a whole number from -1000000 to 1000000, got 1.5"),
            ({"priority": True}, "priority must be a whole number from -1000000 to 1000000, got true"),
            ({"priority": 10**20}, "priority must be a whole number from -1000000 to 1000000, got 1000000000000"),
            ({"gold": "yes"}, 'gold must be true or false, got "yes"'),
            ({"expected": {"Unknown": 1}}, "expected must have ids or names of labels of the queue as keys"),
            ({"golden": True}, 'Unknown field "golden". Did you mean "gold"?'),
        ],
    )
    def test_a_wrong_change_changes_nothing(
        self, queue: Queue, alice: Caller, change: dict[str, Any], sentence: str
    ) -> None:
        item = ItemFactory.create(queue=queue)
        answer = alice.patch(path_of(queue, f"{item.pk}/"), {"priority": 5} | change)
        assert answer.status == 400
        assert answer.body["detail"].startswith(sentence)
        item.refresh_from_db()
        assert item.priority == 0


class TestRemoval:
    def score(self, item: Item, label: Label, **fields: Any) -> Score:
        return ScoreFactory.create(
            source=item.source, label=label, queue_item=item.pk, queue_id=item.queue_id, **fields
        )

    def test_a_removed_item_loses_assignments_reservations_and_scores(
        self, queue: Queue, alice: Caller, bob: Caller, labels: dict[str, Label]
    ) -> None:
        item, kept = [ItemFactory.create(queue=queue, is_assigned=True) for _ in range(2)]
        for one in (item, kept):
            assign(one, bob)
            hold(one, alice.user, seconds=600)
            hold(one, bob.user, seconds=600, seat=2, state="submitted")
        score, inline = self.score(item, labels["star"]), ScoreFactory.create(source=item.source, label=labels["star"])
        others = self.score(kept, labels["star"])
        answer = alice.delete(path_of(queue, f"{item.pk}/"))
        assert (answer.status, answer.body) == (200, {"deleted": True})
        assert listed(alice, queue) == ids_of(kept)
        assert list(Assignment.objects.values_list("item", flat=True)) == [kept.pk]
        assert list(Slot.objects.filter(item=item).values_list("state", "seat")) == [("submitted", None)]
        assert Slot.objects.filter(item=kept, seat__isnull=False).count() == 2
        alive = Score.objects.filter(deleted_at=None)
        assert set(alive) == {inline, others}
        history = alice.get(f"/model-hub/scores/{score.pk}/history/").body["results"]
        assert [(one["action"], one["replaced_by"]) for one in history] == [("deleted", str(alice.user.pk))]
        assert alice.delete(path_of(queue, f"{item.pk}/")).body["code"] == "item_not_found"

    def test_many_are_removed_and_unknown_ids_ignored(self, queue: Queue, alice: Caller) -> None:
        items = [ItemFactory.create(queue=queue) for _ in range(3)]
        other = ItemFactory.create(queue=QueueFactory.create(created_by=queue.created_by))
        wanted = [*ids_of(items[0], items[0], items[1], other), str(uuid.uuid4())]
        assert alice.post(path_of(queue, "bulk-remove/"), {"itemIds": wanted}).body == {"removed": 2}
        assert alice.post(path_of(queue, "bulk-remove/"), {"item_ids": wanted}).body == {"removed": 0}
        assert listed(alice, queue) == ids_of(items[2])
        other.refresh_from_db()
        assert other.deleted_at is None

    def test_the_removal_of_the_last_open_item_completes_the_queue(self, queue: Queue, alice: Caller) -> None:
        item, done = ItemFactory.create(queue=queue), ItemFactory.create(queue=queue, status="completed")
        alice.delete(path_of(queue, f"{item.pk}/"))
        queue.refresh_from_db()
        assert queue.status == "completed"
        alice.delete(path_of(queue, f"{done.pk}/"))

    def test_only_managers_remove_items(self, queue: Queue, bob: Caller) -> None:
        item = ItemFactory.create(queue=queue)
        assert bob.delete(path_of(queue, f"{item.pk}/")).body["code"] == "queue_role"
        assert bob.post(path_of(queue, "bulk-remove/"), {"item_ids": ids_of(item)}).status == 403
        assert listed(bob, queue) == ids_of(item)

    def test_scores_are_deleted_by_the_batch(
        self, queue: Queue, alice: Caller, labels: dict[str, Label], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Scores of 20,000 items are more than a statement has parameters."""
        monkeypatch.setattr("modelhub.scores.changes.DELETED_AT_ONCE", 2)
        item = ItemFactory.create(queue=queue)
        scores = [self.score(item, labels[name]) for name in ("star", "text", "numeric")]
        assert alice.delete(path_of(queue, f"{item.pk}/")).status == 200
        for score in scores:
            score.refresh_from_db()
            assert (score.deleted_at is not None, score.revisions.get().action) == (True, "deleted")

    @pytest.mark.parametrize(
        ("route", "more"),
        [("bulk-remove/", {}), ("assign/", {"user_id": None}), ("bulk-review/", {"action": "comment", "notes": "x"})],
    )
    def test_more_ids_than_a_statement_has_parameters_are_rejected(
        self, queue: Queue, alice: Caller, route: str, more: dict[str, Any]
    ) -> None:
        """70,000 ids were a 503: the driver has at most 65,535 parameters."""
        ids = [str(uuid.UUID(int=number)) for number in range(20_001)]
        answer = alice.post(path_of(queue, route), {"item_ids": ids, **more})
        assert (answer.status, answer.body["code"]) == (413, "items_too_large")
        assert answer.body["detail"] == "item_ids must have at most 20000 ids, got 20001"
        assert alice.post(path_of(queue, route), {"item_ids": ids[:-1], **more}).status == 200

    @pytest.mark.parametrize(
        ("body", "got"),
        [
            ({"item_ids": None}, "null"),
            ({"item_ids": []}, "[]"),
            ({"item_ids": "x"}, '"x"'),
            ({"item_ids": [str(uuid.UUID(int=7)), 5]}, "5"),
        ],
    )
    def test_ids_must_be_a_list_of_ids(self, queue: Queue, alice: Caller, body: Any, got: str) -> None:
        answer = alice.post(path_of(queue, "bulk-remove/"), body)
        assert (answer.status, answer.body["detail"]) == (
            400,
            f"item_ids must be a list of at least one UUID, got {got}",
        )
