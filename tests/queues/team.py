"""A queue with people and items, for tests of the work on it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from modelhub.labels.models import Label
from modelhub.queues.models import Item, Queue, Slot
from tests.client import Answer, Caller, execute
from tests.factories import (
    ApiKeyFactory,
    ItemFactory,
    LabelFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    UserFactory,
)

SECOND = timedelta(seconds=1)


@dataclass
class Team:
    """A queue with its people by name."""

    queue: Queue
    people: dict[str, Caller] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/model-hub/annotation-queues/{self.queue.pk}/items/"

    def join(self, name: str, *roles: str, scopes: tuple[str, ...] = ("annotate",)) -> Caller:
        """Add a member and a key, by default an annotator and the scope `annotate`."""
        user = UserFactory.create(
            organization=self.queue.organization, name=name.title(), email=f"{name}@{self.queue.pk.hex}.example.com"
        )
        QueueMemberFactory.create(queue=self.queue, user=user, roles=list(roles or ("annotator",)))
        self.people[name] = Caller(ApiKeyFactory.create(user=user, scopes=list(scopes)))
        return self.people[name]

    def attach(self, type_: str = "star", *, required: bool = True) -> Label:
        label = LabelFactory.create(organization=self.queue.organization, type=type_)
        QueueLabelFactory.create(queue=self.queue, label=label, required=required, order=len(self.labels))
        self.labels[type_] = label
        return label

    def add(self, **fields: Any) -> Item:
        return ItemFactory.create(queue=self.queue, **fields)

    def of(self, item: Item, action: str) -> str:
        return f"{self.path}{item.pk}/{action}/"

    def score(self, name: str, item: Item, value: object = 4, *, type_: str = "star", **more: Any) -> Answer:
        """Submit one score of a person on an item."""
        annotations = [{"label_id": str(self.labels[type_].pk), "value": value}]
        path = self.of(item, "annotations/submit")
        return self.people[name].post(path, {"annotations": annotations, **more})

    def finish(self, name: str, item: Item, value: object = 4) -> Answer:
        """Submit one score and complete the item."""
        submitted = self.score(name, item, value)
        assert submitted.status == 200, submitted.body
        return self.people[name].post(self.of(item, "complete"))

    def slot(self, name: str, item: Item) -> Slot | None:
        return Slot.objects.filter(item=item, user=self.people[name].user).first()

    def state(self, item: Item) -> tuple[str, str]:
        """Return status and review status of an item as they are stored."""
        item.refresh_from_db()
        return item.status, item.review_status

    def status(self) -> str:
        self.queue.refresh_from_db()
        return self.queue.status


def make_team(creator: Caller, *names: str, **fields: Any) -> Team:
    """Return a queue with annotators and one required star label."""
    team = Team(QueueFactory.create(created_by=creator.user, **fields))
    team.attach()
    for name in names:
        team.join(name)
    return team


def expire(*slots: Slot | None) -> None:
    """Let reservations end a second ago."""
    for slot in slots:
        assert slot is not None
        execute(
            "UPDATE modelhub_slot SET reserved_until = clock_timestamp() - interval '1 second' WHERE id = %s", slot.pk
        )
