"""`/model-hub/scores/`: one score, and many on one source in one request."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from modelhub.accounts.authentication import annotator_of
from modelhub.core.envelope import FieldErrors, read_flags, read_object, rename
from modelhub.core.errors import Invalid, NotFound, Refused
from modelhub.core.keyset import in_order
from modelhub.core.metrics import count_batch, count_scores
from modelhub.core.pagination import PagesOrCursor, read_ordering
from modelhub.core.replica import replica_may_answer
from modelhub.core.schema import CURSOR, DRY_RUN, IDEMPOTENCY_KEY, PAGING, example, flag, page_of, problems
from modelhub.core.text import show
from modelhub.idempotency.decorators import respond_once
from modelhub.scores.entries import FIELDS as ENTRY_FIELDS
from modelhub.scores.entries import EntryError, check_notes
from modelhub.scores.lists import FilteredScores
from modelhub.scores.recording import Recorded, record_scores
from modelhub.scores.serializers import (
    BulkScoresInput,
    BulkScoresOutput,
    ScoreInput,
    ScoreOutput,
    render_scores,
    score_output,
)
from modelhub.sources.refs import SourceRef, check_source_ref

EXAMPLE_BULK = {
    "source_type": "trace",
    "source_id": "7b1f6e1e-0d1c-4a52-9b8e-1f2d3c4b5a69",
    "scores": [
        {"label_id": "018f3f2a-7c4e-7d7a-8a3b-5f6e7d8c9b0a", "value": {"rating": 4}},
        {"label_id": "018f3f2a-7c4e-7d7a-8a3b-5f6e7d8c9b0b", "value": {"selected": ["positive"]}},
    ],
    "notes": "Batch annotation",
}

EXAMPLE_ENTRY = {"label_id": "018f3f2a-7c4e-7d7a-8a3b-5f6e7d8c9b0a", "value": {"rating": 4}, "score_source": "human"}

EXAMPLE_SOURCE = {"source_type": "trace", "source_id": "7b1f6e1e-0d1c-4a52-9b8e-1f2d3c4b5a69", "name": "First chat"}

BULK_FIELDS = ("source_type", "source_id", "scores", "notes", "annotator_id")
SINGLE_FIELDS = ("source_type", "source_id", "annotator_id", *ENTRY_FIELDS)
# What a single score names and is not there is a 404, in a batch it is the error of one entry.
MISSING = frozenset({"label_not_found", "label_deleted"})


@dataclass(frozen=True, slots=True)
class BulkInput:
    """A bulk request whose own shape is right; its entries have yet to be judged one by one."""

    ref: SourceRef
    entries: list[object]
    notes: str | None
    annotator_id: object


class BulkScores(APIView):
    """Many scores on one source."""

    @extend_schema(
        operation_id="create_scores",
        summary="Store many scores on one source",
        tags=["scores"],
        parameters=[
            DRY_RUN,
            flag("atomic", "All or nothing: with any error nothing is stored."),
            flag("error_details", "Adds `error_details`, the errors for programs."),
            IDEMPOTENCY_KEY,
        ],
        request=BulkScoresInput,
        responses={
            201: OpenApiResponse(BulkScoresOutput, "At least one score was stored."),
            200: OpenApiResponse(BulkScoresOutput, "No score was stored; `errors` says why, unless it was a dry run."),
            **problems(400, 404, 413, 415, 422),
        },
        **example("Two labels", EXAMPLE_BULK),
    )
    def post(self, request: Request) -> Response:
        """Store what is right; what is wrong comes back as one sentence per score."""
        flags = read_flags(request.query_params, ("dry_run", "atomic", "error_details"))
        batch = read_bulk(request.data)
        annotator = annotator_of(request, batch.annotator_id)
        stored = not flags["dry_run"]

        def act() -> tuple[int, Any]:
            recorded = record_scores(
                annotator=annotator,
                ref=batch.ref,
                entries=batch.entries,
                notes=batch.notes,
                dry_run=flags["dry_run"],
                atomic=flags["atomic"],
            )
            if stored:
                transaction.on_commit(partial(count_scores, stored=len(recorded.scores), refused=codes(recorded)))
            body = bulk_output(recorded, batch.ref, stored=stored, details=flags["error_details"])
            return 201 if stored and recorded.scores else 200, body

        response = respond_once(request, act)
        count_batch(len(batch.entries))
        return response


class Scores(FilteredScores):
    """Store one score, or list them."""

    pagination_class = PagesOrCursor

    @extend_schema(
        filters=True,
        operation_id="list_scores",
        summary="List scores",
        tags=["scores"],
        parameters=[*PAGING, *CURSOR],
        responses={200: page_of(ScoreOutput, "ScorePage"), **problems(400, 404)},
    )
    @replica_may_answer
    def get(self, request: Request) -> Response:
        """A page of scores, or with `cursor` a stretch of the list whose cost does not grow with its depth."""
        rows = in_order(self.filter_queryset(self.get_queryset()), read_ordering(request))
        return self.get_paginated_response(render_scores(self.paginate_queryset(rows) or []))

    @extend_schema(
        **example("One label", {name: EXAMPLE_SOURCE[name] for name in ("source_type", "source_id")} | EXAMPLE_ENTRY),
        operation_id="create_score",
        summary="Store one score",
        tags=["scores"],
        parameters=[DRY_RUN, IDEMPOTENCY_KEY],
        request=ScoreInput,
        responses={
            201: OpenApiResponse(ScoreOutput, "Stored, new or in place of what this annotator said before."),
            200: OpenApiResponse(ScoreOutput, "A dry run: this would be stored."),
            **problems(400, 404, 413, 415, 422),
        },
    )
    def post(self, request: Request) -> Response:
        """Store one score; the same rules as in a batch, and a problem in place of an error string."""
        flags = read_flags(request.query_params, ("dry_run",))
        fields = read_object(request.data, SINGLE_FIELDS, strict=True)
        annotator = annotator_of(request, fields.pop("annotator_id", None))
        ref = check_source_ref(fields.pop("source_type", None), fields.pop("source_id", None))
        stored = not flags["dry_run"]

        def act() -> tuple[int, Any]:
            recorded = record_scores(annotator=annotator, ref=ref, entries=[fields], dry_run=flags["dry_run"])
            if recorded.errors:
                count_scores(refused=codes(recorded))
                raise as_refusal(recorded.errors[0])
            if stored:
                transaction.on_commit(partial(count_scores, stored=1))
            return 201 if stored else 200, score_output(recorded.scores[0], word=ref.word, stored=stored)

        return respond_once(request, act)


def read_bulk(data: object) -> BulkInput:
    """The request's own shape; raises `Invalid` with everything that is wrong with it, by field."""
    fields = read_object(data, BULK_FIELDS, strict=True)
    errors = FieldErrors()
    ref = errors.check("source_type", check_source_ref, fields.get("source_type"), fields.get("source_id"))
    notes = errors.check("notes", check_notes, fields.get("notes"))
    scores = fields.get("scores")
    if not isinstance(scores, list) or not scores:
        errors.add("scores", f"scores must be a list of at least one score, got {show(scores)}")
    errors.raise_any()
    assert ref is not None and isinstance(scores, list)  # noqa: S101, PT018 - or raise_any had raised
    return BulkInput(ref, [read_entry(entry) for entry in scores], notes, fields.get("annotator_id"))


