"""Projects: the groups that labels may belong to."""

import uuid

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from modelhub.core import exact_json
from modelhub.core.errors import Invalid, NotFound
from modelhub.core.ids import parse_uuid
from modelhub.core.models import LISTED
from modelhub.core.text import show
from modelhub.labels.models import Project


def create_project(*, organization_id: uuid.UUID, name: object, project_type: object = "") -> Project:
    """Make a project; raises `Invalid` for a name that is none or taken (ignoring case)."""
    for field, value, least, most in (("name", name, 1, 255), ("project_type", project_type, 0, 64)):
        if not isinstance(value, str) or not least <= len(value.strip()) <= most:
            sentence = f"{field} must be a string of {least} to {most} characters, got {show(value)}"
            raise Invalid(sentence, fields={field: [sentence]})
        exact_json.check_storable(value, max_bytes=1024, max_depth=1, name=field)
    project = Project(organization_id=organization_id, name=str(name).strip(), project_type=str(project_type).strip())
    try:
        with transaction.atomic():
            project.save()
    except IntegrityError as error:
        sentence = f'A project named "{project.name}" exists already'
        raise Invalid(sentence, code="duplicate", fields={"name": [sentence]}) from error
    return project


def projects_of(organization_id: uuid.UUID) -> QuerySet[Project]:
    """The organization's projects, newest first."""
    return Project.objects.filter(organization_id=organization_id).order_by("-created_at", "-id")


def search_projects(*, organization_id: uuid.UUID, name: str = "", project_type: str = "") -> QuerySet[Project]:
    """Projects whose name holds `name`, ignoring case; only the one of exactly that name where there is one.

    The published client looks a project up by name and wants to find one, not two of similar names.
    """
    projects = projects_of(organization_id).filter(LISTED)
    if project_type:
        projects = projects.filter(project_type=project_type)
    if not name:
        return projects
    exact = projects.filter(name__iexact=name)
    return exact if exact.exists() else projects.filter(name__icontains=name)


def find_project(*, organization_id: uuid.UUID, project_id: object) -> Project:
    """The project of that id; raises `NotFound`."""
    pk = parse_uuid(project_id)
    project = projects_of(organization_id).filter(pk=pk).first() if pk else None
    if project is None:
        raise NotFound(f"Project not found: {show(project_id)}", code="project_not_found")
    return project
