"""A start that can be stopped at any moment: whoever asks gets exit status 0, and nothing is left running.

Imported before anything that takes time, so it imports next to nothing.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_asked: list[int] = []


@contextmanager
def stoppable() -> Iterator[None]:
    """Whoever stops us from here on gets exit status 0, and the embedded database stopped by `atexit`.

    Python dies of SIGTERM and SIGHUP at once and prints a traceback for SIGINT. Once gunicorn runs, it has handlers
    of its own.
    """

    def stop(number: int, frame: object) -> None:
        _asked.append(number)
        for again in STOP_SIGNALS:
            signal.signal(again, signal.SIG_IGN)
        sys.unraisablehook = _be_quiet
        raise KeyboardInterrupt

    for number in STOP_SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, stop)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(0)


def stop_if_asked() -> None:
    """Raises `KeyboardInterrupt` again, between two steps: what interrupts a finalizer, Python drops."""
    if _asked:
        raise KeyboardInterrupt


def _be_quiet(dropped: "sys.UnraisableHookArgs") -> None:
    if not isinstance(dropped.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)
