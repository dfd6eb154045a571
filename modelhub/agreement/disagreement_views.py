"""Disagreements in a queue, and decisions of reviewers (contract 7.11)."""

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import actor_of, actor_of_body
from modelhub.agreement.adjudicating import adjudicate
from modelhub.agreement.disagreement_serializers import (
    AdjudicateAnswer,
    AdjudicateInput,
    AdjudicationSerializer,
    DisagreementSerializer,
)
from modelhub.agreement.disagreements import Disagreements
from modelhub.agreement.levels import RATERS
from modelhub.agreement.reading import read_labels_of_queue
from modelhub.agreement.rows import adjudications_of, complete
from modelhub.core.errors import Sentences
from modelhub.core.pagination import Pages, PagesOfList
from modelhub.core.schema import PAGING, endpoint, flag, page_of, parameter, problem_responses
from modelhub.core.serializers import render_list
from modelhub.core.views import ApiView
from modelhub.examples import ITEM_ID, STAR_ID
from modelhub.idempotency.decorators import IDEMPOTENCY_KEY, idempotent
from modelhub.queues.access import get_access
from modelhub.queues.models import Adjudication
from modelhub.queues.queries import get_item
from modelhub.scores.models import Score

DECISION = {"item_id": ITEM_ID, "label_id": STAR_ID, "value": {"rating": 4}, "notes": "The second source settles it."}


@extend_schema(tags=["agreement"])
class QueueDisagreements(ApiView, GenericAPIView[Any]):
    queryset = Score.objects.none()  # read by drf-spectacular
    serializer_class = DisagreementSerializer  # read by OPTIONS
    pagination_class = PagesOfList

    @endpoint(
        operation_id="list_disagreements",
        summary="The items and labels that raters disagree on",
        description="For managers and reviewers of the queue, and admins of the organization.",
        parameters=[
            parameter("label_id", "Only these labels of the queue, separated by commas."),
            parameter("adjudicated", "Only those with a decision in force, or only those without.", bool),
            parameter("raters", "The ratings that are compared.", enum=[*RATERS], default="people"),
            flag("posterior", "With the probabilities of the values.", default=True),
            *PAGING,
        ],
        responses={200: page_of(DisagreementSerializer, "DisagreementPage"), **problem_responses(400, 404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """Return a page, oldest item first, then in the order of the queue's labels."""
        access = get_access(actor_of(request), pk)
        access.check("review")
        found = Disagreements(
            access.queue,
            read_labels_of_queue(access.queue, self.query.get("label_id")),
            raters=self.read_word("raters", RATERS, "people"),
            adjudicated=self.read_flag("adjudicated") if "adjudicated" in self.query else None,
            posterior=self.read_flag("posterior", default=True),
        )
        page: Any = self.paginate_queryset(found.cells)
        return self.get_paginated_response(found.describe(page))


@extend_schema(tags=["agreement"])
class Adjudicate(ApiView):
    for_annotators = ("write",)

    @endpoint(
        operation_id="adjudicate",
        summary="Decide on the values of items",
        description=(
            "For reviewers and managers of the queue, and admins of the organization, but not for the annotators of the"
            " item by the label. Items and scores stay as they are. `value: null` withdraws a decision."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=AdjudicateInput,
        responses={200: AdjudicateAnswer, **problem_responses(400, 404, 413, 415, 422)},
        examples=[
            OpenApiExample("One decision", DECISION, request_only=True),
            OpenApiExample("Many decisions", {"decisions": [DECISION]}, request_only=True),
        ],
    )
    @idempotent
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Store each valid decision; each invalid one of many is a sentence in `errors`."""
        sent = AdjudicateInput().run_validation(request.data)
        actor = actor_of_body(request, sent)
        rows, refused = adjudicate(actor=actor, queue_id=pk, adjudications=sent["adjudications"])
        errors, sentences = sorted((sent["errors"] | refused).items()), Sentences()
        if errors and sent["is_single"]:
            raise errors[0][1]
        return Response(
            {
                "adjudicated": render_list(AdjudicationSerializer, rows),
                "errors": [f"decisions[{index}]: {sentences.of(error)}" for index, error in errors],
            }
        )


@extend_schema(tags=["agreement"])
class ItemAdjudications(ApiView, GenericAPIView[Any]):
    queryset = Adjudication.objects.none()  # read by drf-spectacular, which has no caller
    serializer_class = AdjudicationSerializer  # read by OPTIONS
    pagination_class = Pages

    @endpoint(
        operation_id="list_adjudications",
        summary="The decisions on an item, newest first",
        parameters=PAGING,
        responses={200: page_of(AdjudicationSerializer, "AdjudicationPage"), **problem_responses(400, 404)},
    )
    def get(self, request: Request, pk: uuid.UUID, item_id: uuid.UUID) -> Response:
        """Return a page of decisions, replaced and withdrawn ones included."""
        access = get_access(actor_of(request), pk)
        access.check("review")
        rows = adjudications_of(access.queue).filter(item=get_item(access, item_id).pk)
        page: Any = self.paginate_queryset(rows.order_by("-created_at", "-id"))
        return self.get_paginated_response(render_list(AdjudicationSerializer, complete(page)))
