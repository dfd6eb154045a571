"""`/model-hub/annotations-labels/`: the questions that scores answer (contract 6)."""

import uuid

import django_filters
from django.db.models import Count, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from modelhub.accounts.authentication import caller
from modelhub.core.envelope import read_flags, read_object
from modelhub.core.filters import FlagFilter, StrictFilterSet
from modelhub.core.models import LISTED, LIVE
from modelhub.core.pagination import PagesOnRequest
from modelhub.core.replica import replica_may_answer
from modelhub.core.schema import PAGING, DeletedOutput, example, flag, page_of, problems
from modelhub.core.serializers import render_list
from modelhub.labels.changes import delete_label, restore_label, update_label
from modelhub.labels.models import Label
from modelhub.labels.serializers import LabelChange, LabelCreated, LabelInput, LabelOutput
from modelhub.labels.services import all_labels_of, create_label, find_label
from modelhub.labels.types import LABEL_TYPES

EXAMPLE_LABEL = {"name": "Sentiment", "type": "categorical", "settings": {"options": ["positive", "negative"]}}

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
        return all_labels_of(caller(self.request).organization_id).filter(LISTED)

    @extend_schema(
        filters=True,
        operation_id="list_labels",
        summary="List labels, newest first; all of them unless a page is asked for",
        tags=["labels"],
        parameters=PAGING,
        responses={200: page_of(LabelOutput, "LabelPage"), **problems(400, 404)},
    )
    @replica_may_answer
    def get(self, request: Request) -> Response:
        """Labels, all of them unless a page is asked for."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(render_list(LabelOutput, page))

    @extend_schema(
        **example("One of two", EXAMPLE_LABEL),
        operation_id="create_label",
        summary="Make a label",
        tags=["labels"],
        request=LabelInput,
        responses={200: LabelCreated, **problems(400, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        """Make a label; the answer is wrapped, as the clients expect of this route (contract 6)."""
        fields = {"name": None, "type": None} | read_object(request.data, FIELDS)
        label = create_label(organization_id=caller(request).organization_id, **fields)
        return Response({"status": True, "result": LabelOutput(label).data})


class OneLabel(APIView):
    """One label by its id."""

    @extend_schema(
        operation_id="get_label",
        summary="One label",
        tags=["labels"],
        responses={200: LabelOutput, **problems(404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The label, or 404."""
        return Response(LabelOutput(find_label(organization_id=caller(request).organization_id, label_id=pk)).data)

    @extend_schema(
        **example("More options", {"settings": {"options": ["positive", "neutral", "negative"]}}),
        operation_id="replace_label",
        summary="Change what is given of a label",
        tags=["labels"],
        parameters=[flag("force", "Change the settings also where stored scores would not be legal under them.")],
        request=LabelChange,
        responses={200: LabelOutput, **problems(400, 404, 409, 413, 415)},
    )
    def put(self, request: Request, pk: uuid.UUID) -> Response:
        """Change what is given."""
        return self._change(request, pk)

    @extend_schema(
        **example("More options", {"settings": {"options": ["positive", "neutral", "negative"]}}),
        operation_id="update_label",
        summary="Change what is given of a label",
        tags=["labels"],
        parameters=[flag("force", "Change the settings also where stored scores would not be legal under them.")],
        request=LabelChange(partial=True),
        responses={200: LabelOutput, **problems(400, 404, 409, 413, 415)},
    )
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        """Change what is given."""
        return self._change(request, pk)

    @extend_schema(
        operation_id="delete_label",
        summary="Delete a label; its scores stay",
        tags=["labels"],
        responses={200: DeletedOutput, **problems(404)},
    )
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

    @extend_schema(
        operation_id="restore_label",
        summary="Bring a deleted label back",
        tags=["labels"],
        request=None,
        responses={200: LabelOutput, **problems(400, 404)},
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Bring it back; 404 for one that is not deleted."""
        label = restore_label(organization_id=caller(request).organization_id, label_id=pk)
        return Response(LabelOutput(label).data)
