"""How scores, sources and labels look to clients (contract 5). Nothing here holds `result` or `data` at its top:
clients unwrap those."""

from collections.abc import Iterable
from typing import Any

import msgspec
from rest_framework import serializers

from modelhub.exact_json import timestamp
from modelhub.models import ACTIONS, Label, Project, ScoreRevision, Source
from modelhub.score_views import ScoreView
from modelhub.values import LABEL_TYPES, SCORE_SOURCES


# For the schema: a `ScoreBody` has the same fields, and is written ten times as fast as going through them one by one.
class ScoreOutput(serializers.Serializer[ScoreView]):
    """A score as clients see it."""

    id = serializers.UUIDField(allow_null=True)
    source_type = serializers.CharField()
    source_id = serializers.CharField()
    label_id = serializers.UUIDField()
    label_name = serializers.CharField()
    label_type = serializers.ChoiceField(LABEL_TYPES)
    value = serializers.DictField()
    score_source = serializers.ChoiceField(SCORE_SOURCES)
    notes = serializers.CharField(allow_blank=True)
    annotator = serializers.UUIDField()
    annotator_id = serializers.UUIDField()
    annotator_name = serializers.CharField()
    annotator_email = serializers.EmailField()
    queue_item = serializers.UUIDField(allow_null=True)
    queue_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField(allow_null=True)
    updated_at = serializers.DateTimeField(allow_null=True)


class ScoreBody(msgspec.Struct, frozen=True, gc=False):
    """The fields of `ScoreOutput`, as msgspec writes them."""

    id: str | None
    source_type: str
    source_id: str
    label_id: str
    label_name: str
    label_type: str
    value: dict[str, Any] | msgspec.Raw
    score_source: str
    notes: str
    annotator: str
    annotator_id: str
    annotator_name: str
    annotator_email: str
    queue_item: str | None
    queue_id: None
    created_at: str | None
    updated_at: str | None


def render_list(output: type[serializers.Serializer[Any]], rows: Any) -> list[dict[str, Any]]:
    """Many rows of one kind."""
    return list(output(rows, many=True).data)


def render_scores(scores: Iterable[ScoreView], *, word: str = "", stored: bool = True) -> list[ScoreBody]:
    """Many scores; the options are those of `score_output`."""
    return [score_output(score, word=word, stored=stored) for score in scores]


def score_output(score: ScoreView, *, word: str = "", stored: bool = True) -> ScoreBody:
    """One score. `word` is what the request called the type of the source, which is echoed. What is not `stored`

    (a dry run) has neither id nor times.
    """
    return ScoreBody(
        score.id if stored else None,
        word or score.source_type,
        score.source_id,
        score.label_id,
        score.label_name,
        score.label_type,
        score.value,
        score.score_source,
        score.notes,
        score.annotator_id,
        score.annotator_id,
        score.annotator_name or score.annotator_email,
        score.annotator_email,
        score.queue_item,
        None,
        score.created_at if stored else None,
        score.updated_at if stored else None,
    )


class SourceOutput(serializers.Serializer[Source]):
    """A source as clients see it."""

    id = serializers.UUIDField()
    source_type = serializers.CharField()
    source_id = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    metadata = serializers.DictField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def to_representation(self, instance: Source) -> dict[str, Any]:
        """Written out, as in `score_output`."""
        return source_output(instance)


def source_output(source: Source, *, word: str = "") -> dict[str, Any]:
    """One source, with its type in the request's `word`."""
    return {
        "id": str(source.pk),
        "source_type": word or source.source_type,
        "source_id": source.source_id,
        "name": source.name,
        "metadata": source.metadata,
        "created_at": timestamp(source.created_at),
        "updated_at": timestamp(source.updated_at),
    }


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


class RevisionOutput(serializers.Serializer[ScoreRevision]):
    """What a score said before it was overwritten or deleted, and who did that when."""

    value = serializers.DictField()
    score_source = serializers.ChoiceField(SCORE_SOURCES)
    notes = serializers.CharField(allow_blank=True)
    action = serializers.ChoiceField(ACTIONS)
    replaced_by = serializers.UUIDField(source="replaced_by_id")
    replaced_by_name = serializers.CharField(source="replaced_by.display_name")
    replaced_by_email = serializers.EmailField(source="replaced_by.email")
    replaced_at = serializers.DateTimeField(source="created_at")

    def to_representation(self, instance: ScoreRevision) -> dict[str, Any]:
        """The fields, and the value with all its digits."""
        return super().to_representation(instance) | {"value": instance.value}


class ProjectOutput(serializers.Serializer[Project]):
    """A project as clients see it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    project_type = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
