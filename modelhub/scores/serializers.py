"""Scores and revisions as clients see them, and the bodies that clients send."""

from collections.abc import Iterable
from typing import Any

import msgspec
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from modelhub.core.schema import SENTENCES, ErrorDetail
from modelhub.labels.types import LABEL_TYPES
from modelhub.scores.models import ACTIONS, SCORE_SOURCES, ScoreRevision
from modelhub.scores.rows import ScoreView
from modelhub.sources.refs import SOURCE_WORDS


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


class ScoreEntryInput(serializers.Serializer[Any]):
    """One score of a batch. Every key may also be written in camelCase."""

    label_id = serializers.UUIDField()
    value = serializers.JSONField(help_text="The object of the label's type, or its plain scalar.")
    score_source = serializers.ChoiceField(SCORE_SOURCES, default="human", required=False)
    notes = serializers.CharField(required=False, allow_blank=True, allow_null=True)


class BulkScoresInput(serializers.Serializer[Any]):
    """Many scores on one source; `notes` go on every score that has none of its own."""

    source_type = serializers.ChoiceField(list(SOURCE_WORDS))
    source_id = serializers.CharField(min_length=1, max_length=255)
    scores = ScoreEntryInput(many=True, allow_empty=False)
    notes = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    annotator_id = serializers.UUIDField(
        required=False, help_text="Whose score it becomes, with a key of the scope `act-as`; else one's own."
    )


class ScoreInput(ScoreEntryInput):
    """One score on one source."""

    source_type = serializers.ChoiceField(list(SOURCE_WORDS))
    source_id = serializers.CharField(min_length=1, max_length=255)
    annotator_id = serializers.UUIDField(
        required=False, help_text="Whose score it becomes, with a key of the scope `act-as`; else one's own."
    )


class ScoreChange(serializers.Serializer[Any]):
    """What may be corrected of a score."""

    value = serializers.JSONField(help_text="The object of the label's type, or its plain scalar.")
    notes = serializers.CharField(required=False, allow_blank=True)
    score_source = serializers.ChoiceField(SCORE_SOURCES, required=False)
    annotator_id = serializers.UUIDField(
        required=False, help_text="Whose score it becomes, with a key of the scope `act-as`; else one's own."
    )


class BulkDeleteInput(serializers.Serializer[Any]):
    """Which scores to delete: either `ids`, or a `filter` that holds at least one filter of the list."""

    ids = serializers.ListField(child=serializers.UUIDField(), required=False, allow_empty=False)
    filter = serializers.DictField(child=serializers.CharField(), required=False)


BulkDeleteOutput = inline_serializer("BulkDeleted", {"deleted": serializers.IntegerField(), "errors": SENTENCES})


# What was stored, and one sentence per score that was not; both in the order of the request.
BulkScoresOutput = inline_serializer(
    "BulkScoresOutput",
    {
        "scores": ScoreOutput(many=True),
        "errors": SENTENCES,
        "error_details": ErrorDetail(many=True, required=False),
    },
)
