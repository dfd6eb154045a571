"""`/model-hub/annotation-queues/{id}/export…`: exports of a queue (contract 7.9)."""

import uuid
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import actor_of
from modelhub.core.errors import Invalid
from modelhub.core.schema import endpoint, example, flag, parameter, problem_responses
from modelhub.core.serializers import render_list
from modelhub.core.views import ApiView
from modelhub.idempotency.decorators import IDEMPOTENCY_KEY, idempotent
from modelhub.queues.access import get_access
from modelhub.queues.export_fields import export_to_dataset, find_fields
from modelhub.queues.export_serializers import (
    ALL,
    AUTHORITATIVE,
    PREFERENCES,
    STATUS_WORDS,
    ExportedItemSerializer,
    ExportFieldsAnswer,
    ExportFieldSerializer,
    ToDatasetAnswer,
    ToDatasetInput,
)
from modelhub.queues.exporting import FORMATS, export_items, labels_in_order
from modelhub.queues.models import Queue

TO_DATASET: dict[str, Any] = {
    "dataset_name": "Support answers",
    "status_filter": "completed",
    "column_mapping": [
        {"field": "source_id", "column": "trace"},
        {"field": "annotation_metrics", "column": "annotations", "enabled": True},
    ],
}


def queue_to_export(request: Request, queue_id: uuid.UUID) -> Queue:
    """Return the queue. Raise `NotFound`, `Forbidden` without the right to review."""
    access = get_access(actor_of(request), queue_id)
    # Managers may review.
    access.check("review")
    return access.queue


@extend_schema(tags=["queues"])
class ExportQueue(ApiView):
    @endpoint(
        operation_id="export_queue",
        summary="The items of a queue with their scores, as a file",
        parameters=[
            parameter("export_format", "The format of the file.", enum=[*FORMATS], default="json"),
            parameter("status", "Only items of this status.", enum=[*STATUS_WORDS], default=ALL),
            parameter(
                "prefer",
                "With `authoritative`, the decision on an item by a label is shown in place of the scores by it.",
                enum=[*PREFERENCES],
                default=PREFERENCES[0],
            ),
            flag("bom", "With CSV: begin with a byte order mark, by which spreadsheets recognize UTF-8."),
        ],
        responses={
            200: ExportedItemSerializer(many=True),
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "One score per row; an item without scores has one."),
            (200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, "One item per line."),
            **problem_responses(400, 404),
        },
    )
    def get(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        """Stream the items in their order."""
        name = self.read_word("export_format", FORMATS, "json")
        status = self.read_word("status", STATUS_WORDS, ALL)
        prefer = self.read_word("prefer", PREFERENCES, PREFERENCES[0])
        bom = self.read_flag("bom")
        if bom and name != "csv":
            raise Invalid("bom must be false unless export_format is csv, got true", field="bom")
        queue = queue_to_export(request, pk)
        return export_items(
            queue,
            name=name,
            status=None if status == ALL else status,
            authoritative=prefer == AUTHORITATIVE,
            bom=bom,
        )


@extend_schema(tags=["queues"])
class ExportFields(ApiView):
    @endpoint(
        operation_id="list_export_fields",
        summary="The fields that columns of a dataset may hold",
        responses={200: ExportFieldsAnswer, **problem_responses(404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """Return the fields, and the columns of an export without `column_mapping`."""
        queue = queue_to_export(request, pk)
        fields = find_fields(queue, labels_in_order(queue))
        mapping = [{"field": field.id, "column": field.column, "enabled": True} for field in fields if field.default]
        return Response({"fields": render_list(ExportFieldSerializer, fields), "default_mapping": mapping})


@extend_schema(tags=["queues"])
class ExportToDataset(ApiView):
    @endpoint(
        operation_id="export_queue_to_dataset",
        summary="Store a row per item of a queue in a dataset",
        description="The row of an item that the dataset has already is updated: a repeat adds none.",
        parameters=[IDEMPOTENCY_KEY],
        request=ToDatasetInput,
        responses={200: ToDatasetAnswer, **problem_responses(400, 404, 413, 415, 422)},
        **example("Two columns", TO_DATASET),
    )
    @idempotent
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        fields = ToDatasetInput().run_validation(request.data)
        filled = export_to_dataset(queue_to_export(request, pk), **fields)
        return Response(
            {
                "dataset_id": str(filled.dataset.pk),
                "dataset_name": filled.dataset.name,
                "rows_created": filled.rows_created,
                "rows_updated": filled.rows_updated,
                "columns": filled.columns,
            }
        )
