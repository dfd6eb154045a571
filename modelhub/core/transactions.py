"""One transaction a verb: repeated when the database aborts it for no fault of its own, honest when it is lost."""

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from modelhub.core.errors import OutcomeUnknown
from modelhub.core.metrics import count_retry, count_unknown_outcome
from modelhub.core.savepoints import NeedsTransaction, all_or_nothing, sqlstate

log = structlog.get_logger(__name__)

T = TypeVar("T")
P = ParamSpec("P")

# Serialization failure and deadlock: PostgreSQL rolled everything back and says itself that trying again may help.
ABORTED = {"40001", "40P01"}
# The class of what poolers say when they have lost the server. PostgreSQL says why it ends a connection only while
# what is under way is not committed.
LOST = "08"
ATTEMPTS = 4
FIRST_PAUSE = 0.02


def in_one_transaction(verb: Callable[P, T]) -> Callable[P, T]:
    """Run a verb in a transaction of its own, or as part of the one that is open already.

    What it writes first has no other savepoint than that. Where the database refuses a row of it, all of it is undone
    and the verb runs once more, with savepoints inside (`savepoints.write_what_is_accepted`).

    Raises `OutcomeUnknown` when the connection is lost while committing. A connection that is lost before that
    raises `OperationalError`, and nothing is stored.
    """
    return _twice(_in_transaction, verb)


def in_one_statement(verb: Callable[P, T]) -> Callable[P, T]:
    """The same for a verb whose one statement commits by itself: a transaction is opened for the second run only.

    Raises `OutcomeUnknown` when the connection is lost while the statement is under way, unless PostgreSQL itself says
    why it ends: then it raises `OperationalError`, and nothing is stored.
    """
    return _twice(_alone, verb)


def undo() -> None:
    """Let the verb that runs end without a trace. What writes in one statement and calls this has not written yet."""
    if connection.in_atomic_block:
        transaction.set_rollback(True)


def _twice(first: Callable[[Callable[[], T]], T], verb: Callable[P, T]) -> Callable[P, T]:
    @functools.wraps(verb)
    def run(*args: P.args, **options: P.kwargs) -> T:
        def act() -> T:
            return verb(*args, **options)

        inside = connection.in_atomic_block
        try:
            with all_or_nothing(True):
                return _in_savepoint(act) if inside else _repeated(first, act)
        except NeedsTransaction:
            with all_or_nothing(False):
                return _in_savepoint(act) if inside else _repeated(_in_transaction, act)

    return run


def _in_savepoint(verb: Callable[[], T]) -> T:
    """In one of the transaction that is open."""
    with transaction.atomic():
        return verb()


def _repeated(run: Callable[[Callable[[], T]], T], verb: Callable[[], T]) -> T:
    """Again, when the database says itself that this may help."""
    for attempt in range(1, ATTEMPTS):
        try:
            return run(verb)
        except OperationalError as error:
            if sqlstate(error) not in ABORTED:
                raise
            count_retry()
            log.warning("transaction_repeated", attempt=attempt, sqlstate=sqlstate(error))
            time.sleep(FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - nothing secret
    return run(verb)


def _in_transaction(verb: Callable[[], T]) -> T:
    finished = False
    try:
        with transaction.atomic():
            result = verb()
            finished = True
    except (OperationalError, InterfaceError) as error:
        if finished and sqlstate(error) not in ABORTED:
            raise _unknown() from error
        raise
    return result


def _alone(verb: Callable[[], T]) -> T:
    # Where there is no connection to be had, nothing was sent: that is no unknown outcome.
    connection.ensure_connection()
    try:
        return verb()
    except (OperationalError, InterfaceError) as error:
        if (sqlstate(error) or LOST).startswith(LOST):
            raise _unknown() from error
        raise


def _unknown() -> OutcomeUnknown:
    count_unknown_outcome()
    return OutcomeUnknown(
        "The database went away while this was being committed: it may be stored or not. Repeat the request "
        "(with the Idempotency-Key that it had, if any): what is stored already is not stored twice."
    )
