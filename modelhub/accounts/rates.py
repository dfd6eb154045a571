"""How often something may happen, counted by all workers of one server together. Plain Python.

The memory is mapped before the workers are forked, so they share it. Nothing is locked between processes: a worker
that is killed at any moment leaves nothing behind that others could wait for. Workers that count at the very same
moment may miss events of each other and let some more through; no limit here is so exact that this matters.
"""

import hashlib
import mmap
import secrets
import threading
import time
from typing import NamedTuple

NANO = 1_000_000_000
SLOTS = 2**18
HASH_KEY = secrets.token_bytes(16)
PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


class Rate(NamedTuple):
    """At most `events` at once, and as many again spread over `period`, a key of `PERIODS`."""

    events: int
    period: str

    def __str__(self) -> str:
        return f"{self.events} per {self.period}"


def hashed(*names: str) -> int:
    """64 bits of a name, with a key of this start: nobody can aim at the slot of somebody else."""
    text = "\x00".join(names).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, key=HASH_KEY, digest_size=8).digest(), "little")


class Slots:
    """2 MB of numbers that all workers see; the pages that nobody touches cost nothing."""

    def __init__(self) -> None:
        self.numbers = memoryview(mmap.mmap(-1, SLOTS * 8)).cast("Q")
        self.lock = threading.Lock()


class Buckets(Slots):
    """One bucket a name, kept as the one moment at which it will be full again (GCRA).

    Names whose slots collide share a bucket, one pair in 260,000.
    """

    def wait(self, name: int, rate: Rate) -> float:
        """Seconds until the next event of this name is let through: 0.0 is now. Counts nothing."""
        return self._look(name, rate, take=False)

    def take(self, name: int, rate: Rate) -> float:
        """The same, and when it is now, the event is counted."""
        with self.lock:
            return self._look(name, rate, take=True)

    def _look(self, name: int, rate: Rate, *, take: bool) -> float:
        period = PERIODS[rate.period] * NANO
        each = period // rate.events
        now = time.monotonic_ns()
        full = self.numbers[name % SLOTS]
        # What no count can have written (another rate's slot, half a write) is an untouched bucket.
        if not now < full <= now + period:
            full = now
        if full + each > now + period:
            return (full + each - now - period) / NANO
        if take:
            self.numbers[name % SLOTS] = full + each
        return 0.0


class Marks(Slots):
    """Names that were seen; a later one may take the place of an earlier one, and nothing else is forgotten."""

    def __contains__(self, name: int) -> bool:
        return self.numbers[name % SLOTS] == name

    def add(self, name: int) -> None:
        """Remember it."""
        if self.numbers[name % SLOTS] != name:
            self.numbers[name % SLOTS] = name

    def discard(self, name: int) -> None:
        """Forget it."""
        if self.numbers[name % SLOTS] == name:
            self.numbers[name % SLOTS] = 0
