"""Scores, revisions and the answers of writes as clients see them."""

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from modelhub.core.envelope import spellings
from modelhub.core.schema import SENTENCES
from modelhub.core.serializers import OutputSerializer, StructSerializer
from modelhub.scores.entries import EntryError
from modelhub.scores.rows import RevisionRow, ScoreRow


class ScoreSerializer(StructSerializer[ScoreRow]):
    """A score."""

    class Meta:
        struct = ScoreRow


class RevisionSerializer(StructSerializer[RevisionRow]):
    """A replaced value of a score, its author, and the replacement's user and time."""

    class Meta:
        struct = RevisionRow


class EntryErrorSerializer(OutputSerializer[EntryError]):
    """An entry that was not stored, for programs."""

    index = serializers.IntegerField(min_value=0)
    label_id = serializers.CharField(allow_null=True)
    code = serializers.CharField()
    message = serializers.CharField()


# Both lists are in the order of the request.
BulkScoresAnswer = inline_serializer(
    "BulkScoresAnswer",
    {
        "scores": ScoreSerializer(many=True),
        "errors": SENTENCES,
        "error_details": EntryErrorSerializer(many=True, required=False),
    },
)
BulkDeleteAnswer = inline_serializer("BulkDeleteAnswer", {"deleted": serializers.IntegerField(), "errors": SENTENCES})
# Clients read one spelling or the other.
COUNTS = (
    "annotations_created",
    "annotations_updated",
    "notes_created",
    "succeeded_count",
    "errors_count",
    "warnings_count",
)
REPORTS = serializers.ListField(child=serializers.DictField(), allow_null=True, help_text="Null without any.")
BulkAnnotationAnswer = inline_serializer(
    "BulkAnnotationAnswer",
    {
        "status": serializers.BooleanField(),
        "result": inline_serializer(
            "BulkAnnotationResult",
            {
                "message": serializers.CharField(),
                **{spelling: serializers.IntegerField() for spelling in spellings(COUNTS)},
                "warnings": REPORTS,
                "errors": REPORTS,
            },
        ),
    },
)
