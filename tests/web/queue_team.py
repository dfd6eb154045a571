"""People around one queue, and their sessions."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.messages import get_messages

from modelhub.accounts.models import User
from modelhub.queues.models import Item, Queue
from tests.factories import ItemFactory, QueueFactory, QueueMemberFactory, SourceFactory, UserFactory


def sentences(response: Any) -> list[str]:
    """Return the messages that the next page shows."""
    return [str(message) for message in get_messages(response.wsgi_request)]


@dataclass
class Team:
    """A queue with an admin, a manager, a reviewer and an annotator."""

    queue: Queue = field(default_factory=lambda: QueueFactory.create(name="Refunds", created_by__role="admin"))

    def __post_init__(self) -> None:
        self.admin = self.queue.created_by
        self.manager, self.reviewer, self.annotator = (self.join(role) for role in ("manager", "reviewer", "annotator"))
        self.foreigner = UserFactory.create(role="admin")

    def join(self, *roles: str, **options: Any) -> User:
        user = UserFactory.create(organization=self.queue.organization, **options)
        QueueMemberFactory.create(queue=self.queue, user=user, roles=list(roles))
        return user

    def add(self, number: int = 1, **options: Any) -> list[Item]:
        sources = SourceFactory.create_batch(number, organization=self.queue.organization)
        return [ItemFactory.create(queue=self.queue, source=source, **options) for source in sources]

    @property
    def path(self) -> str:
        return f"/queues/{self.queue.pk}/"
