"""Reviews of items: one, and many at once (contract 7.2)."""

import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from modelhub.core import clock
from modelhub.queues.models import Item, Queue, QueueLabel, QueueMember, Review, Slot
from tests.client import Answer, Caller
from tests.factories import (
    ApiKeyFactory,
    ItemFactory,
    LabelFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    ScoreFactory,
    SlotFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

IN_REVIEW: dict[str, Any] = {"status": "in_progress", "review_status": "pending_review"}
APPROVED: dict[str, Any] = {"status": "completed", "review_status": "approved", "completed_at": clock.now()}


def member(queue: Queue, name: str, *roles: str) -> Caller:
    user = UserFactory.create(organization=queue.organization, name=name, email=f"{name.lower()}@example.com")
    QueueMemberFactory.create(queue=queue, user=user, roles=list(roles))
    return Caller(ApiKeyFactory.create(user=user))


@pytest.fixture
def queue(alice: Caller) -> Queue:
    """Create Alice's queue, in which work is reviewed."""
    queue = QueueFactory.create(created_by=alice.user, requires_review=True, annotations_required=2)
    QueueLabelFactory.create(queue=queue)
    return queue


@pytest.fixture
def rita(queue: Queue) -> Caller:
    """Return a reviewer."""
    return member(queue, "Rita", "reviewer", "annotator")


@pytest.fixture
def ann(queue: Queue) -> Caller:
    """Return an annotator."""
    return member(queue, "Ann", "annotator")


@pytest.fixture
def item(queue: Queue, ann: Caller) -> Item:
    """Create an item that Ann and Ben have completed, in review."""
    item = ItemFactory.create(queue=queue, **IN_REVIEW)
    SlotFactory.create(item=item, user=ann.user, seat=1)
    SlotFactory.create(item=item, user=member(queue, "Ben", "annotator").user, seat=2)
    return item


def path_of(item: Item) -> str:
    return f"/model-hub/annotation-queues/{item.queue_id}/items/{item.pk}/review/"


def bulk_path_of(queue: Queue) -> str:
    return f"/model-hub/annotation-queues/{queue.pk}/items/bulk-review/"


def review(caller: Caller, item: Item, action: str, **more: Any) -> Answer:
    return caller.post(path_of(item), {"action": action, **more})


def state_of(item: Item) -> tuple[str, str]:
    item.refresh_from_db()
    return item.status, item.review_status


def slots_of(item: Item) -> dict[str, Slot]:
    return {slot.user.name: slot for slot in Slot.objects.filter(item=item).select_related("user")}


@pytest.mark.parametrize(("roles", "status"), [(["reviewer"], 200), (["annotator"], 403), (["manager"], 200)])
def test_an_annotate_key_reviews_by_the_role_of_its_user(item: Item, roles: list[str], status: int) -> None:
    user = member(item.queue, "Rosa", *roles).user
    key = Caller(ApiKeyFactory.create(user=user, scopes=["annotate"]))
    many = key.post(bulk_path_of(item.queue), {"item_ids": [str(item.pk)], "action": "comment", "notes": "Hm"})
    one = review(key, item, "approve")
    assert (many.status, one.status) == (status, status)
    assert one.body.get("code") == (None if status == 200 else "queue_role")
    for path in ("analytics/", "export/"):
        refused = key.get(f"/model-hub/annotation-queues/{item.queue_id}/{path}")
        assert (refused.status, "scope read" in refused.body["detail"]) == (403, True)


def test_an_approval_completes_the_item_and_with_the_last_one_the_queue(rita: Caller, item: Item) -> None:
    other = ItemFactory.create(queue=item.queue, **IN_REVIEW)
    first = review(rita, item, "approve", notes="Well done")
    assert first.status == 200, first.body
    assert first.body["reviewed_item_id"] == first.body["item"]["id"] == str(item.pk)
    assert first.body["queue_status"] == "active"
    shown = first.body["item"]
    assert (shown["status"], shown["review_status"], shown["workflow_status"]) == ("completed", "approved", "completed")
    assert (shown["reviewed_by_name"], shown["review_notes"]) == ("Rita", "Well done")
    assert shown["reviewed_at"] == shown["completed_at"]
    assert review(rita, other, "approve").body["queue_status"] == "completed"
    item.queue.refresh_from_db()
    assert item.queue.status == "completed"
    assert {slot.state for slot in slots_of(item).values()} == {"completed"}


@pytest.mark.parametrize("action", ["reject", "request_changes"])
def test_a_rejection_returns_the_work_with_its_seats(rita: Caller, item: Item, action: str) -> None:
    before = clock.now()
    answer = review(rita, item, action, notes="Read the guide")
    assert answer.status == 200, answer.body
    assert state_of(item) == ("in_progress", "rejected")
    assert answer.body["item"]["workflow_status"] == "needs_changes"
    for name, seat in (("Ann", 1), ("Ben", 2)):
        slot = slots_of(item)[name]
        assert (slot.state, slot.seat, slot.ended_at) == ("submitted", seat, None)
        assert slot.returned_at is not None
        assert slot.reserved_until is not None
        assert slot.reserved_until > before + timedelta(days=7, seconds=-60)


def test_a_longer_reservation_is_that_of_returned_work(rita: Caller, item: Item, queue: Queue) -> None:
    before = clock.now()
    Queue.objects.update(reservation_seconds=timedelta(days=20).total_seconds())
    review(rita, item, "reject", notes="Read the guide")
    for slot in slots_of(item).values():
        assert slot.reserved_until is not None
        assert slot.reserved_until > before + timedelta(days=20, seconds=-60)


def items_path(queue: Queue) -> str:
    return f"/model-hub/annotation-queues/{queue.pk}/items/"


def next_of(caller: Caller, queue: Queue) -> Any:
    return caller.get(items_path(queue) + "next-item/").body["item"]


def test_renewals_leave_returned_work_the_persons_for_a_week(rita: Caller, item: Item, ann: Caller) -> None:
    before = clock.now()
    emil = member(item.queue, "Emil", "annotator")
    review(rita, item, "reject", notes="Read the guide")
    at = items_path(item.queue)
    assert next_of(ann, item.queue)["id"] == str(item.pk)
    assert ann.post(f"{at}{item.pk}/reserve/").status == 200
    label = str(QueueLabel.objects.get(queue=item.queue).label_id)
    submitted = ann.post(f"{at}{item.pk}/annotations/submit/", {"annotations": [{"label_id": label, "value": 3}]})
    assert submitted.body["submitted"] == 1
    until = slots_of(item)["Ann"].reserved_until
    assert until is not None
    assert until > before + timedelta(days=7, seconds=-60)
    assert next_of(emil, item.queue) is None
    assert emil.post(f"{at}{item.pk}/reserve/").body["code"] == "item_reserved"


def test_a_release_frees_returned_work(alice: Caller, rita: Caller, item: Item, ann: Caller) -> None:
    emil = member(item.queue, "Emil", "annotator")
    review(rita, item, "reject", notes="Read the guide")
    alice.post(f"{items_path(item.queue)}{item.pk}/release/", {"user_id": str(ann.user.pk)})
    assert next_of(emil, item.queue)["id"] == str(item.pk)


@pytest.mark.parametrize("action", ["set", "add"])
def test_a_reassignment_frees_returned_work(alice: Caller, rita: Caller, item: Item, action: str) -> None:
    emil = member(item.queue, "Emil", "annotator")
    review(rita, item, "reject", notes="Read the guide")
    body = {"item_ids": [str(item.pk)], "annotator_emails": ["emil@example.com", "ben@example.com"], "action": action}
    assert alice.post(items_path(item.queue) + "assign/", body).status == 200
    assert {name: slot.seat for name, slot in slots_of(item).items()} == {"Ann": None, "Ben": 2}
    assert next_of(emil, item.queue)["id"] == str(item.pk)


def test_the_end_of_an_assignment_frees_returned_work(alice: Caller, rita: Caller, item: Item) -> None:
    review(rita, item, "reject", notes="Read the guide")
    body = {"item_ids": [str(item.pk)], "annotator_email": "ann@example.com"}
    for action, seats in (("set", {1, None}), ("remove", {None})):
        answer = alice.post(items_path(item.queue) + "assign/", body | {"action": action})
        assert answer.status == 200, answer.body
        assert {slot.seat for slot in slots_of(item).values()} == seats


def leave(queue: Queue, user: Any) -> None:
    QueueMember.objects.filter(queue=queue, user=user).delete()


def lose_the_role(queue: Queue, user: Any) -> None:
    QueueMember.objects.filter(queue=queue, user=user).update(roles=["reviewer"])


def deactivate(queue: Queue, user: Any) -> None:
    type(user).objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("go", [leave, lose_the_role, deactivate])
def test_work_of_a_person_who_has_left_is_returned_without_a_seat(
    rita: Caller, item: Item, ann: Caller, go: Callable[[Queue, Any], None]
) -> None:
    emil = member(item.queue, "Emil", "annotator")
    go(item.queue, ann.user)
    assert review(rita, item, "reject", notes="Read the guide").status == 200
    slots = slots_of(item)
    assert (slots["Ann"].state, slots["Ann"].seat) == ("submitted", None)
    assert (slots["Ben"].state, slots["Ben"].seat) == ("submitted", 2)
    assert next_of(emil, item.queue)["id"] == str(item.pk)


def test_a_rejection_with_targets_returns_their_work_only(rita: Caller, item: Item, ann: Caller, queue: Queue) -> None:
    label = QueueLabel.objects.get(queue=queue).label_id
    comments = [{"label_id": str(label), "targetAnnotatorId": str(ann.user.pk), "comment": "Look again"}]
    assert review(rita, item, "reject", label_comments=comments).status == 200
    assert {name: slot.state for name, slot in slots_of(item).items()} == {"Ann": "submitted", "Ben": "completed"}
    stored = Review.objects.get(item=item)
    assert (stored.action, stored.notes, stored.reviewer) == ("reject", "", rita.user)
    assert stored.label_comments == [
        {"label_id": str(label), "target_annotator_id": str(ann.user.pk), "comment": "Look again"}
    ]


def test_a_comment_without_target_returns_all_work(rita: Caller, item: Item, ann: Caller, queue: Queue) -> None:
    label = str(QueueLabel.objects.get(queue=queue).label_id)
    comments = [
        {"label_id": label, "target_annotator_id": str(ann.user.pk), "comment": "Look again"},
        {"label_id": label, "target_annotator_id": None, "comment": "All of you"},
    ]
    assert review(rita, item, "reject", label_comments=comments).status == 200
    assert {slot.state for slot in slots_of(item).values()} == {"submitted"}


def test_a_rejection_opens_a_queue_that_was_closed_by_hand(rita: Caller, item: Item) -> None:
    Queue.objects.update(status="completed")
    assert review(rita, item, "reject", notes="Again").body["queue_status"] == "active"


def test_a_comment_changes_no_status(rita: Caller, item: Item) -> None:
    answer = review(rita, item, "comment", notes="Hm")
    assert answer.status == 200, answer.body
    assert state_of(item) == ("in_progress", "pending_review")
    assert item.reviewed_at is None
    assert {slot.state for slot in slots_of(item).values()} == {"completed"}
    assert Review.objects.get(item=item).notes == "Hm"
    done = ItemFactory.create(queue=item.queue, **APPROVED)
    assert review(rita, done, "comment", notes="Good").status == 200


@pytest.mark.parametrize("action", ["approve", "reject", "request_changes"])
@pytest.mark.parametrize("state", [{}, APPROVED, {"status": "in_progress", "review_status": "rejected"}])
def test_a_decision_needs_an_item_in_review(rita: Caller, queue: Queue, action: str, state: dict[str, Any]) -> None:
    item = ItemFactory.create(queue=queue, **state)
    before = state_of(item)
    answer = review(rita, item, action, notes="x")
    assert (answer.status, answer.body["code"]) == (400, "not_in_review")
    assert state_of(item) == before
    assert not Review.objects.exists()


def test_an_approval_is_final_until_it_is_reopened(rita: Caller, item: Item) -> None:
    assert review(rita, item, "approve").body["queue_status"] == "completed"
    assert review(rita, item, "reject", notes="No").body["code"] == "not_in_review"
    reopened = review(rita, item, "reopen")
    assert reopened.status == 200, reopened.body
    assert reopened.body["queue_status"] == "active"
    shown = reopened.body["item"]
    assert (shown["review_status"], shown["workflow_status"]) == ("pending_review", "in_review")
    assert (shown["completed_at"], shown["reviewed_at"], shown["reviewed_by"], shown["review_notes"]) == (
        *(None, None, None),
        "",
    )
    assert review(rita, item, "reopen").body["code"] == "not_approved"
    assert review(rita, item, "reject", notes="No").status == 200


@pytest.mark.parametrize("action", ["reject", "request_changes", "comment"])
@pytest.mark.parametrize("empty", [{}, {"notes": "  "}, {"notes": None, "label_comments": []}])
def test_a_rejection_and_a_comment_need_words(rita: Caller, item: Item, action: str, empty: dict[str, Any]) -> None:
    answer = review(rita, item, action, **empty)
    assert (answer.status, answer.body["code"]) == (400, "required")
    assert state_of(item) == ("in_progress", "pending_review")


@pytest.mark.parametrize("action", ["approve", "reject", "request_changes", "comment"])
def test_own_work_is_reviewed_by_others(alice: Caller, rita: Caller, item: Item, action: str) -> None:
    SlotFactory.create(item=item, user=rita.user)
    answer = review(rita, item, action, notes="x")
    assert (answer.status, answer.body["code"]) == (403, "own_work")
    assert state_of(item) == ("in_progress", "pending_review")
    assert review(alice, item, action, notes="x").status == 200


def test_a_key_that_acts_as_others_reviews_as_the_person_that_it_names(
    alice: Caller, rita: Caller, ann: Caller, item: Item
) -> None:
    """The rule about own work is that of the person, not of the key's user."""
    SlotFactory.create(item=item, user=rita.user)
    key = Caller(ApiKeyFactory.create(user=alice.user, scopes=["write", "act-as"]))
    assert review(key, item, "approve", annotator_email=ann.user.email).body["code"] == "queue_role"
    assert review(key, item, "approve", annotator_id=str(rita.user.pk)).body["code"] == "own_work"
    body = {"item_ids": [str(item.pk)], "action": "approve", "annotator_email": rita.user.email}
    assert key.post(bulk_path_of(item.queue), body).body["reviewed"] == 0
    judge = member(item.queue, "Judith", "reviewer")
    answer = review(key, item, "approve", annotator_email=judge.user.email)
    assert answer.body["item"]["reviewed_by"] == str(judge.user.pk)


def test_imported_scores_are_own_work_and_a_skip_is_none(alice: Caller, rita: Caller, item: Item) -> None:
    SlotFactory.create(item=item, user=rita.user, state="skipped")
    label = QueueLabel.objects.get(queue=item.queue).label
    ScoreFactory.create(
        source=item.source, label=label, annotator=alice.user, queue_item=item.pk, queue_id=item.queue_id
    )
    elsewhere = ItemFactory.create(queue=QueueFactory.create(created_by=alice.user), source=item.source)
    ScoreFactory.create(
        source=item.source, label=label, annotator=rita.user, queue_item=elsewhere.pk, queue_id=elsewhere.queue_id
    )
    assert review(alice, item, "approve").body["code"] == "own_work"
    assert review(rita, item, "approve").status == 200


def test_it_needs_the_right_to_review(alice: Caller, bob: Caller, charlie: Caller, ann: Caller, item: Item) -> None:
    for caller, status in ((ann, 403), (bob, 403), (charlie, 404)):
        assert review(caller, item, "approve").status == status
        body = {"item_ids": [str(item.pk)], "action": "approve"}
        assert caller.post(bulk_path_of(item.queue), body).status == status
    manager = member(item.queue, "Mia", "manager")
    assert review(manager, item, "comment", notes="x").status == 200
    assert review(alice, item, "comment", notes="x").status == 200


def test_an_item_that_is_removed_unknown_or_of_another_queue_is_not_found(alice: Caller, item: Item) -> None:
    elsewhere = ItemFactory.create(queue=QueueFactory.create(created_by=alice.user), **IN_REVIEW)
    removed = ItemFactory.create(queue=item.queue, deleted_at=clock.now(), **IN_REVIEW)
    for pk in (elsewhere.pk, removed.pk, uuid.UUID(int=7)):
        answer = review(alice, Item(pk=pk, queue_id=item.queue_id), "approve")
        assert (answer.status, answer.body["code"]) == (404, "item_not_found")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "action must be given, as one of approve, request_changes, reject, comment, reopen"),
        ({"action": "aprove"}, "action must be one of"),
        ({"action": "approve", "notes": 7}, "notes must be a string"),
        ({"action": "approve", "note": "x"}, 'Did you mean "notes"'),
        ({"action": "approve", "label_comments": {}}, "label_comments must be a list"),
        ({"action": "approve", "label_comments": [7]}, "label_comments[0]: The body must be a JSON object"),
        ({"action": "approve", "label_comments": [{"comment": "x"}]}, "label_comments[0]: label_id must be given"),
        ({"action": "approve", "label_comments": [{"label_id": "{label}"}]}, "label_comments[0]: comment must be"),
        ({"action": "approve", "label_comments": [{"label_id": "{label}", "comment": " "}]}, "comment must be"),
        (
            {"action": "approve", "label_comments": [{"label_id": "{other}", "comment": "x"}]},
            "label_comments[0].label_id must be a label of the queue",
        ),
        (
            {
                "action": "reject",
                "label_comments": [{"label_id": "{label}", "comment": "x", "target_annotator_id": "{other}"}],
            },
            "label_comments[0].target_annotator_id must be a person with completed work on the item",
        ),
    ],
)
def test_a_wrong_body_is_one_sentence_and_changes_nothing(
    rita: Caller, item: Item, body: dict[str, Any], words: str
) -> None:
    label = QueueLabel.objects.get(queue=item.queue).label
    ids = {"{label}": str(label.pk), "{other}": str(LabelFactory.create(organization=item.organization).pk)}
    comments = body.get("label_comments")
    if isinstance(comments, list) and isinstance(comments[0], dict):
        body = {**body, "label_comments": [{name: ids.get(sent, sent) for name, sent in comments[0].items()}]}
    answer = rita.post(path_of(item), body)
    assert answer.status == 400
    assert words in answer.body["detail"]
    assert state_of(item) == ("in_progress", "pending_review")
    assert not Review.objects.exists()


