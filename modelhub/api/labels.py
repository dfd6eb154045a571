"""`/model-hub/annotations-labels/`: the questions that scores answer (contract 6)."""

import uuid

import django_filters
from django.db.models import Count, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from modelhub.api import schema
from modelhub.api.auth import caller
from modelhub.api.envelope import read_object
from modelhub.api.filters import FlagFilter, StrictFilterSet
from modelhub.api.outputs import LabelOutput, render_list
from modelhub.api.paging import PagesOnRequest
from modelhub.api.query import read_flags
from modelhub.label_changes import delete_label, restore_label, update_label
from modelhub.labels import all_labels_of, create_label, find_label
from modelhub.models import LIVE, Label
from modelhub.replica import replica_may_answer
from modelhub.values import LABEL_TYPES

FIELDS = ("name", "type", "settings", "description", "project", "allow_notes")
LIVE_SCORES = Q(scores__deleted_at=None, scores__id__isnull=False)


class LabelFilter(StrictFilterSet):
    """The filters of the list; `project_id` means exactly that project (contract 6)."""

    project_id = django_filters.UUIDFilter(field_name="project_id")
    type = django_filters.ChoiceFilter(choices=[(word, word) for word in LABEL_TYPES])
    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="part of the name")
    include_archived = FlagFilter(method="nothing_more", label="deleted labels, too")
    archived = FlagFilter(method="nothing_more", label="true: deleted labels only")
    include_usage_count = FlagFilter(method="with_counts", label="how many scores each has")

    class Meta:
        model = Label
        fields: tuple[str, ...] = ()

    def filter_queryset(self, queryset: QuerySet[Label]) -> QuerySet[Label]:
        """Deleted labels only for who asks for them."""
        chosen = self.form.cleaned_data
        if chosen.get("archived"):
            queryset = queryset.exclude(LIVE)
        elif not chosen.get("include_archived"):
            queryset = queryset.filter(LIVE)
        return super().filter_queryset(queryset)

    def nothing_more(self, queryset: QuerySet[Label], name: str, value: bool) -> QuerySet[Label]:
        """Both flags are read together, above."""
        return queryset

    def with_counts(self, queryset: QuerySet[Label], name: str, value: bool) -> QuerySet[Label]:
        """Counts of live scores, all and those of traces."""
        if not value:
            return queryset
        return queryset.annotate(
            annotation_count=Count("scores", filter=LIVE_SCORES),
            trace_annotations_count=Count("scores", filter=LIVE_SCORES & Q(scores__source__source_type="trace")),
        )


class Labels(GenericAPIView[Label]):
    """Make a label, or list them."""

    queryset = Label.objects.none()  # for the schema, which has no caller
    serializer_class = LabelOutput
    pagination_class = PagesOnRequest
    filterset_class = LabelFilter

    def get_queryset(self) -> QuerySet[Label]:
        """The organization's labels, newest first."""
        return all_labels_of(caller(self.request).organization_id)

    @extend_schema(**schema.LIST_LABELS)
    @replica_may_answer
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

    @extend_schema(**schema.PUT_LABEL)
    def put(self, request: Request, pk: uuid.UUID) -> Response:
        """Change what is given."""
        return self._change(request, pk)

    @extend_schema(**schema.PATCH_LABEL)
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        """Change what is given."""
        return self._change(request, pk)

    @extend_schema(**schema.DELETE_LABEL)
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        """Delete it softly; 200 with a body, because clients read one."""
        delete_label(organization_id=caller(request).organization_id, label_id=pk)
        return Response({"deleted": True})

    def _change(self, request: Request, pk: uuid.UUID) -> Response:
        force = read_flags(request.query_params, ("force",))["force"]
        changes = read_object(request.data, FIELDS)
        organization_id = caller(request).organization_id
        label = update_label(organization_id=organization_id, label_id=pk, changes=changes, force=force)
        return Response(LabelOutput(label).data)


class RestoreLabel(APIView):
    """A deleted label."""

    @extend_schema(**schema.RESTORE_LABEL)
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Bring it back; 404 for one that is not deleted."""
        label = restore_label(organization_id=caller(request).organization_id, label_id=pk)
        return Response(LabelOutput(label).data)
