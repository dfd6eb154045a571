"""Sessions of PostgreSQL show the clock of the request that uses them, and of no other."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from modelhub.core import clock, ids
from modelhub.core.ids import new_id
from modelhub.core.sql import read_folder
from modelhub.testing.clock import Clock
from modelhub.testing.ids import SeededIds
from modelhub.testing.middleware import TestControls
from modelhub.testing.sources import acting_for, make_id, present_time
from modelhub.testing.state import Controls, find_controls

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(settings.DATABASES["default"]["PGBOUNCER"] is not None, reason="needs sessions"),
]
FROZEN = datetime(2020, 2, 29, tzinfo=UTC)
TIMES = "SELECT clock_timestamp(), statement_timestamp()"


@pytest.fixture(autouse=True)
def schema(transactional_db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(";\n".join(["CREATE SCHEMA modelhub_testing", *read_folder("testing")]))
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA modelhub_testing CASCADE")
    connection.close()


def controls(**options: object) -> Controls:
    return Controls(new_id(), **options)  # type: ignore[arg-type]


def times() -> tuple[datetime, ...]:
    with connection.cursor() as cursor:
        cursor.execute(TIMES)
        return tuple(*cursor.fetchall())


def show_real_times() -> bool:
    before = datetime.now(UTC)
    return all(before.timestamp() - 60 < moment.timestamp() < before.timestamp() + 60 for moment in times())


def test_a_session_shows_the_clock_and_the_next_request_in_it_the_real_time() -> None:
    for _ in range(3):
        with acting_for(controls(clock=Clock(frozen_at=FROZEN))):
            assert [times() for _ in range(3)] == [(FROZEN, FROZEN)] * 3
        with acting_for(None):
            assert show_real_times()
        with acting_for(controls()):
            assert show_real_times()
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        [path] = cursor.fetchone() or [""]
    assert path.count("modelhub_testing") == 1


def test_a_session_in_place_of_a_lost_one_shows_the_clock() -> None:
    with acting_for(controls(clock=Clock(frozen_at=FROZEN))):
        assert times() == (FROZEN, FROZEN)
        connection.close()
        assert times() == (FROZEN, FROZEN)


def test_an_undone_transaction_undoes_no_clock_of_the_next_request() -> None:
    """A setting that is made in a transaction ends with its rollback."""
    with acting_for(controls(clock=Clock(frozen_at=FROZEN))):
        times()
    with acting_for(None), transaction.atomic():
        assert show_real_times()
        transaction.set_rollback(True)
    with acting_for(None):
        assert show_real_times()
    with acting_for(controls(clock=Clock(frozen_at=FROZEN))), transaction.atomic():
        assert times() == (FROZEN, FROZEN)
        transaction.set_rollback(True)
    with acting_for(controls(clock=Clock(frozen_at=FROZEN))):
        assert times() == (FROZEN, FROZEN)
    with acting_for(None):
        assert show_real_times()


def test_a_request_without_a_key_meets_no_clock_and_logs_under_no_earlier_id(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: HttpRequest) -> HttpResponse:
        return JsonResponse({"logged": structlog.contextvars.get_contextvars(), "is_real": show_real_times()})

    monkeypatch.setattr("modelhub.testing.middleware.replace_sources", lambda: None)
    with acting_for(controls(clock=Clock(frozen_at=FROZEN))):
        times()
    structlog.contextvars.bind_contextvars(request_id="1")
    response = TestControls(answer)(RequestFactory().get("/admin/"))
    assert json.loads(response.getvalue()) == {"logged": {}, "is_real": True}


def test_a_request_without_a_key_is_known_without_a_statement() -> None:
    with CaptureQueriesContext(connection) as captured:
        assert find_controls(RequestFactory().get("/healthz")) is None
    assert len(captured) == 0


def test_sessions_that_never_had_a_clock_get_no_statement_more() -> None:
    connection.close()
    with acting_for(controls()), CaptureQueriesContext(connection) as captured:
        times()
        times()
    assert len(captured) == 2
    with acting_for(controls(clock=Clock(frozen_at=FROZEN))), CaptureQueriesContext(connection) as captured:
        times()
        times()
    assert len(captured) == 3


def test_python_and_sql_show_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "source", present_time)
    monkeypatch.setattr(ids, "source", make_id)
    for moment in (FROZEN.replace(microsecond=1), datetime(8999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)):
        with acting_for(controls(clock=Clock(frozen_at=moment), seeded_ids=SeededIds("7"))):
            assert times() == (moment, moment)
            assert clock.now() == moment
            assert ids.new_id() == SeededIds("7").next(moment)
        running = Clock(offset=moment - datetime.now(UTC))
        with acting_for(controls(clock=running)):
            before, (shown, _), after = clock.now(), times(), clock.now()
            assert before <= shown <= after
            with transaction.atomic():
                assert times()[0] < times()[0]
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 60
    assert ids.new_id() < ids.new_id()
