"""Labels: made and found."""

import uuid
from typing import Any

from django.conf import settings as limits
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from modelhub.core import exact_json
from modelhub.core.errors import Invalid, NotFound
from modelhub.core.models import LIVE
from modelhub.core.text import show
from modelhub.labels.models import Label, Project
from modelhub.labels.projects import find_project
from modelhub.labels.types import LABEL_TYPES, get_type


def create_label(
    *,
    organization_id: uuid.UUID,
    name: object,
    type: object,  # noqa: A002 - the contract's word
    settings: object = None,
    description: object = "",
    project: object = None,
    allow_notes: object = False,
) -> Label:
    """Make a label; the settings that are left out take their defaults.

    Raises `Invalid` by field for what is wrong with the input or already taken (contract 4 and 6).
    """
    name = check_name(name)
    if not isinstance(type, str) or type not in LABEL_TYPES:
        raise wrong("type", f"type must be one of {', '.join(LABEL_TYPES)}, got {show(type)}")
    label = Label(
        organization_id=organization_id,
        name=name,
        type=type,
        settings=check_label_settings(type, settings),
        description=check_description(description),
        project=check_project(organization_id, project),
        allow_notes=check_flag("allow_notes", allow_notes),
    )
    save_label(label)
    return label


def save_label(label: Label) -> None:
    """Write it; raises `Invalid` when a live label of the same type and project has the name already."""
    try:
        with transaction.atomic():
            label.save()
    except IntegrityError as error:
        if "label_name_is_unique" not in str(error):
            raise
        where = "in this project" if label.project_id else "without a project"
        sentence = f'A label named "{label.name}" of type {label.type} {where} exists already'
        raise Invalid(sentence, code="duplicate", fields={"name": [sentence]}) from error


def all_labels_of(organization_id: uuid.UUID) -> QuerySet[Label]:
    """The organization's labels, deleted ones included, newest first."""
    return Label.objects.filter(organization_id=organization_id).order_by("-created_at", "-id")


def labels_of(organization_id: uuid.UUID) -> QuerySet[Label]:
    """The organization's labels that are not deleted, newest first."""
    return all_labels_of(organization_id).filter(LIVE)


def find_label(*, organization_id: uuid.UUID, label_id: uuid.UUID) -> Label:
    """One label that is not deleted; raises `NotFound`."""
    label = labels_of(organization_id).filter(pk=label_id).first()
    if label is None:
        raise NotFound(f"Label not found: {label_id}", code="label_not_found")
    return label


def check_project(organization_id: uuid.UUID, project_id: object) -> Project | None:
    """The project that a label names, or none; raises `Invalid` for one that does not exist."""
    if project_id is None:
        return None
    try:
        return find_project(organization_id=organization_id, project_id=project_id)
    except NotFound:
        raise wrong("project", f"project must be the id of a project, got {show(project_id)}") from None


def wrong(field: str, sentence: str) -> Invalid:
    """The refusal of one field."""
    return Invalid(sentence, fields={field: [sentence]})


def check_name(name: object) -> str:
    """1 to 255 characters, once the spaces around them are gone."""
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 255:
        raise wrong("name", f"name must be a string of 1 to 255 characters, got {show(name)}")
    _check_storable("name", name)
    return name.strip()


def check_description(description: object) -> str:
    """A string; none is an empty one."""
    if description is not None and not isinstance(description, str):
        raise wrong("description", f"description must be a string, got {show(description)}")
    _check_storable("description", description)
    return description or ""


def check_flag(field: str, value: object) -> bool:
    """true or false, nothing that is like them."""
    if not isinstance(value, bool):
        raise wrong(field, f"{field} must be true or false, got {show(value)}")
    return value


def check_label_settings(label_type: str, settings: object) -> dict[str, Any]:
    """The complete settings of a label of that type; raises `Invalid` under the field `settings`."""
    _check_storable("settings", settings)
    try:
        return get_type(label_type).check_settings(settings)
    except Invalid as refused:
        raise Invalid(str(refused), code=refused.code, fields={"settings": [str(refused)]}) from refused


def _check_storable(field: str, value: object) -> None:
    try:
        exact_json.check_storable(value, max_bytes=limits.MAX_VALUE_BYTES, max_depth=limits.MAX_VALUE_DEPTH, name=field)
    except Invalid as refused:
        raise Invalid(str(refused), code=refused.code, fields={field: [str(refused)]}) from refused
