"""Projects and labels."""

from django.db import models

from modelhub.accounts.models import Organization
from modelhub.core import clock
from modelhub.core.models import (
    LIVE,
    TenantForeignKey,
    TenantRow,
    exact_json_field,
    is_object,
    name_field,
    name_key,
    newest_first,
    one_of,
)
from modelhub.labels.types import LABEL_TYPES


class Project(TenantRow):
    """A group that labels may belong to."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="projects", db_index=False)
    name = name_field()
    project_type = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name_key("name"), "organization", name="project_name_is_unique_in_nfc")]
        indexes = [newest_first("organization", name="project_newest_first")]

    def __str__(self) -> str:
        return self.name


class Label(TenantRow):
    """A question that scores answer; its type and settings define legal values."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="labels", db_index=False)
    project = TenantForeignKey(Project, on_delete=models.PROTECT, related_name="labels", null=True, blank=True)
    name = name_field()
    type = models.CharField(max_length=32, choices=[(word, word) for word in LABEL_TYPES])
    description = models.TextField(blank=True)
    settings = exact_json_field(default=dict, blank=True)
    allow_notes = models.BooleanField(default=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name_key("name"),
                "type",
                "project",
                "organization",
                name="label_name_is_unique_in_nfc",
                condition=LIVE,
                nulls_distinct=False,
            ),
            one_of("type", LABEL_TYPES, table="label"),
            is_object("settings", table="label"),
        ]
        indexes = [newest_first("organization", name="label_newest_first")]

    def __str__(self) -> str:
        return f"{self.name} ({self.type})"

    @property
    def archived(self) -> bool:
        return self.deleted_at is not None


class LabelVersion(models.Model):
    """Version of an organization's labels; a trigger renews it at each change."""

    # The constraint is in the migration: it cascades in the database, because a trigger alone writes this table.
    organization = models.OneToOneField(
        Organization, on_delete=models.DO_NOTHING, primary_key=True, related_name="+", db_constraint=False
    )
    version = models.UUIDField()

    def __str__(self) -> str:
        return f"labels of {self.organization_id}"
