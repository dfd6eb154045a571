"""`/healthz` and `/readyz`."""

import pytest
from django.db import connection
from django.test import Client

from modelhub.core import health

pytestmark = pytest.mark.django_db


def test_health_needs_no_key() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_when_the_database_answers_and_is_migrated() -> None:
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (200, {"database": True, "migrations": True})


def test_not_ready_before_the_migrations() -> None:
    health.migrated.clear()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'modelhub'")
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"database": True, "migrations": False})