def test_many_items_are_reviewed_and_each_other_one_has_its_error(rita: Caller, item: Item) -> None:
    queue = item.queue
    pending, own = ItemFactory.create(queue=queue), ItemFactory.create(queue=queue, **IN_REVIEW)
    SlotFactory.create(item=own, user=rita.user)
    unknown = str(uuid.UUID(int=7))
    ids = [str(pending.pk), str(item.pk), unknown, str(own.pk), str(item.pk)]
    answer = rita.post(bulk_path_of(queue), {"itemIds": ids, "action": "reject", "notes": "Again"})
    assert answer.status == 200, answer.body
    assert answer.body["reviewed"] == 1
    errors = answer.body["errors"]
    assert [error["item_id"] for error in errors] == [str(pending.pk), unknown, str(own.pk)]
    for error, words in zip(errors, ("must be pending_review", "Item not found", "another person"), strict=True):
        assert words in error["error"]
    assert [state_of(one) for one in (item, pending, own)] == [
        ("in_progress", "rejected"),
        ("pending", ""),
        ("in_progress", "pending_review"),
    ]
    assert Review.objects.count() == 1


def test_a_bulk_rejection_without_notes_changes_nothing(rita: Caller, item: Item) -> None:
    answer = rita.post(bulk_path_of(item.queue), {"item_ids": [str(item.pk)], "action": "reject"})
    assert (answer.status, answer.body["code"]) == (400, "required")
    assert state_of(item) == ("in_progress", "pending_review")


