"""Labels and projects as clients see them, and the bodies that clients send."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from modelhub.core.exact_json import timestamp
from modelhub.labels.models import Label, Project
from modelhub.labels.types import LABEL_TYPES

USAGE = ("trace_annotations_count", "annotation_count")


class LabelOutput(serializers.Serializer[Label]):
    """A label as clients see it (contract 5); neither `result` nor `data` at its top, which clients unwrap."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.ChoiceField(LABEL_TYPES)
    description = serializers.CharField(allow_blank=True)
    settings = serializers.DictField()
    allow_notes = serializers.BooleanField()
    archived = serializers.BooleanField()
    organization = serializers.UUIDField(source="organization_id")
    project = serializers.UUIDField(source="project_id", allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    # Only where `include_usage_count` asks for them: live scores of the label, those of traces and all.
    trace_annotations_count = serializers.IntegerField(required=False)
    annotation_count = serializers.IntegerField(required=False)

    def to_representation(self, instance: Label) -> dict[str, Any]:
        """Written out, as in `score_output`: clients ask for all labels at once, and often."""
        counts = {name: getattr(instance, name) for name in USAGE if hasattr(instance, name)}
        return counts | {
            "id": str(instance.pk),
            "name": instance.name,
            "type": instance.type,
            "description": instance.description,
            "settings": instance.settings,
            "allow_notes": instance.allow_notes,
            "archived": instance.deleted_at is not None,
            "organization": str(instance.organization_id),
            "project": str(instance.project_id) if instance.project_id else None,
            "created_at": timestamp(instance.created_at),
            "updated_at": timestamp(instance.updated_at),
        }


class ProjectOutput(serializers.Serializer[Project]):
    """A project as clients see it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    project_type = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class LabelChange(serializers.Serializer[Any]):
    """What may be changed of a label; new settings are complete ones."""

    name = serializers.CharField(min_length=1, max_length=255, required=False)
    settings = serializers.DictField(required=False, allow_null=True)
    description = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    project = serializers.UUIDField(required=False, allow_null=True)
    allow_notes = serializers.BooleanField(required=False)


class ProjectInput(serializers.Serializer[Any]):
    """A project to make."""

    name = serializers.CharField(min_length=1, max_length=255)
    project_type = serializers.CharField(required=False, allow_blank=True, max_length=64)


class LabelInput(serializers.Serializer[Any]):
    """A label to make; the settings that are left out take the defaults of the type."""

    name = serializers.CharField(min_length=1, max_length=255)
    type = serializers.ChoiceField(LABEL_TYPES)
    settings = serializers.DictField(required=False, allow_null=True)
    description = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    project = serializers.UUIDField(required=False, allow_null=True)
    allow_notes = serializers.BooleanField(required=False, default=False)


class LabelCreated(serializers.Serializer[Any]):
    """The label, wrapped the way clients expect of this one route."""

    status = serializers.BooleanField()
    result = LabelOutput()


LabelList = inline_serializer("LabelList", {"status": serializers.BooleanField(), "result": LabelOutput(many=True)})
ProjectPage = inline_serializer(
    "ProjectPage",
    {
        "metadata": serializers.DictField(child=serializers.IntegerField()),
        "table": ProjectOutput(many=True),
    },
)
ProjectList = inline_serializer("ProjectList", {"status": serializers.BooleanField(), "result": ProjectPage})
