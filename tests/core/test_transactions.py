"""Retries and outcomes of writes.

The errors are psycopg's, made here: PostgreSQL's own are caused in tests/faults/test_transactions.py.
"""

import os
import socket

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from modelhub.core.errors import OutcomeUnknown
from modelhub.core.transactions import in_autocommit, in_transaction, repeat_aborted

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
def test_a_statement_whose_connection_is_lost_has_an_unknown_outcome(cause: psycopg.Error) -> None:
    with pytest.raises(OutcomeUnknown):
        in_autocommit(fail)(cause)


@pytest.mark.parametrize(
    "cause",
    [
        psycopg.errors.AdminShutdown("terminating connection due to administrator command"),
        psycopg.errors.QueryCanceled("canceling statement due to statement timeout"),
        psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"),
        psycopg.errors.DiskFull("could not extend file"),
    ],
)
def test_a_statement_that_postgresql_ends_with_a_reason_stored_nothing(cause: psycopg.Error) -> None:
    with pytest.raises(OperationalError):
        in_autocommit(fail)(cause)


@pytest.mark.parametrize("closes", [True, False])
def test_a_connection_that_ended_before_the_statement_is_replaced(closes: bool) -> None:
    """Shut down the socket of an idle connection, or close it, as long judging gives time for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if closes:
        connection.connection.close()
    else:
        with socket.socket(fileno=os.dup(connection.connection.fileno())) as shared:
            shared.shutdown(socket.SHUT_RDWR)

    def write() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 2")
            [number] = cursor.fetchone()
        return int(number)

    assert in_autocommit(write)() == 2


def test_a_statement_inside_a_transaction_leaves_the_outcome_to_it() -> None:
    with pytest.raises(OperationalError), transaction.atomic():
        in_autocommit(fail)(psycopg.OperationalError("server closed the connection unexpectedly"))


def test_a_transaction_that_is_lost_before_commit_stored_nothing() -> None:
    with pytest.raises(OperationalError):
        in_transaction(fail)(psycopg.OperationalError("server closed the connection unexpectedly"))


def test_a_transaction_that_is_lost_in_commit_has_an_unknown_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    def commit() -> None:
        fail(psycopg.OperationalError("server closed the connection unexpectedly"))

    monkeypatch.setattr(connection, "commit", commit)
    with pytest.raises(OutcomeUnknown):
        in_transaction(lambda: None)()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelhub.core.transactions.FIRST_PAUSE", 0)


@pytest.mark.usefixtures("quick")
class TestRepeats:
    def deadlock(self, times: int) -> list[int]:
        """Return the numbers of the calls of a function that is aborted so many times."""
        calls: list[int] = []

        @repeat_aborted
        def write() -> None:
            calls.append(len(calls) + 1)
            if len(calls) <= times:
                fail(psycopg.errors.DeadlockDetected("deadlock detected"))

        write()
        return calls

    def test_an_aborted_transaction_is_repeated(self) -> None:
        assert self.deadlock(3) == [1, 2, 3, 4]

    def test_the_fifth_time_is_an_error(self) -> None:
        with pytest.raises(OperationalError):
            self.deadlock(4)

    def test_inside_a_transaction_nothing_is_repeated(self) -> None:
        with pytest.raises(OperationalError), transaction.atomic():
            self.deadlock(1)

    def test_other_errors_are_not_repeated(self) -> None:
        calls = []

        @repeat_aborted
        def write() -> None:
            calls.append(1)
            fail(psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"))

        with pytest.raises(OperationalError):
            write()
        assert len(calls) == 1