def test_the_statements_do_not_grow_with_items(rita: Caller, queue: Queue) -> None:
    rita.get("/model-hub/sources/")  # records the use of the key
    ItemFactory.create(queue=queue)  # the queue stays active
    numbers = []
    for number in (1, 20):
        items: list[Item] = ItemFactory.create_batch(number, queue=queue, **IN_REVIEW)
        for one in items:
            SlotFactory.create(item=one)
        ids = [str(one.pk) for one in items]
        for action in ("reject", "approve"):
            Item.objects.filter(pk__in=ids).update(**IN_REVIEW)
            with CaptureQueriesContext(connection) as captured:
                answer = rita.post(bulk_path_of(queue), {"item_ids": ids, "action": action, "notes": "x"})
            assert answer.body == {"reviewed": number, "errors": []}
            numbers.append(len(captured))
    assert numbers[:2] == numbers[2:]


def test_the_queue_is_locked_before_the_items(rita: Caller, item: Item) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert review(rita, item, "approve").status == 200
    locks = [query["sql"] for query in captured if "FOR NO KEY UPDATE" in query["sql"]]
    assert [re.findall(r'FROM "?(\w+)"?', sql)[-1] for sql in locks] == ["modelhub_queue", "modelhub_item"]


@pytest.mark.django_db(transaction=True)
def test_of_two_reviewers_at_the_same_moment_one_decides(alice: Caller, rita: Caller, item: Item) -> None:
    def decide(arguments: tuple[Caller, str]) -> Answer:
        caller, action = arguments
        try:
            return review(caller, item, action, notes="x")
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(decide, [(alice, "approve"), (rita, "reject")]))
    assert sorted(answer.status for answer in answers) == [200, 400]
    assert Review.objects.count() == 1
    winner = Review.objects.get().action
    assert state_of(item) == (("completed", "approved") if winner == "approve" else ("in_progress", "rejected"))


