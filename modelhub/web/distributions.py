"""Values of a label as bars and a table: numbers in bins, lengths of texts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import NamedTuple

from modelhub.core.text import count
from modelhub.labels.rules import LabelRule
from modelhub.labels.types.base import LabelType
from modelhub.labels.types.numeric import COMPARED
from modelhub.web.plots import MOST_BARS, Bar, Bars, draw_bars
from modelhub.web.tables import Column, Table, cut, show_share

# Different numbers that each have a bar; more are in some ten bins.
MOST_NUMBERS, BINS = 20, 10
# Numbers that differ in later digits only have no bins, whose names would be as long.
MOST_DIGITS = 15
LONGEST_NUMBER = 20

# Values with their numbers of scores.
Values = list[tuple[str, int]]


class CountedValues(NamedTuple):
    """Values of a label, most frequent first; `other` ones are not listed.

    Shares are of `total` scores: those of several options may add up to more than 1.
    """

    label: LabelRule
    values: Values
    other: int
    total: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """The values of a label; `sentence` names the scores they are of."""

    label: LabelRule
    sentence: str
    plot: Bars | None
    table: Table


def describe_values(counted: CountedValues, path: str) -> Distribution:
    """Return the distribution of values; `path` is the address of its file."""
    label = counted.label
    if label.type == "text":
        title, values = "Characters", bin_numbers(_count_lengths(counted.values))
    elif label.type in ("star", "numeric"):
        title, values = "Value", _spread_numbers(counted)
    else:
        title, values = "Value", _add_options(label, counted.values)
    total, name = counted.total or 1, f"values_{label.id}"
    bars = [Bar(value, number, f"{number:,} ({show_share(number / total)})") for value, number in values]
    plot_title = f"{'Lengths of texts' if label.type == 'text' else 'Values'} of {cut(label.name, 80)}"
    columns = (Column(title), Column("Scores", "count"), Column("Share of scores", "share"))
    rows: list[tuple[str | Decimal, int, float]] = [
        (value if (read := _read_number(value)) is None or label.type != "numeric" else read, number, number / total)
        for value, number in values
    ]
    if counted.other:
        rows.append(("not listed", counted.other, counted.other / total))
    return Distribution(
        label,
        _describe(counted, values),
        draw_bars(plot_title, name, bars) if counted.total else None,
        Table(name, plot_title, columns, rows, path),
    )


def _describe(counted: CountedValues, values: Values) -> str:
    if not counted.total:
        return "No scores yet."
    sentence = f"{counted.total:,} score{'' if counted.total == 1 else 's'}"
    if counted.label.level == "set":
        sentence += " with one option or several, so that shares may add up to more than 100 %"
    if counted.label.type == "text":
        sentence += f", {count(len(counted.values), 'different text')}; lengths are in characters"
    if hidden := values[MOST_BARS:]:
        sentence += f"; {count(len(hidden), 'more value')} with {sum(number for _, number in hidden):,} in the file"
    if counted.other:
        sentence += f"; {counted.other:,} with rare or long values, which are not listed"
    return f"{sentence}."


def _count_lengths(values: Iterable[tuple[str, int]]) -> list[tuple[Decimal, int]]:
    lengths: Counter[int] = Counter()
    for text, number in values:
        lengths[len(text)] += number
    return [(Decimal(length), number) for length, number in sorted(lengths.items())]


def _add_options(label: LabelRule, values: Values) -> Values:
    """Return the values, and the options that no score has."""
    if not isinstance(label.kind, LabelType):
        return values
    options = label.kind.settings["options"] if label.type == "categorical" else [{"label": "up"}, {"label": "down"}]
    used = {value for value, _ in values}
    unused = dict.fromkeys(label.spell(option["label"]) for option in options)
    return values + [(option, 0) for option in unused if option not in used]


def _spread_numbers(counted: CountedValues) -> Values:
    """Return numbers ascending, stars without scores included; many are binned."""
    numbers: list[tuple[Decimal, int]] = []
    others: Values = []
    for value, number in counted.values:
        if (read := _read_number(value)) is None:
            others.append((value, number))
        else:
            numbers.append((read, number))
    kind = counted.label.kind
    if isinstance(kind, LabelType) and counted.label.type == "star" and kind.settings["no_of_stars"] <= MOST_NUMBERS:
        used = {read for read, _ in numbers}
        numbers += [(Decimal(star), 0) for star in range(1, kind.settings["no_of_stars"] + 1) if star not in used]
    return bin_numbers(sorted(numbers)) + others


def bin_numbers(numbers: list[tuple[Decimal, int]]) -> Values:
    """Return ascending numbers by themselves if few, else in bins of one width."""
    width = _find_width(numbers) if len(numbers) > MOST_NUMBERS else None
    if width is None:
        return [(_spell(number), scores) for number, scores in numbers]
    bins: Counter[Decimal] = Counter()
    for number, scores in numbers:
        bins[_floor(number, width)] += scores
    first, last = min(bins), max(bins)
    places = [first + at for at in range(int(last - first) + 1)]
    return [
        (f"{_spell(COMPARED.multiply(at, width))} to < {_spell(COMPARED.multiply(at + 1, width))}", bins[at])
        for at in places
    ]


def _find_width(numbers: list[tuple[Decimal, int]]) -> Decimal | None:
    """Return 1, 2 or 5 times a power of ten, None if bins would have long names."""
    lowest, highest = numbers[0][0], numbers[-1][0]
    least = COMPARED.divide(COMPARED.subtract(highest, lowest), Decimal(BINS))
    power = Decimal(1).scaleb(least.adjusted(), COMPARED)
    width = next(width for width in (power, 2 * power, 5 * power, 10 * power) if width >= least)
    digits = max(abs(lowest.adjusted()), abs(highest.adjusted()), abs(width.adjusted()))
    return width if digits <= MOST_DIGITS else None


def _floor(number: Decimal, width: Decimal) -> Decimal:
    return COMPARED.divide(number, width).to_integral_value(ROUND_FLOOR)


def _read_number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _spell(number: Decimal) -> str:
    """Return a number with its digits, in scientific notation if they are many."""
    text = f"{number:f}" if abs(number.adjusted()) <= LONGEST_NUMBER else f"{number:.6e}"
    if "e" not in text and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if len(text) <= LONGEST_NUMBER else f"{number:.12g}"
