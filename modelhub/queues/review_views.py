"""`…/items/{item_id}/review/` and `…/items/bulk-review/` (contract 7.2)."""

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import actor_of_body
from modelhub.core.schema import endpoint, example, problem_responses
from modelhub.core.views import ApiView
from modelhub.examples import ITEM_ID, STAR_ID
from modelhub.queues.item_serializers import ItemSerializer
from modelhub.queues.queries import get_item_row
from modelhub.queues.review_serializers import BulkReviewAnswer, BulkReviewInput, ReviewAnswer, ReviewInput
from modelhub.queues.reviewing import Decision, review_item, review_items

REJECTION = {
    "action": "reject",
    "notes": "Read the guide again.",
    "label_comments": [{"label_id": STAR_ID, "comment": "An answer without a source is no 5."}],
}


@extend_schema(tags=["items"])
class ReviewItem(ApiView):
    for_annotators = ("write",)

    @endpoint(
        **example("Return the work", REJECTION),
        operation_id="review_item",
        summary="Approve, reject or reopen the work on an item",
        description=(
            "For reviewers and managers of the queue, and admins of the organization, but not for the annotators of the"
            " item. `approve` completes it. `reject` and `request_changes` return the work to its annotators, who find"
            " it first in `next-item`. `reopen` takes an approval back. `comment` changes no status."
        ),
        request=ReviewInput,
        responses={200: ReviewAnswer, **problem_responses(400, 404, 413, 415)},
    )
    def post(self, request: Request, pk: uuid.UUID, item_id: uuid.UUID) -> Response:
        sent = ReviewInput().run_validation(request.data)
        decision = Decision(sent["action"], sent.get("notes") or "", sent.get("label_comments") or ())
        access = review_item(actor=actor_of_body(request, sent), queue_id=pk, item_id=item_id, decision=decision)
        row = get_item_row(access, item_id)
        return Response(
            {
                "reviewed_item_id": row.id,
                "item": ItemSerializer(row).data,
                "queue_status": access.queue.status,
            }
        )


@extend_schema(tags=["items"])
class BulkReview(ApiView):
    for_annotators = ("write",)

    @endpoint(
        **example("Approve", {"item_ids": [ITEM_ID], "action": "approve"}),
        operation_id="review_items",
        summary="Review many items with one decision",
        request=BulkReviewInput,
        responses={200: BulkReviewAnswer, **problem_responses(400, 404, 413, 415)},
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Review each item that fits; the others are in `errors`."""
        sent = BulkReviewInput().run_validation(request.data)
        item_ids, decision = sent["item_ids"], Decision(sent["action"], sent.get("notes") or "")
        errors = review_items(actor=actor_of_body(request, sent), queue_id=pk, item_ids=item_ids, decision=decision)
        found = [{"item_id": str(pk), "error": str(error)} for pk, error in errors.items()]
        return Response({"reviewed": len(item_ids) - len(found), "errors": found})
