"""`/tracer/`: labels and projects in the shapes of the client's `Annotation`."""

from collections.abc import Mapping
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from modelhub.accounts.authentication import caller
from modelhub.core.bounded import read_all
from modelhub.core.errors import Invalid
from modelhub.core.ids import parse_uuid
from modelhub.core.pagination import MAX_PAGE_SIZE
from modelhub.core.schema import endpoint, example, from_number, parameter, problem_responses
from modelhub.core.serializers import render_list
from modelhub.core.text import show
from modelhub.core.views import ApiView
from modelhub.labels.projects import create_project, get_project, search_projects
from modelhub.labels.serializers import (
    LabelListAnswer,
    LabelSerializer,
    ProjectInput,
    ProjectListAnswer,
    ProjectSerializer,
)
from modelhub.labels.services import labels_of


@extend_schema(tags=["tracer"])
class TracerLabels(ApiView):
    for_annotators = ("read",)

    @endpoint(
        operation_id="get_annotation_labels",
        summary="List all labels, or those of one project",
        parameters=[parameter("project_id", "Exactly this project.", UUID)],
        responses={200: LabelListAnswer, **problem_responses(400, 404)},
    )
    def get(self, request: Request) -> Response:
        organization_id = caller(request).organization_id
        rows = labels_of(organization_id).filter(deleted_at=None)
        if (given := self.query.get("project_id")) is not None:
            if (project_id := parse_uuid(given)) is None:
                raise Invalid(f"project_id must be a UUID, got {show(given)}", field="project_id")
            rows = rows.filter(project=get_project(organization_id=organization_id, project_id=project_id))
        return Response({"status": True, "result": render_list(LabelSerializer, read_all(rows))})


@extend_schema(tags=["tracer"])
class Projects(ApiView):
    @endpoint(
        **example("A project", {"name": "Support bot", "project_type": "observe"}),
        operation_id="create_project",
        summary="Create a project",
        request=ProjectInput,
        responses={201: ProjectSerializer, **problem_responses(400, 409, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        fields = ProjectInput().run_validation(request.data)
        project = create_project(organization_id=caller(request).organization_id, **fields)
        return Response(ProjectSerializer(project).data, status=201)


@extend_schema(tags=["tracer"])
class ProjectList(ApiView):
    @endpoint(
        operation_id="list_projects",
        summary="List projects, newest first",
        parameters=[
            parameter("page_number", "Number of the page, from 0.", from_number(0)),
            parameter("page_size", "Rows per page, at most 1,000.", from_number(1)),
            parameter("name", "Part of the name; an exact name finds that project alone."),
            parameter("project_type", "Exactly this type."),
        ],
        responses={200: ProjectListAnswer, **problem_responses(400)},
    )
    def get(self, request: Request) -> Response:
        page = read_number(self.query, "page_number", 0, least=0)
        size = min(read_number(self.query, "page_size", 20, least=1), MAX_PAGE_SIZE)
        project_type = self.query.get("project_type")
        if project_type == "":
            raise Invalid("project_type must not be blank", field="project_type")
        rows = search_projects(
            organization_id=caller(request).organization_id,
            name=self.query.get("name", ""),
            project_type=project_type,
        )
        total = rows.count()
        metadata = {"total_rows": total, "page_number": page, "page_size": size, "total_pages": -(-total // size)}
        table = render_list(ProjectSerializer, rows[page * size : (page + 1) * size])
        return Response({"status": True, "result": {"metadata": metadata, "table": table}})


def read_number(query: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    """Return a whole number up to 10⁹ of the query. Raise `Invalid`."""
    given = query.get(name, str(default))
    if given.isascii() and given.isdigit() and int(given[:12]) >= least:
        return min(int(given[:12]), 10**9)
    raise Invalid(f"{name} must be a whole number of at least {least}, got {show(given)}", field=name)
