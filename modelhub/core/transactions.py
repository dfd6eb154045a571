"""Write transactions: retries after aborts, and an error for a lost COMMIT."""

import functools
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ParamSpec, TypeVar

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from modelhub.core.errors import OutcomeUnknown
from modelhub.core.metrics import OUTCOMES_UNKNOWN, RETRIES

log = structlog.get_logger(__name__)

T = TypeVar("T")
P = ParamSpec("P")

# Serialization failure and deadlock: everything was rolled back, and a repeat may succeed (PostgreSQL, appendix A).
ABORTED = {"40001", "40P01"}
# Class of connection errors, which poolers send. An error of another class comes from PostgreSQL, before the commit.
LOST = "08"
# Errors of a statement or its transaction, never of one row: not supported, transaction state, syntax, internal.
NOT_OF_A_ROW = {"0A", "25", "42", "XX"}
ATTEMPTS = 4
FIRST_PAUSE = 0.04


def repeat_aborted(write: Callable[P, T]) -> Callable[P, T]:
    """Call `write` up to four times while PostgreSQL aborts its transaction.

    Inside an open transaction `write` is called once: that transaction is lost as a whole, and only the function that
    opened it can repeat it.
    """

    @functools.wraps(write)
    def run(*args: P.args, **options: P.kwargs) -> T:
        attempts = 1 if connection.in_atomic_block else ATTEMPTS
        for attempt in range(1, attempts):
            try:
                return write(*args, **options)
            except OperationalError as error:
                if sqlstate(error) not in ABORTED:
                    raise
                RETRIES.inc()
                log.warning("transaction_repeated", attempt=attempt, sqlstate=sqlstate(error))
            time.sleep(FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311 - spreads repeats, no secret
        return write(*args, **options)

    return run


def in_transaction(write: Callable[P, T]) -> Callable[P, T]:
    """Run `write` in a transaction, or in a savepoint of the open one.

    Raise `OutcomeUnknown` where the connection is lost during COMMIT. A connection that is lost earlier raises
    `OperationalError`, and nothing is stored.
    """

    @functools.wraps(write)
    def run(*args: P.args, **options: P.kwargs) -> T:
        outermost, committing = not connection.in_atomic_block, False
        try:
            with transaction.atomic():
                result = write(*args, **options)
                # An error from here on is one of COMMIT.
                committing = outermost and not transaction.get_rollback()
        except (OperationalError, InterfaceError) as error:
            if committing and sqlstate(error) not in ABORTED:
                raise _outcome_unknown() from error
            raise
        return result

    return run


def in_autocommit(write: Callable[P, T]) -> Callable[P, T]:
    """Run `write`, one statement that commits by itself unless a transaction is open.

    Raise `OutcomeUnknown` where the connection is lost while that statement runs.
    """

    @functools.wraps(write)
    def run(*args: P.args, **options: P.kwargs) -> T:
        # A failure to connect sends nothing, nor does a connection that has ended meanwhile: the outcome is known.
        backend: Any = connection
        if not connection.in_atomic_block and backend.has_ended():
            connection.close()
        connection.ensure_connection()
        try:
            return write(*args, **options)
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or not (sqlstate(error) or LOST).startswith(LOST):
                raise
            raise _outcome_unknown() from error

    return run


def savepoint() -> AbstractContextManager[None]:
    """Return a savepoint inside a transaction; outside, a context without effect."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def is_refusal(error: DatabaseError) -> bool:
    """Return whether the database rejected a row, not the whole statement."""
    return not isinstance(error, OperationalError) and (sqlstate(error) or "")[:2] not in NOT_OF_A_ROW


def sqlstate(error: BaseException) -> str | None:
    """Return PostgreSQL's error code of five characters, if there is one."""
    state = getattr(error.__cause__, "sqlstate", None)
    return str(state) if state else None


def _outcome_unknown() -> OutcomeUnknown:
    OUTCOMES_UNKNOWN.inc()
    return OutcomeUnknown(
        "The database went away while this was being committed: it may be stored or not. Repeat the request "
        "(with the Idempotency-Key that it had, if any): what is stored already is not stored twice."
    )
