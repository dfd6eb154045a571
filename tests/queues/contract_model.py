"""A model of the work in annotation queues, written from docs/contract.md alone.

It shares no code with the server, and has codes in place of sentences. People, items and labels are numbers and names.
`now` is a number of seconds; only the test moves it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

WITH = {
    "manage": {"manager"},
    "annotate": {"annotator", "manager"},
    "review": {"reviewer", "manager"},
}
TRANSITIONS = {
    ("draft", "active"),
    ("active", "paused"),
    ("active", "completed"),
    ("paused", "active"),
    ("paused", "completed"),
    ("completed", "active"),
    ("completed", "paused"),
}
OPEN = ("reserved", "submitted")
WEEK = 7 * 24 * 3600
ENDED = ("completed", "skipped")
JUDGES = ("auto", "model", "automation")


class Refused(Exception):
    """A status, a code and the second in which a seat becomes free, if the answer has it."""

    def __init__(self, status: int, code: str, until: int | None = None) -> None:
        super().__init__(status, code, until)
        self.status, self.code, self.until = status, code, until


@dataclass
class ModelSlot:
    """A person's claim on an item. `until` is 0 after a release."""

    state: str
    seat: int | None = None
    until: int = 0
    returned: bool = False
    ended: int = 0
    notes: str = ""


