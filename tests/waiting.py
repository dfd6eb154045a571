"""Wait for something that another process does."""

import time
from collections.abc import Callable


def wait_for(happens: Callable[[], bool], seconds: float = 20) -> None:
    """Return when the condition is true. Fail after the given time."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