class Desk:
    """People at work on a queue over HTTP."""

    def __init__(self, queue: Queue) -> None:
        self.items = f"/model-hub/annotation-queues/{queue.pk}/items/"
        self.label = str(QueueLabel.objects.get(queue=queue).label_id)

    def next(self, caller: Caller) -> Any:
        return self.post(caller, "next-item/", None, method="GET")["item"]

    def post(self, caller: Caller, path: str, body: object = None, *, method: str = "POST", status: int = 200) -> Any:
        answer = caller.request(method, self.items + path, body)
        assert answer.status == status, answer.body
        return answer.body

    def work(self, caller: Caller, item: Item, rating: int = 4) -> Any:
        """Submit a score of the item and complete it; return it as it is then."""
        scores = [{"label_id": self.label, "value": rating}]
        self.post(caller, f"{item.pk}/annotations/submit/", {"annotations": scores})
        return self.post(caller, f"{item.pk}/complete/")["item"]


@pytest.fixture
def desk(queue: Queue) -> Desk:
    Queue.objects.update(annotations_required=1)
    return Desk(queue)


def test_returned_work_comes_first_to_its_annotator_and_to_no_other(
    desk: Desk, rita: Caller, ann: Caller, queue: Queue
) -> None:
    ben = member(queue, "Ben", "annotator")
    returned = ItemFactory.create(queue=queue, order=5)
    other: Item = ItemFactory.create(queue=queue, order=1, priority=9)
    assert desk.work(ann, returned)["workflow_status"] == "in_review"
    Item.objects.filter(pk=other.pk).update(priority=10)
    assert desk.next(ann)["id"] == str(other.pk)
    assert review(rita, returned, "reject", notes="Again").status == 200
    assert desk.next(ann)["id"] == str(returned.pk)
    assert desk.next(ben) is None, "one item is returned to Ann, and she has reserved the other"
    again = desk.work(ann, returned, 5)
    assert (again["review_status"], again["workflow_status"]) == ("pending_review", "resubmitted")
    assert slots_of(returned)["Ann"].returned_at is None
    assert desk.next(ann)["id"] == str(other.pk)
    approved = review(rita, returned, "approve").body
    assert (approved["item"]["status"], approved["queue_status"]) == ("completed", "active")


