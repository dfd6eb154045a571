"""Admin pages of projects and labels."""

from django.contrib import admin

from modelhub.core.admin import NoDeleteAdmin, ReadOnlyAdmin
from modelhub.labels.models import Label, Project


@admin.register(Project)
class ProjectAdmin(NoDeleteAdmin):
    list_display = ("name", "project_type", "organization", "created_at")
    list_select_related = ("organization",)
    search_fields = ("name",)
    autocomplete_fields = ("organization",)
    frozen_fields = ("organization",)  # that of its labels


@admin.register(Label)
class LabelAdmin(ReadOnlyAdmin):
    """Read-only: only the API checks new settings against the stored scores."""

    list_display = ("name", "type", "project", "organization", "deleted_at", "created_at")
    list_select_related = ("organization", "project")
    list_filter = ("type",)
    search_fields = ("name",)
