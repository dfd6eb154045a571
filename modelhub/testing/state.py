"""The state of the test controls per organization, in memory.

A server with test controls has one worker, so that each request meets the same state.
"""

import threading
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field

import uuid_utils
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest

from modelhub.accounts.authentication import sent_pair
from modelhub.accounts.models import ApiKey, Organization
from modelhub.core import ids
from modelhub.core.errors import Conflict, NotFound
from modelhub.core.text import show
from modelhub.labels.cache import evict_labels
from modelhub.testing.clock import REAL, Clock
from modelhub.testing.faults import Faults
from modelhub.testing.ids import SeededIds
from modelhub.testing.records import Records


@dataclass
class Controls:
    """The controls of one organization. Hold `lock` to change them."""

    organization_id: uuid.UUID
    made_here: bool = False
    is_gone: bool = False
    faults: Faults = field(default_factory=Faults)
    records: Records = field(default_factory=Records)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    clock: Clock = REAL
    seeded_ids: SeededIds | None = None
    # Of their own, so that the number of reads between two writes changes no id of a row.
    seeded_request_ids: SeededIds | None = None
    # Of the sequences before: a seed that comes again makes no id twice.
    last_id: int = 0
    # The newest one, which stays when ids are random again.
    seed: str | None = None

    def make_id(self) -> uuid.UUID | uuid_utils.UUID:
        seeded = self.seeded_ids
        return seeded.next(self.clock.now()) if seeded else uuid_utils.uuid7()

    def make_request_id(self) -> uuid.UUID | uuid_utils.UUID:
        seeded = self.seeded_request_ids
        return seeded.next(self.clock.now()) if seeded else uuid_utils.uuid7()


_controls: dict[uuid.UUID, Controls] = {}
# Organizations by seeds that they have used: two with one seed would make equal ids.
_seeds: dict[str, uuid.UUID] = {}
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


def new_controls(*, seed: str | None = None, clock: Clock = REAL) -> Controls:
    """Return the controls of an organization that is to be made, with its id."""
    seeded = None if seed is None else SeededIds(seed)
    organization_id = seeded.next(clock.now()) if seeded else ids.new_id()
    controls = Controls(organization_id, made_here=True, clock=clock, seeded_ids=seeded, seed=seed)
    controls.seeded_request_ids = None if seed is None else request_ids_of(seed)
    return controls


def register(controls: Controls, *, seed: str | None) -> None:
    """Apply new controls to requests.

    Raise `Conflict` for a seed of another organization. Call `discard` for an organization that is not made after all.
    """
    with _lock:
        if seed is not None:
            # An organization with an equal seed and clock, which is being made, has the same id.
            if owner := _seeds.get(seed):
                raise seed_in_use(seed, owner)
            _seeds[seed] = controls.organization_id
        _controls[controls.organization_id] = controls


def seed_ids(controls: Controls, seed: str) -> None:
    """Begin a sequence of ids. Raise `Conflict` for a seed of another organization."""
    with _lock:
        if (owner := _seeds.setdefault(seed, controls.organization_id)) != controls.organization_id:
            raise seed_in_use(seed, owner)
    with controls.lock:
        unseed_ids(controls)
        controls.seed = seed
        controls.seeded_ids = SeededIds(seed, after=controls.last_id)
        controls.seeded_request_ids = request_ids_of(seed)


def unseed_ids(controls: Controls) -> None:
    """Return to random ids. The seed stays with the organization."""
    with controls.lock:
        if controls.seeded_ids:
            controls.last_id, controls.seeded_ids = controls.seeded_ids.last, None
        controls.seeded_request_ids = None


def request_ids_of(seed: str) -> SeededIds:
    return SeededIds(f"requests of {seed}")


def seed_in_use(seed: str, owner: uuid.UUID) -> Conflict:
    sentence = f"seed must be one that no other organization uses, got {show(seed)} of organization {owner}"
    way_out = f"DELETE /__admin/organizations/{owner} deletes that one, POST /__admin/reset all"
    return Conflict(f"{sentence}; {way_out}", field="seed")


def find_controls(request: HttpRequest) -> Controls | None:
    """Return the controls of the organization of an API key, with any secret."""
    api_key, _ = sent_pair(request.headers)
    if not api_key:
        # A probe without a database answers at once.
        return None
    try:
        organization_id = ApiKey.objects.filter(api_key=api_key).values_list("organization_id", flat=True).first()
        return controls_of(organization_id) if organization_id else None
    except (DatabaseError, InterfaceError, NotFound):
        # The request itself meets the same error, or finds its key deleted, and answers it.
        return None


def remove_fault(fault_id: uuid.UUID) -> None:
    """Remove a rule of any organization. Raise `NotFound`."""
    with _lock:
        every = [*_controls.values()]
    if not any(controls.faults.remove(fault_id) for controls in every):
        raise NotFound(f"Fault not found: {fault_id}")


def list_made() -> list[Controls]:
    """Return the controls of organizations that were made here, the oldest first."""
    with _lock:
        return [controls for controls in _controls.values() if controls.made_here]


def discard(organization_id: uuid.UUID) -> None:
    """Drop the controls of an organization that is gone."""
    with _lock:
        if controls := _controls.pop(organization_id, None):
            controls.is_gone = True
        for seed in [seed for seed, owner in _seeds.items() if owner == organization_id]:
            del _seeds[seed]
    # An organization with the same seed has the same id.
    evict_labels(organization_id)


def discard_all() -> None:
    """Drop the controls of all organizations."""
    with _lock:
        every = [*_controls]
    for organization_id in every:
        discard(organization_id)
