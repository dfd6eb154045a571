"""One score by its id: read, corrected, deleted; what it said before; and many deleted at once."""

import uuid
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from modelhub.api import schema
from modelhub.api.auth import actor_of, caller
from modelhub.api.envelope import read_object
from modelhub.api.outputs import RevisionOutput, render_list, score_output
from modelhub.api.paging import Pages
from modelhub.api.score_filters import FILTERS, filter_scores
from modelhub.errors import Invalid
from modelhub.exact_json import check_storable
from modelhub.models import ScoreRevision
from modelhub.replica import replica_may_answer
from modelhub.score_changes import (
    CHANGES,
    Deleted,
    delete_score,
    delete_scores_by_id,
    delete_scores_matching,
    update_score,
)
from modelhub.score_queries import history_of, scores_of, view_score
from modelhub.score_views import ScoreView
from modelhub.values import show


class OneScore(APIView):
    """A live score."""

    @extend_schema(**schema.GET_SCORE)
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The score, or 404."""
        return Response(score_output(view_score(organization_id=caller(request).organization_id, score_id=pk)))

    @extend_schema(**schema.PUT_SCORE)
    def put(self, request: Request, pk: uuid.UUID) -> Response:
        """Correct it; `value` must be given."""
        return self._change(request, pk, required=("value",))

    @extend_schema(**schema.PATCH_SCORE)
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        """Correct what is given."""
        return self._change(request, pk)

    @extend_schema(**schema.DELETE_SCORE)
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

    @extend_schema(**schema.SCORE_HISTORY)
    @replica_may_answer
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """Every replaced value, newest first; also of a deleted score."""
        rows = history_of(organization_id=caller(request).organization_id, score_id=pk)
        return self.get_paginated_response(render_list(RevisionOutput, self.paginate_queryset(rows) or []))


class BulkDelete(APIView):
    """Many scores deleted at once."""

    @extend_schema(**schema.BULK_DELETE)
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
