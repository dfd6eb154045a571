"""Create labels and find them."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from modelhub.core.errors import Invalid, NotFound
from modelhub.core.models import LIVE
from modelhub.core.text import show
from modelhub.labels.models import Label, Project
from modelhub.labels.projects import get_project
from modelhub.labels.types import get_type


def create_label(
    *,
    organization_id: uuid.UUID,
    name: str,
    type: str,  # noqa: A002 - the contract's word
    settings: Mapping[str, Any] | None = None,
    description: str | None = None,
    project_id: uuid.UUID | None = None,
    allow_notes: bool = False,
) -> Label:
    """Create a label; omitted settings take their defaults.

    Raise `Invalid` by field for unfit settings, an unknown project and a name that is taken (contract 4 and 6).
    """
    label = Label(
        organization_id=organization_id,
        name=name,
        type=type,
        settings=complete_settings(type, settings),
        description=description or "",
        project=get_project_of_label(organization_id, project_id),
        allow_notes=allow_notes,
    )
    save_label(label)
    return label


def save_label(label: Label) -> None:
    """Write a label. Raise `Invalid` if its name is taken in type and project."""
    try:
        with transaction.atomic():
            label.save()
    except IntegrityError as error:
        if "label_name_is_unique" not in str(error):
            raise
        where = "in this project" if label.project_id else "without a project"
        sentence = f'A label named "{label.name}" of type {label.type} {where} exists already'
        raise Invalid.of_field("name", sentence, code="duplicate") from error


def complete_settings(label_type: str, settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the settings with the defaults of the type. Raise `Invalid`."""
    try:
        return get_type(label_type).check_settings(settings)
    except Invalid as invalid:
        raise Invalid.of_field("settings", str(invalid), code=invalid.code) from invalid


def get_project_of_label(organization_id: uuid.UUID, project_id: uuid.UUID | None) -> Project | None:
    """Return the project of a label, if any. Raise `Invalid` for a missing one."""
    if project_id is None:
        return None
    try:
        return get_project(organization_id=organization_id, project_id=project_id)
    except NotFound:
        sentence = f"project must be the id of a project, got {show(project_id)}"
        raise Invalid.of_field("project", sentence) from None


def all_labels_of(organization_id: uuid.UUID) -> QuerySet[Label]:
    """Return the organization's labels, deleted ones included, newest first."""
    return Label.objects.filter(organization_id=organization_id).order_by("-created_at", "-id")


def labels_of(organization_id: uuid.UUID) -> QuerySet[Label]:
    """Return the organization's live labels, newest first."""
    return all_labels_of(organization_id).filter(LIVE)


def get_label(*, organization_id: uuid.UUID, label_id: uuid.UUID) -> Label:
    """Return a live label. Raise `NotFound`."""
    label = labels_of(organization_id).filter(pk=label_id).first()
    if label is None:
        raise NotFound(f"Label not found: {label_id}", code="label_not_found")
    return label
