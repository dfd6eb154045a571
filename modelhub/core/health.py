"""Liveness, readiness and metrics, without API keys."""

import hmac
import threading
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from modelhub.core import metrics
from modelhub.core.problems import problem_response

log = structlog.get_logger(__name__)

# Set by a worker that drains: it still answers, but load balancers should send new requests elsewhere.
stopping = threading.Event()
# Set once all migrations are found applied, which is not checked again.
migrated = threading.Event()


class HealthOutput(serializers.Serializer[Any]):
    status = serializers.CharField()


class ReadinessOutput(HealthOutput):
    checks = serializers.DictField(child=serializers.BooleanField())


class OpenView(APIView):
    """View without authentication."""

    authentication_classes = ()
    permission_classes = ()


class Health(OpenView):
    """Liveness: the process answers."""

    @extend_schema(
        operation_id="healthz",
        summary="Check that the process answers",
        tags=["health"],
        responses={200: HealthOutput},
    )
    def get(self, request: Request) -> Response:
        """Return 200 without a statement to the database."""
        return Response({"status": "ok"})


class Readiness(OpenView):
    """Readiness: the server can store scores."""

    @extend_schema(
        operation_id="readyz",
        summary="Check that the database answers and all migrations are applied",
        tags=["health"],
        responses={200: ReadinessOutput, 503: ReadinessOutput},
    )
    def get(self, request: Request) -> Response:
        """Return 200 if the database answers and all migrations are applied, else 503.

        A server that is about to stop returns 503, too, while it still answers requests.
        """
        answers = database_answers()
        checks = {"database": answers, "migrations": answers and migrations_applied()}
        status = "stopping" if stopping.is_set() else "ready" if all(checks.values()) else "not ready"
        return Response({"status": status, "checks": checks}, status=200 if status == "ready" else 503)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        log.warning("not_ready", kind=type(error).__name__)
        return False
    return True


def migrations_applied() -> bool:
    if not migrated.is_set():
        executor = MigrationExecutor(connection)
        if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
            migrated.set()
    return migrated.is_set()


def show_metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of all workers; 401 for a wrong token, 404 without one."""
    if not settings.METRICS_TOKEN:
        raise Http404
    wanted = f"Bearer {settings.METRICS_TOKEN}".encode()
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode("utf-8", "surrogatepass"), wanted):
        sentence = "Authentication required: send Authorization: Bearer <token>."
        return problem_response(
            request, 401, sentence, code="not_authenticated", headers={"WWW-Authenticate": "Bearer"}
        )
    text = metrics.exposition(version=str(settings.SPECTACULAR_SETTINGS["VERSION"]))
    return HttpResponse(text, content_type=metrics.CONTENT_TYPE)
