"""Sources as clients see them, and the bodies that clients send."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from modelhub.core.exact_json import timestamp
from modelhub.core.schema import SENTENCES
from modelhub.sources.models import Source
from modelhub.sources.refs import SOURCE_WORDS


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


class SourceInput(serializers.Serializer[Any]):
    """A source to register; what is left out keeps what is stored."""

    source_type = serializers.ChoiceField(list(SOURCE_WORDS))
    source_id = serializers.CharField(min_length=1, max_length=255)
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=255)
    metadata = serializers.DictField(required=False, allow_null=True)


class BulkSourcesInput(serializers.Serializer[Any]):
    """Many sources to register."""

    sources = SourceInput(many=True, allow_empty=False)


# What is registered, and one sentence per source that is not; both in the order of the request.
BulkSourcesOutput = inline_serializer("BulkSourcesOutput", {"sources": SourceOutput(many=True), "errors": SENTENCES})
