"""Print figures: medians of the rounds with the least and the greatest, and ratios between subjects of one round."""

import os
import platform
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from benchmarks.measure import Cell, Figure
from tests.postgres import Postgres

SETTINGS = "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')"


@dataclass(frozen=True)
class Ratio:
    """A column: a figure of some subjects, divided by that of another one in the same round."""

    title: str
    subjects: Sequence[str]
    other: str
    figure: Callable[[Figure], float]

    def of(self, figures: dict[Cell, list[Figure]], cell: Cell) -> list[float]:
        """Return the ratio of each round; none where a figure is missing."""
        pairs = zip(figures[cell], figures.get(replace(cell, subject=self.other), ()), strict=False)
        return [self.figure(mine) / self.figure(its) for mine, its in pairs if cell.subject in self.subjects]


def table(figures: dict[Cell, list[Figure]], ratios: Sequence[Ratio]) -> Iterator[str]:
    """Yield the heading and a line per cell; the subjects of one load stand below each other."""
    columns = ["per second", "p50 ms", "p95 ms", "p99 ms", "CPU ms", *(ratio.title for ratio in ratios)]
    yield f"{'N':>5}{'clients':>8} {'kind':36}{'subject':10}{''.join(f'{column:>26}' for column in columns)}"
    order = list(dict.fromkeys(name for cell in figures for name in (cell.kind, cell.subject)))
    for cell in sorted(figures, key=lambda c: (c.clients, c.size, order.index(c.kind), order.index(c.subject))):
        found = figures[cell]
        columns = [
            spread([figure.rate for figure in found], ",.0f"),
            spread([figure.p50 for figure in found], ".2f"),
            spread([figure.p95 for figure in found], ".1f"),
            spread([figure.p99 for figure in found], ".1f"),
            spread([figure.cpu for figure in found], ".2f"),
            *(spread(ratio.of(figures, cell), ".2f") for ratio in ratios),
        ]
        line = f"{cell.size or '':>5}{cell.clients:8} {cell.kind:36}{cell.subject:10}"
        yield (line + "".join(f"{column:>26}" for column in columns)).rstrip()


def spread(values: Sequence[float], form: str) -> str:
    """Return the median and, in brackets, the least and the greatest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}}..{max(values):{form}})" if values else ""


def machine(postgres: Postgres) -> str:
    """Return the hardware, the versions and the load at the start."""
    [(version, fsync, synchronous_commit)] = postgres.execute(SETTINGS)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    cpu = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
    return (
        f"{os.cpu_count()} cores, {cpu}, {psutil.virtual_memory().total / 2**30:.0f} GB; "
        f"Python {platform.python_version()}; PostgreSQL {version}, fsync {fsync}, "
        f"synchronous_commit {synchronous_commit}; load average at the start {os.getloadavg()[0]:.1f}"
    )
