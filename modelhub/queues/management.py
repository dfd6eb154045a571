"""Create, update, delete and restore queues, and change their status."""

import uuid
from collections.abc import Mapping
from typing import Any
from unicodedata import normalize

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from modelhub.accounts.people import Actor
from modelhub.core import clock
from modelhub.core.errors import Conflict, Invalid, NotFound
from modelhub.core.models import LISTED
from modelhub.core.sql import read_sql
from modelhub.core.text import show
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.datasets.services import lock_dataset
from modelhub.labels.projects import get_project
from modelhub.queues.access import get_access, visible_queues
from modelhub.queues.assignment import assign_new
from modelhub.queues.completion import settle_all
from modelhub.queues.labels import replace_labels
from modelhub.queues.members import change_members
from modelhub.queues.models import QUEUE_ROLES, Item, Queue, QueueMember
from modelhub.scores.changes import take_scores_out

SETTINGS = (
    *("description", "instructions", "assignment_strategy", "auto_assign", "annotations_required"),
    *("reservation_seconds", "requires_review", "blind"),
)
DESTROY_QUEUE = read_sql("queues", "destroy_queue")
TRANSITIONS = {
    "draft": ("active",),
    "active": ("paused", "completed"),
    "paused": ("active", "completed"),
    "completed": ("active", "paused"),
}


def queues_of(actor: Actor) -> QuerySet[Queue]:
    """Return the queues that exist for the actor, deleted ones included, newest first."""
    rows = Queue.objects.filter(LISTED, visible_queues(actor)).select_related("created_by")
    return rows.order_by("-created_at", "-id")


@repeat_aborted
@in_transaction
def create_queue(*, actor: Actor, fields: Mapping[str, Any]) -> Queue:
    """Create a queue with its labels and members; the creator has all roles.

    Raise `Invalid` by field, `Conflict` for a taken name.
    """
    queue = Queue(organization_id=actor.user.organization_id, created_by=actor.user)
    queue.status = fields.get("status") or "draft"
    _apply(queue, fields)
    save_queue(queue)
    QueueMember.objects.create(
        organization_id=queue.organization_id, queue=queue, user=actor.user, roles=list(QUEUE_ROLES)
    )
    change_members(queue, fields)
    if label_ids := fields.get("label_ids"):
        replace_labels(queue, label_ids)
    return queue


@repeat_aborted
@in_transaction
def update_queue(*, actor: Actor, queue_id: uuid.UUID, changes: Mapping[str, Any]) -> Queue:
    """Update settings, labels and members; null resets to the default.

    Raise `NotFound`, `Forbidden`, `Invalid` by field, `Conflict` for a taken name.
    """
    access = get_access(actor, queue_id, lock=True)
    access.check("manage")
    queue = access.queue
    if changes.get("status", queue.status) != queue.status:
        sentence = f"status is changed by update-status/: it is {queue.status}, got {show(changes['status'])}"
        raise Invalid(sentence, field="status")
    required, assigned_by = queue.annotations_required, (queue.assignment_strategy, queue.auto_assign)
    _apply(queue, changes)
    queue.updated_at = clock.now()
    save_queue(queue)
    change_members(queue, changes)
    if "label_ids" in changes:
        replace_labels(queue, changes["label_ids"] or [])
    if assigned_by != (queue.assignment_strategy, queue.auto_assign):
        assign_new(queue)
    if queue.annotations_required < required:
        settle_all(queue)
    return queue


@repeat_aborted
@in_transaction
def set_status(*, actor: Actor, queue_id: uuid.UUID, status: str) -> Queue:
    """Change the status of a queue; the same status changes nothing (contract 7).

    Raise `NotFound`, `Forbidden`, `Invalid` for an impossible transition.
    """
    access = get_access(actor, queue_id, lock=True)
    access.check("manage")
    queue = access.queue
    if status == queue.status:
        return queue
    if status not in TRANSITIONS[queue.status]:
        legal = " or ".join(f"'{word}'" for word in TRANSITIONS[queue.status])
        sentence = f"Cannot transition from '{queue.status}' to '{status}', only to {legal}."
        raise Invalid(sentence, code="impossible_transition", field="status")
    queue.status, queue.updated_at = status, clock.now()
    queue.save(update_fields=["status", "updated_at"])
    return queue


