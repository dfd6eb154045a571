"""`…/{id}/agreement/` of queues and `/model-hub/agreement/` (contract 7.8)."""

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import actor_of
from modelhub.agreement.figures import Question, get_agreement
from modelhub.agreement.levels import RATERS, Raters
from modelhub.agreement.reading import read_labels_of_queue, read_labels_of_scores, scores_of_queue
from modelhub.agreement.serializers import AgreementAnswer, QueueAgreementAnswer
from modelhub.core.models import LISTED
from modelhub.core.schema import endpoint, flag, parameter, problem_responses
from modelhub.core.views import ApiView
from modelhub.queues.access import get_access
from modelhub.scores.filters import ScoreFilter
from modelhub.scores.models import Score
from modelhub.scores.queries import live_scores

OPTIONS = [
    parameter("raters", "The ratings that figures are of.", enum=[*RATERS], default="people"),
    flag("bootstrap", "With confidence intervals.", default=True),
]


@extend_schema(tags=["agreement"])
class QueueAgreement(ApiView):
    @endpoint(
        operation_id="get_queue_agreement",
        summary="Agreement of the annotators of a queue, per label",
        description="For managers and reviewers of the queue, and admins of the organization.",
        parameters=[
            parameter("label_id", "Only these labels of the queue, separated by commas."),
            parameter("annotator_id", "Only the scores of these annotators, separated by commas."),
            *OPTIONS,
        ],
        responses={200: QueueAgreementAnswer, **problem_responses(400, 404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """Compare the ratings of each item by each label."""
        access = get_access(actor_of(request), pk)
        access.check("review")
        queue = access.queue
        question = Question(
            organization_id=queue.organization_id,
            scores=scores_of_queue(queue, self.query.get("annotator_id")),
            labels=read_labels_of_queue(queue, self.query.get("label_id")),
            unit="queue_item",
            raters=self.read_word("raters", RATERS, "people"),
            bootstrap=self.read_flag("bootstrap", default=True),
        )
        return Response({"queue_id": str(queue.pk), **get_agreement(question)})


@extend_schema(tags=["agreement"])
class Agreement(ApiView, GenericAPIView[Any]):
    queryset = Score.objects.none()  # for the schema, which has no caller
    filterset_class = ScoreFilter

    def get_queryset(self) -> QuerySet[Score]:
        return live_scores(actor_of(self.request)).filter(LISTED)

    @endpoint(
        filters=ScoreFilter,
        operation_id="get_agreement",
        summary="Agreement of the annotators of any scores, per label",
        parameters=OPTIONS,
        responses={200: AgreementAnswer, **problem_responses(400)},
    )
    def get(self, request: Request) -> Response:
        """Compare the ratings of each source by each label.

        With `score_source`, and without `raters`, all ratings under the filter count.
        """
        raters: Raters = "all" if "score_source" in self.query else "people"
        organization_id = actor_of(request).user.organization_id
        scores = self.filter_queryset(self.get_queryset())
        question = Question(
            organization_id=organization_id,
            scores=scores,
            labels=read_labels_of_scores(organization_id, scores),
            unit="source_id",
            raters=self.read_word("raters", RATERS, raters),
            bootstrap=self.read_flag("bootstrap", default=True),
        )
        return Response(get_agreement(question))
