"""`GET /model-hub/annotations-labels/{id}/summary/` (contract 7.12)."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import actor_of
from modelhub.agreement.summary import get_summary
from modelhub.core.models import LISTED
from modelhub.core.schema import counts, endpoint, problem_responses
from modelhub.core.views import ApiView
from modelhub.labels.services import get_label
from modelhub.labels.types import LABEL_TYPES
from modelhub.scores.filters import ScoreFilter
from modelhub.scores.models import Score
from modelhub.scores.queries import live_scores


def number(help_text: str = "") -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, help_text=help_text)


SummaryAnswer = inline_serializer(
    "LabelSummary",
    {
        "label_id": serializers.UUIDField(),
        "label_name": serializers.CharField(),
        "label_type": serializers.ChoiceField(LABEL_TYPES),
        **counts("count", "annotators", "sources"),
        "distribution": inline_serializer(
            "ValueCount",
            {
                "value": serializers.JSONField(help_text="A number or a string; each of several options by itself."),
                **counts("count"),
                "share": serializers.FloatField(help_text="Of all scores; those of several options exceed 1."),
            },
            many=True,
        ),
        "other": serializers.IntegerField(min_value=0, help_text="Number of values that are not listed."),
        "mean": number("Of numbers and stars, as the following fields; else null."),
        "median": number(),
        "minimum": number(),
        "maximum": number(),
        "per_annotator": inline_serializer(
            "AnnotatorCount",
            {
                "annotator_id": serializers.UUIDField(),
                "annotator_name": serializers.CharField(),
                **counts("count"),
                "mean": number(),
            },
            many=True,
        ),
        "over_time": inline_serializer(
            "DayCount", {"date": serializers.DateField(), **counts("count"), "mean": number()}, many=True
        ),
        "score_sources": serializers.DictField(child=serializers.IntegerField()),
        "first_at": serializers.DateTimeField(allow_null=True),
        "last_at": serializers.DateTimeField(allow_null=True),
    },
)


@extend_schema(tags=["labels"])
class LabelSummary(ApiView, GenericAPIView[Any]):
    queryset = Score.objects.none()  # read by drf-spectacular, which has no caller
    filterset_class = ScoreFilter

    @endpoint(
        filters=ScoreFilter,
        operation_id="get_label_summary",
        summary="Counts, values and figures of the scores of a label",
        description="All filters must hold: a label_id other than that of the path finds no score.",
        responses={200: SummaryAnswer, **problem_responses(400, 404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """Summarize the live scores under the filters, also of a deleted label."""
        actor = actor_of(request)
        label = get_label(organization_id=actor.user.organization_id, label_id=pk, deleted_too=True)
        scores = self.filter_queryset(live_scores(actor).filter(LISTED, label=label))
        return Response(get_summary(label, scores))
