"""`/model-hub/sources/`: what can be scored must be known here first (contract 0.6)."""

import uuid
from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from modelhub.accounts.authentication import caller
from modelhub.core.envelope import read_object, rename
from modelhub.core.errors import Invalid, Refused
from modelhub.core.filters import StrictFilterSet
from modelhub.core.pagination import Pages
from modelhub.core.replica import replica_may_answer
from modelhub.core.schema import PAGING, example, page_of, problems
from modelhub.core.serializers import render_list
from modelhub.core.text import show
from modelhub.sources.models import Source
from modelhub.sources.refs import SOURCE_WORDS, source_key
from modelhub.sources.serializers import BulkSourcesInput, BulkSourcesOutput, SourceInput, SourceOutput, source_output
from modelhub.sources.services import Registered, get_source, register_sources, sources_of

EXAMPLE_SOURCE = {"source_type": "trace", "source_id": "7b1f6e1e-0d1c-4a52-9b8e-1f2d3c4b5a69", "name": "First chat"}

FIELDS = ("source_type", "source_id", "name", "metadata")


class SourceFilter(StrictFilterSet):
    """The filters of the list; a word and its alias find the same sources, UUIDs whatever their spelling."""

    source_type = django_filters.ChoiceFilter(
        choices=[(word, word) for word in SOURCE_WORDS], method="by_word", label="a word of the contract"
    )
    source_id = django_filters.CharFilter(
        method="by_key", strip=False, label="the id that the source was registered with"
    )
    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="part of the name")

    class Meta:
        model = Source
        fields = ["source_type", "source_id", "search"]

    def by_word(self, queryset: QuerySet[Source], name: str, value: str) -> QuerySet[Source]:
        """Sources of the stored type that the word stands for."""
        return queryset.filter(source_type=SOURCE_WORDS[value])

    def by_key(self, queryset: QuerySet[Source], name: str, value: str) -> QuerySet[Source]:
        """Sources with that id."""
        return queryset.filter(source_key=source_key(value))


class Sources(GenericAPIView[Source]):
    """Register one source, or list them."""

    queryset = Source.objects.none()  # for the schema, which has no caller
    serializer_class = SourceOutput
    pagination_class = Pages
    filterset_class = SourceFilter

    def get_queryset(self) -> QuerySet[Source]:
        """The organization's sources, newest first."""
        return sources_of(caller(self.request).organization_id)

    @extend_schema(
        filters=True,
        operation_id="list_sources",
        summary="List sources, newest first",
        tags=["sources"],
        parameters=PAGING,
        responses={200: page_of(SourceOutput, "SourcePage"), **problems(400, 404)},
    )
    @replica_may_answer
    def get(self, request: Request) -> Response:
        """A page of sources."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(render_list(SourceOutput, page))

    @extend_schema(
        **example("A trace", EXAMPLE_SOURCE),
        operation_id="register_source",
        summary="Register a source, or update its name and metadata",
        tags=["sources"],
        request=SourceInput,
        responses={
            201: OpenApiResponse(SourceOutput, "Registered."),
            200: OpenApiResponse(SourceOutput, "It existed; what was given is updated."),
            **problems(400, 413, 415),
        },
    )
    def post(self, request: Request) -> Response:
        """Register a source (201), or update the name and metadata of the one that exists (200)."""
        entry = read_object(request.data, FIELDS)
        [outcome] = register_sources(organization_id=caller(request).organization_id, entries=[entry])
        if outcome.source is None:
            raise outcome.refused or Invalid("The source was refused")
        output = source_output(outcome.source, word=outcome.word)
        return Response(output, status=201 if outcome.created else 200)


class BulkSources(APIView):
    """Register many sources."""

    @extend_schema(
        **example("Two kinds", {"sources": [EXAMPLE_SOURCE, EXAMPLE_SOURCE | {"source_type": "session"}]}),
        operation_id="register_sources",
        summary="Register many sources",
        tags=["sources"],
        request=BulkSourcesInput,
        responses={
            201: OpenApiResponse(BulkSourcesOutput, "At least one source is new."),
            200: OpenApiResponse(BulkSourcesOutput, "No source is new."),
            **problems(400, 413, 415),
        },
    )
    def post(self, request: Request) -> Response:
        """Register what is right; what is wrong comes back as one sentence per source."""
        sources = read_object(request.data, ("sources",)).get("sources")
        if not isinstance(sources, list) or not sources:
            sentence = f"sources must be a list of at least one source, got {show(sources)}"
            raise Invalid(sentence, fields={"sources": [sentence]})
        outcomes = register_sources(
            organization_id=caller(request).organization_id, entries=[_read_entry(entry) for entry in sources]
        )
        body = _bulk_output(outcomes)
        return Response(body, status=201 if any(outcome.created for outcome in outcomes) else 200)


class OneSource(APIView):
    """One source by its primary key."""

    @extend_schema(
        operation_id="get_source",
        summary="One source",
        tags=["sources"],
        responses={200: SourceOutput, **problems(404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The source, or 404."""
        return Response(SourceOutput(get_source(organization_id=caller(request).organization_id, pk=pk)).data)


def _read_entry(entry: object) -> dict[str, Any] | Refused:
    if not isinstance(entry, dict):
        return Invalid(f"A source must be an object, got {show(entry)}", code="not_an_object")
    try:
        return rename(entry, FIELDS)
    except Refused as refused:
        return refused


def _bulk_output(outcomes: list[Registered]) -> dict[str, Any]:
    return {
        "sources": [source_output(outcome.source, word=outcome.word) for outcome in outcomes if outcome.source],
        "errors": [f"sources[{index}]: {outcome.refused}" for index, outcome in enumerate(outcomes) if outcome.refused],
    }
