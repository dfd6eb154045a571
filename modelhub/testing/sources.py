"""Times and ids of one organization, in place of those of the server."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from weakref import WeakSet

import psycopg
import uuid_utils
from django.db import connection
from django.utils import timezone

from modelhub.core import clock, ids
from modelhub.testing.clock import REAL, Clock
from modelhub.testing.state import Controls, current

SET_CLOCK = "SELECT modelhub_testing.set_clock(%s, %s)"

# Sessions of PostgreSQL that have shown another time than the real one.
_used_sessions: WeakSet[psycopg.Connection[Any]] = WeakSet()


def replace_sources() -> None:
    """Let all times and ids of the product follow the controls of the current request."""
    clock.source, ids.source, ids.request_source = present_time, make_id, make_request_id


def present_time() -> datetime:
    controls = current.get()
    return controls.clock.now() if controls else timezone.now()


def make_id() -> uuid_utils.UUID | uuid.UUID:
    controls = current.get()
    return controls.make_id() if controls else uuid_utils.uuid7()


def make_request_id() -> uuid_utils.UUID | uuid.UUID:
    controls = current.get()
    return controls.make_request_id() if controls else uuid_utils.uuid7()


@contextmanager
def acting_for(controls: Controls | None) -> Iterator[None]:
    """Use the clock and the ids of controls in this thread, its SQL included."""
    token = current.set(controls)
    try:
        with connection.execute_wrapper(SessionClock(controls.clock if controls else REAL)):
            yield
    finally:
        current.reset(token)


class SessionClock:
    """Set the clock of each database session before its first statement.

    Also with the real time, so that no request leaves a clock to the next one, however it ends: nothing is reset
    afterwards.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._session: psycopg.Connection[Any] | None = None

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        session = context["connection"].connection
        if session is not self._session:
            self._session = session
            if self._clock != REAL or session in _used_sessions:
                _used_sessions.add(session)
                with context["connection"].cursor() as cursor:
                    cursor.execute(SET_CLOCK, self._clock.session_settings)
        return execute(sql, params, many, context)
