"""A queue with items that a panel of people rates, for tests of agreement."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelhub.accounts.models import User
from modelhub.labels.models import Label
from modelhub.labels.types import get_type
from modelhub.queues.models import Item, Queue
from modelhub.scores.models import Score
from tests.client import Answer, Caller, execute
from tests.factories import ItemFactory, LabelFactory, QueueFactory, QueueLabelFactory, ScoreFactory, UserFactory


@dataclass
class Panel:
    """A queue, the client of its manager, and the people by name."""

    manager: Caller
    queue: Queue
    people: dict[str, User] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/model-hub/annotation-queues/{self.queue.pk}/agreement/"

    def person(self, name: str) -> User:
        """Return the person of a name, new or not."""
        if name not in self.people:
            self.people[name] = UserFactory.create(organization=self.queue.organization, name=name)
        return self.people[name]

    def item(self, number: int) -> Item:
        """Return an item by its number from 0."""
        while len(self.items) <= number:
            self.items.append(ItemFactory.create(queue=self.queue))
        return self.items[number]

    def attach(self, type_: str = "star", **settings: Any) -> Label:
        """Attach a new label to the queue, at the end."""
        return attach(self.queue, type_, **settings)

    def store(self, label: Label, name: str, number: int, content: Any, **fields: Any) -> Score:
        """Store a score of a person on an item past the API."""
        item = self.item(number)
        value = {get_type(label.type).key: content, "comment": "no part of the value"}
        of_item = {"source": item.source, "queue_item": item.pk, "queue_id": item.queue_id}
        return ScoreFactory.create(label=label, annotator=self.person(name), value=value, **of_item, **fields)

    def fill(self, label: Label, rows: Mapping[str, Iterable[Any]], **fields: Any) -> None:
        """Store the values of people, one per item, past the API; None is missing."""
        for name, contents in rows.items():
            for number, content in enumerate(contents):
                if content is not None:
                    self.store(label, name, number, content, **fields)

    def send(self, label: Label, rows: Mapping[str, Iterable[Any]], score_source: str = "human") -> None:
        """Send the values of people, one per item, through the API; None is missing."""
        for name, contents in rows.items():
            for number, content in enumerate(contents):
                if content is not None:
                    self.send_one(label, name, number, content, score_source)

    def send_one(self, label: Label, name: str, number: int, content: Any, score_source: str = "human") -> None:
        """Send the value of a person on an item through the API."""
        entry = {"label_id": str(label.pk), "value": content, "score_source": score_source}
        body = {"annotations": [entry], "annotator_id": str(self.person(name).pk)}
        path = f"/model-hub/annotation-queues/{self.queue.pk}/items/{self.item(number).pk}/annotations/import/"
        answer = self.manager.post(path, body)
        assert answer.status == 200, answer.body

    def scores(self, label: Label) -> list[Score]:
        """Return the scores of a label, oldest first."""
        return list(Score.objects.filter(organization_id=self.queue.organization_id, label=label).order_by("pk"))

    def ask(self, query: str = "", caller: Caller | None = None) -> Answer:
        return (caller or self.manager).get(self.path + query)

    def read(self, query: str = "?bootstrap=false") -> Any:
        """Return the agreement of the queue."""
        answer = self.ask(query)
        assert answer.status == 200, answer.body
        return answer.body

    def entry(self, label: Label, query: str = "?bootstrap=false") -> Any:
        """Return the entry of a label."""
        return entry_of(self.read(query), label)


def make_panel(manager: Caller) -> Panel:
    return Panel(manager, QueueFactory.create(created_by=manager.user))


def attach(queue: Queue, type_: str, **settings: Any) -> Label:
    """Attach a new label to a queue, at the end."""
    label: Label = LabelFactory.create(organization=queue.organization, type=type_)
    if settings:
        label.settings = get_type(type_).check_settings(settings)
        label.save()
    QueueLabelFactory.create(queue=queue, label=label, order=queue.queue_labels.count())
    return label


def entry_of(body: Any, label: Label) -> Any:
    """Return the entry of a label in an answer."""
    [found] = [one for one in body["labels"] if one["label_id"] == str(label.pk)]
    return found


def set_value(score: Score, value: str) -> None:
    """Replace the value of a score past the API, by JSON text."""
    execute("UPDATE modelhub_score SET value = %s::jsonb WHERE id = %s", value, score.pk)