def test_work_in_review_and_approved_work_are_closed_until_they_are_returned(
    desk: Desk, rita: Caller, ann: Caller, queue: Queue
) -> None:
    item = ItemFactory.create(queue=queue)
    ItemFactory.create(queue=queue)
    desk.work(ann, item)
    scores = {"annotations": [{"label_id": desk.label, "value": 1}]}

    def is_closed() -> bool:
        answers = [
            desk.post(ann, f"{item.pk}/annotations/submit/", scores, status=400),
            desk.post(ann, f"{item.pk}/skip/", status=400),
        ]
        return {answer["code"] for answer in answers} == {"item_in_review"}

    assert is_closed()
    assert review(rita, item, "approve").status == 200
    assert is_closed()
    assert desk.post(ann, f"{item.pk}/undo/", status=409)["code"] == "already_reviewed"
    assert review(rita, item, "reopen").status == 200
    assert is_closed()
    assert review(rita, item, "reject", notes="Again").status == 200
    assert desk.work(ann, item, 1)["workflow_status"] == "resubmitted"


def test_work_is_undone_until_it_is_reviewed(desk: Desk, rita: Caller, ann: Caller, queue: Queue) -> None:
    item = ItemFactory.create(queue=queue)
    desk.work(ann, item)
    undone = desk.post(ann, "undo/")
    assert undone["undone_item_id"] == str(item.pk)
    assert (undone["item"]["status"], undone["item"]["review_status"]) == ("in_progress", None)
    assert review(rita, item, "approve").body["code"] == "not_in_review"
    desk.work(ann, item)
    assert review(rita, item, "request_changes", notes="Again").status == 200
    assert desk.post(ann, f"{item.pk}/undo/", status=409)["code"] == "already_reviewed"


