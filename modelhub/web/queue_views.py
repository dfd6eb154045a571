"""Queues: list, one queue with its progress and status, and exports."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.contrib import messages
from django.db.models import Count
from django.http.response import HttpResponseBase

from modelhub.accounts.models import User
from modelhub.core.errors import Invalid
from modelhub.core.models import LIVE
from modelhub.core.text import show
from modelhub.queues.access import Access, get_access
from modelhub.queues.export_serializers import AUTHORITATIVE, PREFERENCES
from modelhub.queues.exporting import FORMATS, export_items
from modelhub.queues.filters import QueueFilter
from modelhub.queues.management import TRANSITIONS, delete_queue, queues_of, restore_queue, set_status
from modelhub.queues.models import QUEUE_STATUSES, Queue, QueueLabel, QueueMember
from modelhub.queues.overview import attached_labels, count_items_of, describe_queues
from modelhub.queues.progress import percentage, read_people
from modelhub.queues.queries import items_of
from modelhub.web.label_words import TYPE_NAMES, legal_values
from modelhub.web.lists import read_page
from modelhub.web.page import Page

QUEUES_OF_PAGE = 25
# Buttons by the present and the next status.
BUTTONS = {
    ("draft", "active"): "Activate",
    ("active", "paused"): "Pause",
    ("active", "completed"): "Complete",
    ("paused", "active"): "Resume",
    ("paused", "completed"): "Complete",
    ("completed", "active"): "Reopen",
    ("completed", "paused"): "Reopen as paused",
}
DONE = {
    "active": "The queue is active: annotators get its items.",
    "paused": "The queue is paused: annotators get no items until it is active again.",
    "completed": "The queue is completed.",
}
NOTHING_TO_JUDGE = "The queue is active, but it has no items yet: annotators get nothing until you add some."


class QueueRow(NamedTuple):
    """A queue of the list with the rights of the person."""

    queue: Queue
    labels: list[str]
    members: int
    percent: float
    manages: bool
    reviews: bool
    annotates: bool


class Queues(Page):
    """Queues."""

    def show(self, **ids: Any) -> HttpResponseBase:
        search, status = (self.request.GET.get(name, "").strip() for name in ("search", "status"))
        filters = {"search": search} if search else {}
        if status:
            filters |= {"archived": "true"} if status == "archived" else {"status": status}
        rows = QueueFilter(filters, queryset=queues_of(self.actor)).get_rows()
        page = read_page(self.request, rows, size=QUEUES_OF_PAGE)
        return self.render(
            "queues.html",
            page=page,
            rows=self.describe([*page]),
            search=search,
            status=status,
            are_archived=not page.paginator.count and queues_of(self.actor).exclude(LIVE).exists(),
            statuses=[*QUEUE_STATUSES, "archived"],
        )

    def act(self, **ids: Any) -> HttpResponseBase:
        """Restore an archived queue."""
        try:
            queue_id = uuid.UUID(self.request.POST.get("restore", ""))
        except ValueError:
            raise Invalid("restore must be the id of a queue", field="restore") from None
        queue = restore_queue(actor=self.actor, queue_id=queue_id)
        return self.back_to("queue", done=f"“{queue.name}” is restored.", pk=queue.pk)

    def describe(self, queues: Sequence[Queue]) -> list[QueueRow]:
        """Return the rows of queues; the number of statements does not grow with them."""
        of_queues = {"organization_id": self.organization_id, "queue__in": queues}
        labels: dict[uuid.UUID, list[str]] = defaultdict(list)
        for attached in attached_labels().filter(**of_queues):
            labels[attached.queue_id].append(attached.label.name)
        members = QueueMember.objects.filter(**of_queues)
        numbers = dict(members.values_list("queue_id").annotate(Count("pk")))
        roles = dict(members.filter(user=self.actor.user).values_list("queue_id", "roles"))
        count_items_of(queues, self.actor)
        rows = []
        for queue in queues:
            access = Access(self.actor, queue, frozenset(roles.get(queue.pk, ())))
            rows.append(
                QueueRow(
                    queue,
                    labels[queue.pk],
                    numbers.get(queue.pk, 0),
                    percentage(queue.completed_count, queue.item_count),
                    manages=access.may("manage"),
                    reviews=access.may("review"),
                    annotates=access.may("annotate") and queue.status == "active" and not queue.archived,
                )
            )
        return rows


class LabelOfQueue(NamedTuple):
    """A label of the queue with its type and legal values in words."""

    attached: QueueLabel
    type: str
    legal: str

    @classmethod
    def of(cls, attached: QueueLabel) -> "LabelOfQueue":
        return cls(attached, TYPE_NAMES[attached.label.type], legal_values(attached.label))


class MemberRow(NamedTuple):
    """A person of a queue, a member or not any more, with counts of items."""

    name: str
    email: str
    roles: list[str]
    active: bool
    counts: dict[str, Any]
    done: int


class OneQueue(Page):
    """Queue."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        access = get_access(self.actor, pk, deleted=None)
        access.check("review")
        [queue] = describe_queues([access.queue], self.actor)
        words = BUTTONS if access.may("manage") and not queue.archived else {}
        has_annotators = any("annotator" in member.roles for member in queue.annotators)
        is_ready = queue.labels and has_annotators and queue.item_count
        return self.render(
            "queue.html",
            queue=queue,
            manages=access.may("manage"),
            annotates=access.may("annotate") and queue.status == "active" and not queue.archived,
            is_annotator="annotator" in access.roles,
            buttons=[(status, words[queue.status, status]) for status in TRANSITIONS[queue.status] if words],
            percent=percentage(queue.completed_count, queue.item_count),
            open_count=queue.item_count - queue.completed_count,
            labels=list(map(LabelOfQueue.of, queue.labels)),
            people=people_of(queue),
            has_annotators=has_annotators,
            needs_steps=queue.status == "draft" or (queue.status == "active" and not is_ready),
            formats=list(FORMATS),
            strategy=STRATEGY_WORDS[queue.assignment_strategy],
        )

    def act(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        """Change the status, archive or restore."""
        action = self.request.POST.get("action", "")
        if action == "archive":
            delete_queue(actor=self.actor, queue_id=pk)
            return self.back_to("queues", done="The queue is archived; the filter “archived” shows it.")
        if action == "restore":
            restore_queue(actor=self.actor, queue_id=pk)
            return self.back_to("queue", done="The queue is restored.", pk=pk)
        queue = set_status(actor=self.actor, queue_id=pk, status=action)
        if queue.status == "active" and not items_of(queue).exists():
            messages.warning(self.request, NOTHING_TO_JUDGE)
            return self.back_to("queue", pk=pk)
        return self.back_to("queue", done=DONE.get(queue.status, ""), pk=pk)


STRATEGY_WORDS = {
    "manual": "By hand",
    "round_robin": "In turn",
    "load_balanced": "To the people with the fewest open items",
}


def people_of(queue: Queue) -> list[MemberRow]:
    """Return the members of a described queue, then other people with work in it."""
    counts = {one["user_id"]: one for one in read_people(queue)}
    none: dict[str, Any] = dict.fromkeys(("completed", "pending", "in_progress", "in_review", "skipped"), 0)
    rows = []
    for member in queue.annotators:
        user: User = member.user
        found = counts.pop(str(user.pk), none)
        done = found["completed"] + found["in_review"]
        rows.append(MemberRow(user.display_name, user.email, member.roles, user.is_active, found, done))
    others = [
        MemberRow(one["name"], "", [], active=True, counts=one, done=one["completed"] + one["in_review"])
        for one in counts.values()
    ]
    return rows + others


class ExportQueue(Page):
    """The items of a queue with their scores, as a file."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        access = get_access(self.actor, pk)
        access.check("review")
        name = self.request.GET.get("format", "csv")
        if name not in FORMATS:
            raise Invalid(f"format must be one of {', '.join(FORMATS)}, got {show(name)}", field="format")
        prefer = self.request.GET.get("prefer", PREFERENCES[0])
        if prefer not in PREFERENCES:
            raise Invalid(f"prefer must be one of {', '.join(PREFERENCES)}, got {show(prefer)}", field="prefer")
        # Spreadsheets open the files of pages.
        return export_items(access.queue, name=name, authoritative=prefer == AUTHORITATIVE, bom=name == "csv")
