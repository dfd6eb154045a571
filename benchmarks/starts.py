"""Seconds from the command to the line that says ready, and from SIGTERM to the end."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from tests.servers import ROOT

COMMAND = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", "0", "--json"]
# Each kind follows the one that prepares it.
KINDS = ("serve, first start", "serve, next start", "ephemeral, cold", "ephemeral, warm")


def starts(folder: Path, rounds: int) -> list[str]:
    """Start and stop each kind in turn; return lines with medians, least and greatest."""
    times: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    place = folder / "starts"
    for _ in range(rounds + 1):
        shutil.rmtree(place, ignore_errors=True)
        for kind, found in times.items():
            found.append(_time_start(place, ephemeral=kind.startswith("ephemeral")))
    shutil.rmtree(place)
    lines = ["| start | seconds until ready | seconds until stopped |", "|---|---|---|"]
    for kind, found in times.items():
        # The first round warms up.
        ready, stopped = zip(*found[1:], strict=True)
        lines.append(f"| {kind} | {_show(ready)} | {_show(stopped)} |")
    return lines


def _time_start(place: Path, *, ephemeral: bool) -> tuple[float, float]:
    """Return the seconds until a server is ready, and until it has stopped."""
    env = {
        "PATH": os.environ["PATH"],
        "MODELHUB_DATA_DIR": str(place / "data"),
        "XDG_CACHE_HOME": str(place / "cache"),
        "MODELHUB_LOG_LEVEL": "WARNING",
    }
    began = time.perf_counter()
    command = [*COMMAND, *(["--ephemeral"] if ephemeral else [])]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline(), f"{' '.join(command)} did not start"
        ready = time.perf_counter()
        process.terminate()
        assert process.wait() == 0
    return ready - began, time.perf_counter() - ready


def _show(seconds: tuple[float, ...]) -> str:
    return f"{median(seconds):.2f} [{min(seconds):.2f} to {max(seconds):.2f}]"
