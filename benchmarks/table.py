"""How figures are printed."""

import statistics
from collections.abc import Callable, Sequence

from benchmarks.cells import KINDS, Cell, Figure

KINDS_IN_ORDER = ("insert", "update", "same")


def spread(values: Sequence[float], form: str) -> str:
    """The median and, in brackets, the least and the greatest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}}..{max(values):{form}})"


def print_figures(figures: dict[Cell, list[Figure]]) -> None:
    """The table: one line a cell, in an order that puts side by side what is compared."""
    heads = "".join(f"{name:>26}" for name in ("scores/s", "p50 ms", "p99 ms"))
    print(f"\n{'N':>5} {'clients':>7} {'kind':8}{'subject':10}{heads}{'requests':>10}")
    for cell in sorted(figures, key=place):
        found = figures[cell]

        def column(read: Callable[[Figure], float], form: str, found: list[Figure] = found) -> str:
            return spread([read(one) for one in found], form)

        print(
            f"{cell.size:5} {cell.clients:7} {cell.kind:8}{cell.subject:10}"
            f"{column(lambda one: one.rate, ',.0f'):>26}{column(lambda one: one.p50 * 1000, '.2f'):>26}"
            f"{column(lambda one: one.p99 * 1000, '.2f'):>26}{sum(one.requests for one in found):10,}"
        )


def place(cell: Cell) -> tuple[int, int, int, int]:
    """Where a cell stands in the table."""
    return cell.clients, cell.size, KINDS_IN_ORDER.index(cell.kind), list(KINDS).index(cell.subject)
