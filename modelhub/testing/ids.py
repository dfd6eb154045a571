"""Ids that follow from a seed and a clock: the same in every run."""

import hashlib
import threading
import uuid
from datetime import datetime, timedelta

from modelhub.testing.clock import FIRST

MILLISECOND = timedelta(milliseconds=1)
# Of the 74 bits behind version and time, the highest is left for the steps of ids of one millisecond.
RANDOM_BITS = 74
STEP_BITS = 32


class SeededIds:
    """UUIDv7s, each greater than the one before, also where the clock is set back."""

    def __init__(self, seed: str, *, after: int = 0) -> None:
        """Begin after the number `last` of an earlier sequence."""
        self.last = after
        self._seed, self._count = seed, 0
        self._lock = threading.Lock()

    def next(self, moment: datetime) -> uuid.UUID:
        """Return the next id of the sequence, at a moment of the clock."""
        milliseconds = (moment - FIRST) // MILLISECOND
        with self._lock:
            self._count += 1
            digest = hashlib.sha256(f"{self._seed}\n{self._count}".encode()).digest()
            random = int.from_bytes(digest) >> (8 * len(digest) - RANDOM_BITS + 1)
            if milliseconds > self.last >> RANDOM_BITS:
                self.last = milliseconds << RANDOM_BITS | random
            else:
                self.last += 1 + random % 2**STEP_BITS
            return _uuid7(self.last)


def _uuid7(number: int) -> uuid.UUID:
    """Return a number of 48 bits of time and 74 others as a UUIDv7, in the same order."""
    upper, lower = number >> 62, number & (2**62 - 1)
    time, rand_a = upper >> 12, upper & 0xFFF
    return uuid.UUID(int=time << 80 | 7 << 76 | rand_a << 64 | 0b10 << 62 | lower)
