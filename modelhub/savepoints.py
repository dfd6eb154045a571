"""Writing many rows so that the database's refusal of one costs that one only."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from modelhub.metrics import count_fallback

log = structlog.get_logger(__name__)

T = TypeVar("T")

# These are about the connection or the whole transaction, never about one row …
NOT_A_ROWS_FAULT = (OperationalError, InterfaceError)
# … and so are these classes of SQLSTATE: what is not supported, the transaction's state, our own SQL.
NOT_A_ROWS_CLASSES = {"0A", "25", "42"}


def write_what_is_accepted(rows: Sequence[T], write: Callable[[Sequence[T]], None]) -> list[T]:
    """Write all rows in one savepoint; if the database refuses, one savepoint a row. Answers the refused rows.

    One savepoint for all comes first because PostgreSQL keeps 64 subtransactions of a session at hand and
    slows every other session down beyond that. Must run inside a transaction.
    """
    if not rows or _accepted(rows, write):
        return []
    if len(rows) == 1:
        return list(rows)
    count_fallback()
    return [row for row in rows if not _accepted([row], write)]


def _accepted(rows: Sequence[T], write: Callable[[Sequence[T]], None]) -> bool:
    try:
        with transaction.atomic():
            write(rows)
    except NOT_A_ROWS_FAULT:
        raise
    except DatabaseError as error:
        if (sqlstate(error) or "")[:2] in NOT_A_ROWS_CLASSES:
            raise
        # The database's own words may hold values: its SQLSTATE is what the log needs.
        log.warning("savepoint_rolled_back", rows=len(rows), sqlstate=sqlstate(error))
        return False
    return True


def sqlstate(error: BaseException) -> str | None:
    """The five-character code that PostgreSQL gave, if the error came from it."""
    state = getattr(error.__cause__, "sqlstate", None)
    return str(state) if state else None
