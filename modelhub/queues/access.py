"""Rights in a queue, by the roles of its members."""

import uuid
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Q

from modelhub.accounts.people import Actor
from modelhub.core.errors import Forbidden, NotFound
from modelhub.core.sql import read_sql
from modelhub.queues.models import Queue

LOCK_QUEUE = read_sql("queues", "access")
READ_QUEUE = LOCK_QUEUE.replace("FOR NO KEY UPDATE OF queue", "")
Right = Literal["manage", "annotate", "review"]
# The roles of a member that carry each right. Admins of the organization have all of them.
ROLES_WITH: dict[Right, frozenset[str]] = {
    "manage": frozenset({"manager"}),
    "annotate": frozenset({"annotator", "manager"}),
    "review": frozenset({"reviewer", "manager"}),
}


@dataclass(frozen=True, slots=True)
class Access:
    """A queue with the rights that an actor has in it."""

    actor: Actor
    queue: Queue
    roles: frozenset[str]

    def may(self, right: Right) -> bool:
        return bool(self.roles & ROLES_WITH[right]) or not self.actor.missing_right

    def check(self, right: Right) -> None:
        """Raise `Forbidden` without the right."""
        if not self.may(right):
            held = f"{' and '.join(sorted(self.roles))} in" if self.roles else "no member of"
            needed = f"{' or '.join(sorted(ROLES_WITH[right]))}, or an admin of the organization"
            sentence = f"{self.actor.user.email} is {held} the queue; this needs {needed}: {self.actor.missing_right}."
            raise Forbidden(sentence, code="queue_role")

    @property
    def sees_all(self) -> bool:
        """Return whether others' scores and gold items are visible before own work."""
        return self.may("manage") or self.may("review")


def get_access(actor: Actor, queue_id: uuid.UUID, *, lock: bool = False, deleted: bool | None = False) -> Access:
    """Return a live queue with the actor's rights; a `deleted` one, or with None any.

    `lock` locks its row, before those of items. Raise `NotFound`, also for a key with the scope `annotate` alone whose
    user is no member.
    """
    parameters: dict[str, Any] = {
        "organization_id": actor.user.organization_id,
        "queue_id": queue_id,
        "user_id": actor.user.pk,
        "deleted": deleted,
    }
    queues: Any = Queue.objects.raw(LOCK_QUEUE if lock else READ_QUEUE, parameters)
    queue = next(iter(queues), None)
    if queue is None or (queue.held_roles is None and not actor.sees_all):
        raise queue_not_found(queue_id)
    return Access(actor, queue, frozenset(queue.held_roles or ()))


def visible_queues(actor: Actor) -> Q:
    """Return the condition of the queues that exist for the actor."""
    condition = Q(organization_id=actor.user.organization_id)
    return condition if actor.sees_all else condition & Q(members__user=actor.user.pk)


def queue_not_found(queue_id: object) -> NotFound:
    """Return the error of a missing, deleted, foreign or invisible queue."""
    return NotFound(f"Queue not found: {queue_id}", code="queue_not_found")
