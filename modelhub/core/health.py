"""`/healthz` and `/readyz`: for whoever starts, watches and routes to the server. No key is needed."""

import threading
from functools import cache
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

log = structlog.get_logger(__name__)

# Set by a worker that drains: it still answers, and `/readyz` asks load balancers to send new requests elsewhere.
stopping = threading.Event()


class HealthOutput(serializers.Serializer[Any]):
    """How the process is."""

    status = serializers.CharField()


class ReadinessOutput(HealthOutput):
    """How the process is, and which of its needs are met."""

    checks = serializers.DictField(child=serializers.BooleanField())


class Open(APIView):
    """A view that asks nobody who he is."""

    authentication_classes = ()
    permission_classes = ()


class Health(Open):
    """The process answers."""

    @extend_schema(
        operation_id="healthz",
        summary="Whether the process answers",
        tags=["health"],
        responses={200: HealthOutput},
    )
    def get(self, request: Request) -> Response:
        """Always 200; the database is not asked."""
        return Response({"status": "ok"})


class Readiness(Open):
    """The process can do its work."""

    @extend_schema(
        operation_id="readyz",
        summary="Whether the database answers and every migration is applied",
        tags=["health"],
        responses={200: ReadinessOutput, 503: ReadinessOutput},
    )
    def get(self, request: Request) -> Response:
        """200 when the database answers and every migration is applied, else 503; `checks` says which fails.

        A server that is about to stop says so, with 503: it still answers, and wants no new requests.
        """
        checks = {"database": database_answers(), "migrations": False}
        if checks["database"]:
            checks["migrations"] = migrations_applied()
        ready = all(checks.values())
        status = "stopping" if stopping.is_set() else "ready" if ready else "not ready"
        return Response({"status": status, "checks": checks}, status=200 if status == "ready" else 503)


def database_answers() -> bool:
    """Whether a statement comes back."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        log.warning("not_ready", kind=type(error).__name__)
        return False
    return True


def migrations_applied() -> bool:
    """Whether the database is at least as new as the code; once it is, it is not asked again."""
    if _plan_was_empty.cache_info().currsize:
        return True
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    return _plan_was_empty()


@cache
def _plan_was_empty() -> bool:
    return True