@dataclass
class ModelItem:
    """A source in the queue."""

    source: int
    priority: int = 0
    status: str = "pending"
    review: str = ""
    removed: bool = False
    reviewed: int = 0
    assigned: set[int] = field(default_factory=set)
    slots: dict[int, ModelSlot] = field(default_factory=dict)
    # The sources of the scores, by annotator and label.
    scores: dict[tuple[int, str], str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.status != "completed" and self.review != "pending_review"


@dataclass
class Model:
    """A queue: `labels` says by name whether an attached label is required, `people` has the roles of each person."""

    people: list[set[str]]
    labels: dict[str, bool]
    overlap: int
    timeout: int
    requires_review: bool
    auto_assign: bool = False
    status: str = "active"
    now: int = 0
    turn: int = 0
    items: list[ModelItem] = field(default_factory=list)

    # Answers: the fields that the test compares.

    def add(self, person: int, sources: list[int], priority: int) -> dict[str, Any]:
        self.check_right(person, "manage")
        added = 0
        for source in sources:
            if all(item.source != source for item in self.live_items()):
                everyone = {other for other, roles in enumerate(self.people) if "annotator" in roles}
                self.items.append(ModelItem(source, priority, assigned=everyone if self.auto_assign else set()))
                added += 1
        if added:
            self.reopen()
        return {"added": added, "duplicates": len(sources) - added, "queue_status": self.status}

    def assign(self, person: int, number: int, users: list[int], action: str) -> dict[str, Any]:
        self.check_right(person, "manage")
        if action != "remove" and not all(self.people[user] & WITH["annotate"] for user in users):
            raise Refused(400, "annotator_not_found")
        item = self.items[number]
        if not item.removed:
            match action:
                case "set":
                    item.assigned = set(users)
                case "add":
                    item.assigned |= set(users)
                case "remove":
                    item.assigned -= set(users)
            for user, slot in item.slots.items():
                left = user in users if action == "remove" else False
                if (
                    slot.returned
                    and slot.state == "submitted"
                    and (left or (item.assigned and user not in item.assigned))
                ):
                    self.leave_seat(item, user)
            if any(slot.state == "skipped" for slot in item.slots.values()):
                self.settle(item)
        return {}

    def remove(self, person: int, number: int) -> dict[str, Any]:
        self.check_right(person, "manage")
        item = self.items[number]
        if item.removed:
            return {"removed": 0}
        item.removed = True
        self.finish()
        return {"removed": 1}

    def change_status(self, person: int, status: str) -> dict[str, Any]:
        self.check_right(person, "manage")
        if status != self.status and (self.status, status) not in TRANSITIONS:
            raise Refused(400, "impossible_transition")
        self.status = status
        return {"status": status}

    def change_overlap(self, person: int, overlap: int) -> dict[str, Any]:
        self.check_right(person, "manage")
        lower, self.overlap = overlap < self.overlap, overlap
        for item in self.live_items() if lower else ():
            if item.is_open and (item.slots or item.scores):
                self.settle(item)
        return {}

    def require(self, person: int, label: str) -> dict[str, Any]:
        self.check_right(person, "manage")
        reopened = 0
        if not self.labels.get(label, False):
            self.labels[label] = True
            for item in self.live_items():
                lacking = [
                    slot
                    for user, slot in item.slots.items()
                    if slot.state == "completed" and (user, label) not in item.scores
                ]
                begun = any(slot.state == "completed" for slot in item.slots.values())
                for slot in lacking:
                    slot.state, slot.until = "submitted", self.now + self.timeout
                closed = bool(lacking) and not item.is_open
                if closed:
                    item.status, item.review = "in_progress", ""
                if begun:
                    self.settle(item)
                reopened += closed and item.status != "completed"
        if reopened:
            self.reopen()
        return {"reopened_items": reopened, "queue_status": self.status}

    def take_next(self, person: int, *, reserve: bool, exclude: Iterable[int] = ()) -> dict[str, Any]:
        self.check_right(person, "annotate")
        found = self.find_next(person, exclude)
        number = found["item"]
        if number is not None and reserve:
            return {"item": number, "reserved_until": self.renew(self.items[number], person).until}
        return found

    def reserve(self, person: int, number: int) -> dict[str, Any]:
        item = self.get(person, number)
        if self.state(item, person) in ENDED:
            return {"reserved": False}
        self.check_takeable(item, person)
        slot = self.renew(item, person)
        return {"reserved": True, "seat": slot.seat, "reserved_until": slot.until}

    def release(self, person: int, number: int) -> dict[str, Any]:
        item = self.get(person, number)
        match self.state(item, person):
            case "reserved" | "submitted":
                self.leave_seat(item, person)
                if any(slot.state == "skipped" for slot in item.slots.values()):
                    self.settle(item)
            case None if any(slot.state in OPEN and self.is_live(slot) for slot in item.slots.values()):
                raise Refused(400, "not_reserved")
        return {}

    def submit(self, person: int, number: int, entries: list[tuple[str, Any]], notes: str | None) -> dict[str, Any]:
        item = self.get(person, number)
        edits = self.state(item, person) == "completed"
        reopens = not edits and item.status == "skipped" and self.status == "completed"
        self.check_not_in_review(item)
        if self.status != "active" and not (self.status == "completed" and (edits or reopens)):
            raise Refused(400, "queue_not_active")
        if not edits:
            self.check_open(item)
            self.check_assigned(item, person)
        counted = {label: value for label, value in entries if label in self.labels and value not in (None, "")}
        if any(not isinstance(value, int) or not 1 <= value <= 5 for value in counted.values()):
            raise Refused(400, "invalid_value")
        answer = {"submitted": len(counted)}
        if not counted and notes is None:
            return answer
        if not edits:
            self.renew(item, person).state = "submitted"
            item.status = "in_progress"
        if notes is not None:
            item.slots[person].notes = notes
        if reopens:
            self.reopen()
        item.scores |= {(person, label): "human" for label in counted}
        return answer

    def complete(self, person: int, number: int) -> dict[str, Any]:
        item = self.get(person, number)
        missing: list[str] = []
        if self.state(item, person) != "completed":
            self.check_takeable(item, person)
            if not self.scored(item, person):
                raise Refused(400, "nothing_to_complete")
            slot = self.renew(item, person)
            missing = self.missing_labels(item, person)
            if missing:
                slot.state = "submitted"
            else:
                self.end(slot, "completed")
                slot.returned = False
            self.settle(item)
        following = number if missing else self.find_next(person, [number])["item"]
        return {"missing_labels": missing, "next_item": following, **shown(item)}

    def skip(self, person: int, number: int) -> dict[str, Any]:
        item = self.get(person, number)
        if self.state(item, person) != "skipped":
            self.check_open(item)
            if self.state(item, person) == "completed":
                raise Refused(400, "item_completed")
            self.check_takeable(item, person)
            slot = item.slots.setdefault(person, ModelSlot("skipped"))
            slot.seat = None
            self.end(slot, "skipped")
            self.settle(item)
        return {"next_item": self.find_next(person, [number])["item"], **shown(item)}

    def undo(self, person: int, number: int | None) -> dict[str, Any]:
        self.check_right(person, "annotate")
        if number is None:
            ended = [at for at, item in self.numbered() if self.state(item, person) in ENDED]
            if not ended:
                raise Refused(400, "nothing_to_undo")
            number = max(ended, key=lambda at: self.items[at].slots[person].ended)
        item = self.get(person, number)
        slot = item.slots.get(person)
        returned = slot and slot.state == "submitted" and slot.returned
        if returned or (slot and slot.state == "completed" and item.review and slot.ended < item.reviewed):
            raise Refused(409, "already_reviewed")
        if slot is None or slot.state not in ENDED:
            raise Refused(400, "nothing_to_undo")
        if self.status not in ("active", "completed"):
            raise Refused(400, "queue_not_active")
        if slot.state == "skipped":
            self.check_open(item)
            self.check_assigned(item, person)
            self.renew(item, person)
            slot.state = "submitted" if self.scored(item, person) else "reserved"
            self.reopen()
            self.settle(item)
        else:
            slot.state, slot.until = "submitted", self.now + self.timeout
            item.status, item.review = "in_progress", "rejected" if item.review == "rejected" else ""
            self.reopen()
            if sum(other.state == "completed" for other in item.slots.values()) >= self.overlap:
                self.settle(item)
        return {"undone_item_id": number, **shown(item)}

    def review(self, person: int, number: int, action: str, notes: str, targets: list[int]) -> dict[str, Any]:
        self.check_review(person, number, action, notes, targets)
        item = self.items[number]
        self.turn += 1
        match action:
            case "approve":
                item.status, item.review, item.reviewed = "completed", "approved", self.turn
                self.finish()
            case "reject" | "request_changes":
                item.status, item.review, item.reviewed = "in_progress", "rejected", self.turn
                for user, slot in item.slots.items():
                    if slot.state == "completed" and (user in targets or not targets):
                        slot.state, slot.until, slot.returned = "submitted", self.now + max(self.timeout, WEEK), True
                self.reopen()
            case "reopen":
                item.status, item.review = "in_progress", "pending_review"
                self.reopen()
        return shown(item)

    def import_scores(self, person: int, number: int, annotator: int, label: str, source: str) -> dict[str, Any]:
        item = self.get(person, number, "manage")
        if label in self.labels:
            item.scores[annotator, label] = source
        return {"imported": int(label in self.labels)}

    # Rules.

    def check_review(self, person: int, number: int, action: str, notes: str, targets: list[int]) -> None:
        """Raise `Refused` unless the person may review the item so."""
        self.check_right(person, "review")
        if action in ("reject", "request_changes", "comment") and not (notes or targets):
            raise Refused(400, "required")
        item = self.get(person, number, "review")
        if self.state(item, person) in ("submitted", "completed") or any(user == person for user, _ in item.scores):
            raise Refused(403, "own_work")
        if action not in ("comment", "reopen") and item.review != "pending_review":
            raise Refused(400, "not_in_review")
        if action == "reopen" and item.review != "approved":
            raise Refused(400, "not_approved")
        if any(self.state(item, target) != "completed" for target in targets):
            raise Refused(400, "invalid")

    def check_right(self, person: int, right: str) -> None:
        if not self.people[person] & WITH[right]:
            raise Refused(403, "queue_role")

    def get(self, person: int, number: int, right: str = "annotate") -> ModelItem:
        self.check_right(person, right)
        item = self.items[number]
        if item.removed:
            raise Refused(404, "item_not_found")
        return item

    def check_takeable(self, item: ModelItem, person: int) -> None:
        """Raise `Refused` unless the person may take the item, seats apart."""
        if self.status != "active":
            raise Refused(400, "queue_not_active")
        self.check_open(item)
        self.check_assigned(item, person)

    def check_open(self, item: ModelItem) -> None:
        self.check_not_in_review(item)
        if item.status == "completed":
            raise Refused(400, "item_completed")

    def check_not_in_review(self, item: ModelItem) -> None:
        if item.review in ("pending_review", "approved"):
            raise Refused(400, "item_in_review")

    def check_assigned(self, item: ModelItem, person: int) -> None:
        if item.assigned and person not in item.assigned and "manager" not in self.people[person]:
            raise Refused(403, "item_assigned")

    def renew(self, item: ModelItem, person: int) -> ModelSlot:
        """Give the person a seat, which only a manager may do without, and return the slot."""
        slot = item.slots.get(person)
        if slot is None or slot.seat is None:
            seat = self.free_seat(item, person)
            if seat is None and "manager" not in self.people[person]:
                raise Refused(409, "item_reserved", self.free_from(item))
            for user, other in list(item.slots.items()):
                if seat is not None and other.seat == seat:
                    self.leave_seat(item, user)
            slot = slot or ModelSlot("reserved")
            item.slots[person] = slot
            slot.seat = seat
        if slot.state == "skipped":
            slot.state = "reserved"
        slot.until = max(self.now + self.timeout, slot.until if slot.returned else 0)
        return slot

    def leave_seat(self, item: ModelItem, person: int) -> None:
        slot = item.slots[person]
        if slot.state == "reserved" and not slot.notes:
            del item.slots[person]
        slot.seat, slot.until = None, 0

    def is_live(self, slot: ModelSlot) -> bool:
        return slot.state == "completed" or (slot.state in OPEN and slot.until > self.now)

    def free_seat(self, item: ModelItem, person: int) -> int | None:
        taken = {slot.seat for user, slot in item.slots.items() if user != person and self.is_live(slot) and slot.seat}
        if len(taken) >= self.overlap:
            return None
        return next((seat for seat in range(1, self.overlap + 1) if seat not in taken), None)

    def free_from(self, item: ModelItem) -> int | None:
        """Return the second in which the first seat becomes free, if one will."""
        return min(
            (slot.until for slot in item.slots.values() if slot.seat and slot.state in OPEN and self.is_live(slot)),
            default=None,
        )

    def state(self, item: ModelItem, person: int) -> str | None:
        slot = item.slots.get(person)
        return slot.state if slot else None

    def end(self, slot: ModelSlot, state: str) -> None:
        self.turn += 1
        slot.state, slot.ended, slot.until = state, self.turn, 0

    def scored(self, item: ModelItem, person: int) -> bool:
        return any(user == person and label in self.labels for user, label in item.scores)

    def missing_labels(self, item: ModelItem, person: int) -> list[str]:
        return sorted(
            label for label, required in self.labels.items() if required and (person, label) not in item.scores
        )

    def done(self, item: ModelItem) -> int:
        """Return the number of people with a completed slot, or without a slot and with all labels.

        Scores of judges do not count for the latter.
        """
        counted = self.counted_scores(item)
        required = {label for label, required in self.labels.items() if required}
        people = range(len(self.people))
        return sum(
            self.state(item, person) == "completed"
            or (person not in item.slots and person in counted and required <= counted[person])
            for person in people
        )

    def counted_scores(self, item: ModelItem) -> dict[int, set[str]]:
        """Return the labels of each person's scores that judges did not make."""
        counted: dict[int, set[str]] = {}
        for (person, label), source in item.scores.items():
            if source not in JUDGES and label in self.labels:
                counted.setdefault(person, set()).add(label)
        return counted

    def settle(self, item: ModelItem) -> None:
        if not item.is_open:
            return
        states = {slot.state for slot in item.slots.values()}
        if self.done(item) >= self.overlap:
            item.status = "in_progress" if self.requires_review else "completed"
            item.review = "pending_review" if self.requires_review else ""
        elif (
            "skipped" in states
            and not any(self.is_live(slot) and slot.state != "completed" for slot in item.slots.values())
            and (self.overlap == 1 or not self.left(item))
        ):
            item.status, item.review = "skipped", ""
        else:
            item.status = (
                "in_progress" if self.counted_scores(item) or states & {"submitted", "completed"} else "pending"
            )
        self.finish()

    def left(self, item: ModelItem) -> list[int]:
        """Return the annotators that may still take the item."""
        return [
            person
            for person, roles in enumerate(self.people)
            if "annotator" in roles
            and (not item.assigned or person in item.assigned)
            and self.state(item, person) not in ENDED
        ]

    def reopen(self) -> None:
        self.status = "active" if self.status == "completed" else self.status

    def finish(self) -> None:
        """Complete an active queue of completed items."""
        statuses = {item.status for item in self.live_items()}
        if self.status == "active" and statuses == {"completed"}:
            self.status = "completed"

    def find_next(self, person: int, exclude: Iterable[int] = ()) -> dict[str, Any]:
        """Return the number of a person's next item, or a reason, and perhaps the second of the next chance."""
        if self.status in ("draft", "paused"):
            return {"item": None, "reason": "paused"}
        statuses = {item.status for item in self.live_items()}
        finished = statuses <= {"completed", "skipped"}
        if self.status == "completed":
            return {"item": None, "reason": "finished"}
        numbers = [number for number, item in self.numbered() if item.is_open and number not in exclude]
        groups = [
            (group, -self.items[number].priority, number)
            for number in numbers
            if (group := self.group(self.items[number], person)) is not None
        ]
        free = [place for place in groups if self.has_seat(self.items[place[2]], person)]
        if free:
            return {"item": min(free)[2]}
        if finished:
            return {"item": None, "reason": "finished"}
        waits = [until for _, _, number in groups if (until := self.free_from(self.items[number])) is not None]
        if waits:
            return {"item": None, "reason": "all_reserved", "until": min(waits)}
        return {"item": None, "reason": "none_for_you"}

    def group(self, item: ModelItem, person: int) -> int | None:
        """Return the place of an open item in a person's order of work, None if it is not theirs."""
        slot = item.slots.get(person)
        manages = "manager" in self.people[person]
        if slot and slot.state in OPEN and manages:
            return 0 if slot.returned and slot.state == "submitted" else 1
        if (slot and slot.state in ENDED) or (item.assigned and person not in item.assigned):
            return None
        if slot:
            return 0 if slot.returned and slot.state == "submitted" else 1
        if item.status == "skipped":
            return 4
        return 2 if item.assigned else 3

    def has_seat(self, item: ModelItem, person: int) -> bool:
        slot = item.slots.get(person)
        works = bool(slot and slot.state in OPEN)
        if works and "manager" in self.people[person]:
            return True
        return bool(slot and slot.seat) or self.free_seat(item, person) is not None

    def live_items(self) -> list[ModelItem]:
        return [item for item in self.items if not item.removed]

    def numbered(self) -> list[tuple[int, ModelItem]]:
        return [(number, item) for number, item in enumerate(self.items) if not item.removed]


def shown(item: ModelItem) -> dict[str, Any]:
    return {"status": item.status, "review_status": item.review or None}
