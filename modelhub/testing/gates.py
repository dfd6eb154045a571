"""Requests in flight per organization, which a deletion waits for.

A request that comes meanwhile waits for the deletion, and then finds its key gone: without this its statements would
meet half of their rows.
"""

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from modelhub.core.errors import Unavailable

SECONDS = 10

_changed = threading.Condition()
_inside: Counter[uuid.UUID] = Counter()
# None closes those of all organizations.
_closed: set[uuid.UUID | None] = set()


@contextmanager
def passing(organization_id: uuid.UUID) -> Iterator[None]:
    """Run a request of an organization, once no deletion runs."""
    with _changed:
        _changed.wait_for(lambda: not _closed & {organization_id, None})
        _inside[organization_id] += 1
    try:
        yield
    finally:
        with _changed:
            _inside[organization_id] -= 1
            if not _inside[organization_id]:
                del _inside[organization_id]
            _changed.notify_all()


@contextmanager
def closed(organization_id: uuid.UUID | None) -> Iterator[None]:
    """Wait for the requests of an organization, or of all, and keep new ones out.

    Raise `Unavailable` where they last too long.
    """
    with _changed:
        is_free = _changed.wait_for(lambda: not _closed & {organization_id, None}, SECONDS)
        if is_free:
            _closed.add(organization_id)
    try:
        with _changed:
            if not (is_free and _changed.wait_for(lambda: not _in_flight(organization_id), SECONDS)):
                raise Unavailable("Requests of the organization are still in flight. Try it again.")
        yield
    finally:
        if is_free:
            with _changed:
                _closed.discard(organization_id)
                _changed.notify_all()


def _in_flight(organization_id: uuid.UUID | None) -> int:
    return _inside.total() if organization_id is None else _inside[organization_id]