@repeat_aborted
@in_transaction
def delete_queue(*, actor: Actor, queue_id: uuid.UUID) -> None:
    """Mark a queue as deleted, which frees its name. Raise `NotFound`, `Forbidden`."""
    access = get_access(actor, queue_id, lock=True)
    access.check("manage")
    access.queue.deleted_at = access.queue.updated_at = clock.now()
    access.queue.save(update_fields=["deleted_at", "updated_at"])


@repeat_aborted
@in_transaction
def restore_queue(*, actor: Actor, queue_id: uuid.UUID) -> Queue:
    """Restore a queue. Raise `NotFound`, `Forbidden`, `Conflict` for a taken name."""
    access = get_access(actor, queue_id, lock=True, deleted=True)
    access.check("manage")
    access.queue.deleted_at, access.queue.updated_at = None, clock.now()
    save_queue(access.queue)
    return access.queue


@repeat_aborted
@in_transaction
def destroy_queue(*, actor: Actor, queue_id: uuid.UUID, name: str) -> None:
    """Delete the rows of a queue, live or deleted. Its scores stay, outside of queues.

    `name` must be that of the queue, in any form of Unicode. Raise `NotFound`, `Forbidden`, `Invalid`.
    """
    access = get_access(actor, queue_id, lock=True, deleted=None)
    access.check("manage")
    queue = access.queue
    if normalize("NFC", name) != normalize("NFC", queue.name):
        raise Invalid(f"confirm_name must be the name of the queue, got {show(name)}", field="confirm_name")
    items = Item.objects.filter(organization_id=queue.organization_id, queue=queue)
    list(items.order_by("pk").select_for_update().values_list("pk"))
    take_scores_out(actor=actor, items=items.values("pk"))
    with connection.cursor() as cursor:
        cursor.execute(DESTROY_QUEUE, {"organization_id": queue.organization_id, "queue_id": queue.pk})


def _apply(queue: Queue, fields: Mapping[str, Any]) -> None:
    """Set the given fields of a queue, null as the default. Raise `Invalid`."""
    queue.name = fields.get("name", queue.name)
    defaults = Queue()
    for name in SETTINGS:
        if name in fields:
            setattr(queue, name, getattr(defaults, name) if fields[name] is None else fields[name])
    if "project_id" in fields:
        queue.project_id = _existing_project(queue.organization_id, fields["project_id"])
    if "dataset_id" in fields:
        queue.dataset_id = _existing_dataset(queue.organization_id, fields["dataset_id"])
    if "agent_definition_id" in fields:
        queue.agent_definition = fields["agent_definition_id"]


def _existing_project(organization_id: uuid.UUID, project_id: uuid.UUID | None) -> uuid.UUID | None:
    try:
        return project_id and get_project(organization_id=organization_id, project_id=project_id).pk
    except NotFound:
        sentence = f"project must be the id of a project, got {show(project_id)}"
        raise Invalid(sentence, field="project") from None


def _existing_dataset(organization_id: uuid.UUID, dataset_id: uuid.UUID | None) -> uuid.UUID | None:
    """Lock a dataset, which could be deleted before the queue is stored."""
    try:
        return dataset_id and lock_dataset(organization_id=organization_id, dataset_id=dataset_id).pk
    except NotFound:
        raise Invalid(f"dataset must be the id of a dataset, got {show(dataset_id)}", field="dataset") from None


def save_queue(queue: Queue) -> None:
    """Write a queue. Raise `Conflict` for a taken name or a second default."""
    try:
        with transaction.atomic():
            queue.save()
    except IntegrityError as error:
        if "queue_default_is_unique" in str(error):
            sentence = "This scope has a default queue already"
            raise Conflict(sentence, code="duplicate") from error
        if "queue_name_is_unique" not in str(error):
            raise
        raise name_is_taken(queue.name) from error


def name_is_taken(name: str) -> Conflict:
    return Conflict(f"A queue named {show(name)} exists already in this scope", code="duplicate", field="name")