def test_a_reviewer_that_annotated_the_item_leaves_it_to_others(
    desk: Desk, alice: Caller, rita: Caller, queue: Queue
) -> None:
    item = ItemFactory.create(queue=queue)
    desk.work(rita, item)
    assert review(rita, item, "approve").body["code"] == "own_work"
    assert review(alice, item, "approve").body["queue_status"] == "completed"


def test_of_two_annotators_the_target_alone_works_again(desk: Desk, rita: Caller, ann: Caller, queue: Queue) -> None:
    Queue.objects.update(annotations_required=2)
    ben = member(queue, "Ben", "annotator")
    item = ItemFactory.create(queue=queue)
    assert desk.work(ann, item)["status"] == "in_progress"
    assert desk.work(ben, item)["workflow_status"] == "in_review"
    comments = [{"label_id": desk.label, "target_annotator_id": str(ben.user.pk), "comment": "Why 4?"}]
    assert review(rita, item, "reject", label_comments=comments).status == 200
    assert desk.next(ann) is None
    assert desk.next(ben)["id"] == str(item.pk)
    assert desk.work(ben, item, 2)["workflow_status"] == "resubmitted"


def test_at_each_step_the_progress_adds_up(desk: Desk, rita: Caller, ann: Caller, queue: Queue) -> None:
    item = ItemFactory.create(queue=queue)
    ItemFactory.create_batch(2, queue=queue)
    path = f"/model-hub/annotation-queues/{queue.pk}/progress/"

    def counts() -> tuple[dict[str, int], dict[str, int]]:
        found = ann.get(path).body
        words = ("pending", "in_progress", "in_review", "completed", "skipped")
        assert sum(found[word] for word in words) == found["total"] == 3
        own = found["user_progress"]
        assert sum(own[word] for word in words if word in own) == own["total"]
        return {word: found[word] for word in words if found[word]}, {
            word: own[word] for word in words if own.get(word)
        }

    assert counts() == ({"pending": 3}, {})
    desk.post(ann, f"{item.pk}/reserve/")
    assert counts() == ({"pending": 3}, {"pending": 1})
    desk.post(ann, f"{item.pk}/annotations/submit/", {"annotations": [{"label_id": desk.label, "value": 4}]})
    assert counts() == ({"pending": 2, "in_progress": 1}, {"in_progress": 1})
    desk.post(ann, f"{item.pk}/complete/")
    assert counts() == ({"pending": 2, "in_review": 1}, {"completed": 1})
    review(rita, item, "reject", notes="Again")
    assert counts() == ({"pending": 2, "in_progress": 1}, {"in_progress": 1})
    desk.work(ann, item)
    review(rita, item, "approve")
    assert counts() == ({"pending": 2, "completed": 1}, {"completed": 1})
    skipped = desk.next(ann)
    desk.post(ann, f"{skipped['id']}/skip/")
    assert counts() == ({"pending": 1, "completed": 1, "skipped": 1}, {"completed": 1, "skipped": 1})


def test_others_work_is_hidden_until_the_own_is_completed(desk: Desk, rita: Caller, ann: Caller, queue: Queue) -> None:
    Queue.objects.update(annotations_required=2)
    item = ItemFactory.create(queue=queue)
    desk.work(member(queue, "Ben", "annotator"), item)

    def annotators(caller: Caller) -> list[list[str]]:
        detail = desk.post(caller, f"{item.pk}/annotate-detail/", method="GET")["annotations"]
        listed = desk.post(caller, f"{item.pk}/annotations/", method="GET")
        return [sorted(score["annotator_name"] for score in scores) for scores in (detail, listed)]

    assert annotators(ann) == [[], []]
    assert annotators(rita) == [["Ben"], ["Ben"]]
    desk.work(ann, item)
    assert annotators(ann) == [["Ann", "Ben"], ["Ann", "Ben"]]
