"""A connection that answered a moment ago is used without asking; one that the server closed since is not."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from config.postgres.patient import FRESH_SECONDS, PatientConnection


@pytest.fixture
def patient(db: None) -> Iterator[PatientConnection]:
    parameters: Any = connection.get_connection_params() | {"autocommit": True}
    parameters.pop("pool", None)
    with PatientConnection.connect(**parameters) as own:
        own.execute("SELECT 1")
        yield own


def statements(own: PatientConnection) -> list[str]:
    """The statement that this connection sent last, as PostgreSQL shows it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [own.info.backend_pid])
        return [query for (query,) in cursor.fetchall()]


def test_who_answered_a_moment_ago_is_not_asked(patient: PatientConnection) -> None:
    patient.execute("")
    assert statements(patient) == ["SELECT 1"]


def test_who_was_silent_for_a_while_is_asked(patient: PatientConnection) -> None:
    patient.heard -= FRESH_SECONDS
    patient.execute("")
    assert statements(patient) == [""]


def test_a_connection_that_the_server_closed_is_noticed_at_once(patient: PatientConnection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [patient.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        patient.execute("")
