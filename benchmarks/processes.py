"""What processes cost: CPU time and memory of the servers and of the embedded PostgreSQL."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

import psutil


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and all below it, those that have ended and were waited for included."""
    root = psutil.Process(pid)
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])  # user, system, and the same of ended children
    return total


def postgres_pid(data_dir: Path) -> int | None:
    """The embedded PostgreSQL of the folder; `None` where the database is somewhere else."""
    try:
        return int((data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
    except OSError:
        return None


def megabytes(processes: Iterable[psutil.Process]) -> list[tuple[float, float]]:
    """Of each process: resident memory, and the part of it that it shares with nobody."""
    found = [process.memory_full_info() for process in processes]
    return [(one.rss / 2**20, one.uss / 2**20) for one in found]
