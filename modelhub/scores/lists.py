"""Many scores, read: pages, cursors, those of one source, and all of them as a file."""

import itertools
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from modelhub.accounts.authentication import caller
from modelhub.core.envelope import rename
from modelhub.core.errors import Invalid
from modelhub.core.filters import checked
from modelhub.core.models import LISTED
from modelhub.core.replica import replica_may_answer
from modelhub.core.schema import parameter, problems
from modelhub.core.text import show
from modelhub.scores.export import FORMATS
from modelhub.scores.filters import ScoreFilter
from modelhub.scores.models import Score
from modelhub.scores.queries import views_of, views_of_source
from modelhub.scores.rows import ScoreView
from modelhub.scores.serializers import ScoreOutput, render_scores
from modelhub.sources.refs import SOURCE_WORDS, check_source_ref

# What the scores of one source may be narrowed by.
MORE = ("label_id", "annotator_id")


class FilteredScores(GenericAPIView[Any]):
    """The organization's live scores under the filters of the request."""

    queryset = Score.objects.none()  # for the schema, which has no caller
    serializer_class = ScoreOutput
    filterset_class = ScoreFilter

    def get_queryset(self) -> QuerySet[Score, ScoreView]:
        """What there is before any filter."""
        return views_of(caller(self.request).organization_id).filter(LISTED)


class ScoresOfSource(APIView):
    """All scores of one source."""

    @extend_schema(
        operation_id="get_scores",
        summary="All scores of one source",
        tags=["scores"],
        parameters=[
            parameter("source_type", "What kind of source.", required=True, enum=list(SOURCE_WORDS)),
            parameter("source_id", "The id that it was registered with.", required=True),
            parameter("label_id", "Only of this label.", UUID),
            parameter("annotator_id", "Only of this annotator.", UUID),
        ],
        responses={200: ScoreOutput(many=True), **problems(400)},
    )
    @replica_may_answer
    def get(self, request: Request) -> Response:
        """A bare list, by label name and then newest first; empty for an unknown source, as the clients expect."""
        query = rename(request.query_params.dict(), ("source_type", "source_id", *MORE))
        ref = check_source_ref(query.get("source_type"), query.get("source_id"))
        rows = views_of_source(caller(request).organization_id, ref)
        more = {name: query[name] for name in MORE if name in query}
        filters = ScoreFilter(more, queryset=rows.order_by("label__name", "-created_at", "-id"))
        return Response(render_scores(checked(filters), word=ref.word))


class ExportScores(FilteredScores):
    """All scores under the filters, as a file."""

    @extend_schema(
        filters=True,
        operation_id="export_scores",
        summary="All scores under the filters, as a file",
        tags=["scores"],
        parameters=[parameter("export_format", "The kind of file.", enum=["jsonl", "csv"], default="jsonl")],
        responses={
            (200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, "One score a line."),
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "One score a row."),
            **problems(400),
        },
    )
    @replica_may_answer
    def get(self, request: Request) -> HttpResponseBase:
        """Streams, oldest first; its memory does not grow with the number of scores."""
        name = request.query_params.get("export_format", "jsonl")
        if name not in FORMATS:
            sentence = f"export_format must be one of {', '.join(FORMATS)}, got {show(name)}"
            raise Invalid(sentence, fields={"export_format": [sentence]})
        content_type, write = FORMATS[name]
        rows = self.filter_queryset(self.get_queryset())
        # The rest is read while it is sent, from where the first score came from.
        pieces = write(rows.using(rows.db))
        # The first scores are read before the answer begins: what fails until then can still be told.
        first = list(itertools.islice(pieces, 2))
        response = StreamingHttpResponse(itertools.chain(first, pieces), content_type=content_type)
        response["Content-Disposition"] = f'attachment; filename="scores.{name}"'
        return response
