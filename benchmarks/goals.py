"""The goals, and whether a run met them. Ratios are taken within each round, between neighbours in time."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.cells import Bench, Cell, Figure
from benchmarks.table import spread

Figures = dict[Cell, list[Figure]]

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
    goals = [
        *ratios(bench.figures),
        Goal("cold start of the server, database made before, seconds", starts, at_most=COLD_START_SECONDS),
    ]
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


def ratios(figures: Figures) -> Iterator[Goal]:
    """Those that compare one cell with another."""
    for clients in sorted({cell.clients for cell in figures}):
        for size in sorted({cell.size for cell in figures}):
            for kind in ("insert", "update"):
                yield from against_others(figures, Cell("modelhub", kind, size, clients))
            insert, update = (Cell("modelhub", kind, size, clients) for kind in ("insert", "update"))
            if cost := compare(figures, insert, update):
                yield Goal(f"N={size:,}, {clients} clients: an update's time by an insert's", cost, at_most=UPDATE_COST)
    yield from small(figures)


def against_others(figures: Figures, mine: Cell) -> Iterator[Goal]:
    """A cell against textbook and raw. Neither of them keeps what it overwrites: updates are only told."""
    goal = mine.kind == "insert"
    what = f"{mine.kind}, N={mine.size:,}, {mine.clients} client{'s' * (mine.clients > 1)}: modelhub's scores/s by"
    raw, textbook, bare = (replace(mine, subject=subject) for subject in ("raw", "textbook", "bare"))
    if textbook not in figures and mine.size > 100:
        textbook = replace(textbook, size=100)  # no slower a score than with more of them
    if values := compare(figures, mine, textbook):
        note = "" if textbook.size == mine.size else f" (N={textbook.size})"
        least = TIMES_TEXTBOOK.get(mine.clients) if goal and mine.size >= 100 else None
        yield Goal(f"{what} textbook's{note}", values, at_least=least)
        if most := compare(figures, raw, textbook):
            yield Goal("    raw's by textbook's: the most that there is to be had", most)
    if values := compare(figures, mine, raw):
        share = SHARE_OF_RAW if mine.size >= 100 else None
        if (mine.size, mine.clients) == (1, 4):
            share = SMALL_SHARE_OF_RAW
        yield Goal(f"{what} raw's", values, at_least=share if goal else None)
        if most := compare(figures, bare, raw):
            yield Goal("    bare's by raw's: the most that DRF and one statement leave", most)


def small(figures: Figures) -> Iterator[Goal]:
    """What is asked of requests with one score."""
    for kind in ("insert", "update"):
        mine, raw = (figures.get(Cell(subject, kind, 1, 1), []) for subject in ("modelhub", "raw"))
        floor = figures.get(Cell("floor", "insert", 1, 1), [])
        if values := [one.p50 / (3 * its.p50 + http.p50) for one, its, http in zip(mine, raw, floor, strict=False)]:
            limit = 1.0 if kind == "insert" else None
            yield Goal(f"{kind}, N=1, 1 client: p50 by (3 x raw's p50 + floor's p50)", values, at_most=limit)
        if tails := [one.p99 / one.p50 for one in figures.get(Cell("modelhub", kind, 1, 4), [])]:
            yield Goal(f"{kind}, N=1, 4 clients: p99 by p50", tails, at_most=TAIL)


def compare(figures: Figures, one: Cell, other: Cell) -> list[float]:
    """Scores a second of the one by those of the other, round by round."""
    return [mine.rate / its.rate for mine, its in zip(figures.get(one, ()), figures.get(other, ()), strict=False)]
