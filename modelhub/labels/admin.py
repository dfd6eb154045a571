"""Admin pages of projects and labels."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from modelhub.core.admin import NoDeleteAdmin, ReadOnlyAdmin
from modelhub.labels.models import Label, Project


@admin.register(Project)
class ProjectAdmin(NoDeleteAdmin):
    list_display = ("name", "project_type", "organization", "created_at")
    list_select_related = ("organization",)
    search_fields = ("name",)
    autocomplete_fields = ("organization",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Freeze the organization of a stored project, which is that of its labels."""
        return self.readonly_fields if obj is None else (*self.readonly_fields, "organization")


@admin.register(Label)
class LabelAdmin(ReadOnlyAdmin):
    """Read-only: only the API checks new settings against the stored scores."""

    list_display = ("name", "type", "project", "organization", "deleted_at", "created_at")
    list_select_related = ("organization", "project")
    list_filter = ("type",)
    search_fields = ("name",)
