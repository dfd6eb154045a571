"""How long a request may wait for the database, all in all. Plain Python, one clock a thread."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_thread = threading.local()


@contextmanager
def within(seconds: float, *, each: float = math.inf) -> Iterator[None]:
    """All waits of this thread end `seconds` from now, and none takes longer than `each`.

    Afterwards only the second bound stands: the rest of an answer that is streamed may take its time.
    """
    _thread.each = each
    _thread.end = time.monotonic() + seconds
    try:
        yield
    finally:
        _thread.end = math.inf


def patience() -> float | None:
    """Seconds that the next wait may take; `None`, without a bound, in a thread that serves no requests."""
    end: float | None = getattr(_thread, "end", None)
    if end is None:
        return None
    left = min(_thread.each, end - time.monotonic())
    return None if left == math.inf else max(0.0, left)
