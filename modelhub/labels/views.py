"""`/model-hub/annotations-labels/`: the labels of an organization (contract 6)."""

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import actor_of, caller
from modelhub.core.pagination import PagesOnRequest
from modelhub.core.schema import PAGING, DeletedOutput, endpoint, example, flag, page_of, problem_responses
from modelhub.core.serializers import render_list
from modelhub.core.views import ApiView
from modelhub.labels.filters import LabelFilter
from modelhub.labels.models import Label
from modelhub.labels.serializers import LabelAnswer, LabelInput, LabelSerializer
from modelhub.labels.services import create_label, delete_label, get_label, labels_of, restore_label, update_label

NEW_LABEL = {"name": "Sentiment", "type": "categorical", "settings": {"options": ["positive", "negative"]}}
MORE_OPTIONS = {"settings": {"options": ["positive", "neutral", "negative"]}}
UPDATE: dict[str, Any] = {
    **example("More options", MORE_OPTIONS),
    "parameters": [flag("force", "Change the settings even if stored scores are illegal under them.")],
    "request": LabelInput(partial=True),
    "responses": {200: LabelSerializer, **problem_responses(400, 404, 409, 413, 415)},
}


@extend_schema(tags=["labels"])
class Labels(ApiView, GenericAPIView[Label]):
    for_annotators = ("read",)
    queryset = Label.objects.none()  # read by drf-spectacular, which has no caller
    serializer_class = LabelSerializer  # read by OPTIONS
    pagination_class = PagesOnRequest
    filterset_class = LabelFilter

    def get_queryset(self) -> QuerySet[Label]:
        return labels_of(caller(self.request).organization_id)

    @endpoint(
        filters=LabelFilter,
        operation_id="list_labels",
        summary="List labels, newest first",
        description="All labels, unless the request asks for a page.",
        parameters=PAGING,
        responses={200: page_of(LabelSerializer, "LabelPage"), **problem_responses(400, 404)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(render_list(LabelSerializer, page))

    @endpoint(
        **example("One of two", NEW_LABEL),
        operation_id="create_label",
        summary="Create a label",
        request=LabelInput,
        responses={200: LabelAnswer, **problem_responses(400, 409, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        fields = LabelInput().run_validation(request.data)
        label = create_label(organization_id=caller(request).organization_id, **fields)
        return Response({"status": True, "result": LabelSerializer(label).data})


@extend_schema(tags=["labels"])
class OneLabel(ApiView):
    for_annotators = ("read",)

    @endpoint(
        operation_id="get_label",
        summary="Get a label",
        responses={200: LabelSerializer, **problem_responses(404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        label = get_label(organization_id=caller(request).organization_id, label_id=pk)
        return Response(LabelSerializer(label).data)

    @endpoint(
        operation_id="update_label", summary="Update a label; omitted fields and settings keep their values", **UPDATE
    )
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        return self._update(request, pk, keep_settings=True)

    @endpoint(
        operation_id="replace_label",
        summary="Update a label; omitted fields keep their values, omitted keys of settings take defaults",
        **UPDATE,
    )
    def put(self, request: Request, pk: uuid.UUID) -> Response:
        return self._update(request, pk, keep_settings=False)

    def _update(self, request: Request, pk: uuid.UUID, *, keep_settings: bool) -> Response:
        force = self.read_flag("force")
        changes = LabelInput(partial=True).run_validation(request.data)
        organization_id = caller(request).organization_id
        label = update_label(
            organization_id=organization_id, label_id=pk, changes=changes, keep_settings=keep_settings, force=force
        )
        return Response(LabelSerializer(label).data)

    @endpoint(
        operation_id="delete_label",
        summary="Delete a label; its scores stay",
        description="For admins: needs the scope `admin` and the role.",
        responses={200: DeletedOutput, **problem_responses(404)},
    )
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        actor_of(request).check_admin("Labels are deleted by admins of the organization only")
        delete_label(organization_id=caller(request).organization_id, label_id=pk)
        # The Python client parses this body, and repeats a DELETE without one.
        return Response({"deleted": True})


@extend_schema(tags=["labels"])
class RestoreLabel(ApiView):
    @endpoint(
        operation_id="restore_label",
        summary="Restore a deleted label",
        request=None,
        responses={200: LabelSerializer, **problem_responses(400, 404, 409)},
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        label = restore_label(organization_id=caller(request).organization_id, label_id=pk)
        return Response(LabelSerializer(label).data)
