"""The clock of the database in statements of the ORM."""

from datetime import UTC, datetime

from modelhub.queues.models import DatabaseClock, Queue
from tests.client import Caller, execute
from tests.factories import QueueFactory


def test_reservations_are_judged_by_the_clock_that_test_controls_move(alice: Caller) -> None:
    queue: Queue = QueueFactory.create(created_by=alice.user)
    execute("CREATE SCHEMA moved")
    moved = "SELECT '2001-01-01Z'::timestamptz"
    execute(f"CREATE FUNCTION moved.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $${moved}$$")
    execute("SET LOCAL search_path TO moved, pg_catalog, public")
    Queue.objects.filter(pk=queue.pk, organization=queue.organization).update(updated_at=DatabaseClock())
    queue.refresh_from_db()
    assert queue.updated_at == datetime(2001, 1, 1, tzinfo=UTC)
