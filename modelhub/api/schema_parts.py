"""The bodies, parameters and answers that modelhub.api.schema puts together."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from modelhub.api.outputs import LabelOutput, ProjectOutput, ScoreOutput, SourceOutput
from modelhub.keyset import ORDERINGS
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
    """The error answers of a route; 401, 403, 429 and 503 belong to every route that asks who it is."""
    return {
        (status, "application/problem+json"): OpenApiResponse(Problem, PROBLEMS[status])
        for status in sorted({*statuses, 401, 403, 429, 503})
    }


PROBLEMS = {
    400: "The request cannot be understood; `detail` names the rule and what was sent.",
    401: "No valid pair of API key and secret key.",
    403: "The key lacks the scope, or it is somebody else's score.",
    404: "What is named does not exist in this organization.",
    409: "It contradicts something that is stored.",
    413: "More than a limit allows.",
    422: "The Idempotency-Key was used for another request.",
    415: "The body is not JSON.",
    429: "Too often; `Retry-After` says when to come back.",
    503: "The database does not answer; `Retry-After` says when to try again.",
}


def flag(name: str, description: str) -> OpenApiParameter:
    """A query parameter that is off unless it is `true` or `1`."""
    return OpenApiParameter(name, bool, description=description, default=False)


def parameter(name: str, description: str, kind: Any = str, **more: Any) -> OpenApiParameter:
    """A query parameter."""
    return OpenApiParameter(name, kind, description=description, **more)


def from_number(least: int) -> dict[str, Any]:
    """The schema of a whole number."""
    return {"type": "integer", "minimum": least}


PAGING = [
    parameter("page", "Number of the page, from 1.", from_number(1)),
    parameter("page_size", "Rows a page, at most 1,000.", from_number(1)),
    parameter("limit", "The same as page_size, and stronger.", from_number(1)),
]
CURSOR = [
    parameter("cursor", "Empty to begin, then `next_cursor` of the answer: stretches that cost the same at any depth."),
    parameter("ordering", "Which time decides, `-` for newest first.", enum=ORDERINGS, default=ORDERINGS[0]),
]


def page_of(output: Any, name: str) -> Any:
    """A page of a list."""
    return inline_serializer(
        name,
        {
            "count": serializers.IntegerField(required=False),
            "next": serializers.CharField(allow_null=True),
            "previous": serializers.CharField(allow_null=True),
            "total_pages": serializers.IntegerField(required=False),
            "current_page": serializers.IntegerField(required=False),
            "next_cursor": serializers.CharField(required=False, allow_null=True),
            "results": output(many=True),
        },
    )


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255},
    OpenApiParameter.HEADER,
    description="A repeat of the request with the same key gets the first answer again; kept for 24 hours.",
)
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


class BulkDeleteInput(serializers.Serializer[Any]):
    """Which scores to delete: either `ids`, or a `filter` that holds at least one filter of the list."""

    ids = serializers.ListField(child=serializers.UUIDField(), required=False, allow_empty=False)
    filter = serializers.DictField(child=serializers.CharField(), required=False)


DeletedOutput = inline_serializer("Deleted", {"deleted": serializers.BooleanField()})
BulkDeleteOutput = inline_serializer("BulkDeleted", {"deleted": serializers.IntegerField(), "errors": SENTENCES})
LabelList = inline_serializer("LabelList", {"status": serializers.BooleanField(), "result": LabelOutput(many=True)})
ProjectPage = inline_serializer(
    "ProjectPage",
    {
        "metadata": serializers.DictField(child=serializers.IntegerField()),
        "table": ProjectOutput(many=True),
    },
)
ProjectList = inline_serializer("ProjectList", {"status": serializers.BooleanField(), "result": ProjectPage})


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
    source_id = serializers.CharField(min_length=1, max_length=255)
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=255)
    metadata = serializers.DictField(required=False, allow_null=True)


class LabelInput(serializers.Serializer[Any]):
    """A label to make; the settings that are left out take the defaults of the type."""

    name = serializers.CharField(min_length=1, max_length=255)
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
