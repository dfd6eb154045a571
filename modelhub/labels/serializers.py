"""Labels and projects: the bodies of requests, and the objects of answers."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from modelhub.core.errors import Invalid
from modelhub.core.inputs import FlagField, IdField, InputSerializer, NameField, ObjectField, TextField, WordField
from modelhub.core.serializers import OutputSerializer
from modelhub.labels.models import Label, Project
from modelhub.labels.types import LABEL_TYPES

ALLOW_NOTES = "For pages of clients: whether to ask for notes. Notes are stored whatever it says."


class LabelInput(InputSerializer):
    """The fields of a label; omitted settings take the defaults of its type."""

    name = TextField(min_length=1, max_length=255)
    type = WordField(choices=LABEL_TYPES)
    settings = ObjectField(required=False)
    description = TextField(required=False, allow_null=True, allow_blank=True, trim_whitespace=False)
    project = IdField(source="project_id", required=False, allow_null=True, rule="the id of a project")
    project_id = IdField(required=False, allow_null=True, rule="the id of a project")
    allow_notes = FlagField(required=False, help_text=ALLOW_NOTES)

    def to_internal_value(self, data: Any) -> Any:
        """Return the fields; the project under either of its names."""
        if "project" in data and "project_id" in data and data["project"] != data["project_id"]:
            sentence = "project and project_id are both given and differ"
            raise Invalid(sentence, code="conflicting_fields", field="project")
        return super().to_internal_value(data)


class LabelSerializer(OutputSerializer[Label]):
    """A label."""

    # Contract 5. No field is named `result` or `data`: clients would unwrap it.
    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.ChoiceField(LABEL_TYPES)
    description = serializers.CharField(allow_blank=True)
    settings = serializers.DictField()
    allow_notes = serializers.BooleanField(help_text=ALLOW_NOTES)
    archived = serializers.BooleanField()
    organization = serializers.UUIDField(source="organization_id")
    project = serializers.UUIDField(source="project_id", allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    trace_annotations_count = serializers.IntegerField(
        required=False, help_text="Scores of traces; only with `include_usage_count`."
    )
    annotation_count = serializers.IntegerField(required=False, help_text="Scores; only with `include_usage_count`.")


class ProjectInput(InputSerializer):
    """A project to create."""

    name = NameField(min_length=1, max_length=255)
    project_type = TextField(required=False, allow_blank=True, max_length=64)


class ProjectSerializer(OutputSerializer[Project]):
    """A project."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    project_type = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


# The wrappers that clients expect of some routes.
LabelAnswer = inline_serializer("LabelAnswer", {"status": serializers.BooleanField(), "result": LabelSerializer()})
LabelListAnswer = inline_serializer(
    "LabelListAnswer", {"status": serializers.BooleanField(), "result": LabelSerializer(many=True)}
)
ProjectPage = inline_serializer(
    "ProjectPage",
    {"metadata": serializers.DictField(child=serializers.IntegerField()), "table": ProjectSerializer(many=True)},
)
ProjectListAnswer = inline_serializer(
    "ProjectListAnswer", {"status": serializers.BooleanField(), "result": ProjectPage}
)