def read_entry(entry: object) -> object:
    """An entry with its keys in snake_case; where that is impossible the refusal, which is this entry's alone."""
    if not isinstance(entry, dict):
        return entry
    try:
        return rename(entry, ENTRY_FIELDS)
    except Refused as refused:
        return refused


def bulk_output(recorded: Recorded, ref: SourceRef, *, stored: bool, details: bool) -> dict[str, Any]:
    """The answer: `scores`, `errors` and, if asked for, `error_details`, each in the order of the request."""
    body: dict[str, Any] = {
        "scores": render_scores(recorded.scores, word=ref.word, stored=stored),
        "errors": [f"scores[{error.index}]: {error.message}" for error in recorded.errors],
    }
    if details:
        body["error_details"] = error_details(recorded.errors)
    return body


def codes(recorded: Recorded) -> list[str]:
    """The codes of the scores that were refused."""
    return [error.code for error in recorded.errors]


def error_details(errors: Sequence[EntryError]) -> list[dict[str, Any]]:
    """The same errors for programs: the codes are listed in docs/errors.md."""
    return [
        {"index": error.index, "label_id": error.label_id, "code": error.code, "message": error.message}
        for error in errors
    ]


def as_refusal(error: EntryError) -> Refused:
    """The refusal of a whole request that asked for one score only."""
    kind = NotFound if error.code in MISSING else Invalid
    return kind(error.message, code=error.code)
