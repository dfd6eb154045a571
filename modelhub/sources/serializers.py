"""Sources: the bodies of requests, and the objects of answers."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.fields import empty

from modelhub.core import exact_json
from modelhub.core.envelope import read_object
from modelhub.core.errors import Invalid, Refused
from modelhub.core.inputs import InputSerializer, NameField, ObjectField, StrictField
from modelhub.core.schema import SENTENCES
from modelhub.core.serializers import OutputSerializer
from modelhub.core.text import show
from modelhub.examples import SESSION_ID, TRACE_ID
from modelhub.sources.models import Source
from modelhub.sources.refs import MAX_ID_LENGTH, SOURCE_WORDS, SourceEntry, check_source_ref

EXAMPLE_TRACE = {"source_type": "trace", "source_id": TRACE_ID, "name": "Refund question"}
EXAMPLE_SESSION = {"source_type": "session", "source_id": SESSION_ID, "metadata": {"model": "small-1"}}


class ContentField(StrictField, serializers.JSONField):
    """Any JSON up to `MODELHUB_MAX_CONTENT_BYTES`."""

    def rule(self) -> str:
        return "JSON"

    def to_internal_value(self, data: Any) -> Any:
        """Return the content. Raise `Invalid` if it cannot be stored."""
        limits = {"max_bytes": settings.MAX_CONTENT_BYTES, "max_depth": settings.MAX_VALUE_DEPTH}
        exact_json.check_storable(data, **limits, name=str(self.field_name))
        return data


class SourceInput(InputSerializer):
    """A source to register; an omitted name, metadata or content keeps the stored one."""

    source_type = serializers.ChoiceField(list(SOURCE_WORDS))
    source_id = serializers.CharField(min_length=1, max_length=MAX_ID_LENGTH)
    name = NameField(
        lines=True, required=False, allow_null=True, allow_blank=True, max_length=255, trim_whitespace=False
    )
    metadata = ObjectField(required=False, allow_null=True)
    content = ContentField(required=False, allow_null=True, help_text="What annotators read and judge: any JSON.")

    def to_internal_value(self, data: Any) -> SourceEntry:
        """Return the entry, the names of its source checked by `check_source_ref`."""
        if missing := [name for name in ("source_type", "source_id") if data.get(name) is None]:
            fields = {name: [f"{name} must be given"] for name in missing}
            raise Invalid(f"{' and '.join(missing)} must be given", code="required", fields=fields)
        ref = check_source_ref(data["source_type"], data["source_id"])
        kept = {name: self.fields[name].run_validation(data.get(name)) for name in ("name", "metadata", "content")}
        return SourceEntry(ref, **kept)


class BulkSourcesInput(InputSerializer):
    """Many sources to register."""

    sources = SourceInput(many=True, allow_empty=False)

    def run_validation(self, data: Any = empty) -> list[SourceEntry | Refused]:
        """Return an entry or an error per source. Raise `Invalid` without sources."""
        sources = read_object(data, ("sources",)).get("sources")
        if not isinstance(sources, list) or not sources:
            raise Invalid(f"sources must be a list of at least one source, got {show(sources)}", field="sources")
        reader = SourceInput()
        return [_entry_or_error(reader, source) for source in sources]


def _entry_or_error(reader: SourceInput, source: object) -> SourceEntry | Refused:
    if not isinstance(source, dict):
        return Invalid(f"A source must be an object, got {show(source)}", code="not_an_object")
    try:
        entry: SourceEntry = reader.run_validation(source)
    except Refused as refused:
        return refused
    return entry


class SourceSerializer(OutputSerializer[Source]):
    """A source."""

    id = serializers.UUIDField()
    source_type = serializers.CharField()
    source_id = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    metadata = serializers.DictField()
    content = serializers.JSONField(
        source="shown_content", required=False, allow_null=True, help_text="With `include=content`."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


# Both lists are in the order of the request.
BulkSourcesAnswer = inline_serializer(
    "BulkSourcesAnswer", {"sources": SourceSerializer(many=True), "errors": SENTENCES}
)
