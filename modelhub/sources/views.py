"""`/model-hub/sources/`: registered sources (contract 0.6)."""

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import caller
from modelhub.core.pagination import Pages
from modelhub.core.schema import PAGING, endpoint, example, page_of, parameter, problem_responses
from modelhub.core.serializers import render_list
from modelhub.core.views import ApiView
from modelhub.sources.filters import SourceFilter
from modelhub.sources.models import Source
from modelhub.sources.serializers import (
    EXAMPLE_SESSION,
    EXAMPLE_TRACE,
    BulkSourcesAnswer,
    BulkSourcesInput,
    SourceInput,
    SourceSerializer,
)
from modelhub.sources.services import get_source, register_and_show, register_sources, show_contents, sources_of

# The fields that an answer has on request.
INCLUDED = ("content",)
INCLUDE = parameter("include", "`content` adds the content of each source.", enum=INCLUDED)


@extend_schema(tags=["sources"])
class Sources(ApiView, GenericAPIView[Source]):
    for_annotators = ("read",)
    queryset = Source.objects.none()  # read by drf-spectacular, which has no caller
    serializer_class = SourceSerializer  # read by OPTIONS
    pagination_class = Pages
    filterset_class = SourceFilter

    def get_queryset(self) -> QuerySet[Source]:
        return sources_of(caller(self.request).organization_id)

    @endpoint(
        filters=SourceFilter,
        operation_id="list_sources",
        summary="List sources, newest first",
        parameters=[*PAGING, INCLUDE],
        responses={200: page_of(SourceSerializer, "SourcePage"), **problem_responses(400, 404)},
    )
    def get(self, request: Request) -> Response:
        include = self.read_include(*INCLUDED)
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        if "content" in include:
            show_contents(caller(request).organization_id, page or [])
        return self.get_paginated_response(render_list(SourceSerializer, page))

    @endpoint(
        **example("A trace", EXAMPLE_TRACE),
        operation_id="register_source",
        summary="Register a source, or update its name, metadata and content",
        parameters=[INCLUDE],
        request=SourceInput,
        responses={
            201: OpenApiResponse(SourceSerializer, "Registered."),
            200: OpenApiResponse(SourceSerializer, "The source existed; the given fields are updated."),
            **problem_responses(400, 413, 415),
        },
    )
    def post(self, request: Request) -> Response:
        entry = SourceInput().run_validation(request.data)
        register = register_and_show if self.read_include(*INCLUDED) else register_sources
        [result] = register(organization_id=caller(request).organization_id, entries=[entry])
        if not isinstance(result, Source):
            raise result
        [body] = _rendered([result])
        return Response(body, status=201 if result.is_new else 200)


@extend_schema(tags=["sources"])
class BulkSources(ApiView):
    @endpoint(
        **example("Two kinds", {"sources": [EXAMPLE_TRACE, EXAMPLE_SESSION]}),
        operation_id="register_sources",
        summary="Register many sources",
        parameters=[INCLUDE],
        request=BulkSourcesInput,
        responses={
            201: OpenApiResponse(BulkSourcesAnswer, "At least one source is new."),
            200: OpenApiResponse(BulkSourcesAnswer, "No source is new."),
            **problem_responses(400, 413, 415),
        },
    )
    def post(self, request: Request) -> Response:
        """Store the valid sources; `errors` has a sentence for each other one."""
        entries = BulkSourcesInput().run_validation(request.data)
        register = register_and_show if self.read_include(*INCLUDED) else register_sources
        results = register(organization_id=caller(request).organization_id, entries=entries)
        sources = [result for result in results if isinstance(result, Source)]
        errors = [f"sources[{at}]: {result}" for at, result in enumerate(results) if not isinstance(result, Source)]
        body = {"sources": _rendered(sources), "errors": errors}
        return Response(body, status=201 if any(source.is_new for source in sources) else 200)


@extend_schema(tags=["sources"])
class OneSource(ApiView):
    for_annotators = ("read",)

    @endpoint(
        operation_id="get_source",
        summary="Get a source",
        parameters=[INCLUDE],
        responses={200: SourceSerializer, **problem_responses(400, 404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        with_content = "content" in self.read_include(*INCLUDED)
        source = get_source(organization_id=caller(request).organization_id, pk=pk)
        if with_content:
            show_contents(source.organization_id, [source])
        return Response(SourceSerializer(source).data)


def _rendered(sources: list[Source]) -> list[dict[str, Any]]:
    """Return sources, each with its type in the word of the request."""
    rows = render_list(SourceSerializer, sources)
    return [row | {"source_type": source.word} for row, source in zip(rows, sources, strict=True)]
