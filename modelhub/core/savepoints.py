"""Writing many rows so that the database's refusal of one costs that one only."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import structlog
from django.db import DatabaseError, OperationalError, transaction

from modelhub.core.metrics import count_fallback

log = structlog.get_logger(__name__)

T = TypeVar("T")

# An OperationalError is about the connection or the whole transaction, never about one row, and so are these classes of
# SQLSTATE: what is not supported, the transaction's state, our own SQL.
NOT_A_ROWS_CLASSES = {"0A", "25", "42"}


class NeedsTransaction(Exception):
    """What was begun takes more than was thought: a transaction around it, and savepoints in it. Nothing was done."""


_all_or_nothing = ContextVar("all_or_nothing", default=False)


@contextmanager
def all_or_nothing(wanted: bool) -> Iterator[None]:
    """Whether whoever writes may leave it to the caller to undo everything and come again."""
    before = _all_or_nothing.set(wanted)
    try:
        yield
    finally:
        _all_or_nothing.reset(before)


def write_what_is_accepted(rows: Sequence[T], write: Callable[[Sequence[T]], None]) -> list[T]:
    """Write all rows in one savepoint; if the database refuses, one savepoint a row. Answers the refused rows.

    One savepoint for all comes first because PostgreSQL keeps 64 subtransactions of a session at hand and
    slows every other session down beyond that. And before that comes none at all, where the caller's own is as good
    (`all_or_nothing`): then a refusal raises `NeedsTransaction`, and one statement needs no transaction around it.
    """
    if not rows:
        return []
    if _all_or_nothing.get():
        _write_or_raise(rows, write)
        return []
    if _accepted(rows, write):
        return []
    if len(rows) == 1:
        return list(rows)
    count_fallback()
    return [row for row in rows if not _accepted([row], write)]


def need_savepoints() -> None:
    """For whoever writes what may have to be undone with the rest; raises `NeedsTransaction` where it could not be."""
    if _all_or_nothing.get():
        raise NeedsTransaction


def _write_or_raise(rows: Sequence[T], write: Callable[[Sequence[T]], None]) -> None:
    try:
        write(rows)
    except DatabaseError as error:
        if not _is_a_rows_fault(error):
            raise
        raise NeedsTransaction from error


def _accepted(rows: Sequence[T], write: Callable[[Sequence[T]], None]) -> bool:
    try:
        with transaction.atomic():
            write(rows)
    except DatabaseError as error:
        if not _is_a_rows_fault(error):
            raise
        # The database's own words may hold values: its SQLSTATE is what the log needs.
        log.warning("savepoint_rolled_back", rows=len(rows), sqlstate=sqlstate(error))
        return False
    return True


def _is_a_rows_fault(error: DatabaseError) -> bool:
    return not isinstance(error, OperationalError) and (sqlstate(error) or "")[:2] not in NOT_A_ROWS_CLASSES


def sqlstate(error: BaseException) -> str | None:
    """The five-character code that PostgreSQL gave, if the error came from it."""
    state = getattr(error.__cause__, "sqlstate", None)
    return str(state) if state else None
