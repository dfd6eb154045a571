"""What the OpenAPI schema says of each route: bodies, parameters, answers and examples."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from modelhub.api.outputs import LabelOutput, ScoreOutput, SourceOutput
from modelhub.source_refs import SOURCE_WORDS
from modelhub.values import LABEL_TYPES, SCORE_SOURCES

SENTENCES = serializers.ListField(child=serializers.CharField())

# Every error: an RFC 9457 problem; `message` is the same sentence as `detail`.
Problem = inline_serializer(
    "Problem",
    {
        "type": serializers.CharField(),
        "title": serializers.CharField(),
        "status": serializers.IntegerField(),
        "detail": serializers.CharField(),
        "message": serializers.CharField(),
        "code": serializers.CharField(),
        "errors": serializers.DictField(child=SENTENCES, required=False),
        "request_id": serializers.CharField(required=False),
    },
)


def problems(*statuses: int) -> dict[Any, Any]:
    """The error answers of a route; 401 and 503 belong to every route that asks who it is."""
    return {
        (status, "application/problem+json"): OpenApiResponse(Problem, PROBLEMS[status])
        for status in sorted({*statuses, 401, 503})
    }


PROBLEMS = {
    400: "The request cannot be understood; `detail` names the rule and what was sent.",
    401: "No valid pair of API key and secret key.",
    404: "What is named does not exist in this organization.",
    413: "More than a limit allows.",
    415: "The body is not JSON.",
    503: "The database does not answer; `Retry-After` says when to try again.",
}


def flag(name: str, description: str) -> OpenApiParameter:
    """A query parameter that is off unless it is `true` or `1`."""
    return OpenApiParameter(name, bool, description=description, default=False)


DRY_RUN = flag("dry_run", "Check everything, store nothing; the scores have neither id nor times.")


class ScoreEntryInput(serializers.Serializer[Any]):
    """One score of a batch. Every key may also be written in camelCase."""

    label_id = serializers.UUIDField()
    value = serializers.JSONField(help_text="The object of the label's type, or its plain scalar.")
    score_source = serializers.ChoiceField(SCORE_SOURCES, default="human", required=False)
    notes = serializers.CharField(required=False, allow_blank=True, allow_null=True)


class BulkScoresInput(serializers.Serializer[Any]):
    """Many scores on one source; `notes` go on every score that has none of its own."""

    source_type = serializers.ChoiceField(list(SOURCE_WORDS))
    source_id = serializers.CharField(max_length=255)
    scores = ScoreEntryInput(many=True, allow_empty=False)
    notes = serializers.CharField(required=False, allow_blank=True, allow_null=True)


class ScoreInput(ScoreEntryInput):
    """One score on one source."""

    source_type = serializers.ChoiceField(list(SOURCE_WORDS))
    source_id = serializers.CharField(max_length=255)


class ErrorDetail(serializers.Serializer[Any]):
    """One refused entry, for programs."""

    index = serializers.IntegerField(min_value=0)
    label_id = serializers.CharField(allow_null=True)
    code = serializers.CharField()
    message = serializers.CharField()


# What was stored, and one sentence per score that was not; both in the order of the request.
BulkScoresOutput = inline_serializer(
    "BulkScoresOutput",
    {
        "scores": ScoreOutput(many=True),
        "errors": SENTENCES,
        "error_details": ErrorDetail(many=True, required=False),
    },
)


class SourceInput(serializers.Serializer[Any]):
    """A source to register; what is left out keeps what is stored."""

    source_type = serializers.ChoiceField(list(SOURCE_WORDS))
    source_id = serializers.CharField(max_length=255)
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=255)
    metadata = serializers.DictField(required=False, allow_null=True)


class LabelInput(serializers.Serializer[Any]):
    """A label to make; the settings that are left out take the defaults of the type."""

    name = serializers.CharField(max_length=255)
    type = serializers.ChoiceField(LABEL_TYPES)
    settings = serializers.DictField(required=False, allow_null=True)
    description = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    project = serializers.UUIDField(required=False, allow_null=True)
    allow_notes = serializers.BooleanField(required=False, default=False)


class Health(serializers.Serializer[Any]):
    """How the process is."""

    status = serializers.CharField()


class Readiness(Health):
    """How the process is, and which of its needs are met."""

    checks = serializers.DictField(child=serializers.BooleanField())


class BulkSourcesInput(serializers.Serializer[Any]):
    """Many sources to register."""

    sources = SourceInput(many=True, allow_empty=False)


# What is registered, and one sentence per source that is not; both in the order of the request.
BulkSourcesOutput = inline_serializer("BulkSourcesOutput", {"sources": SourceOutput(many=True), "errors": SENTENCES})


class LabelCreated(serializers.Serializer[Any]):
    """The label, wrapped the way clients expect of this one route."""

    status = serializers.BooleanField()
    result = LabelOutput()


EXAMPLE_BULK = {
    "source_type": "trace",
    "source_id": "7b1f6e1e-0d1c-4a52-9b8e-1f2d3c4b5a69",
    "scores": [
        {"label_id": "018f3f2a-7c4e-7d7a-8a3b-5f6e7d8c9b0a", "value": {"rating": 4}},
        {"label_id": "018f3f2a-7c4e-7d7a-8a3b-5f6e7d8c9b0b", "value": {"selected": ["positive"]}},
    ],
    "notes": "Batch annotation",
}

BULK_SCORES: dict[str, Any] = {
    "operation_id": "create_scores",
    "summary": "Store many scores on one source",
    "tags": ["scores"],
    "parameters": [
        DRY_RUN,
        flag("atomic", "All or nothing: with any error nothing is stored."),
        flag("error_details", "Adds `error_details`, the errors for programs."),
    ],
    "request": BulkScoresInput,
    "responses": {
        201: OpenApiResponse(BulkScoresOutput, "At least one score was stored."),
        200: OpenApiResponse(BulkScoresOutput, "No score was stored; `errors` says why, unless it was a dry run."),
        **problems(400, 404, 413, 415),
    },
    "examples": [OpenApiExample("Two labels", EXAMPLE_BULK, request_only=True)],
}

CREATE_SCORE: dict[str, Any] = {
    "operation_id": "create_score",
    "summary": "Store one score",
    "tags": ["scores"],
    "parameters": [DRY_RUN],
    "request": ScoreInput,
    "responses": {
        201: OpenApiResponse(ScoreOutput, "Stored, new or in place of what this annotator said before."),
        200: OpenApiResponse(ScoreOutput, "A dry run: this would be stored."),
        **problems(400, 404, 413, 415),
    },
}

LIST_SOURCES: dict[str, Any] = {
    "operation_id": "list_sources",
    "summary": "List sources, newest first",
    "tags": ["sources"],
    "responses": {200: SourceOutput(many=True), **problems(400, 404)},
}

CREATE_SOURCE: dict[str, Any] = {
    "operation_id": "register_source",
    "summary": "Register a source, or update its name and metadata",
    "tags": ["sources"],
    "request": SourceInput,
    "responses": {
        201: OpenApiResponse(SourceOutput, "Registered."),
        200: OpenApiResponse(SourceOutput, "It existed; what was given is updated."),
        **problems(400, 413, 415),
    },
}

BULK_SOURCES: dict[str, Any] = {
    "operation_id": "register_sources",
    "summary": "Register many sources",
    "tags": ["sources"],
    "request": BulkSourcesInput,
    "responses": {
        201: OpenApiResponse(BulkSourcesOutput, "At least one source is new."),
        200: OpenApiResponse(BulkSourcesOutput, "No source is new."),
        **problems(400, 413, 415),
    },
}

GET_SOURCE: dict[str, Any] = {
    "operation_id": "get_source",
    "summary": "One source",
    "tags": ["sources"],
    "responses": {200: SourceOutput, **problems(404)},
}

LIST_LABELS: dict[str, Any] = {
    "operation_id": "list_labels",
    "summary": "List labels, newest first; all of them unless a page is asked for",
    "tags": ["labels"],
    "responses": {200: LabelOutput(many=True), **problems(400, 404)},
}

CREATE_LABEL: dict[str, Any] = {
    "operation_id": "create_label",
    "summary": "Make a label",
    "tags": ["labels"],
    "request": LabelInput,
    "responses": {200: LabelCreated, **problems(400, 413, 415)},
}

GET_LABEL: dict[str, Any] = {
    "operation_id": "get_label",
    "summary": "One label",
    "tags": ["labels"],
    "responses": {200: LabelOutput, **problems(404)},
}

HEALTH: dict[str, Any] = {
    "operation_id": "healthz",
    "summary": "Whether the process answers",
    "tags": ["health"],
    "responses": {200: Health},
}

READINESS: dict[str, Any] = {
    "operation_id": "readyz",
    "summary": "Whether the database answers and every migration is applied",
    "tags": ["health"],
    "responses": {200: Readiness, 503: Readiness},
}
