"""One transaction a verb: repeated when the database aborts it for no fault of its own, honest when it is lost."""

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from modelhub.errors import OutcomeUnknown
from modelhub.metrics import count_retry, count_unknown_outcome
from modelhub.savepoints import BatchRefused, all_or_nothing, sqlstate

log = structlog.get_logger(__name__)

T = TypeVar("T")
P = ParamSpec("P")

# Serialization failure and deadlock: PostgreSQL rolled everything back and says itself that trying again may help.
ABORTED = {"40001", "40P01"}
ATTEMPTS = 4
FIRST_PAUSE = 0.02


def in_one_transaction(verb: Callable[P, T]) -> Callable[P, T]:
    """Run a verb in a transaction of its own, or as part of the one that is open already.

    What it writes first has no other savepoint than that. Where the database refuses a row of it, all of it is undone
    and the verb runs once more, with savepoints inside (`savepoints.write_what_is_accepted`).

    Raises `OutcomeUnknown` when the connection is lost while committing. A connection that is lost before that
    raises `OperationalError`, and nothing is stored.
    """

    @functools.wraps(verb)
    def run(*args: P.args, **options: P.kwargs) -> T:
        def act() -> T:
            return verb(*args, **options)

        try:
            with all_or_nothing(True):
                return _run(act)
        except BatchRefused:
            with all_or_nothing(False):
                return _run(act)

    return run


def _run(verb: Callable[[], T]) -> T:
    """In a savepoint of the transaction that is open, or in one of its own, which is repeated if need be."""
    if connection.in_atomic_block:
        with transaction.atomic():
            return verb()
    for attempt in range(1, ATTEMPTS):
        try:
            return _run_once(verb)
        except OperationalError as error:
            if sqlstate(error) not in ABORTED:
                raise
            count_retry()
            log.warning("transaction_repeated", attempt=attempt, sqlstate=sqlstate(error))
            time.sleep(FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - nothing secret
    return _run_once(verb)


def _run_once(verb: Callable[[], T]) -> T:
    finished = False
    try:
        with transaction.atomic():
            result = verb()
            finished = True
    except (OperationalError, InterfaceError) as error:
        if finished and sqlstate(error) not in ABORTED:
            count_unknown_outcome()
            raise OutcomeUnknown(
                "The database went away while this was being committed: it may be stored or not. Repeat the request "
                "(with the Idempotency-Key that it had, if any): what is stored already is not stored twice."
            ) from error
        raise
    return result
