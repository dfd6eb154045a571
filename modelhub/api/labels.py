"""`/model-hub/annotations-labels/`: the questions that scores answer (contract 6)."""

import uuid

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from modelhub.api import schema
from modelhub.api.auth import caller
from modelhub.api.envelope import read_object
from modelhub.api.outputs import LabelOutput, render_list
from modelhub.api.paging import PagesOnRequest
from modelhub.labels import create_label, find_label, labels_of
from modelhub.models import Label
from modelhub.values import LABEL_TYPES

FIELDS = ("name", "type", "settings", "description", "project", "allow_notes")


class LabelFilter(django_filters.FilterSet):
    """The filters of the list; `project_id` means exactly that project (contract 6)."""

    project_id = django_filters.UUIDFilter(field_name="project_id")
    type = django_filters.ChoiceFilter(choices=[(word, word) for word in LABEL_TYPES])
    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="part of the name")

    class Meta:
        model = Label
        fields = ["project_id", "type", "search"]


class Labels(GenericAPIView[Label]):
    """Make a label, or list them."""

    serializer_class = LabelOutput
    pagination_class = PagesOnRequest
    filterset_class = LabelFilter

    def get_queryset(self) -> QuerySet[Label]:
        """The organization's labels, newest first."""
        return labels_of(caller(self.request).organization_id)

    @extend_schema(**schema.LIST_LABELS)
    def get(self, request: Request) -> Response:
        """Labels, all of them unless a page is asked for."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(render_list(LabelOutput, page))

    @extend_schema(**schema.CREATE_LABEL)
    def post(self, request: Request) -> Response:
        """Make a label; the answer is wrapped, as the clients expect of this route (contract 6)."""
        fields = {"name": None, "type": None} | read_object(request.data, FIELDS)
        label = create_label(organization_id=caller(request).organization_id, **fields)
        return Response({"status": True, "result": LabelOutput(label).data})


class OneLabel(APIView):
    """One label by its id."""

    @extend_schema(**schema.GET_LABEL)
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The label, or 404."""
        return Response(LabelOutput(find_label(organization_id=caller(request).organization_id, label_id=pk)).data)
