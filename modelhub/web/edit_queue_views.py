"""Create and edit a queue in one form."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.http.response import HttpResponseBase

from modelhub.accounts.models import normalize_login
from modelhub.accounts.people import Actor
from modelhub.core.errors import Conflict
from modelhub.core.ids import parse_uuid
from modelhub.core.models import LIVE, name_equals
from modelhub.core.text import count, join_names, visible
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.queues.access import get_access, visible_queues
from modelhub.queues.labels import add_label
from modelhub.queues.management import create_queue, update_queue
from modelhub.queues.members import remove_member
from modelhub.queues.models import QUEUE_ROLES, STRATEGIES, Queue
from modelhub.queues.overview import describe_queues, labels_of_queue
from modelhub.queues.serializers import NewQueueInput, QueueInput
from modelhub.web.form_errors import errors_by_field, name_fields
from modelhub.web.page import Page
from modelhub.web.queue_form import TITLES, QueueForm, choices_of, form_of_new, form_of_post, form_of_queue
from modelhub.web.stamps import FormOutdated, find_changed, stamps_to_send

# Names in a sentence.
MOST_NAMED = 10
STRATEGY_CHOICES = dict(
    zip(
        STRATEGIES,
        (
            "By hand: any annotator takes any item until you assign it",
            "In turn: each new item goes to the next annotator",
            "Balanced: each new item goes to the annotator with the fewest open items",
        ),
        strict=True,
    )
)


class ItemsReopened(Conflict):
    """Raised for a form that reopens more items than its button named."""

    def __init__(self, items: int, labels: Sequence[str]) -> None:
        missing = " or ".join(map(visible, labels))
        reopened = f"{count(items, 'item')} that {'is' if items == 1 else 'are'} completed or in review"
        super().__init__(
            f"Nothing is saved yet: to require {missing} reopens {reopened}, for lack of an answer. Annotators must "
            "complete them again, and reviewers approve them again. Untick “Required” to keep them as they are."
        )
        self.items = items


class QueueFormPage(Page):
    """Base of the two pages with the form of a queue."""

    def show_form(self, form: QueueForm, queue: Queue | None) -> HttpResponseBase:
        """Return the form with the posted fields, if there are any, and their errors."""
        made_from = stamps_to_send(self.request.POST, self.refused, form.parts)
        if self.request.method == "POST":
            form = form_of_post(self.request.POST)
        return self.render(
            "edit_queue.html",
            queue=queue,
            form=form,
            made_from=made_from,
            choices=choices_of(self.actor, form, queue),
            strategies=STRATEGY_CHOICES.items(),
            roles=[*reversed(QUEUE_ROLES)],
            refused=self.in_words(str(self.refused)) if self.refused else None,
            errors=errors_by_field(self.refused, TITLES, self.in_words),
            reopens=self.refused.items if isinstance(self.refused, ItemsReopened) else 0,
            twin=self.find_twin(form, queue) if self.refused and self.refused.code == "duplicate" else None,
        )

    def in_words(self, sentence: str) -> str:
        """Return a sentence of the API in the words of the form, which has no scopes."""
        return name_fields(sentence, TITLES).replace(" in this scope", "")

    def find_twin(self, form: QueueForm, queue: Queue | None) -> Queue | None:
        """Return the queue that has the name, if the person sees it."""
        name = name_equals(form.texts["name"].strip())
        scopes = {scope: getattr(queue, scope, None) for scope in ("dataset", "agent_definition")}
        scopes["project"] = parse_uuid(form.project)
        queues = Queue.objects.filter(LIVE, visible_queues(self.actor), name, **scopes)
        return queues.first()


class NewQueue(QueueFormPage):
    """New queue."""

    for_admins = "Queues are created by admins of the organization"

    def show(self, **ids: Any) -> HttpResponseBase:
        return self.show_form(form_of_new(self.actor), None)

    def act(self, **ids: Any) -> HttpResponseBase:
        form = form_of_post(self.request.POST)
        fields = NewQueueInput().run_validation(form.body())
        queue = store_queue(actor=self.actor, queue_id=None, fields=fields, form=form)
        return self.back_to("queue", done=f"“{queue.name}” is created. Add items, then activate it.", pk=queue.pk)


class EditQueue(QueueFormPage):
    """Edit queue."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        queue = read_queue(self.actor, pk)
        return self.show_form(form_of_queue(queue), queue)

    def act(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        form = form_of_post(self.request.POST)
        edit_queue(actor=self.actor, queue_id=pk, form=form, made_from=self.request.POST.get("made_from"))
        return self.back_to("queue", done="The changes are saved.", pk=pk)


def read_queue(actor: Actor, queue_id: uuid.UUID, *, lock: bool = False) -> Queue:
    """Return the described queue. Raise `NotFound`, `Forbidden`."""
    access = get_access(actor, queue_id, lock=lock)
    access.check("manage")
    [queue] = describe_queues([access.queue], actor)
    return queue


@repeat_aborted
@in_transaction
def edit_queue(*, actor: Actor, queue_id: uuid.UUID, form: QueueForm, made_from: str | None) -> None:
    """Store the changes of a form. Lock the queue.

    Raise `FormOutdated`, the errors of `read_queue` and of `store_queue`.
    """
    queue = read_queue(actor, queue_id, lock=True)
    before = form_of_queue(queue)
    changes = form.changes(before)
    if changes or form.required != before.required:
        check_outdated(form, queue, find_changed(made_from, before.parts))
    store_queue(actor=actor, queue_id=queue_id, fields=QueueInput(partial=True).run_validation(changes), form=form)


def check_outdated(form: QueueForm, queue: Queue, changed: Sequence[str]) -> None:
    """Raise `FormOutdated` for parts that were changed, with the names of lost rows."""
    if not changed:
        return
    lost = [one.label.name for one in queue.labels if str(one.label_id) not in form.labels and "labels" in changed]
    lost += [
        one.user.display_name for one in queue.annotators if str(one.user_id) not in form.roles and "people" in changed
    ]
    names = join_names([visible(name) for name in lost], most=MOST_NAMED) if lost else ""
    parts = join_names(changed, most=len(changed))
    raise FormOutdated(
        f"The {parts} of this queue were changed meanwhile, and nothing is saved yet. Look at them, then save again."
        f"{f' As it is, the form removes {names} from it.' if names else ''}"
    )


@repeat_aborted
@in_transaction
def store_queue(*, actor: Actor, queue_id: uuid.UUID | None, fields: Mapping[str, Any], form: QueueForm) -> Queue:
    """Create or update a queue with its required labels, in one transaction.

    The creator without a role is no member. Raise `ItemsReopened`, and the errors of `create_queue` and `update_queue`.
    """
    if queue_id is None:
        queue = create_queue(actor=actor, fields=fields)
    else:
        queue = update_queue(actor=actor, queue_id=queue_id, changes=fields)
    require_labels(actor, queue, form)
    if "annotator_ids" in fields and queue.created_by_id not in fields["annotator_ids"]:
        creator = queue.members.filter(organization_id=queue.organization_id, user=queue.created_by_id)
        if creator.exclude(user__email__in=map(normalize_login, fields["annotator_emails"])).exists():
            remove_member(actor=actor, queue_id=queue.pk, user_id=queue.created_by_id)
    return queue


def require_labels(actor: Actor, queue: Queue, form: QueueForm) -> None:
    """Bring the labels of a queue in line with the required ones of a form.

    Raise `ItemsReopened` after the changes, for the caller to roll back: the number is exact without a second rule.
    """
    required, items = [], 0
    for attached in labels_of_queue(queue):
        if attached.required == (str(attached.label_id) in form.required):
            continue
        change = add_label(actor=actor, queue_id=queue.pk, label_id=attached.label_id, required=not attached.required)
        items += change.reopened_items
        if not attached.required:
            required.append(attached.label.name)
    if items > form.reopens:
        raise ItemsReopened(items, required)
