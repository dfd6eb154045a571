"""`/tracer/`: labels and projects the way the class `Annotation` of the published client asks for them."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from modelhub.api import schema
from modelhub.api.auth import caller
from modelhub.api.envelope import read_object
from modelhub.api.outputs import LabelOutput, ProjectOutput, render_list
from modelhub.api.paging import MAX_PAGE_SIZE
from modelhub.errors import Invalid
from modelhub.labels import labels_of
from modelhub.models import Label, Project
from modelhub.projects import create_project, find_project, search_projects
from modelhub.values import show


class TracerLabels(APIView):
    """Labels for the client's columns."""

    @extend_schema(**schema.TRACER_LABELS)
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

    @extend_schema(**schema.CREATE_PROJECT)
    def post(self, request: Request) -> Response:
        """Make a project."""
        fields = {"name": None} | read_object(request.data, ("name", "project_type"))
        project = create_project(organization_id=caller(request).organization_id, **fields)
        return Response(ProjectOutput(project).data, status=201)


class ListProjects(GenericAPIView[Project]):
    """Projects by name, in pages that count from zero."""

    @extend_schema(**schema.LIST_PROJECTS)
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
