"""`/model-hub/scores/`: write, read, correct and delete scores (contract 6)."""

import itertools
import uuid
from typing import Any

import msgspec
from django.conf import settings
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import actor_of, annotator_of, api_key_of
from modelhub.core.bounded import read_all
from modelhub.core.csv_cells import BYTE_ORDER_MARK
from modelhub.core.downloads import download
from modelhub.core.envelope import read_object, reject_unknown, rename
from modelhub.core.errors import Invalid
from modelhub.core.exact_json import check_storable
from modelhub.core.metrics import BATCH_SCORES
from modelhub.core.models import LISTED
from modelhub.core.pagination import Pages, PagesOrCursor
from modelhub.core.replica import alias_for_long_read
from modelhub.core.schema import (
    CURSOR,
    PAGING,
    DeletedOutput,
    endpoint,
    example,
    flag,
    page_of,
    parameter,
    problem_responses,
)
from modelhub.core.serializers import render_list
from modelhub.core.text import show
from modelhub.core.views import ApiView
from modelhub.idempotency.decorators import IDEMPOTENCY_KEY, idempotent
from modelhub.scores import bodies
from modelhub.scores.changes import CHANGES, delete_score, delete_scores_by_id, delete_scores_matching, update_score
from modelhub.scores.entries import check_notes
from modelhub.scores.export import FORMATS
from modelhub.scores.filters import FILTERS, ScoreFilter
from modelhub.scores.models import Score
from modelhub.scores.queries import get_history, get_row, get_rows, get_rows_of_source, live_scores
from modelhub.scores.recording import Batch, record_scores
from modelhub.scores.rows import ScoreRow
from modelhub.scores.serializers import (
    BulkDeleteAnswer,
    BulkScoresAnswer,
    EntryErrorSerializer,
    RevisionSerializer,
    ScoreSerializer,
)
from modelhub.sources.refs import SOURCE_WORDS, check_source_ref

BULK_FIELDS = tuple(bodies.BULK_SCORES["properties"])
SCORE_FIELDS = tuple(bodies.SCORE["properties"])
CHANGE_FIELDS = tuple(bodies.SCORE_CHANGE["properties"])
DELETE_FIELDS = tuple(bodies.BULK_DELETE["properties"])

DRY_RUN = flag("dry_run", "Check everything, store nothing; the scores have neither id nor times.")
CORRECTION: dict[str, Any] = {
    **example("Another rating", bodies.EXAMPLE_CHANGE),
    "responses": {200: ScoreSerializer, **problem_responses(400, 404, 413, 415)},
}


