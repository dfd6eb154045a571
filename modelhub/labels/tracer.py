"""`/tracer/`: labels and projects the way the class `Annotation` of the published client asks for them."""

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from modelhub.accounts.authentication import caller
from modelhub.core.envelope import read_object
from modelhub.core.errors import Invalid
from modelhub.core.pagination import MAX_PAGE_SIZE
from modelhub.core.schema import example, from_number, parameter, problems
from modelhub.core.serializers import render_list
from modelhub.core.text import show
from modelhub.labels.models import Label, Project
from modelhub.labels.projects import create_project, find_project, search_projects
from modelhub.labels.serializers import LabelList, LabelOutput, ProjectInput, ProjectList, ProjectOutput
from modelhub.labels.services import labels_of


class TracerLabels(APIView):
    """Labels for the client's columns."""

    @extend_schema(
        operation_id="get_annotation_labels",
        summary="All labels, or those of one project",
        tags=["tracer"],
        parameters=[parameter("project_id", "Exactly this project.", UUID)],
        responses={200: LabelList, **problems(404)},
    )
    def get(self, request: Request) -> Response:
        """All live labels, or exactly those of one project (404 for an unknown one); always wrapped."""
        organization_id = caller(request).organization_id
        rows: QuerySet[Label] = labels_of(organization_id)
        project_id = request.query_params.get("project_id")
        if project_id is not None:
            rows = rows.filter(project=find_project(organization_id=organization_id, project_id=project_id))
        return Response({"status": True, "result": render_list(LabelOutput, rows)})


class Projects(APIView):
    """Projects that labels may belong to."""

    @extend_schema(
        **example("A project", {"name": "Support bot", "project_type": "observe"}),
        operation_id="create_project",
        summary="Make a project",
        tags=["tracer"],
        request=ProjectInput,
        responses={201: ProjectOutput, **problems(400, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        """Make a project."""
        fields = {"name": None} | read_object(request.data, ("name", "project_type"))
        project = create_project(organization_id=caller(request).organization_id, **fields)
        return Response(ProjectOutput(project).data, status=201)


class ListProjects(GenericAPIView[Project]):
    """Projects by name, in pages that count from zero."""

    @extend_schema(
        operation_id="list_projects",
        summary="List projects, newest first",
        tags=["tracer"],
        parameters=[
            parameter("page_number", "Number of the page, from 0.", from_number(0)),
            parameter("page_size", "Rows a page, at most 1,000.", from_number(1)),
            parameter("name", "Part of the name; where one project has exactly this name, it alone is found."),
            parameter("project_type", "Only of this type."),
        ],
        responses={200: ProjectList, **problems(400)},
    )
    def get(self, request: Request) -> Response:
        """Newest first; a name that one project has exactly finds that one alone."""
        query = request.query_params
        page = read_number(request, "page_number", 0, least=0)
        size = min(read_number(request, "page_size", 20, least=1), MAX_PAGE_SIZE)
        rows = search_projects(
            organization_id=caller(request).organization_id,
            name=query.get("name", "").replace("\x00", ""),
            project_type=query.get("project_type", "").replace("\x00", ""),
        )
        total = rows.count()
        metadata = {"total_rows": total, "page_number": page, "page_size": size, "total_pages": -(-total // size)}
        table = render_list(ProjectOutput, rows[page * size : (page + 1) * size])
        return Response({"status": True, "result": {"metadata": metadata, "table": table}})


def read_number(request: Request, name: str, default: int, *, least: int) -> int:
    """A whole number of the query; raises `Invalid`. More than a list can ever hold is cut off."""
    given = request.query_params.get(name, str(default))
    if given.isascii() and given.isdigit() and int(given[:12]) >= least:
        return min(int(given[:12]), 10**9)
    sentence = f"{name} must be a whole number of at least {least}, got {show(given)}"
    raise Invalid(sentence, fields={name: [sentence]})
