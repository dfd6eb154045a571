"""The form of a queue: from rows and posted fields to the body of a request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models.functions import Lower
from django.http import QueryDict

from modelhub.accounts.models import User
from modelhub.accounts.people import Actor
from modelhub.core.ids import parse_uuid
from modelhub.core.models import LIVE
from modelhub.core.text import unix_lines
from modelhub.labels.models import Label, Project
from modelhub.queues.models import QUEUE_ROLES, Queue
from modelhub.web.label_words import TYPE_NAMES

# Rows of the form beside those of the queue. People beyond are named by their emails.
MOST_PEOPLE, MOST_LABELS, MOST_PROJECTS = 300, 500, 500
TEXTS = ("name", "description", "instructions")
NUMBERS = ("annotations_required", "reservation_timeout_minutes")
FLAGS = ("auto_assign", "requires_review", "blind")
# The fields as the form names them.
TITLES: Mapping[str, str] = {
    "name": "Name",
    "description": "Description",
    "instructions": "Instructions",
    "annotations_required": "Annotations per item",
    "reservation_timeout_minutes": "Reservation in minutes",
    "assignment_strategy": "Assignment",
    "project": "Project",
    "label_ids": "Labels",
    "annotator_ids": "People",
    "annotator_roles": "People",
    "annotator_emails": "Further annotators by email",
}
ROLES = "roles-"
POSITION = "position-"
LAST = 1_000_000_000


@dataclass(frozen=True)
class QueueForm:
    """The fields of a queue as a form has them: texts, flags, ids in order."""

    texts: Mapping[str, str]
    numbers: Mapping[str, str]
    flags: Mapping[str, bool]
    strategy: str = "manual"
    project: str = ""
    labels: Sequence[str] = ()
    required: frozenset[str] = frozenset()
    roles: Mapping[str, list[str]] = field(default_factory=dict)
    emails: str = ""
    # Items that the sender agreed to reopen.
    reopens: int = 0

    def body(self) -> dict[str, Any]:
        """Return the body of a request, to be checked by the serializer of the API."""
        return {
            **self.texts,
            **{name: whole_number(text) for name, text in self.numbers.items()},
            **self.flags,
            "assignment_strategy": self.strategy,
            "project": self.project or None,
            "label_ids": list(self.labels),
            "annotator_ids": sorted(self.roles),
            "annotator_emails": self.emails.split(),
            "annotator_roles": dict(self.roles),
        }

    @property
    def parts(self) -> dict[str, object]:
        """Return the content of the form by the parts that sentences name."""
        return {
            "texts": self.texts,
            "labels": [[label_id, label_id in self.required] for label_id in self.labels],
            "people": sorted(self.roles.items()),
            "settings": [self.numbers, self.flags, self.strategy, self.project],
        }

    def changes(self, before: "QueueForm") -> dict[str, Any]:
        """Return the fields of the body that differ from those of another form."""
        old, new = before.body(), self.body()
        changes = {name: value for name, value in new.items() if value != old[name]}
        # Each list replaces the members.
        members = ("annotator_ids", "annotator_emails", "annotator_roles")
        if changes.keys() & set(members):
            changes |= {name: new[name] for name in members}
        return changes


def form_of_post(post: QueryDict) -> QueueForm:
    """Return the form that was sent; labels are in the order of their positions."""
    positions = {label_id: whole_number(post.get(f"{POSITION}{label_id}", "")) for label_id in post.getlist("label")}
    labels = sorted(positions, key=lambda label_id: _place(positions[label_id]))
    sent = {name.removeprefix(ROLES): post.getlist(name) for name in post if name.startswith(ROLES)}
    roles = {user_id: [role for role in QUEUE_ROLES if role in words] for user_id, words in sent.items()}
    return QueueForm(
        texts={name: unix_lines(post.get(name, "")) for name in TEXTS},
        numbers={name: post.get(name, "").strip() for name in NUMBERS},
        flags={name: name in post for name in FLAGS},
        strategy=post.get("assignment_strategy", ""),
        project=post.get("project", ""),
        labels=labels,
        required=frozenset(post.getlist("required")) & frozenset(labels),
        roles={user_id: held for user_id, held in roles.items() if held},
        emails=post.get("annotator_emails", ""),
        reopens=_as_number(post.get("reopen", "")),
    )


def form_of_queue(queue: Queue) -> QueueForm:
    """Return the form of a queue that `describe_queues` has completed."""
    return QueueForm(
        texts={name: getattr(queue, name) for name in TEXTS},
        numbers={name: str(getattr(queue, name)) for name in NUMBERS},
        flags={name: getattr(queue, name) for name in FLAGS},
        strategy=queue.assignment_strategy,
        project=str(queue.project_id or ""),
        labels=[str(attached.label_id) for attached in queue.labels],
        required=frozenset(str(attached.label_id) for attached in queue.labels if attached.required),
        roles={str(member.user_id): list(member.roles) for member in queue.annotators},
    )


def form_of_new(actor: Actor) -> QueueForm:
    """Return the form of a new queue: its creator has all roles."""
    queue = Queue()
    queue.labels, queue.annotators = [], []
    form = form_of_queue(queue)
    return QueueForm(form.texts, form.numbers, form.flags, roles={str(actor.user.pk): list(QUEUE_ROLES)})


class LabelChoice(NamedTuple):
    """A label to choose, with its place.

    One that is not chosen would be required, unless that reopens items.
    """

    label: Label
    chosen: bool
    required: bool
    position: int | str

    @property
    def type(self) -> str:
        return TYPE_NAMES[self.label.type]


class PersonChoice(NamedTuple):
    """A person with the roles in the queue."""

    user: User
    roles: Sequence[str]


class Choices(NamedTuple):
    """The rows of the form: chosen ones first."""

    labels: list[LabelChoice]
    people: list[PersonChoice]
    more_people: bool
    projects: list[Project]


def choices_of(actor: Actor, form: QueueForm, queue: Queue | None) -> Choices:
    """Return labels, people and projects of the organization, with four statements."""
    organization_id = actor.user.organization_id
    labels = Label.objects.filter(LIVE, organization_id=organization_id)
    known = {str(label.pk): label for label in labels.order_by(Lower("name"), "id")[:MOST_LABELS]}
    known |= {str(one.label_id): one.label for one in (queue.labels if queue else ())}
    places = {label_id: at for at, label_id in enumerate(form.labels, 1)}
    ordered = sorted(known, key=lambda label_id: places.get(label_id, len(places) + 1))
    users = User.objects.filter(organization_id=organization_id, is_active=True).order_by(Lower("name"), "email")
    found = list(users[: MOST_PEOPLE + 1])
    people = {str(member.user_id): member.user for member in (queue.annotators if queue else ())}
    # Chosen in a form that was rejected.
    people |= {str(user.pk): user for user in found[:MOST_PEOPLE]} | _named(users, form.roles, people)
    has_finished = bool(queue and (queue.completed_count or queue.in_review_count))
    chosen_first = sorted(people, key=lambda user_id: not form.roles.get(user_id))
    return Choices(
        [
            LabelChoice(
                known[one],
                one in places,
                one in form.required or (one not in places and not has_finished),
                places.get(one, ""),
            )
            for one in ordered
        ],
        [PersonChoice(people[user_id], form.roles.get(user_id, [])) for user_id in chosen_first],
        len(found) > MOST_PEOPLE,
        list(Project.objects.filter(organization_id=organization_id).order_by(Lower("name"))[:MOST_PROJECTS]),
    )


def _named(users: Any, roles: Mapping[str, Any], known: Iterable[str]) -> dict[str, User]:
    """Return the active users with roles in the form; ids that are none are left out."""
    missing = list(filter(None, map(parse_uuid, roles.keys() - {*known})))
    return {str(user.pk): user for user in users.filter(pk__in=missing)} if missing else {}


def _place(position: int | str | None) -> int:
    return position if isinstance(position, int) else LAST


def _as_number(text: str) -> int:
    number = whole_number(text)
    return number if isinstance(number, int) else 0


def whole_number(text: str) -> int | str | None:
    """Return a number as JSON would have it; other texts stay for the error sentence."""
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) < 20:
        return int(text)
    return text or None
