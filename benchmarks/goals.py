"""The goals, and whether a run met them. Ratios are taken within each round, between neighbours in time."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.cells import Bench, Cell, Figure
from benchmarks.table import spread

COLD_START_SECONDS = 2.0
TIMES_TEXTBOOK = {1: 45, 4: 25}
SHARE_OF_RAW = 2 / 3
SMALL_SHARE_OF_RAW = 0.35
TAIL = 4
UPDATE_COST = 1.6


@dataclass(frozen=True, slots=True)
class Goal:
    """One line: what, one value a round, and where the median must be (neither: it is only told)."""

    name: str
    values: Sequence[float]
    at_least: float | None = None
    at_most: float | None = None

    def verdict(self) -> str:
        """In words; a goal that is missed says so."""
        median = statistics.median(self.values)
        if self.at_least is not None:
            return f">= {self.at_least:.2f}  {'met' if median >= self.at_least else 'NOT met'}"
        if self.at_most is not None:
            return f"<= {self.at_most:.2f}  {'met' if median <= self.at_most else 'NOT met'}"
        return "         (told)"


def print_goals(bench: Bench, starts: Sequence[float]) -> None:
    """Every goal that the run has figures for."""
    goals = [*ratios(bench), Goal("cold start of the server, database made before, seconds", starts, at_most=2.0)]
    print(f"\n{'goal':74}{'median (spread)':>26}")
    for goal in goals:
        print(f"{goal.name:74}{spread(goal.values, '.2f'):>26}  {goal.verdict()}")
    if same := bench.same.requests:
        wrote = bench.same.rows or bench.same.revisions
        print(
            f"{same:,} updates that change nothing: {'rows were written  NOT met' if wrote else 'no row written  met'}"
            f" ({bench.same.revisions} revisions, {bench.same.log_bytes / same:,.0f} bytes of log a request,"
            " checkpoints and vacuum included)"
        )


def ratios(bench: Bench) -> Iterator[Goal]:
    """Those that compare one cell with another."""
    figures = bench.figures
    many = sorted({cell.clients for cell in figures})

    def compare(one: Cell, other: Cell, read: Callable[[Figure], float] = lambda figure: figure.rate) -> list[float]:
        pairs = zip(figures.get(one, ()), figures.get(other, ()), strict=False)
        return [read(mine) / read(its) for mine, its in pairs]

    for clients in many:
        for size in sorted({cell.size for cell in figures}):
            for kind in ("insert", "update"):
                goal = kind == "insert"  # raw keeps no revisions, textbook neither: updates are told
                mine = Cell("modelhub", kind, size, clients)
                what = f"{kind}, N={size:,}, {clients} client{'s' * (clients > 1)}: modelhub's scores/s by"
                textbook = Cell("textbook", kind, size, clients)
                if textbook not in figures and size > 100:
                    textbook = Cell("textbook", kind, 100, clients)
                if values := compare(mine, textbook):
                    note = "" if textbook.size == size else " (N=100)"
                    least = TIMES_TEXTBOOK.get(clients) if goal and size >= 100 else None
                    yield Goal(f"{what} textbook's{note}", values, at_least=least)
                if values := compare(mine, Cell("raw", kind, size, clients)):
                    share = SHARE_OF_RAW if size >= 100 else SMALL_SHARE_OF_RAW if (size, clients) == (1, 4) else None
                    yield Goal(f"{what} raw's", values, at_least=share if goal else None)
            cost = compare(Cell("modelhub", "insert", size, clients), Cell("modelhub", "update", size, clients))
            if cost:
                yield Goal(f"N={size:,}, {clients} clients: an update's time by an insert's", cost, at_most=UPDATE_COST)
    yield from small(figures)


def small(figures: dict[Cell, list[Figure]]) -> Iterator[Goal]:
    """What is asked of requests with one score."""
    for kind in ("insert", "update"):
        mine, raw, floor = (
            figures.get(Cell(subject, kind if subject != "floor" else "insert", 1, 1), [])
            for subject in ("modelhub", "raw", "floor")
        )
        values = [one.p50 / (3 * its.p50 + http.p50) for one, its, http in zip(mine, raw, floor, strict=False)]
        if values:
            limit = 1.0 if kind == "insert" else None
            yield Goal(f"{kind}, N=1, 1 client: p50 by (3 x raw's p50 + floor's p50)", values, at_most=limit)
        for size in (1,):
            if found := figures.get(Cell("modelhub", kind, size, 4)):
                tails = [one.p99 / one.p50 for one in found]
                yield Goal(f"{kind}, N={size}, 4 clients: p99 by p50", tails, at_most=TAIL)
