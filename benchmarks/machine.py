"""What the figures were taken on."""

import os
import platform
import statistics
import time
from pathlib import Path

import psutil

from benchmarks.world import World, connected

TOLD = ("server_version", "fsync", "shared_buffers")
SYNCS, PAGE = 200, b"\0" * 8192


def describe_machine(folder: Path, world: World) -> str:
    """One paragraph."""
    with connected(world.database) as connection:
        found = connection.execute("SELECT current_setting(name) FROM unnest(%s::text[]) AS name", [list(TOLD)])
        version, fsync, buffers = (value for (value,) in found)
    load = os.getloadavg()[0]
    return (
        f"{cpu_model()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GB; "
        f"Python {platform.python_version()}, PostgreSQL {version} (fsync {fsync}, shared_buffers {buffers}); "
        f"fdatasync of 8 kB {sync_milliseconds(folder):.2f} ms; load average at the start {load:.1f}"
    )


def cpu_model() -> str:
    """As Linux tells it, or as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def sync_milliseconds(folder: Path) -> float:
    """Median time of writing one page and waiting until it is on the disk, as a commit does."""
    path = folder / "sync-probe"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    taken = []
    try:
        for _ in range(SYNCS):
            started = time.perf_counter()
            os.pwrite(descriptor, PAGE, 0)
            os.fdatasync(descriptor)
            taken.append(time.perf_counter() - started)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(taken) * 1000
