"""Admin pages of projects and labels."""

from typing import Any

from django.contrib import admin
from django.forms import ModelForm

from modelhub.core.admin import NoDeleteAdmin, ReadOnlyAdmin, ended, link_column, link_to_list, one_line
from modelhub.core.admin_filters import DeletedFilter, related, words_of
from modelhub.core.models import name_equals
from modelhub.core.text import show
from modelhub.labels.models import Label, Project
from modelhub.labels.rules import read_kind
from modelhub.labels.types import LABEL_TYPES


class ProjectForm(ModelForm):
    def clean(self) -> dict[str, Any]:
        """Reject a name that is taken; case and Unicode's form do not count."""
        given = super().clean() or {}
        name, organization = given.get("name"), given.get("organization", self.instance.organization_id)
        if name and organization:
            same_name = Project.objects.filter(name_equals(name), organization=organization)
            if same_name.exclude(pk=self.instance.pk).exists():
                self.add_error("name", f"A project named {show(name)} exists already")
        return given


@admin.register(Project)
class ProjectAdmin(NoDeleteAdmin):
    form = ProjectForm
    list_display = ("name", "project_type", link_column("organization"), "created_at", "labels")
    list_select_related = ("organization",)
    list_filter = (related("organization"),)
    search_fields = ("name", "=id")
    autocomplete_fields = ("organization",)
    fields = ("name", "project_type", "organization", "labels", "created_at", "id")
    readonly_fields = ("id", "created_at", "labels")
    frozen_fields = ("organization",)  # that of its labels

    @admin.display(description="labels", empty_value="-")
    def labels(self, project: Project) -> str:
        return "" if project._state.adding else link_to_list("label", "Show labels", project=project.pk)


@admin.register(Label)
class LabelAdmin(ReadOnlyAdmin):
    """Read-only: only the API checks new settings against the stored scores."""

    list_display = (
        *("name_link", "type", "legal_values", link_column("project"), link_column("organization")),
        *("created_at", "scores"),
    )
    list_select_related = ("organization", "project")
    list_filter = (words_of("type", LABEL_TYPES), DeletedFilter, related("project"), related("organization"))
    search_fields = ("name", "=id")
    fields = (
        *("name", "type", "legal_values", "description", "allow_notes", "scores", "project", "organization"),
        *("created_at", "updated_at", "deleted_at", "settings", "id"),
    )

    @admin.display(description="legal values")
    def legal_values(self, label: Label) -> str:
        kind = read_kind(label.type, label.settings)
        return one_line(kind) if isinstance(kind, str) else one_line(kind.legal_values(kind.settings), 120)

    @admin.display(description="name", ordering="name")
    def name_link(self, label: Label) -> str:
        return ended(f"{label.name} (deleted)") if label.deleted_at else label.name

    @admin.display(description="scores")
    def scores(self, label: Label) -> str:
        return link_to_list("score", "Show scores", label=label.pk)
