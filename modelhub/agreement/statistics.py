"""Figures of agreement between raters, in plain Python.

Each function names the paper of its figure. No figure depends on the order of units, raters or values: sums are of
integers, exactly rounded, or in the order of the values.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from math import fsum
from typing import Any, Literal, Self

from modelhub.agreement.distances import Distance, Nominal, get_disagreement, scale

Rater = Hashable
Value = Hashable
Weights = Literal["nominal", "linear", "quadratic"]

NO_RATINGS = "there are no ratings"
ONE_RATER = "needs at least two annotators"
NO_PAIRS = "no item has two ratings"
ONE_VALUE = "all ratings are equal"
NOT_TWO_RATERS = "needs exactly two annotators"
TOO_FEW_RATERS = "needs at least three annotators"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, or None with the reason why it is undefined."""

    value: float | None
    reason: str = ""


class Table:
    """Counts of units by their raters and values.

    Values of one table are of one kind: strings, booleans, numbers, or frozen sets of strings. Raters are of one
    kind, too. A unit is compared if it has at least two ratings; its ratings are pairable (Krippendorff 2011).
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[Rater, ...], Counter[tuple[Value, ...]]] = {}

    @classmethod
    def of(cls, units: Iterable[Mapping[Rater, Value]]) -> Self:
        """Return the table of units, each with the values by rater."""
        table = cls()
        for unit in units:
            table.add(unit)
        return table

    def add(self, unit: Mapping[Rater, Value]) -> None:
        """Count a unit: its values by rater. Raters without a value are absent."""
        if unit:
            self._rows.setdefault(tuple(unit), Counter())[tuple(unit.values())] += 1
            for derived in ("values", "units", "pairs"):
                self.__dict__.pop(derived, None)

    @property
    def raters(self) -> set[Rater]:
        return {rater for raters in self._rows for rater in raters}

    @property
    def compared_raters(self) -> set[Rater]:
        """The raters of compared units."""
        return {rater for raters in self._rows if len(raters) > 1 for rater in raters}

    @property
    def compared(self) -> int:
        """The number of units with at least two ratings."""
        return sum(rows.total() for raters, rows in self._rows.items() if len(raters) > 1)

    @property
    def equal(self) -> int:
        """The number of compared units whose ratings are all equal."""
        return sum(number for codes, number in self.units if len(codes) > 1 and codes[0] == codes[-1])

    @property
    def pairable(self) -> int:
        """The number of ratings of compared units."""
        return sum(len(raters) * rows.total() for raters, rows in self._rows.items() if len(raters) > 1)

    @cached_property
    def values(self) -> list[Value]:
        """The distinct values in ascending order."""
        return sorted({value for rows in self._rows.values() for row in rows for value in row}, key=order)

    @cached_property
    def units(self) -> list[tuple[tuple[int, ...], int]]:
        """Numbers of units by their values, which are ascending positions in `values`."""
        code_of = {value: code for code, value in enumerate(self.values)}.__getitem__
        units: Counter[tuple[int, ...]] = Counter()
        for rows in self._rows.values():
            for row, number in rows.items():
                units[tuple(sorted(map(code_of, row)))] += number
        return sorted(units.items())

    @cached_property
    def pairs(self) -> Mapping[tuple[Rater, Rater], Counter[tuple[Value, Value]]]:
        """Counts of pairs of values by pairs of raters, each in ascending order."""
        pairs: defaultdict[tuple[Rater, Rater], Counter[tuple[Value, Value]]] = defaultdict(Counter)
        for raters, rows in self._rows.items():
            columns = zip(*rows.elements(), strict=True)
            by_rater = sorted(zip(raters, columns, strict=True), key=_first)
            for (one, values), (other, other_values) in combinations(by_rater, 2):
                pairs[one, other].update(zip(values, other_values, strict=True))
        return dict(sorted(pairs.items(), key=_first))

    def count_pairable(self) -> list[int]:
        """Return the numbers of pairable ratings by the positions of their values."""
        counts = [0] * len(self.values)
        for codes, number in self.units:
            if len(codes) > 1:
                for code in codes:
                    counts[code] += number
        return counts

    def find_reason(self) -> str:
        """Return why no ratings can be compared, or ""."""
        if self.compared:
            return ""
        raters = len(self.raters)
        return NO_PAIRS if raters > 1 else ONE_RATER if raters else NO_RATINGS


def order(value: Value) -> Any:
    """Return the key by which the values of a table are sorted."""
    return sorted(value) if isinstance(value, frozenset) else value


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def krippendorff_alpha(table: Table, distance: Distance = "nominal") -> Figure:
    """Return Krippendorff's alpha.

    Paper: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability. The ordinal distance is Krippendorff's, over
    the frequencies of pairable values. The distances of sets are those of Jaccard and MASI (Passonneau 2006,
    Measuring Agreement on Set-Valued Items).
    """
    if reason := table.find_reason():
        return Figure(None, reason)
    counts = table.count_pairable()
    if sum(map(bool, counts)) < 2:
        return Figure(None, ONE_VALUE)
    disagreement = get_disagreement(table.values, counts, distance)
    expected = disagreement.of_all(counts)
    if not expected:  # squares of differences below 1e-162 are 0
        return Figure(None, ONE_VALUE)
    observed = fsum(number * disagreement.of_unit(codes) for codes, number in table.units if len(codes) > 1)
    return Figure(1 - (sum(counts) - 1) * observed / expected)


def cohen_kappa(table: Table, weights: Weights = "nominal") -> Figure:
    """Return the kappa of two raters (Cohen 1960), or the weighted one (Cohen 1968).

    Weights are differences of the numbers, or their squares.
    """
    if reason := table.find_reason():
        return Figure(None, reason)
    if len(table.compared_raters) != 2:
        return Figure(None, NOT_TWO_RATERS)
    (pairs,) = table.pairs.values()
    return pair_kappa(pairs, weights)


def pair_kappa(pairs: Counter[tuple[Value, Value]], weights: Weights = "nominal") -> Figure:
    """Return the kappa of two raters from the numbers of their pairs of values."""
    values = {value for pair in pairs for value in pair}
    if len(values) < 2:
        return Figure(None, ONE_VALUE)
    if weights != "nominal":
        numbers: list[Any] = sorted(values, key=order)
        place = dict(zip(numbers, scale(numbers), strict=True))
        scaled: Counter[tuple[Value, Value]] = Counter()
        for (one, other), number in pairs.items():
            scaled[place[one], place[other]] += number
        pairs = scaled
    ones: Counter[Any] = Counter()
    others: Counter[Any] = Counter()
    for (one, other), number in pairs.items():
        ones[one] += number
        others[other] += number
    match weights:
        case "nominal":
            observed: float = sum(number for (one, other), number in pairs.items() if one != other)
            expected: float = pairs.total() ** 2 - sum(number * others[one] for one, number in ones.items())
        case "linear":
            observed = _sum_differences(pairs)
            expected = _expect_differences(ones, others)
        case "quadratic":
            observed = fsum(number * (one - other) ** 2 for (one, other), number in _numbers(pairs))
            expected = _expect_squares(ones, others)
    return Figure(1 - pairs.total() * observed / expected) if expected else Figure(None, ONE_VALUE)


def _numbers(pairs: Counter[tuple[Value, Value]]) -> Iterable[tuple[tuple[Any, Any], int]]:
    return pairs.items()


def _sum_differences(pairs: Counter[tuple[Value, Value]]) -> float:
    return fsum(number * abs(one - other) for (one, other), number in _numbers(pairs))


def _expect_differences(ones: Counter[Any], others: Counter[Any]) -> float:
    """Return the sum of the differences of all pairs of numbers.

    Each gap between numbers is part of the differences of the numbers on its two sides.
    """
    numbers = sorted({*ones, *others})
    below = other_below = 0
    parts = []
    for number, following in pairwise(numbers):
        below += ones[number]
        other_below += others[number]
        crossing = below * (others.total() - other_below) + other_below * (ones.total() - below)
        parts.append(crossing * (following - number))
    return fsum(parts)


def _expect_squares(ones: Counter[Any], others: Counter[Any]) -> float:
    """Return the sum of the squared differences of all pairs of numbers.

    Moments around a common mean keep the digits of large numbers.
    """
    total = ones.total()
    mean = fsum(number * count for counts in (ones, others) for number, count in counts.items()) / (2 * total)
    squares = fsum(count * (number - mean) ** 2 for counts in (ones, others) for number, count in counts.items())
    sums = [fsum(count * (number - mean) for number, count in counts.items()) for counts in (ones, others)]
    return total * squares - 2 * sums[0] * sums[1]


def fleiss_kappa(table: Table) -> Figure:
    """Return the kappa of three or more raters (Fleiss 1971).

    Units may differ in their numbers of ratings as in Gwet (2014, Handbook of Inter-Rater Reliability): agreement is
    observed in compared units, and the shares of values are means over all units.
    """
    if reason := table.find_reason():
        return Figure(None, reason)
    if len(table.compared_raters) < 3:
        return Figure(None, TOO_FEW_RATERS)
    shares = _mean_shares(table)
    if len(shares) < 2:
        return Figure(None, ONE_VALUE)
    expected = fsum(share**2 for share in shares)
    return Figure((_mean_agreement(table) - expected) / (1 - expected))


def gwet_ac1(table: Table) -> Figure:
    """Return Gwet's AC1 (Gwet 2008).

    Missing ratings are treated as in Gwet (2014, Handbook of Inter-Rater Reliability). The categories are the values
    that occur.
    """
    if reason := table.find_reason():
        return Figure(None, reason)
    shares = _mean_shares(table)
    if len(shares) < 2:
        return Figure(None, ONE_VALUE)
    expected = fsum(share * (1 - share) for share in shares) / (len(shares) - 1)
    return Figure((_mean_agreement(table) - expected) / (1 - expected))


def percent_agreement(table: Table) -> Figure:
    """Return the mean share of equal pairs of ratings per compared unit (Fleiss 1971)."""
    reason = table.find_reason()
    return Figure(None, reason) if reason else Figure(_mean_agreement(table))


def equal_share(table: Table) -> Figure:
    """Return the share of compared units whose ratings are all equal."""
    reason = table.find_reason()
    return Figure(None, reason) if reason else Figure(table.equal / table.compared)


def _mean_agreement(table: Table) -> float:
    nominal = Nominal()
    parts = (number * nominal.of_unit(codes) / len(codes) for codes, number in table.units if len(codes) > 1)
    return 1 - fsum(parts) / table.compared


def _mean_shares(table: Table) -> list[float]:
    """Return the mean share of each value over all units."""
    counts: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for codes, number in table.units:
        for code in codes:
            counts[code][len(codes)] += number
    units = sum(number for _, number in table.units)
    return [fsum(number / size for size, number in sizes.items()) / units for sizes in counts.values()]
