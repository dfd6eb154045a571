"""The labels of a queue: add, remove and replace them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Max, QuerySet

from modelhub.accounts.people import Actor
from modelhub.core import clock
from modelhub.core.errors import Invalid, NotFound
from modelhub.core.models import LIVE
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.labels.models import Label
from modelhub.labels.services import get_label
from modelhub.queues.access import get_access
from modelhub.queues.completion import reopen_items_missing, settle_all
from modelhub.queues.models import Queue, QueueLabel


@dataclass(frozen=True, slots=True)
class LabelChange:
    """A label after `add_label`; `reopened_items` now lack a required score."""

    attached: QueueLabel
    created: bool
    reopened_items: int
    queue_status: str


@repeat_aborted
@in_transaction
def add_label(*, actor: Actor, queue_id: uuid.UUID, label_id: uuid.UUID, required: bool | None) -> LabelChange:
    """Attach a label at the end, or change whether an attached one is required.

    `required` of None leaves it, false at first. Completed items that lack a label that becomes required are reopened.
    Raise `NotFound`, `Forbidden`.
    """
    access = get_access(actor, queue_id, lock=True)
    access.check("manage")
    queue = access.queue
    label = get_label(organization_id=queue.organization_id, label_id=label_id)
    labels = QueueLabel.objects.filter(organization_id=queue.organization_id, queue=queue)
    attached = labels.filter(label=label).first()
    created = attached is None
    if attached is None:
        last = labels.aggregate(last=Max("order"))["last"]
        attached = QueueLabel(
            organization_id=queue.organization_id, queue=queue, label=label, order=0 if last is None else last + 1
        )
    attached.label = label
    reopened = 0
    if created or required not in (None, attached.required):
        was_required, attached.required = attached.required, bool(required)
        attached.save()
        _touch(queue)
        if attached.required:
            reopened = reopen_items_missing(queue, label)
        elif was_required:
            settle_all(queue)
    return LabelChange(attached, created, reopened, queue.status)


@repeat_aborted
@in_transaction
def remove_label(*, actor: Actor, queue_id: uuid.UUID, label_id: uuid.UUID) -> None:
    """Detach a label; its scores stay stored. Raise `NotFound`, `Forbidden`."""
    access = get_access(actor, queue_id, lock=True)
    access.check("manage")
    queue = access.queue
    attached = QueueLabel.objects.filter(organization_id=queue.organization_id, queue=queue, label_id=label_id)
    if not _detach(queue, attached):
        raise NotFound(f"Label not found in this queue: {label_id}", code="label_not_found", field="label_id")
    _touch(queue)


def replace_labels(queue: Queue, label_ids: Sequence[uuid.UUID]) -> None:
    """Attach exactly these labels, in this order; attached ones keep `required`.

    Raise `Invalid` for a label that does not exist.
    """
    wanted = list(dict.fromkeys(label_ids))
    found = Label.objects.filter(LIVE, organization_id=queue.organization_id, pk__in=wanted)
    existing = set(found.values_list("pk", flat=True))
    for index, label_id in enumerate(label_ids):
        if label_id not in existing:
            sentence = f'label_ids[{index}] must be the id of a label, got "{label_id}"'
            raise Invalid(sentence, code="label_not_found", field="label_ids")
    labels = QueueLabel.objects.filter(organization_id=queue.organization_id, queue=queue)
    _detach(queue, labels.exclude(label_id__in=wanted))
    QueueLabel.objects.bulk_create(
        [
            QueueLabel(organization_id=queue.organization_id, queue=queue, label_id=label_id, order=order)
            for order, label_id in enumerate(wanted)
        ],
        update_conflicts=True,
        unique_fields=["queue", "label", "organization"],
        update_fields=["order"],
    )


def _detach(queue: Queue, attached: QuerySet[QueueLabel]) -> bool:
    """Remove labels, if there are any. Items may be done without a required one."""
    required = list(attached.values_list("required", flat=True))
    if required:
        attached.delete()
    if any(required):
        settle_all(queue)
    return bool(required)


def _touch(queue: Queue) -> None:
    queue.updated_at = clock.now()
    queue.save(update_fields=["updated_at"])
