"""`/model-hub/annotation-queues/{id}/items/`: the items of a queue (contract 7.3)."""

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import actor_of
from modelhub.core.models import LISTED
from modelhub.core.pagination import Pages
from modelhub.core.schema import PAGING, DeletedOutput, endpoint, example, page_of, problem_responses
from modelhub.core.serializers import render_list
from modelhub.core.views import ApiView
from modelhub.examples import ITEM_ID
from modelhub.queues.access import get_access
from modelhub.queues.adding import SourceSelection, add_listed_items, add_selected_items
from modelhub.queues.assignment import assign_items
from modelhub.queues.item_filters import ItemFilter
from modelhub.queues.item_serializers import (
    EXAMPLE_ASSIGNMENT,
    EXAMPLE_ITEMS,
    EXAMPLE_SELECTION,
    AddItemsAnswer,
    AddItemsInput,
    AssignAnswer,
    AssignInput,
    ItemChangeInput,
    ItemIdsInput,
    ItemSerializer,
    RemoveItemsAnswer,
)
from modelhub.queues.items import remove_item, remove_items, update_item
from modelhub.queues.models import Item
from modelhub.queues.queries import get_item_row, item_rows, items_of


@extend_schema(tags=["items"])
class Items(ApiView, GenericAPIView[Any]):
    for_annotators = ("read",)
    queryset = Item.objects.none()  # read by drf-spectacular, which has no caller
    serializer_class = ItemSerializer  # read by OPTIONS
    pagination_class = Pages
    filterset_class = ItemFilter

    def get_queryset(self) -> QuerySet[Item, uuid.UUID]:
        """Return the ids of the items: the rows of the page are read by them."""
        items = items_of(self.access.queue).filter(LISTED).order_by("order", "id")
        return items.values_list("pk", flat=True)

    @endpoint(
        filters=ItemFilter,
        operation_id="list_items",
        summary="List the items of a queue",
        parameters=PAGING,
        responses={200: page_of(ItemSerializer, "ItemPage"), **problem_responses(400, 404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """Return a page in the order of the queue, or in that of `ordering`."""
        self.access = get_access(actor_of(request), pk)
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(render_list(ItemSerializer, item_rows(self.access, page)))


@extend_schema(tags=["items"])
class AddItems(ApiView):
    @endpoint(
        operation_id="add_items",
        summary="Add sources to a queue, by a list or by a filter",
        request=AddItemsInput,
        responses={200: AddItemsAnswer, **problem_responses(400, 404, 413, 415)},
        examples=[
            OpenApiExample("A list", EXAMPLE_ITEMS, request_only=True),
            OpenApiExample("A filter", EXAMPLE_SELECTION, request_only=True),
        ],
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Add the sources that the queue lacks, in order; a wrong entry is an error.

        A completed queue is active again.
        """
        sent = AddItemsInput().run_validation(request.data)
        actor = actor_of(request)
        if isinstance(sent, SourceSelection):
            outcome = add_selected_items(actor=actor, queue_id=pk, selection=sent)
        else:
            outcome = add_listed_items(actor=actor, queue_id=pk, entries=sent)
        return Response(outcome)


@extend_schema(tags=["items"])
class OneItem(ApiView):
    for_annotators = ("read",)

    @endpoint(
        operation_id="get_item",
        summary="Get an item",
        responses={200: ItemSerializer, **problem_responses(404)},
    )
    def get(self, request: Request, pk: uuid.UUID, item_id: uuid.UUID) -> Response:
        access = get_access(actor_of(request), pk)
        return Response(ItemSerializer(get_item_row(access, item_id)).data)

    @endpoint(
        **example("First of all", {"priority": 10}),
        operation_id="update_item",
        summary="Set the priority of an item, or its expected values",
        request=ItemChangeInput,
        responses={200: ItemSerializer, **problem_responses(400, 404, 413, 415)},
    )
    def patch(self, request: Request, pk: uuid.UUID, item_id: uuid.UUID) -> Response:
        """Set the given fields; expected values make an item gold."""
        changes = ItemChangeInput().run_validation(request.data)
        access = update_item(actor=actor_of(request), queue_id=pk, item_id=item_id, changes=changes)
        return Response(ItemSerializer(get_item_row(access, item_id)).data)

    @endpoint(
        operation_id="remove_item",
        summary="Remove an item and its scores, whose history stays",
        responses={200: DeletedOutput, **problem_responses(404)},
    )
    def delete(self, request: Request, pk: uuid.UUID, item_id: uuid.UUID) -> Response:
        """Remove an item; 200 with a body, because clients read one (contract 1.1)."""
        remove_item(actor=actor_of(request), queue_id=pk, item_id=item_id)
        return Response({"deleted": True})


@extend_schema(tags=["items"])
class RemoveItems(ApiView):
    @endpoint(
        **example("One", {"item_ids": [ITEM_ID]}),
        operation_id="remove_items",
        summary="Remove many items and their scores, whose history stays",
        request=ItemIdsInput,
        responses={200: RemoveItemsAnswer, **problem_responses(400, 404, 413, 415)},
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Remove items; ids of no item of the queue are ignored."""
        sent = ItemIdsInput().run_validation(request.data)
        return Response({"removed": remove_items(actor=actor_of(request), queue_id=pk, **sent)})


@extend_schema(tags=["items"])
class AssignItems(ApiView):
    @endpoint(
        **example("One more person", EXAMPLE_ASSIGNMENT),
        operation_id="assign_items",
        summary="Assign items to people",
        request=AssignInput,
        responses={200: AssignAnswer, **problem_responses(400, 404, 413, 415)},
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Add people to those that may take the items, remove them, or set them.

        `assigned` is the number of items times people. Ids of no item of the queue are ignored.
        """
        sent = AssignInput().run_validation(request.data)
        assigned = assign_items(actor=actor_of(request), queue_id=pk, **sent)
        return Response({"assigned": assigned.assignments})
