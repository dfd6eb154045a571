"""Labels of queues: add-label, remove-label, and their effect on items."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from modelhub.labels.models import Label
from modelhub.queues.models import Item, Queue, QueueLabel, Slot
from modelhub.scores.models import Score
from tests.client import Answer, Caller
from tests.factories import (
    ItemFactory,
    LabelFactory,
    QueueFactory,
    QueueLabelFactory,
    ScoreFactory,
    SlotFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue(alice: Caller) -> Queue:
    return QueueFactory.create(created_by=alice.user)


def post(caller: Caller, queue: Queue, action: str, label: Label, **fields: object) -> Answer:
    path = f"/model-hub/annotation-queues/{queue.pk}/{action}/"
    return caller.post(path, {"label_id": str(label.pk), **fields})


def completed_item(queue: Queue, **fields: Any) -> Slot:
    """Make an item that one person completed."""
    item = ItemFactory.create(queue=queue, status="completed", completed_at=timezone.now(), **fields)
    return SlotFactory.create(item=item, state="completed", seat=1)


def score(slot: Slot, label: Label) -> Score:
    return ScoreFactory.create(
        source=slot.item.source,
        label=label,
        annotator=slot.user,
        queue_item=slot.item_id,
        queue_id=slot.queue_id,
    )


class TestAdding:
    def test_a_label_comes_last_and_is_not_required(
        self, alice: Caller, queue: Queue, labels: dict[str, Label]
    ) -> None:
        answer = post(alice, queue, "add-label", labels["text"])
        assert answer.status == 200
        assert answer.body == {
            "label": {
                "id": str(labels["text"].pk),
                "label_id": str(labels["text"].pk),
                "name": "Text",
                "type": "text",
                "settings": labels["text"].settings,
                "description": "",
                "allow_notes": False,
                "order": 0,
                "required": False,
            },
            "created": True,
            "reopened_items": 0,
            "queue_status": "active",
        }
        second = post(alice, queue, "add-label", labels["star"], required=True).body["label"]
        assert (second["order"], second["required"]) == (1, True)
        shown = alice.get(f"/model-hub/annotation-queues/{queue.pk}/").body["labels"]
        assert [(one["name"], one["required"]) for one in shown] == [("Text", False), ("Star", True)]

    def test_a_repeat_changes_required_if_it_is_given(
        self, alice: Caller, queue: Queue, labels: dict[str, Label]
    ) -> None:
        for sent, required, created in (({"required": True}, True, True), ({}, True, False)):
            answer = post(alice, queue, "add-label", labels["text"], **sent).body
            assert (answer["created"], answer["label"]["required"]) == (created, required)
        assert post(alice, queue, "add-label", labels["text"], required=False).body["label"]["required"] is False
        assert QueueLabel.objects.count() == 1

    def test_a_required_label_updates_nothing_without_completed_items(
        self, alice: Caller, queue: Queue, labels: dict[str, Label]
    ) -> None:
        ItemFactory.create(queue=queue)
        with CaptureQueriesContext(connection) as statements:
            assert post(alice, queue, "add-label", labels["text"], required=True).body["reopened_items"] == 0
        written = [one["sql"] for one in statements if "UPDATE modelhub_" in one["sql"]]
        assert not [sql for sql in written if "modelhub_slot" in sql or "modelhub_item " in sql]

    def test_a_required_label_reopens_completed_items_that_lack_it(
        self, alice: Caller, queue: Queue, labels: dict[str, Label]
    ) -> None:
        lacking, scored = completed_item(queue), completed_item(queue)
        score(scored, labels["text"])
        Queue.objects.update(status="completed")

        optional = post(alice, queue, "add-label", labels["text"]).body
        assert (optional["reopened_items"], optional["queue_status"]) == (0, "completed")
        required = post(alice, queue, "add-label", labels["text"], required=True).body
        assert (required["created"], required["reopened_items"], required["queue_status"]) == (False, 1, "active")
        assert dict(Item.objects.values_list("pk", "status")) == {
            lacking.item_id: "in_progress",
            scored.item_id: "completed",
        }
        lacking.refresh_from_db()
        assert (lacking.state, lacking.seat) == ("submitted", 1)
        again = post(alice, queue, "add-label", labels["text"], required=True).body
        assert (again["reopened_items"], again["queue_status"]) == (0, "active")

    def test_a_label_that_is_no_longer_required_completes_items(
        self, alice: Caller, queue: Queue, labels: dict[str, Label]
    ) -> None:
        """Imported scores of a person without a slot are all that is required then."""
        QueueLabelFactory.create(queue=queue, label=labels["star"], required=False)
        slot = SlotFactory.create(item__queue=queue, state="reserved")
        score(slot, labels["star"])
        slot.delete()
        post(alice, queue, "add-label", labels["text"], required=True)
        assert Item.objects.get().status == "pending"
        post(alice, queue, "add-label", labels["text"], required=False)
        assert Item.objects.get().status == "completed"

    def test_unknown_deleted_and_foreign_labels_are_404s(self, alice: Caller, charlie: Caller, queue: Queue) -> None:
        deleted = LabelFactory.create(organization=queue.organization, deleted_at=timezone.now())
        foreign = LabelFactory.create(organization=charlie.user.organization)
        for label in (deleted, foreign, Label(pk=uuid.uuid4())):
            answer = post(alice, queue, "add-label", label)
            assert (answer.status, answer.body["code"]) == (404, "label_not_found")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "label_id"),
            ({"label_id": "x"}, "label_id"),
            ({"label_id": str(uuid.uuid4()), "required": 1}, "required"),
        ],
    )
    def test_an_unfit_field_is_a_400(self, alice: Caller, queue: Queue, body: Any, field: str) -> None:
        answer = alice.post(f"/model-hub/annotation-queues/{queue.pk}/add-label/", body)
        assert (answer.status, list(answer.body["errors"])) == (400, [field])


class TestRemoving:
    def test_a_removed_label_is_gone_and_its_scores_stay(
        self, alice: Caller, queue: Queue, labels: dict[str, Label]
    ) -> None:
        post(alice, queue, "add-label", labels["star"])
        stored = score(completed_item(queue), labels["star"])
        assert post(alice, queue, "remove-label", labels["star"]).body == {"removed": True}
        assert alice.get(f"/model-hub/annotation-queues/{queue.pk}/").body["labels"] == []
        assert Score.objects.get() == stored
        again = post(alice, queue, "remove-label", labels["star"])
        assert (again.status, again.body["code"]) == (404, "label_not_found")

    def test_without_a_required_label_items_are_done(
        self, alice: Caller, queue: Queue, labels: dict[str, Label]
    ) -> None:
        for kind in ("star", "text", "numeric"):
            QueueLabelFactory.create(queue=queue, label=labels[kind])
        slot = SlotFactory.create(item__queue=queue, state="reserved")
        score(slot, labels["star"])
        slot.delete()
        post(alice, queue, "remove-label", labels["text"])
        assert Item.objects.get().status == "in_progress"
        alice.patch(f"/model-hub/annotation-queues/{queue.pk}/", {"label_ids": [str(labels["star"].pk)]})
        assert Item.objects.get().status == "completed"
        queue.refresh_from_db()
        assert queue.status == "completed"


def test_a_deleted_label_is_not_shown_until_it_is_restored(
    alice: Caller, queue: Queue, labels: dict[str, Label]
) -> None:
    post(alice, queue, "add-label", labels["star"])
    path = f"/model-hub/annotations-labels/{labels['star'].pk}/"
    for method, route, shown in (("DELETE", "", 0), ("POST", "restore/", 1)):
        assert alice.request(method, path + route).status == 200
        assert len(alice.get(f"/model-hub/annotation-queues/{queue.pk}/").body["labels"]) == shown
