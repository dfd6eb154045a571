"""Plots as SVG: coordinates for the templates, which draw them.

Shapes are in a `viewBox` that stretches to the width of the page; texts are beside it, in the size of the page, so that
they are as readable on a telephone as in print.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import ceil
from typing import Any, NamedTuple

from modelhub.web.tables import cut, show_figure, show_number

# Bars of a plot; its table has more, the file all.
MOST_BARS = 30
LONGEST_NAME = 60
ROW, TEXT, BAR, THICKNESS = 38, 15, 21, 8
# A figure with its interval has a line of its own below the name.
ESTIMATE_ROW, ESTIMATE_TEXT, ESTIMATE_BAR = 58, 33, 40
# Columns of a plot of days; more days are months.
MOST_DAYS, MOST_COLUMNS = 92, 366
COLUMNS_HEIGHT = 120
# Marks, embeddings, overrides and isolates: they would reorder the text beside a name.
DIRECTIONS = dict.fromkeys([0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


class Bar(NamedTuple):
    """A value with its name, and the text that a reader sees beside it."""

    name: str
    value: float
    text: str


class DrawnBar(NamedTuple):
    name: str
    text: str
    top: int
    baseline: int
    bar: int
    width: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars below each other."""

    title: str
    id: str
    bars: list[DrawnBar]
    height: int
    thickness: int = THICKNESS
    template: str = "web/plot_bars.html"


class DrawnColumn(NamedTuple):
    title: str
    x: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns from left to right, as of days."""

    title: str
    id: str
    columns: list[DrawnColumn]
    most: str
    first: str
    last: str
    height: int = COLUMNS_HEIGHT
    template: str = "web/plot_columns.html"


class Estimate(NamedTuple):
    """A figure with its interval, or without one."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


class DrawnEstimate(NamedTuple):
    name: str
    text: str
    top: int
    baseline: int
    middle: int
    value: str
    low: str
    width: str


class DrawnLimit(NamedTuple):
    text: str
    x: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Estimates:
    """Figures with their intervals below each other, and limits as lines."""

    title: str
    id: str
    estimates: list[DrawnEstimate]
    limits: list[DrawnLimit]
    lowest: str
    highest: str
    height: int
    axis: int
    template: str = "web/plot_estimates.html"


def plot_name(name: str) -> str:
    """Return a name in one line without characters that reorder its surroundings."""
    return cut(" ".join(name[: 4 * LONGEST_NAME].translate(DIRECTIONS).split()), LONGEST_NAME)


def draw_bars(title: str, plot_id: str, bars: Sequence[Bar], *, most: float | None = None) -> Bars:
    """Return a plot of the first bars; `most` is the value of the whole width."""
    shown = bars[:MOST_BARS]
    scale = most or max((bar.value for bar in shown), default=0) or 1
    drawn = [
        DrawnBar(
            plot_name(bar.name),
            bar.text,
            at * ROW,
            at * ROW + TEXT,
            at * ROW + BAR,
            _place(100 * bar.value / scale),
        )
        for at, bar in enumerate(shown)
    ]
    return Bars(title, plot_id, drawn, len(drawn) * ROW)


def draw_days(title: str, plot_id: str, days: Iterable[tuple[str, int]]) -> Columns:
    """Return a plot of counts by days, of months if they are many."""
    counts = _fill_days(list(days))
    most = max((number for _, number in counts), default=0)
    scale = most or 1
    columns = [
        DrawnColumn(f"{name}: {number:,}", str(at), _place(100 - 100 * number / scale), _place(100 * number / scale))
        for at, (name, number) in enumerate(counts)
    ]
    first, last = (counts[0][0], counts[-1][0]) if counts else ("", "")
    return Columns(title, plot_id, columns, f"{most:,}", first, last if last != first else "")


def _fill_days(days: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return counts of consecutive days with zeros, or of months that have any."""
    if not days:
        return []
    first, last = date.fromisoformat(days[0][0]), date.fromisoformat(days[-1][0])
    length = (last - first).days + 1
    if length <= MOST_DAYS:
        counts = dict(days)
        names = [(first + timedelta(days=at)).isoformat() for at in range(length)]
        return [(name, counts.get(name, 0)) for name in names]
    months: dict[str, int] = {}
    for day, number in days:
        months[day[:7]] = months.get(day[:7], 0) + number
    return list(months.items())[-MOST_COLUMNS:]


def draw_estimates(
    title: str, plot_id: str, estimates: Sequence[Estimate], limits: Sequence[float], *, signed: bool = False
) -> Estimates | None:
    """Return a plot from 0 or below to 1; None without estimates.

    With `signed`, 0 is in the middle, and the ends are the nearest quarters.
    """
    shown = estimates[:MOST_BARS]
    if not shown:
        return None
    ends = [end for one in shown for end in (one.value, one.low, one.high) if end is not None]
    reach = max(map(abs, ends)) if signed else max(0, -min(ends))
    left = -min(ceil(4 * reach) / 4 or (0.25 if signed else 0), 1)
    right = -left if signed else 1

    def place(value: float) -> float:
        return 100 * (min(max(value, left), right) - left) / (right - left)

    drawn = []
    for at, one in enumerate(shown):
        low, high = (one.value if end is None else end for end in (one.low, one.high))
        drawn.append(
            DrawnEstimate(
                plot_name(one.name),
                show_estimate(one.value, one.low, one.high),
                at * ESTIMATE_ROW,
                at * ESTIMATE_ROW + ESTIMATE_TEXT,
                at * ESTIMATE_ROW + ESTIMATE_BAR,
                _place(place(one.value)),
                _place(place(low)),
                _place(place(high) - place(low)),
            )
        )
    lines = [
        DrawnLimit(show_figure(limit) if limit else "0", _place(place(limit)), "end" if at == 0 else "start")
        for at, limit in enumerate(limits)
    ]
    axis = len(drawn) * ESTIMATE_ROW - 8
    return Estimates(title, plot_id, drawn, lines, show_number(left), show_number(right), axis + TEXT + 8, axis)


def show_estimate(value: float, low: float | None, high: float | None) -> str:
    text = show_figure(value)
    return text if low is None or high is None else f"{text} ({show_figure(low)} to {show_figure(high)})"


def _place(number: float | Decimal | Any) -> str:
    return f"{number:.2f}"
