"""How figures are printed."""

import statistics
from collections.abc import Sequence

from benchmarks.cells import KINDS, Cell, Figure

KINDS_IN_ORDER = ("insert", "update", "same")


def spread(values: Sequence[float], form: str) -> str:
    """The median and, in brackets, the least and the greatest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}}..{max(values):{form}})"


def print_figures(figures: dict[Cell, list[Figure]]) -> None:
    """The table: one line a cell, in an order that puts side by side what is compared."""
    measured = "".join(f"{name:>24}" for name in ("scores/s", "p50 ms", "p99 ms"))
    told = f"{'server':>10}{'PostgreSQL':>11}{'client':>8}{'requests':>9}"
    print(f"\n{'':94}{'CPU ms a request (medians)':>36}")
    print(f"{'N':>5}{'clients':>8} {'kind':7}{'subject':9}{measured}{told}")
    for cell in sorted(figures, key=place):
        print(line_of(cell, figures[cell]))


def line_of(cell: Cell, found: Sequence[Figure]) -> str:
    """One cell."""
    rate = spread([one.rate for one in found], ",.0f")
    p50, p99 = (spread([seconds * 1000 for seconds in column], ".2f") for column in latencies(found))
    cpu = [
        statistics.median(column) * 1000
        for column in zip(*((one.server_cpu, one.postgres_cpu, one.client_cpu) for one in found), strict=True)
    ]
    return (
        f"{cell.size:5}{cell.clients:8} {cell.kind:7}{cell.subject:9}{rate:>24}{p50:>24}{p99:>24}"
        f"{cpu[0]:10.2f}{cpu[1]:11.2f}{cpu[2]:8.2f}{sum(one.requests for one in found):9,}"
    )


def latencies(found: Sequence[Figure]) -> tuple[list[float], list[float]]:
    """Seconds, one a round: of half of the requests at most, and of all but one in a hundred."""
    return [one.p50 for one in found], [one.p99 for one in found]


def place(cell: Cell) -> tuple[int, int, int, int]:
    """Where a cell stands in the table."""
    return cell.clients, cell.size, KINDS_IN_ORDER.index(cell.kind), list(KINDS).index(cell.subject)
