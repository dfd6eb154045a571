"""Reading from a streaming replica, without ever showing less than the primary would have shown.

A read goes to the replica when that has replayed everything that was committed on the primary when the read began, so
whoever reads sees whatever was acknowledged before, whoever wrote it and through whichever server. It needs no memory
of who wrote what: the primary is asked how far it is, the replica whether it is as far. What is not soon as far, or
not there, is left alone for a while.
"""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import structlog
from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection, connections
from django.db.models import Model

from modelhub.core.transactions import sqlstate

log = structlog.get_logger(__name__)

T = TypeVar("T")
P = ParamSpec("P")

REPLICA = "replica"
POLL_SECONDS = 0.003
# How long a replica that was late, or not there, is not asked.
PAUSE_LATE, PAUSE_GONE = 1.0, 5.0
# What the statement timeout ends would take as long on the primary.
TOOK_TOO_LONG = "57014"

_reading: ContextVar[bool] = ContextVar("reading from the replica", default=False)
_paused_until = 0.0


class Router:
    """Django asks it which database to read from. Writes, and the rows that they lock, stay with the primary."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """The replica inside of `replica_may_answer`, else no opinion."""
        return REPLICA if _reading.get() else None

    def allow_relation(self, left: Model, right: Model, **hints: Any) -> bool:
        """The rows are the same in both."""
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """Tables come to the replica by themselves."""
        return db != REPLICA


def replica_may_answer(read: Callable[P, T]) -> Callable[P, T]:
    """Let what only reads ask the replica if that is up to date; when it fails meanwhile, ask the primary again."""

    @functools.wraps(read)
    def run(*args: P.args, **options: P.kwargs) -> T:
        if REPLICA not in settings.DATABASES or not _is_up_to_date():
            return read(*args, **options)
        try:
            with _from_replica():
                return read(*args, **options)
        except (OperationalError, InterfaceError) as error:
            if sqlstate(error) == TOOK_TOO_LONG:
                raise
            _pause(PAUSE_GONE, kind=type(error).__name__)
        return read(*args, **options)

    return run


@contextmanager
def _from_replica() -> Iterator[None]:
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


def _is_up_to_date() -> bool:
    """Whether the replica has, or has within `MODELHUB_REPLICA_WAIT_MS`, what the primary has committed by now."""
    if time.monotonic() < _paused_until or connection.in_atomic_block:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_flush_lsn()")
        [position] = cursor.fetchone() or [None]
    end = time.monotonic() + settings.REPLICA_WAIT_MS / 1000
    try:
        with connections[REPLICA].cursor() as cursor:
            while True:
                # Null in a server that is no replica (any more).
                cursor.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [position])
                if cursor.fetchone() == (True,):
                    return True
                if time.monotonic() > end:
                    break
                time.sleep(POLL_SECONDS)
    except Error as error:
        _pause(PAUSE_GONE, kind=type(error).__name__)
        return False
    _pause(PAUSE_LATE, kind="late")
    return False


def _pause(seconds: float, *, kind: str) -> None:
    global _paused_until  # noqa: PLW0603 - one for all threads of the process
    _paused_until = time.monotonic() + seconds
    log.warning("replica_not_used", seconds=seconds, kind=kind)
