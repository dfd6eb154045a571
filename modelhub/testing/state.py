"""What the test controls know of each organization, in memory.

A server with test controls has one worker, so that each request meets the same state.
"""

import threading
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field

from django.http import HttpRequest

from modelhub.accounts.authentication import read_pair
from modelhub.accounts.models import ApiKey, Organization
from modelhub.core.errors import NotFound, Unauthenticated


@dataclass
class Controls:
    """The controls of one organization. Hold `lock` to change them."""

    organization_id: uuid.UUID
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)


_controls: dict[uuid.UUID, Controls] = {}
_lock = threading.Lock()
# Read by the replaced sources of times and ids.
current: ContextVar[Controls | None] = ContextVar("modelhub_controls", default=None)


def controls_of(organization_id: uuid.UUID) -> Controls:
    """Return the controls of an organization. Raise `NotFound` for an unknown one."""
    with _lock:
        if known := _controls.get(organization_id):
            return known
    if not Organization.objects.filter(pk=organization_id).exists():
        raise NotFound(f"There is no organization {organization_id}.")
    with _lock:
        return _controls.setdefault(organization_id, Controls(organization_id))


def find_controls(request: HttpRequest) -> Controls | None:
    """Return the controls of the organization of the request's API key."""
    try:
        api_key, _ = read_pair(request.headers)
    except Unauthenticated:
        return None
    organization_id = ApiKey.objects.filter(api_key=api_key).values_list("organization_id", flat=True).first()
    return controls_of(organization_id) if organization_id else None


def count() -> int:
    """Return the number of organizations with controls."""
    return len(_controls)


def forget(organization_id: uuid.UUID) -> None:
    """Drop the controls of an organization that is gone."""
    with _lock:
        _controls.pop(organization_id, None)
