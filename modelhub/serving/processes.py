"""Other processes, and a stop together with one of them."""

import signal
import sys

import psutil

CHECK_SECONDS = 0.5


def stop_with(pid: str) -> None:
    """Send SIGTERM to this process when another one has ended.

    A later process with the same id has another time of creation. Exit with a sentence if there is none.
    """
    try:
        process = psutil.Process(int(pid))
    except (ValueError, psutil.Error):
        sys.exit(f"modelhub cannot start: --stop-with must be the id of a running process, got {pid!a}.")

    def check(number: int, frame: object) -> None:
        if not is_running(process):
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.raise_signal(signal.SIGTERM)

    # With a handler, the only timer of the process is in use for an exit, a moment later.
    if not callable(signal.getsignal(signal.SIGALRM)):
        signal.signal(signal.SIGALRM, check)
        signal.setitimer(signal.ITIMER_REAL, CHECK_SECONDS, CHECK_SECONDS)


def is_running(process: psutil.Process) -> bool:
    """Return whether the process runs. A zombie, which its parent keeps, has ended."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
