"""`/model-hub/annotation-queues/{id}/`: progress and analytics (contract 7)."""

import uuid

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import actor_of
from modelhub.core.schema import counts, endpoint, problem_responses
from modelhub.core.views import ApiView
from modelhub.labels.types import LABEL_TYPES
from modelhub.queues.access import get_access
from modelhub.queues.analytics import get_analytics
from modelhub.queues.progress import get_progress

ProgressAnswer = inline_serializer(
    "QueueProgress",
    {
        **counts("total", "pending", "in_progress", "in_review", "completed", "skipped"),
        "progress_pct": serializers.FloatField(),
        "annotator_stats": inline_serializer(
            "AnnotatorProgress",
            {
                "user_id": serializers.UUIDField(),
                "name": serializers.CharField(),
                **counts("completed", "pending", "in_progress", "in_review", "skipped", "annotations_count"),
            },
            many=True,
        ),
        "user_progress": inline_serializer(
            "UserProgress",
            {
                **counts("total", "completed", "pending", "in_progress", "skipped"),
                "progress_pct": serializers.FloatField(),
            },
        ),
    },
)
AnalyticsAnswer = inline_serializer(
    "QueueAnalytics",
    {
        "throughput": inline_serializer(
            "Throughput",
            {
                "daily": inline_serializer(
                    "CompletedPerDay", {"date": serializers.DateField(), **counts("count")}, many=True
                ),
                **counts("total_completed"),
                "avg_per_day": serializers.FloatField(),
            },
        ),
        "annotator_performance": inline_serializer(
            "AnnotatorPerformance",
            {
                "user_id": serializers.UUIDField(),
                "name": serializers.CharField(),
                **counts("completed", "skips"),
                "last_active": serializers.DateTimeField(),
                "gold": inline_serializer(
                    "GoldAnswers",
                    {**counts("answered", "correct"), "accuracy": serializers.FloatField(allow_null=True)},
                ),
            },
            many=True,
        ),
        "label_distribution": serializers.DictField(
            child=inline_serializer(
                "LabelDistribution",
                {
                    "name": serializers.CharField(),
                    "type": serializers.ChoiceField(LABEL_TYPES),
                    "values": serializers.DictField(child=serializers.IntegerField()),
                    **counts("other"),
                },
            )
        ),
        "status_breakdown": serializers.DictField(child=serializers.IntegerField()),
        **counts("total"),
    },
)


@extend_schema(tags=["queues"])
class QueueProgress(ApiView):
    for_annotators = ("read",)

    @endpoint(
        operation_id="get_queue_progress",
        summary="The progress of a queue, in all and per person",
        responses={200: ProgressAnswer, **problem_responses(404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """Return counts that add up to `total`.

        In `user_progress`, items that wait for a review are completed.
        """
        return Response(get_progress(get_access(actor_of(request), pk)))


@extend_schema(tags=["queues"])
class QueueAnalytics(ApiView):
    @endpoint(
        operation_id="get_queue_analytics",
        summary="Throughput, people, values and statuses of a queue",
        description="For managers and reviewers of the queue, and admins of the organization.",
        responses={200: AnalyticsAnswer, **problem_responses(404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(get_analytics(get_access(actor_of(request), pk)))
