"""Connections that do not wait for ever.

PostgreSQL's own timeouts do not fire when it is frozen, or when the network between swallows everything. Then only the
client can end the wait, and the one thing that it may do with the connection afterwards is to close it.
"""

from typing import Any

import psycopg
from psycopg import errors

from modelhub import deadlines
from modelhub.metrics import count_silence

CHECK_SECONDS = 2


class PatientConnection(psycopg.Connection[Any]):
    """Waits for as long as the request of its thread may (`modelhub.deadlines`), or until a check is over."""

    most: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As psycopg does it; a wait that takes too long raises `OperationalError`, and ends the connection."""
        if timeout is None:
            timeout = deadlines.patience() if self.most is None else self.most
        try:
            return super().wait(gen, interval, timeout)
        except errors._WaitTimeout:
            self.pgconn.finish()
            count_silence()
            raise psycopg.OperationalError("the database did not answer in time") from None

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """As psycopg does it. The empty statement is how a pool asks whether anybody is there: it must be quick."""
        self.most = None if query else CHECK_SECONDS
        try:
            return super().execute(query, params, **options)
        finally:
            self.most = None
