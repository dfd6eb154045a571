"""A judged queue, and its exports as tests read them."""

import csv
import io
from dataclasses import dataclass, field
from typing import Any

from modelhub.accounts.models import User
from modelhub.core import exact_json
from modelhub.labels.models import Label
from modelhub.queues.models import Item, Queue, Slot
from modelhub.scores.models import Score
from tests.client import Caller
from tests.factories import ItemFactory, QueueFactory, QueueLabelFactory, ScoreFactory

QUEUES = "/model-hub/annotation-queues/"


@dataclass
class Judged:
    """A queue with labels; its items are judged without the routes of work."""

    queue: Queue
    labels: dict[str, Label] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"{QUEUES}{self.queue.pk}/"

    def item(self, **fields: Any) -> Item:
        item: Item = ItemFactory.create(queue=self.queue, **fields)
        return item

    def score(self, item: Item, user: User, label: str, value: object, **fields: Any) -> Score:
        score: Score = ScoreFactory.create(
            source=item.source,
            label=self.labels[label],
            annotator=user,
            value=value,
            queue_item=item.pk,
            queue_id=self.queue.pk,
            **fields,
        )
        return score

    def note(self, item: Item, user: User, notes: str) -> None:
        Slot.objects.create(
            organization=self.queue.organization,
            queue=self.queue,
            item=item,
            user=user,
            state="completed",
            ended_at=item.created_at,
            notes=notes,
        )


def judged(owner: User, labels: dict[str, Label], **fields: Any) -> Judged:
    """Create a queue that has all of the labels, in their order."""
    queue = QueueFactory.create(created_by=owner, **fields)
    for at, label in enumerate(labels.values()):
        QueueLabelFactory.create(queue=queue, label=label, order=at)
    return Judged(queue, labels)


def download(caller: Caller, path: str) -> tuple[str, Any]:
    """Return the text of a streamed file, and its headers."""
    headers = {"X-Api-Key": caller.key.api_key, "X-Secret-Key": caller.secret}
    response = caller.client.get(path, headers=headers)
    text = response.getvalue().decode()
    assert response.status_code == 200, text
    return text, response.headers


def items_of(caller: Caller, queue: Judged, query: str = "") -> Any:
    return exact_json.loads(download(caller, f"{queue.path}export/{query}")[0])


def csv_of(caller: Caller, queue: Judged, query: str = "?export_format=csv") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(download(caller, f"{queue.path}export/{query}")[0], newline="")))
