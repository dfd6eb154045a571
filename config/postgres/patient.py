"""Connections that do not wait for ever.

PostgreSQL's own timeouts do not fire when it is frozen, or when the network between swallows everything. Then only the
client can end the wait, and the one thing that it may do with the connection afterwards is to close it.
"""

import select
import time
from typing import Any, LiteralString

import psycopg
from psycopg import errors
from psycopg_pool import ConnectionPool

from modelhub.core import deadlines
from modelhub.core.metrics import count_silence

CHECK_SECONDS = 2
# Who answered so lately is not asked whether anybody is there, unless the connection has something to say by itself.
FRESH_SECONDS = 0.5
FIRST_PLANS = 8


class PatientConnection(psycopg.Connection[Any]):
    """Waits for as long as the request of its thread may (`modelhub.core.deadlines`), or until a check is over."""

    most: float | None = None
    heard: float = 0.0
    handed_out: int = 0

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As psycopg does it; a wait that takes too long raises `OperationalError`, and ends the connection."""
        if timeout is None:
            timeout = deadlines.patience() if self.most is None else self.most
        try:
            answer = super().wait(gen, interval, timeout)
        except errors._WaitTimeout:
            self.pgconn.finish()
            count_silence()
            raise psycopg.OperationalError("the database did not answer in time") from None
        self.heard = time.monotonic()
        return answer

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """As psycopg does it. The empty statement is how a pool asks whether anybody is there: it must be quick."""
        if query:
            return super().execute(query, params, **options)
        query = self._next_check()
        if not query and self._is_fresh():
            return None
        self.most = CHECK_SECONDS
        try:
            return super().execute(query, params, **options)
        except psycopg.OperationalError:
            # What ended this connection has ended the others, too. Found one by one, with the pauses that the pool
            # makes, they would cost each a request.
            if isinstance(pool := getattr(self, "_pool", None), ConnectionPool):
                pool.drain()
            raise
        finally:
            self.most = None

    def _next_check(self) -> LiteralString:
        """What to ask when the pool hands this connection out: nothing, or now and then to forget all plans.

        Plans are for tables as large as they were, and kept until autovacuum has looked at the tables, a minute later:
        those of a new database would read everything, and go on to. Made anew at the 8th, 16th, 32nd … time, they grow
        with it.
        """
        self.handed_out += 1
        power_of_two = not self.handed_out & (self.handed_out - 1)
        return "DISCARD PLANS" if power_of_two and self.handed_out >= FIRST_PLANS else ""

    def _is_fresh(self) -> bool:
        """Whether the server answered a moment ago and has not closed the connection since: no statement is sent."""
        if self.closed or time.monotonic() - self.heard > FRESH_SECONDS:
            return False
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return not poll.poll(0)
