"""What a lost connection means for a verb whose one statement commits by itself.

The errors are psycopg's, made here: PostgreSQL's own are caused in tests/faults/test_transactions.py.
"""

from collections.abc import Sequence

import psycopg
import pytest
from django.db import OperationalError, connection

from modelhub.core.errors import OutcomeUnknown
from modelhub.core.savepoints import write_what_is_accepted
from modelhub.core.transactions import in_one_statement

pytestmark = pytest.mark.django_db(transaction=True)


def fail(cause: psycopg.Error) -> None:
    raise OperationalError(str(cause)) from cause


@pytest.mark.parametrize(
    "cause",
    [
        psycopg.OperationalError("server closed the connection unexpectedly"),
        # PgBouncer's, when it has lost PostgreSQL.
        psycopg.errors.ConnectionException("server conn crashed?"),
        psycopg.errors.ProtocolViolation("server conn crashed?"),
    ],
)
def test_who_hears_nothing_of_postgresql_knows_nothing(cause: psycopg.Error) -> None:
    with pytest.raises(OutcomeUnknown):
        in_one_statement(fail)(cause)


@pytest.mark.parametrize(
    "cause",
    [
        psycopg.errors.AdminShutdown("terminating connection due to administrator command"),
        psycopg.errors.QueryCanceled("canceling statement due to statement timeout"),
        psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"),
        psycopg.errors.DiskFull("could not extend file"),
    ],
)
def test_who_is_told_why_knows_that_nothing_is_stored(cause: psycopg.Error) -> None:
    with pytest.raises(OperationalError):
        in_one_statement(fail)(cause)


def test_there_is_no_transaction_before_the_database_refuses_something() -> None:
    """Then there is one, and savepoints in it."""
    inside = []

    def write(rows: Sequence[str]) -> None:
        inside.append((connection.in_atomic_block, len(connection.savepoint_ids)))
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::uuid", [rows[0]])

    refused = in_one_statement(write_what_is_accepted)(["no uuid"], write)

    assert refused == ["no uuid"]
    assert inside == [(False, 0), (True, 1)]
