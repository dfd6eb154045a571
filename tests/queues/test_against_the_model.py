"""Generated histories of a queue: the server and a model of the contract must agree after each step.

FAULT_EXAMPLES says how many, two histories for three examples of other tests; each has a queue of its own.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from modelhub.core import clock
from modelhub.queues.models import Item, Queue, Slot
from tests.client import Answer, Caller, execute
from tests.factories import (
    ApiKeyFactory,
    LabelFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    SourceFactory,
    UserFactory,
)
from tests.queues.contract_model import Model, Refused
from tests.repeats import examples

# Seconds: a step of time expires nothing alone, two of them do, and a history takes far less than the difference.
TIMEOUT, STEP = 1000, 600
UNKNOWN = str(uuid.UUID(int=7))
PASS_TIME = """
UPDATE modelhub_slot SET reserved_until = reserved_until - make_interval(secs => %s)
WHERE organization_id = %s AND queue_id = %s
"""

people = st.integers(0, 3)
managers = st.sampled_from([0, 0, 0, 1, 2])
# -1 is the last item that the person was given, and for reviews one that waits for its review.
numbers = st.sampled_from([-1, -1, -1, 0, 1, 2, 3])
values = st.integers(1, 5) | st.sampled_from([9, "", None])
entries = st.lists(st.tuples(st.sampled_from(["a", "b", "a", "b", "other", "unknown"]), values), min_size=1, max_size=4)
good_entries = st.just([("a", 4), ("b", 2)])
# Actions with the strategies of their arguments, and their weights.
ACTIONS: dict[str, tuple[int, list[st.SearchStrategy[Any]]]] = {
    # Take, submit and complete in one go.
    "turn": (6, [people]),
    "work": (3, [people, numbers]),
    "take_next": (4, [people, st.sampled_from([True, True, False])]),
    "reserve": (2, [people, numbers]),
    "release": (1, [people, numbers]),
    "submit": (4, [people, numbers, good_entries | entries, st.sampled_from([None, None, None, "", "note"])]),
    "complete": (3, [people, numbers]),
    "skip": (3, [people, numbers]),
    "undo": (3, [people, st.none() | numbers]),
    "pass_time": (3, [st.integers(1, 2)]),
    "review": (
        5,
        [
            people,
            numbers,
            st.sampled_from(["approve", "approve", "reject", "reject", "request_changes", "comment", "reopen"]),
            st.sampled_from(["", "why", "why", "why"]),
            st.just([]) | st.lists(people, max_size=2, unique=True),
        ],
    ),
    "add": (1, [managers, st.lists(st.integers(0, 5), min_size=1, max_size=2), st.integers(0, 1)]),
    "assign": (
        1,
        [managers, numbers, st.lists(people, max_size=2, unique=True), st.sampled_from(["set", "add", "remove"])],
    ),
    "remove": (1, [managers, numbers]),
    "change_status": (1, [managers, st.sampled_from(["active", "active", "active", "paused", "completed", "draft"])]),
    "change_overlap": (1, [managers, st.integers(1, 3)]),
    "require": (1, [managers, st.sampled_from(["a", "b"])]),
    "import_scores": (
        2,
        [
            managers,
            numbers,
            people,
            st.sampled_from(["a", "b", "other"]),
            st.sampled_from(["imported", "imported", "model", "auto", "automation"]),
        ],
    ),
}
steps = st.sampled_from([name for name, (weight, _) in ACTIONS.items() for _ in range(weight)]).flatmap(
    lambda name: st.tuples(st.just(name), *ACTIONS[name][1])
)
ANNOTATOR = {"annotator"}
roles = st.sampled_from([*[ANNOTATOR] * 6, {"annotator", "reviewer"}, {"reviewer"}, {"manager"}, set[str]()])
queues = st.fixed_dictionaries(
    {
        "people": st.lists(roles, min_size=1, max_size=3),
        "labels": st.sampled_from([{"a": True}, {"a": False}, {"a": True, "b": True}, {"a": True, "b": False}]),
        "overlap": st.integers(1, 3),
        "requires_review": st.booleans(),
        "auto_assign": st.sampled_from([False, False, False, True]),
    }
)


@dataclass
class Cast:
    """The people, sources and labels of all histories."""

    callers: list[Caller]
    sources: list[Any]
    labels: dict[str, str]


@pytest.fixture
def cast(alice: Caller) -> Cast:
    organization = alice.user.organization
    users = UserFactory.create_batch(4, organization=organization)
    labels = {name: LabelFactory.create(organization=organization) for name in ("a", "b", "other")}
    return Cast(
        [Caller(ApiKeyFactory.create(user=user)) for user in users],
        SourceFactory.create_batch(6, organization=organization),
        {name: str(label.pk) for name, label in labels.items()} | {"unknown": UNKNOWN},
    )


@dataclass
class Stand:
    """A queue of the server beside its model; a step is done to both."""

    cast: Cast
    model: Model
    queue: Queue
    given: dict[int, int] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)

    def play(self, step: tuple[Any, ...]) -> None:
        """Do a step, and compare the answers and then the states."""
        name, *arguments = step
        if name == "pass_time":
            self.model.now += arguments[0] * STEP
            execute(PASS_TIME, arguments[0] * STEP, self.queue.organization_id, self.queue.pk)
            return
        person, *arguments = arguments
        person %= len(self.model.people)
        if name == "turn":
            self.play(("take_next", person, True))
            self.play(("work", person, -1))
            return
        if name == "work":
            self.play(("submit", person, arguments[0], [("a", 4), ("b", 2)], None))
            self.play(("complete", person, arguments[0]))
            return
        done: Callable[..., tuple[Answer, dict[str, Any]]] = getattr(self, name)
        answer, expected = done(person, *arguments)
        event(f"{name} {answer.status} {expected.get('code') or expected.get('reason') or ''}")
        self.compare(step, answer, expected)
        assert self.state() == self.model_state(), step

    def compare(self, step: tuple[Any, ...], answer: Answer, expected: dict[str, Any]) -> None:
        """Compare the fields of an answer that the model has."""
        assert answer.status == expected.pop("status_code"), (step, answer.body, expected)
        found: dict[str, Any] = {}
        for key, value in expected.items():
            sent = answer.body.get("item" if key in ("status", "review_status") else key, "absent")
            if key in ("status", "review_status"):
                sent = sent[key] if isinstance(sent, dict) else answer.body.get(key, "absent")
            if key in ("until", "reserved_until") and value is not None and sent != "absent":
                sent = value if self.is_near(sent, value) else sent
            if key in ("item", "next_item", "undone_item_id") and sent is not None:
                sent = self.number_of(sent)
            if key == "missing_labels":
                sent = sorted(self.name_of(label) for label in sent)
            found[key] = sent
        assert found == expected, (step, answer.body)

    def is_near(self, sent: str, second: int) -> bool:
        seconds = (datetime.fromisoformat(sent) - clock.now()).total_seconds()
        return abs(seconds - (second - self.model.now)) < (TIMEOUT - STEP) / 4

    def number_of(self, item: Any) -> object:
        pk = item["id"] if isinstance(item, dict) else item
        return self.ids.index(pk) if pk in self.ids else f"unknown item {pk}"

    def name_of(self, label: Any) -> str:
        pk = label if isinstance(label, str) else label.get("label_id", label.get("id"))
        return next((name for name, known in self.cast.labels.items() if known == pk), f"unknown label {label}")

    def call(self, person: int, path: str, body: object = None, method: str = "POST") -> Answer:
        url = f"/model-hub/annotation-queues/{self.queue.pk}/{path}"
        return self.cast.callers[person].request(method, url, body)

    def expect(self, act: Callable[..., dict[str, Any]], *arguments: Any, **more: Any) -> dict[str, Any]:
        """Return the model's answer: its fields, or a code."""
        try:
            return {"status_code": 200, **act(*arguments, **more)}
        except Refused as refused:
            until = {} if refused.until is None else {"until": refused.until}
            return {"status_code": refused.status, "code": refused.code, **until}

    def number(self, person: int, number: int) -> int:
        return self.given.get(person, 0) if number < 0 else number % len(self.ids)

    def find_reviewed(self, person: int, number: int, action: str) -> tuple[int, int]:
        """Return a person and an item; for -1 an item that waits for the action, and a reviewer of it."""
        waits = "approved" if action == "reopen" else "pending_review"
        found = [at for at, item in self.model.numbered() if item.review == waits]
        if number >= 0 or not found:
            return person, self.number(person, number)
        scored = {user for user, _ in self.model.items[found[0]].scores}
        reviewers = [other for other, roles in enumerate(self.model.people) if roles & {"manager", "reviewer"}]
        return next((other for other in reviewers if other not in scored), person), found[0]

    def add(self, person: int, sources: list[int], priority: int) -> tuple[Answer, dict[str, Any]]:
        items = [
            {"source_type": source.source_type, "source_id": source.source_id, "priority": priority}
            for source in (self.cast.sources[number] for number in sources)
        ]
        answer = self.call(person, "items/add-items/", {"items": items})
        expected = self.expect(self.model.add, person, sources, priority)
        rows = Item.objects.filter(queue=self.queue, organization_id=self.queue.organization_id)
        # A new item has the order of a removed one where that was the last.
        self.ids = [str(pk) for pk in rows.order_by("created_at", "order").values_list("pk", flat=True)]
        return answer, expected

    def assign(self, person: int, number: int, users: list[int], action: str) -> tuple[Answer, dict[str, Any]]:
        at = self.number(person, number)
        users = sorted({user % len(self.model.people) for user in users})
        # An addition or removal needs people.
        action = action if users else "set"
        ids = [str(self.cast.callers[user].user.pk) for user in users]
        body = {"item_ids": [self.ids[at]], "user_ids": ids, "action": action}
        return self.call(person, "items/assign/", body), self.expect(self.model.assign, person, at, users, action)

    def remove(self, person: int, number: int) -> tuple[Answer, dict[str, Any]]:
        at = self.number(person, number)
        answer = self.call(person, "items/bulk-remove/", {"item_ids": [self.ids[at]]})
        return answer, self.expect(self.model.remove, person, at)

    def change_status(self, person: int, status: str) -> tuple[Answer, dict[str, Any]]:
        answer = self.call(person, "update-status/", {"status": status})
        return answer, self.expect(self.model.change_status, person, status)

    def change_overlap(self, person: int, overlap: int) -> tuple[Answer, dict[str, Any]]:
        answer = self.call(person, "", {"annotations_required": overlap}, "PATCH")
        return answer, self.expect(self.model.change_overlap, person, overlap)

    def require(self, person: int, label: str) -> tuple[Answer, dict[str, Any]]:
        answer = self.call(person, "add-label/", {"label_id": self.cast.labels[label], "required": True})
        return answer, self.expect(self.model.require, person, label)

    def take_next(self, person: int, reserve: bool) -> tuple[Answer, dict[str, Any]]:
        answer = self.call(person, f"items/next-item/?reserve={str(reserve).lower()}", method="GET")
        expected = self.expect(self.model.take_next, person, reserve=reserve)
        if expected.get("item") is not None:
            self.given[person] = expected["item"]
        return answer, expected

    def reserve(self, person: int, number: int) -> tuple[Answer, dict[str, Any]]:
        at = self.given[person] = self.number(person, number)
        return self.call(person, f"items/{self.ids[at]}/reserve/"), self.expect(self.model.reserve, person, at)

    def release(self, person: int, number: int) -> tuple[Answer, dict[str, Any]]:
        at = self.number(person, number)
        return self.call(person, f"items/{self.ids[at]}/release/", {}), self.expect(self.model.release, person, at)

    def submit(
        self, person: int, number: int, scores: list[tuple[str, Any]], notes: str | None
    ) -> tuple[Answer, dict[str, Any]]:
        at = self.number(person, number)
        sent = [{"label_id": self.cast.labels[label], "value": value} for label, value in scores]
        body = {"annotations": sent, "notes": notes}
        answer = self.call(person, f"items/{self.ids[at]}/annotations/submit/", body)
        return answer, self.expect(self.model.submit, person, at, scores, notes)

    def complete(self, person: int, number: int) -> tuple[Answer, dict[str, Any]]:
        at = self.number(person, number)
        return self.call(person, f"items/{self.ids[at]}/complete/"), self.expect(self.model.complete, person, at)

    def skip(self, person: int, number: int) -> tuple[Answer, dict[str, Any]]:
        at = self.number(person, number)
        return self.call(person, f"items/{self.ids[at]}/skip/"), self.expect(self.model.skip, person, at)

    def undo(self, person: int, number: int | None) -> tuple[Answer, dict[str, Any]]:
        at = None if number is None else self.number(person, number)
        answer = self.call(person, "items/undo/" if at is None else f"items/{self.ids[at]}/undo/")
        return answer, self.expect(self.model.undo, person, at)

    def review(
        self, person: int, number: int, action: str, notes: str, targets: list[int]
    ) -> tuple[Answer, dict[str, Any]]:
        person, at = self.find_reviewed(person, number, action)
        targets = sorted({target % len(self.model.people) for target in targets})
        comments = [
            {
                "label_id": self.cast.labels["a"],
                "target_annotator_id": str(self.cast.callers[target].user.pk),
                "comment": "look again",
            }
            for target in targets
        ]
        body = {"action": action, "notes": notes, "label_comments": comments}
        answer = self.call(person, f"items/{self.ids[at]}/review/", body)
        return answer, self.expect(self.model.review, person, at, action, notes, targets)

    def import_scores(
        self, person: int, number: int, annotator: int, label: str, source: str
    ) -> tuple[Answer, dict[str, Any]]:
        at = self.number(person, number)
        annotator %= len(self.model.people)
        body = {
            "annotations": [{"label_id": self.cast.labels[label], "value": 3, "score_source": source}],
            "annotator_id": str(self.cast.callers[annotator].user.pk),
        }
        answer = self.call(person, f"items/{self.ids[at]}/annotations/import/", body)
        return answer, self.expect(self.model.import_scores, person, at, annotator, label, source)

    def state(self) -> object:
        """Return the rows of the server, in the words of the model."""
        users = {caller.user.pk: person for person, caller in enumerate(self.cast.callers)}
        organization_id = self.queue.organization_id
        slots: dict[Any, list[Any]] = {}
        now = clock.now()
        for slot in Slot.objects.filter(organization_id=organization_id, queue=self.queue):
            lives = slot.state in ("reserved", "submitted") and slot.reserved_until > now  # type: ignore[operator]
            row = (users[slot.user_id], slot.state, slot.seat, lives, slot.returned_at is not None)
            slots.setdefault(slot.item_id, []).append(row)
        items = Item.objects.filter(organization_id=organization_id, queue=self.queue, deleted_at=None)
        queue = Queue.objects.get(organization_id=organization_id, pk=self.queue.pk)
        return queue.status, {
            self.ids.index(str(item.pk)): (item.status, item.review_status, sorted(slots.get(item.pk, [])))
            for item in items
        }

    def check_counts(self) -> None:
        """Compare the counts of the queue and its progress with the model's items."""
        shown, progress = self.call(0, "", method="GET").body, self.call(0, "progress/", method="GET").body
        items = self.model.live_items()
        words = ["in_review" if item.review == "pending_review" else item.status for item in items]
        counts = {word: words.count(word) for word in ("pending", "in_progress", "in_review", "completed", "skipped")}
        assert {word: shown[f"{word}_count"] for word in counts} == counts
        assert {word: progress[word] for word in counts} == counts
        assert (shown["item_count"], progress["total"]) == (len(items), len(items))

    def model_state(self) -> object:
        model = self.model
        return model.status, {
            number: (
                item.status,
                item.review,
                sorted(
                    (
                        person,
                        slot.state,
                        slot.seat,
                        slot.state in ("reserved", "submitted") and slot.until > model.now,
                        slot.returned,
                    )
                    for person, slot in item.slots.items()
                ),
            )
            for number, item in model.numbered()
        }


