"""Parts of the OpenAPI schema that several views share."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers

from modelhub.core.filters import StrictFilterSet, WordsFilter
from modelhub.core.keyset import ORDERINGS
from modelhub.core.problems import CONTENT_TYPE

M = TypeVar("M", bound=Callable[..., Any])

SENTENCES = serializers.ListField(child=serializers.CharField())


def counts(*names: str) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    """Return the fields of counts by their names."""
    return {name: serializers.IntegerField(min_value=0) for name in names}


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
        "until": serializers.DateTimeField(required=False, help_text="Of `item_reserved`: a reservation ends then."),
    },
)
DESCRIPTIONS = {
    400: "The request cannot be understood; `detail` names the rule and the value that was sent.",
    401: "No valid pair of API key and secret key.",
    403: "The key lacks the scope, its user the role, or the object belongs to another user.",
    404: "No such object in this organization.",
    409: "The request contradicts stored data.",
    413: "Above a limit.",
    415: "The body is not JSON.",
    422: "The Idempotency-Key was used for another request.",
    429: "Above a rate limit; retry after `Retry-After`.",
    503: "The database does not answer; retry after `Retry-After`.",
}


def endpoint(
    *, parameters: Sequence[OpenApiParameter] = (), filters: type[StrictFilterSet] | None = None, **description: Any
) -> Callable[[M], M]:
    """Describe a method of an `ApiView`, which takes no other query parameters.

    `filters` is the `filterset_class` of the view, if the method takes its filters.
    """

    def declare(method: M) -> M:
        described: M = extend_schema(parameters=[*parameters], filters=filters is not None, **description)(method)
        names = [one.name for one in parameters if one.location == OpenApiParameter.QUERY]
        by_name = filters.base_filters if filters else {}
        vars(described)["query_parameters"] = (*by_name, *names)
        vars(described)["query_lists"] = tuple(name for name, one in by_name.items() if isinstance(one, WordsFilter))
        return described

    return declare


def problem_responses(*statuses: int) -> dict[Any, Any]:
    """Return the error answers of an authenticated route."""
    return keyless_responses(*{*statuses, 401, 403, 429, 503})


def keyless_responses(*statuses: int) -> dict[Any, Any]:
    """Return the error answers of a route without authentication."""
    return {(status, CONTENT_TYPE): OpenApiResponse(Problem, DESCRIPTIONS[status]) for status in sorted(statuses)}


def parameter(name: str, description: str, kind: Any = str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, description=description, **more)


def flag(name: str, description: str, *, default: bool = False) -> OpenApiParameter:
    return parameter(name, description, bool, default=default)


def from_number(least: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least}


PAGING = [
    parameter("page", "Number of the page, from 1.", from_number(1)),
    parameter("page_size", "Rows per page, at most 1,000.", from_number(1)),
    parameter("limit", "The same as page_size; wins if both are given.", from_number(1)),
]
CURSOR = [
    parameter("cursor", "Empty at first, then `next_cursor` of the answer: pages that cost the same at any depth."),
    parameter("ordering", "Time to order by, `-` for newest first.", enum=ORDERINGS, default=ORDERINGS[0]),
]


def page_of(output: Any, name: str) -> Any:
    """Return the serializer of a page of a list."""
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


def example(name: str, value: Any) -> dict[str, Any]:
    """Return an example body of a request, as an argument of `extend_schema`."""
    return {"examples": [OpenApiExample(name, value, request_only=True)]}


DeletedOutput = inline_serializer("Deleted", {"deleted": serializers.BooleanField()})


def require_bodies(result: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Mark bodies given as JSON Schema as required, as drf-spectacular does others."""
    for methods in result["paths"].values():
        for operation in methods.values():
            body = operation.get("requestBody", {"content": {}})
            if any("$ref" not in content["schema"] for content in body["content"].values()):
                body["required"] = True
    return result


def put_headers_first(result: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Put the two headers of a key before the bearer token that replaces them."""
    schemes = result["components"]["securitySchemes"]
    result["components"]["securitySchemes"] = dict(sorted(schemes.items(), key=lambda scheme: scheme[1]["type"]))
    return result
