"""One score by its id: read, corrected, deleted; what it said before; and many deleted at once."""

import uuid
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from modelhub.accounts.authentication import actor_of, caller
from modelhub.core.envelope import read_object
from modelhub.core.errors import Invalid
from modelhub.core.exact_json import check_storable
from modelhub.core.pagination import Pages
from modelhub.core.replica import replica_may_answer
from modelhub.core.schema import PAGING, DeletedOutput, example, page_of, problems
from modelhub.core.serializers import render_list
from modelhub.core.text import show
from modelhub.scores.changes import (
    CHANGES,
    Deleted,
    delete_score,
    delete_scores_by_id,
    delete_scores_matching,
    update_score,
)
from modelhub.scores.filters import FILTERS, filter_scores
from modelhub.scores.models import ScoreRevision
from modelhub.scores.queries import history_of, scores_of, view_score
from modelhub.scores.rows import ScoreView
from modelhub.scores.serializers import (
    BulkDeleteInput,
    BulkDeleteOutput,
    RevisionOutput,
    ScoreChange,
    ScoreOutput,
    score_output,
)

EXAMPLE_SOURCE = {"source_type": "trace", "source_id": "7b1f6e1e-0d1c-4a52-9b8e-1f2d3c4b5a69", "name": "First chat"}


class OneScore(APIView):
    """A live score."""

    @extend_schema(
        operation_id="get_score",
        summary="One score",
        tags=["scores"],
        responses={200: ScoreOutput, **problems(404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The score, or 404."""
        return Response(score_output(view_score(organization_id=caller(request).organization_id, score_id=pk)))

    @extend_schema(
        **example("Another rating", {"value": {"rating": 2}, "notes": "On second thought"}),
        operation_id="replace_score",
        summary="Correct a score; the value must be given",
        tags=["scores"],
        request=ScoreChange,
        responses={200: ScoreOutput, **problems(400, 404, 413, 415)},
    )
    def put(self, request: Request, pk: uuid.UUID) -> Response:
        """Correct it; `value` must be given."""
        return self._change(request, pk, required=("value",))

    @extend_schema(
        **example("Another rating", {"value": {"rating": 2}, "notes": "On second thought"}),
        operation_id="update_score",
        summary="Correct a score",
        tags=["scores"],
        request=ScoreChange(partial=True),
        responses={200: ScoreOutput, **problems(400, 404, 413, 415)},
    )
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        """Correct what is given."""
        return self._change(request, pk)

    @extend_schema(
        operation_id="delete_score",
        summary="Delete a score; its history stays",
        tags=["scores"],
        responses={200: DeletedOutput, **problems(404)},
    )
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        """Delete it softly; 200 with a body, because clients read one."""
        delete_score(actor=actor_of(request), score_id=pk)
        return Response({"deleted": True})

    def _change(self, request: Request, pk: uuid.UUID, required: tuple[str, ...] = ()) -> Response:
        changes = read_object(request.data, (*CHANGES, "annotator_id"), strict=True)
        actor = actor_of(request, changes.pop("annotator_id", None))
        for name in required:
            if name not in changes:
                raise Invalid(f"{name} must be given", code=f"missing_{name}", fields={name: [f"{name} must be given"]})
        if not changes:
            raise Invalid(f"At least one of {', '.join(CHANGES)} must be given", code="required")
        return Response(score_output(ScoreView.of(update_score(actor=actor, score_id=pk, changes=changes))))


class ScoreHistory(GenericAPIView[ScoreRevision]):
    """What a score said before."""

    serializer_class = RevisionOutput
    pagination_class = Pages
    filter_backends = ()

    @extend_schema(
        operation_id="score_history",
        summary="What a score said before, newest first",
        tags=["scores"],
        parameters=PAGING,
        responses={200: page_of(RevisionOutput, "RevisionPage"), **problems(400, 404)},
    )
    @replica_may_answer
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """Every replaced value, newest first; also of a deleted score."""
        rows = history_of(organization_id=caller(request).organization_id, score_id=pk)
        return self.get_paginated_response(render_list(RevisionOutput, self.paginate_queryset(rows) or []))


class BulkDelete(APIView):
    """Many scores deleted at once."""

    @extend_schema(
        **example("All of one source", {"filter": {"source_type": "trace", "source_id": EXAMPLE_SOURCE["source_id"]}}),
        operation_id="delete_scores",
        summary="Delete many scores, by their ids or by a filter",
        tags=["scores"],
        request=BulkDeleteInput,
        responses={200: BulkDeleteOutput, **problems(400, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        """By `ids`, where each that cannot be deleted has its error, or by a `filter`, all or none."""
        fields = read_object(request.data, ("ids", "filter"), strict=True)
        if len(fields) != 1:
            raise Invalid("Either ids or filter must be given, and not both", code="required")
        actor = actor_of(request)
        if "ids" in fields:
            return _answer(delete_scores_by_id(actor=actor, ids=_check_ids(fields["ids"])))
        chosen = _check_filter(fields["filter"])
        rows = filter_scores(scores_of(actor.user.organization_id), chosen, request=request)
        return _answer(delete_scores_matching(actor=actor, rows=rows))


def _check_ids(ids: object) -> list[Any]:
    if not isinstance(ids, list) or not ids:
        sentence = f"ids must be a list of at least one id, got {show(ids)}"
        raise Invalid(sentence, fields={"ids": [sentence]})
    return ids


def _check_filter(chosen: object) -> dict[str, Any]:
    """Not empty, and nothing in it that would be taken for no filter at all."""
    values = chosen.values() if isinstance(chosen, dict) else []
    if not isinstance(chosen, dict) or not chosen or not all(isinstance(value, str) and value for value in values):
        sentence = f"filter must be an object that holds strings under {', '.join(FILTERS)}, got {show(chosen)}"
        raise Invalid(sentence, fields={"filter": [sentence]})
    check_storable(chosen, max_bytes=settings.MAX_VALUE_BYTES, max_depth=settings.MAX_VALUE_DEPTH, name="filter")
    return chosen


def _answer(outcome: Deleted) -> Response:
    errors = [f"ids[{index}]: {sentence}" for index, sentence in outcome.errors]
    return Response({"deleted": outcome.count, "errors": errors})