@extend_schema(tags=["scores"])
class BulkScores(ApiView):
    for_annotators = ("write",)

    @endpoint(
        operation_id="create_scores",
        summary="Store many scores on one source",
        parameters=[
            DRY_RUN,
            flag("atomic", "All or nothing: with any error nothing is stored."),
            flag("error_details", "Adds `error_details`, the errors for programs."),
            IDEMPOTENCY_KEY,
        ],
        request={"application/json": bodies.BULK_SCORES},
        responses={
            201: OpenApiResponse(BulkScoresAnswer, "At least one score was stored."),
            200: OpenApiResponse(
                BulkScoresAnswer,
                "No score was stored; `errors` says why, unless it was a dry run.",
                examples=[OpenApiExample("No valid score", bodies.EXAMPLE_REJECTED)],
            ),
            **problem_responses(400, 404, 413, 415, 422),
        },
        **example("Two labels", bodies.EXAMPLE_BULK),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Store each valid score; each invalid one is a sentence in `errors`."""
        dry_run, atomic = self.read_flag("dry_run"), self.read_flag("atomic")
        with_details = self.read_flag("error_details")
        batch = read_bulk(request, dry_run=dry_run, atomic=atomic)
        recording = record_scores(batch)
        BATCH_SCORES.observe(len(batch.entries))
        body = {
            "scores": render_list(ScoreSerializer, recording.rows),
            "errors": [f"scores[{error.index}]: {error.message}" for error in recording.errors],
        }
        if with_details:
            body["error_details"] = render_list(EntryErrorSerializer, recording.errors)
        return Response(body, status=201 if recording.rows and not batch.dry_run else 200)


def read_bulk(request: Request, *, dry_run: bool, atomic: bool) -> Batch:
    """Read the envelope of a bulk request. Raise `Invalid` with all errors."""
    fields = read_object(request.data, BULK_FIELDS, strict=True)
    errors: dict[str, list[str]] = {}
    ref = notes = None
    try:
        ref = check_source_ref(fields.get("source_type"), fields.get("source_id"))
    except Invalid as invalid:
        errors.update(invalid.fields)
    try:
        notes = check_notes(fields.get("notes"))
    except Invalid as invalid:
        errors["notes"] = [str(invalid)]
    sent = fields.get("scores")
    entries = sent if isinstance(sent, list) else []
    if not entries:
        errors["scores"] = [f"scores must be a list of at least one score, got {show(sent)}"]
    if ref is None or errors:
        raise Invalid("; ".join(itertools.chain(*errors.values())), fields=errors)
    annotator = annotator_of(request, fields.get("annotator_id"), fields.get("annotator_email"))
    may_create = "write" in api_key_of(request).scopes
    return Batch(annotator, ref, entries, notes, dry_run=dry_run, atomic=atomic, create_source=may_create)


class FilteredScores(ApiView, GenericAPIView[Any]):
    """The live scores that the key may see, under the filters of the request."""

    for_annotators: tuple[str, ...] = ("read",)
    queryset = Score.objects.none()  # for the schema, which has no caller
    serializer_class = ScoreSerializer  # read by OPTIONS
    filterset_class = ScoreFilter

    def get_queryset(self) -> QuerySet[Score, ScoreRow]:
        return get_rows(actor_of(self.request)).filter(LISTED)


@extend_schema(tags=["scores"])
class Scores(FilteredScores):
    for_annotators = ("read", "write")
    pagination_class = PagesOrCursor

    @endpoint(
        filters=ScoreFilter,
        operation_id="list_scores",
        summary="List scores",
        parameters=[*PAGING, *CURSOR],
        responses={200: page_of(ScoreSerializer, "ScorePage"), **problem_responses(400, 404)},
    )
    def get(self, request: Request) -> Response:
        """Return a page of scores; pages by `cursor` cost the same at any depth."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(render_list(ScoreSerializer, page))

    @endpoint(
        operation_id="create_score",
        summary="Store one score",
        parameters=[DRY_RUN, IDEMPOTENCY_KEY],
        request={"application/json": bodies.SCORE},
        responses={
            201: OpenApiResponse(ScoreSerializer, "Stored, new or in place of this annotator's earlier score."),
            200: OpenApiResponse(ScoreSerializer, "A dry run: this would be stored."),
            **problem_responses(400, 404, 413, 415, 422),
        },
        **example("One label", bodies.EXAMPLE_SCORE),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Store one score by the rules of a batch; an error is a problem."""
        dry_run = self.read_flag("dry_run")
        fields = read_object(request.data, SCORE_FIELDS, strict=True)
        annotator = annotator_of(request, fields.pop("annotator_id", None), fields.pop("annotator_email", None))
        ref = check_source_ref(fields.pop("source_type", None), fields.pop("source_id", None))
        may_create = "write" in api_key_of(request).scopes
        batch = Batch(annotator, ref, [fields], dry_run=dry_run, create_source=may_create)
        recording = record_scores(batch)
        if recording.errors:
            [error] = recording.errors
            raise error.kind(error.message, code=error.code, field=error.field)
        return Response(ScoreSerializer(recording.rows[0]).data, status=200 if dry_run else 201)


@extend_schema(tags=["scores"])
class OneScore(ApiView):
    for_annotators = ("read", "write")

    @endpoint(
        operation_id="get_score",
        summary="One score",
        responses={200: ScoreSerializer, **problem_responses(404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(ScoreSerializer(get_row(actor=actor_of(request), score_id=pk)).data)

    @endpoint(
        operation_id="replace_score",
        summary="Correct a score; the value must be given",
        request={"application/json": bodies.SCORE_REPLACEMENT},
        **CORRECTION,
    )
    def put(self, request: Request, pk: uuid.UUID) -> Response:
        return self._change(request, pk)

    @endpoint(
        operation_id="update_score",
        summary="Correct a score; omitted fields keep their values",
        request={"application/json": bodies.SCORE_CHANGE},
        **CORRECTION,
    )
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        return self._change(request, pk)

    @endpoint(
        operation_id="delete_score",
        summary="Delete a score; its history stays",
        responses={200: DeletedOutput, **problem_responses(404)},
    )
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        """Delete a score softly; 200 with a body, because clients read one (contract 1.1)."""
        delete_score(actor=actor_of(request), score_id=pk)
        return Response({"deleted": True})

    def _change(self, request: Request, pk: uuid.UUID) -> Response:
        changes = read_object(request.data, CHANGE_FIELDS, strict=True)
        actor = actor_of(request, changes.pop("annotator_id", None), changes.pop("annotator_email", None))
        # Null means not given (contract 0.5), but no value is null.
        changes = {name: given for name, given in changes.items() if given is not None or name == "value"}
        if request.method == "PUT" and "value" not in changes:
            raise Invalid("value must be given", code="missing_value", field="value")
        if not changes:
            sentence = f"At least one of {', '.join(CHANGES)} must be given, other than null"
            raise Invalid(sentence, code="required", fields={name: [sentence] for name in CHANGES})
        return Response(ScoreSerializer(update_score(actor=actor, score_id=pk, changes=changes)).data)


@extend_schema(tags=["scores"])
class ScoreHistory(ApiView, GenericAPIView[Any]):
    for_annotators = ("read",)
    pagination_class = Pages

    @endpoint(
        operation_id="score_history",
        summary="The replaced values of a score, newest first",
        parameters=PAGING,
        responses={200: page_of(RevisionSerializer, "RevisionPage"), **problem_responses(400, 404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """Return a page of replaced values, newest first; also of a deleted score."""
        revisions = get_history(actor=actor_of(request), score_id=pk)
        return self.get_paginated_response(render_list(RevisionSerializer, self.paginate_queryset(revisions)))


@extend_schema(tags=["scores"])
class BulkDelete(ApiView):
    for_annotators = ("write",)

    @endpoint(
        operation_id="delete_scores",
        summary="Delete many scores, by their ids or by a filter",
        request={"application/json": bodies.BULK_DELETE},
        responses={200: BulkDeleteAnswer, **problem_responses(400, 413, 415)},
        **example("All of one source", bodies.EXAMPLE_BULK_DELETE),
    )
    def post(self, request: Request) -> Response:
        """Delete by `ids`, with an error per rejected one, or by `filter`, all or none."""
        fields = read_object(request.data, DELETE_FIELDS, strict=True)
        if len(fields) != 1:
            sentence = "Either ids or filter must be given, and not both"
            raise Invalid(sentence, code="required", fields={name: [sentence] for name in DELETE_FIELDS})
        actor = actor_of(request)
        if "ids" in fields:
            ids = fields["ids"]
            if not isinstance(ids, list) or not ids:
                raise Invalid(f"ids must be a list of at least one id, got {show(ids)}", field="ids")
            deleted, errors = delete_scores_by_id(actor=actor, ids=ids)
        else:
            live = live_scores(actor).filter(LISTED)
            chosen = ScoreFilter(read_filter(fields["filter"]), queryset=live, request=request)
            deleted, errors = delete_scores_matching(actor=actor, scores=chosen.get_rows()), []
        return Response({"deleted": deleted, "errors": errors})


def read_filter(given: object) -> dict[str, str]:
    """Return a filter of at least one known field. Raise `Invalid`."""
    if not isinstance(given, dict) or not given or not all(isinstance(text, str) and text for text in given.values()):
        sentence = f"filter must be an object that holds strings under {', '.join(FILTERS)}, got {show(given)}"
        raise Invalid(sentence, field="filter")
    check_storable(given, max_bytes=settings.MAX_VALUE_BYTES, max_depth=settings.MAX_VALUE_DEPTH, name="filter")
    named = rename(given, FILTERS)
    reject_unknown(named, FILTERS, kind="filter")
    return named


@extend_schema(tags=["scores"])
class ScoresOfSource(FilteredScores):
    @endpoint(
        filters=ScoreFilter,
        operation_id="get_scores",
        summary="All scores of one source",
        parameters=[
            parameter("source_type", "The type of the source.", required=True, enum=list(SOURCE_WORDS)),
            parameter("source_id", "The id that it was registered with.", required=True),
        ],
        responses={200: ScoreSerializer(many=True), **problem_responses(400)},
    )
    def get(self, request: Request) -> Response:
        """Return a bare list by label name, empty for an unknown source (contract 6)."""
        filters = dict(self.query)
        ref = check_source_ref(filters.pop("source_type", None), filters.pop("source_id", None))
        rows = get_rows_of_source(actor_of(request), ref)
        found = ScoreFilter(
            filters, queryset=rows.order_by("label__name", "-created_at", "-id"), request=request
        ).get_rows()
        # The word of the request is echoed (contract 2.1).
        named = [msgspec.structs.replace(row, source_type=ref.word) for row in read_all(found)]
        return Response(render_list(ScoreSerializer, named))


@extend_schema(tags=["scores"])
class ExportScores(FilteredScores):
    @endpoint(
        filters=ScoreFilter,
        operation_id="export_scores",
        summary="All scores under the filters, as a file",
        parameters=[
            parameter("export_format", "The format of the file.", enum=["jsonl", "csv"], default="jsonl"),
            flag("bom", "With CSV: begin with a byte order mark, by which spreadsheets recognize UTF-8."),
        ],
        responses={
            (200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, "One score per line."),
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "One score per row."),
            **problem_responses(400),
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Stream the scores, oldest first; memory does not grow with their number."""
        name = self.read_word("export_format", FORMATS, "jsonl")
        bom = self.read_flag("bom")
        if bom and name != "csv":
            raise Invalid("bom must be false unless export_format is csv, got true", field="bom")
        content_type, write = FORMATS[name]
        pieces = write(self.filter_queryset(self.get_queryset()).using(alias_for_long_read()))
        start = BYTE_ORDER_MARK if bom else b""
        return download(pieces, content_type=content_type, name=f"scores.{name}", start=start)