def make(cast: Cast, chosen: dict[str, Any]) -> Stand:
    """Make a queue as drawn; its first person has all roles."""
    people = [{"manager", "reviewer", "annotator"}, *chosen["people"]]
    queue: Queue = QueueFactory.create(
        created_by=cast.callers[0].user,
        annotations_required=chosen["overlap"],
        reservation_seconds=TIMEOUT,
        requires_review=chosen["requires_review"],
        auto_assign=chosen["auto_assign"],
    )
    for caller, of_person in zip(cast.callers, people, strict=False):
        if of_person:
            QueueMemberFactory.create(queue=queue, user=caller.user, roles=sorted(of_person))
    for name, required in chosen["labels"].items():
        QueueLabelFactory.create(queue=queue, label_id=cast.labels[name], required=required)
    model = Model(
        people,
        dict(chosen["labels"]),
        chosen["overlap"],
        TIMEOUT,
        chosen["requires_review"],
        chosen["auto_assign"],
    )
    return Stand(cast, model, queue)


@pytest.mark.faults
@pytest.mark.django_db
@settings(
    max_examples=examples(60) * 2 // 3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    chosen=queues,
    first=st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True),
    history=st.lists(steps, min_size=10, max_size=50),
)
def test_the_server_and_the_model_agree(
    cast: Cast, chosen: dict[str, Any], first: list[int], history: list[tuple[Any, ...]]
) -> None:
    stand = make(cast, chosen)
    stand.play(("add", 0, first, 0))
    for step in history:
        stand.play(step)
    for person in range(len(stand.model.people)):
        stand.play(("take_next", person, False))
    stand.check_counts()
