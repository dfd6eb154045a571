"""Create projects and find them."""

import uuid

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from modelhub.core.errors import Conflict, NotFound
from modelhub.core.models import LISTED, name_contains, name_equals
from modelhub.core.text import show
from modelhub.labels.models import Project


def create_project(*, organization_id: uuid.UUID, name: str, project_type: str = "") -> Project:
    """Create a project. Raise `Conflict` for a taken name; case does not count."""
    try:
        with transaction.atomic():
            return Project.objects.create(organization_id=organization_id, name=name, project_type=project_type)
    except IntegrityError as error:
        raise Conflict(f"A project named {show(name)} exists already", code="duplicate", field="name") from error


def search_projects(*, organization_id: uuid.UUID, name: str, project_type: str | None = None) -> QuerySet[Project]:
    """Return the project of this name, else those that contain it, newest first.

    The published client looks a project up by its name and expects one row. Case and Unicode's form do not count.
    """
    projects = Project.objects.filter(LISTED, organization_id=organization_id).order_by("-created_at", "-id")
    if project_type is not None:
        projects = projects.filter(project_type=project_type)
    if not name:
        return projects
    exact = projects.filter(name_equals(name))
    return exact if exact.exists() else projects.filter(name_contains(name))


def get_project(*, organization_id: uuid.UUID, project_id: uuid.UUID) -> Project:
    """Return a project. Raise `NotFound`."""
    project = Project.objects.filter(organization_id=organization_id, pk=project_id).first()
    if project is None:
        raise NotFound(f"Project not found: {project_id}", code="project_not_found")
    return project
