"""Parts that the OpenAPI descriptions of all views share."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from modelhub.core.keyset import ORDERINGS

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


DeletedOutput = inline_serializer("Deleted", {"deleted": serializers.BooleanField()})


def example(name: str, value: Any) -> dict[str, Any]:
    """Return a request body to try out, as an argument of `extend_schema`."""
    return {"examples": [OpenApiExample(name, value, request_only=True)]}


class ErrorDetail(serializers.Serializer[Any]):
    """One refused entry, for programs."""

    index = serializers.IntegerField(min_value=0)
    label_id = serializers.CharField(allow_null=True)
    code = serializers.CharField()
    message = serializers.CharField()
