"""Find, create, update, delete and restore labels."""

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from modelhub.core import clock
from modelhub.core.errors import Conflict, Invalid, NotFound
from modelhub.core.exact_json import same
from modelhub.core.models import LISTED, LIVE
from modelhub.core.text import is_visible, show
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.labels.judging import reject_illegal_scores
from modelhub.labels.models import Label, Project
from modelhub.labels.projects import get_project
from modelhub.labels.types import get_type

# After the wait for either lock the row is current: PostgreSQL reads a locked row again (READ COMMITTED).
LOCK_LABEL = """
SELECT *, pg_advisory_xact_lock(modelhub_labels_lock_v1(organization_id)) FROM modelhub_label
WHERE organization_id = %s AND id = %s AND (deleted_at IS NOT NULL) = %s FOR NO KEY UPDATE
"""


def labels_of(organization_id: uuid.UUID) -> QuerySet[Label]:
    """Return the organization's labels, deleted ones included, newest first."""
    return Label.objects.filter(LISTED, organization_id=organization_id).order_by("-created_at", "-id")


def get_label(*, organization_id: uuid.UUID, label_id: uuid.UUID, deleted_too: bool = False) -> Label:
    """Return a live label, or also a deleted one. Raise `NotFound`."""
    labels = Label.objects.filter(organization_id=organization_id, pk=label_id)
    label = (labels if deleted_too else labels.filter(LIVE)).first()
    if label is None:
        raise _not_found("Label", label_id)
    return label


def create_label(
    *,
    organization_id: uuid.UUID,
    name: str,
    type: str,  # noqa: A002 - the contract's word
    settings: Mapping[str, Any] = MappingProxyType({}),
    description: str | None = None,
    project_id: uuid.UUID | None = None,
    allow_notes: bool = False,
) -> Label:
    """Create a label; omitted settings take their defaults.

    Raise `Invalid` by field for unfit settings and an unknown project, `Conflict` for a taken name (contract 4 and 6).
    """
    label = Label(
        organization_id=organization_id,
        name=_checked_name(name),
        type=type,
        settings=get_type(type).check_settings(settings),
        description=description or "",
        project=_get_project_of_label(organization_id, project_id),
        allow_notes=allow_notes,
    )
    _save(label)
    return label


@repeat_aborted
@in_transaction
def update_label(
    *,
    organization_id: uuid.UUID,
    label_id: uuid.UUID,
    changes: Mapping[str, Any],
    keep_settings: bool = False,
    force: bool = False,
) -> Label:
    """Update the given fields of a label, except for its type.

    Omitted keys of given settings keep their stored values with `keep_settings`, else they take their defaults. Raise
    `NotFound`, `Invalid`, `Conflict` for a taken name, and if stored scores would become illegal, unless `force`.
    """
    label = _lock_label(organization_id, label_id)
    if changes.get("type", label.type) != label.type:
        sentence = f"type cannot be changed: it is {label.type}, got {show(changes['type'])}"
        raise Invalid(sentence, field="type")
    if changes.get("name", label.name) != label.name:
        # Only then: names of earlier versions may break the rule.
        label.name = _checked_name(changes["name"])
    label.allow_notes = changes.get("allow_notes", label.allow_notes)
    if "description" in changes:
        label.description = changes["description"] or ""
    if "project_id" in changes:
        label.project = _get_project_of_label(organization_id, changes["project_id"])
    if "settings" in changes:
        settings = get_type(label.type).check_settings(changes["settings"], label.settings, keep=keep_settings)
        if not force and not same(settings, label.settings):
            reject_illegal_scores(label, settings)
        label.settings = settings
    label.updated_at = clock.now()
    _save(label)
    return label


@repeat_aborted
@in_transaction
def delete_label(*, organization_id: uuid.UUID, label_id: uuid.UUID) -> None:
    """Mark a label as deleted, which frees its name. Raise `NotFound`."""
    label = _lock_label(organization_id, label_id)
    label.deleted_at = label.updated_at = clock.now()
    label.save(update_fields=["deleted_at", "updated_at"])


@repeat_aborted
@in_transaction
def restore_label(*, organization_id: uuid.UUID, label_id: uuid.UUID) -> Label:
    """Restore a deleted label. Raise `NotFound`, or `Conflict` for a taken name."""
    label = _lock_label(organization_id, label_id, deleted=True)
    label.deleted_at, label.updated_at = None, clock.now()
    _save(label)
    return label


def _checked_name(name: str) -> str:
    if not is_visible(name):
        raise Invalid(f"name must be a string of 1 to 255 visible characters, got {show(name)}", field="name")
    return name


def _lock_label(organization_id: uuid.UUID, label_id: uuid.UUID, *, deleted: bool = False) -> Label:
    """Return the label, locked against writers of its scores. Raise `NotFound`."""
    for label in Label.objects.raw(LOCK_LABEL, [organization_id, label_id, deleted]):
        return label
    raise _not_found("Deleted label" if deleted else "Label", label_id)


def _not_found(kind: str, label_id: uuid.UUID) -> NotFound:
    return NotFound(f"{kind} not found: {label_id}", code="label_not_found")


def _save(label: Label) -> None:
    """Write a label. Raise `Conflict` if its name is taken in type and project."""
    try:
        with transaction.atomic():
            label.save()
    except IntegrityError as error:
        if "label_name_is_unique_in_nfc" not in str(error):
            raise
        raise name_is_taken(label) from error


def name_is_taken(label: Label) -> Conflict:
    where = "in this project" if label.project_id else "without a project"
    sentence = f"A label named {show(label.name)} of type {label.type} {where} exists already"
    return Conflict(sentence, code="duplicate", field="name")


def _get_project_of_label(organization_id: uuid.UUID, project_id: uuid.UUID | None) -> Project | None:
    """Return the project of a label, if any. Raise `Invalid` for a missing one."""
    if project_id is None:
        return None
    try:
        return get_project(organization_id=organization_id, project_id=project_id)
    except NotFound:
        sentence = f"project must be the id of a project, got {show(project_id)}"
        raise Invalid(sentence, field="project") from None
