"""`/model-hub/datasets/`: the tables that exports of queues fill (contract 7)."""

import uuid
from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import caller
from modelhub.core.downloads import JSON_LINES, download
from modelhub.core.pagination import Pages
from modelhub.core.replica import alias_for_long_read
from modelhub.core.schema import PAGING, DeletedOutput, endpoint, page_of, problem_responses
from modelhub.core.serializers import render_list
from modelhub.core.views import ApiView
from modelhub.datasets.filters import DatasetFilter
from modelhub.datasets.models import Dataset
from modelhub.datasets.serializers import DatasetRowSerializer, DatasetSerializer
from modelhub.datasets.services import (
    complete_cells,
    datasets_of,
    delete_dataset,
    get_dataset,
    rows_in_order,
    write_rows,
)


@extend_schema(tags=["datasets"])
class Datasets(ApiView, GenericAPIView[Dataset]):
    queryset = Dataset.objects.none()  # read by drf-spectacular, which has no caller
    serializer_class = DatasetSerializer  # read by OPTIONS
    pagination_class = Pages
    filterset_class = DatasetFilter

    def get_queryset(self) -> QuerySet[Dataset]:
        return datasets_of(caller(self.request).organization_id)

    @endpoint(
        filters=DatasetFilter,
        operation_id="list_datasets",
        summary="List datasets, newest first",
        parameters=PAGING,
        responses={200: page_of(DatasetSerializer, "DatasetPage"), **problem_responses(400, 404)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(render_list(DatasetSerializer, page))


@extend_schema(tags=["datasets"])
class OneDataset(ApiView):
    @endpoint(
        operation_id="get_dataset",
        summary="Get a dataset",
        responses={200: DatasetSerializer, **problem_responses(404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        dataset = get_dataset(organization_id=caller(request).organization_id, dataset_id=pk)
        return Response(DatasetSerializer(dataset).data)

    @endpoint(
        operation_id="delete_dataset",
        summary="Delete a dataset with its rows, for good",
        responses={200: DeletedOutput, **problem_responses(404, 409)},
    )
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        delete_dataset(organization_id=caller(request).organization_id, dataset_id=pk)
        return Response({"deleted": True})


@extend_schema(tags=["datasets"])
class DatasetRows(ApiView, GenericAPIView[Any]):
    pagination_class = Pages

    @endpoint(
        operation_id="list_dataset_rows",
        summary="The rows of a dataset, in their order",
        parameters=PAGING,
        responses={200: page_of(DatasetRowSerializer, "DatasetRowPage"), **problem_responses(400, 404)},
    )
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        dataset = get_dataset(organization_id=caller(request).organization_id, dataset_id=pk)
        page = self.paginate_queryset(rows_in_order(dataset)) or []
        for row in page:
            row.cells = complete_cells(dataset, row)
        return self.get_paginated_response(render_list(DatasetRowSerializer, page))


@extend_schema(tags=["datasets"])
class ExportDataset(ApiView):
    @endpoint(
        operation_id="export_dataset",
        summary="All rows of a dataset, as JSON lines",
        responses={
            (200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, "One row per line: an object by column."),
            **problem_responses(404),
        },
    )
    def get(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        """Stream the rows; memory does not grow with their number."""
        dataset = get_dataset(organization_id=caller(request).organization_id, dataset_id=pk)
        pieces = write_rows(dataset, using=alias_for_long_read())
        return download(pieces, content_type=JSON_LINES, name=f"dataset_{dataset.pk}.jsonl")
