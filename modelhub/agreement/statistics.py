"""Figures of agreement between raters, in plain Python.

Each function names the paper of its figure. Sums are of whole numbers and a figure is rounded once: none depends on
the order of units, raters or values.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cached_property
from itertools import combinations, pairwise
from math import lcm
from typing import Any, Literal, Self

from modelhub.agreement.distances import Distance, Nominal, dot, get_disagreement, scale

Rater = Hashable
Value = Hashable
Weights = Literal["nominal", "linear", "quadratic"]

# Decimal places of figures, and of the shares that the contract of the hosted service has.
PLACES, SHARE_PLACES = 6, 3

NO_RATINGS = "there are no ratings"
ONE_RATER = "needs at least two annotators"
NO_PAIRS = "no item has two ratings"
ONE_VALUE = "all ratings are equal"
NOT_TWO_RATERS = "needs exactly two annotators"
TOO_FEW_RATERS = "needs at least three annotators"
# Each two different sets have a distance: those of 2,000 take 0.6 s and 32 MB.
MOST_SETS = 2000
TOO_MANY_SETS = f"there are more than {MOST_SETS} different sets of options"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, or None with the reason why it is undefined."""

    value: float | None
    reason: str = ""

    def rounded(self, places: int = PLACES) -> float | None:
        """Return the figure as papers print it: half is rounded away from zero."""
        if self.value is None:
            return None
        # The sum turns -0.0 into 0.0.
        return float(Decimal(repr(self.value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)) + 0.0


class Table:
    """Counts of units by their raters and values.

    Values of one table are of one kind: strings, booleans, numbers, or frozen sets of strings. Raters are of one
    kind, too. A unit is compared if it has at least two ratings; its ratings are pairable (Krippendorff 2011).
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[Rater, ...], Counter[tuple[Value, ...]]] = {}

    @classmethod
    def of(cls, units: Iterable[Mapping[Any, Value]]) -> Self:
        """Return the table of units, each with the values by rater."""
        table = cls()
        for unit in units:
            table.add(unit)
        return table

    def add(self, unit: Mapping[Any, Value]) -> None:
        """Count a unit: its values by rater. Raters without a value are absent."""
        if unit:
            self._rows.setdefault(tuple(unit), Counter())[tuple(unit.values())] += 1
            if len(vars(self)) > 1:  # derived counts
                self.__dict__ = {"_rows": self._rows}

    @cached_property
    def raters(self) -> set[Rater]:
        return {rater for raters in self._rows for rater in raters}

    @cached_property
    def compared_raters(self) -> set[Rater]:
        """The raters of compared units."""
        return {rater for raters in self._rows if len(raters) > 1 for rater in raters}

    @cached_property
    def compared(self) -> int:
        """The number of units with at least two ratings."""
        return sum(rows.total() for raters, rows in self._rows.items() if len(raters) > 1)

    @cached_property
    def equal(self) -> int:
        """The number of compared units whose ratings are all equal."""
        return sum(number for codes, number in self.units if len(codes) > 1 and codes[0] == codes[-1])

    @cached_property
    def pairable(self) -> int:
        """The number of ratings of compared units."""
        return sum(len(raters) * rows.total() for raters, rows in self._rows.items() if len(raters) > 1)

    @cached_property
    def comparisons(self) -> int:
        """The number of pairs of ratings of one unit."""
        return sum(len(raters) * (len(raters) - 1) // 2 * rows.total() for raters, rows in self._rows.items())

    @cached_property
    def values(self) -> list[Value]:
        """The distinct values in ascending order."""
        return sorted({value for rows in self._rows.values() for row in rows for value in row}, key=order)

    @cached_property
    def units(self) -> list[tuple[tuple[int, ...], int]]:
        """Numbers of units by their values, as ascending positions in `values`.

        The order of units is that of their addition.
        """
        code_of = {value: code for code, value in enumerate(self.values)}.__getitem__
        units: Counter[tuple[int, ...]] = Counter()
        for rows in self._rows.values():
            for row, number in rows.items():
                units[tuple(sorted(map(code_of, row)))] += number
        return [*units.items()]

    @cached_property
    def pairs(self) -> Mapping[tuple[Rater, Rater], Counter[tuple[Value, Value]]]:
        """Counts of pairs of values by pairs of raters, each in ascending order."""
        pairs: defaultdict[tuple[Rater, Rater], Counter[tuple[Value, Value]]] = defaultdict(Counter)
        for raters, rows in self._rows.items():
            for row, number in rows.items():
                ratings: list[Any] = sorted(zip(raters, row, strict=True), key=_first)
                for (one, value), (other, other_value) in combinations(ratings, 2):
                    pairs[one, other][value, other_value] += number
        return dict(sorted(pairs.items(), key=_first))

    @cached_property
    def pairable_counts(self) -> list[int]:
        """The numbers of pairable ratings by the positions of their values."""
        counts = [0] * len(self.values)
        for codes, number in self.units:
            if len(codes) > 1:
                for code in codes:
                    counts[code] += number
        return counts

    @cached_property
    def partners(self) -> int:
        """The least common multiple of the numbers of partners of a rating."""
        return lcm(*{len(codes) - 1 for codes, _ in self.units if len(codes) > 1})

    @cached_property
    def mean_agreement(self) -> Fraction:
        """The mean share of equal pairs of ratings per compared unit."""
        nominal = Nominal()
        disagreeing: Counter[int] = Counter()
        for codes, number in self.units:
            disagreeing[len(codes)] += number * nominal.of_unit(codes)
        shares = (Fraction(pairs, size * (size - 1)) for size, pairs in disagreeing.items() if pairs)
        return 1 - sum(shares, Fraction()) / self.compared

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
    if reason := find_alpha_reason(table, distance):
        return Figure(None, reason)
    counts = table.pairable_counts
    disagreement = get_disagreement(table.values, counts, distance)
    partners = table.partners
    observed = sum(
        number * disagreement.of_unit(codes) * (partners // (len(codes) - 1))
        for codes, number in table.units
        if len(codes) > 1
    )
    return Figure(get_alpha(sum(counts), observed, partners * disagreement.of_all(counts)))


def find_alpha_reason(table: Table, distance: Distance) -> str:
    """Return why alpha is undefined, or ""."""
    if reason := table.find_reason():
        return reason
    if sum(map(bool, table.pairable_counts)) < 2:
        return ONE_VALUE
    return find_sets_reason(len(table.values), distance)


def find_sets_reason(values: int, distance: Distance) -> str:
    """Return why so many values have no distances, or ""."""
    return TOO_MANY_SETS if distance in {"jaccard", "masi"} and values > MOST_SETS else ""


def get_alpha(ratings: int, observed: int, expected: int | Fraction) -> float:
    """Return alpha by sums of distances, which share a factor."""
    return float((expected - (ratings - 1) * observed) / expected)


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
    values: list[Any] = list({value for pair in pairs for value in pair})
    if len(values) < 2:
        return Figure(None, ONE_VALUE)
    place_of = dict(zip(values, range(len(values)) if weights == "nominal" else scale(values), strict=True))
    rated = [(place_of[one], place_of[other], number) for (one, other), number in pairs.items()]
    ones: Counter[int] = Counter()
    others: Counter[int] = Counter()
    for one, other, number in rated:
        ones[one] += number
        others[other] += number
    match weights:
        case "nominal":
            observed = sum(number for one, other, number in rated if one != other)
            expected = pairs.total() ** 2 - sum(number * others[one] for one, number in ones.items())
        case "linear":
            observed = sum(number * abs(one - other) for one, other, number in rated)
            expected = _expect_differences(ones, others)
        case "quadratic":
            observed = sum(number * (one - other) ** 2 for one, other, number in rated)
            expected = _expect_squares(ones, others)
    return Figure((expected - pairs.total() * observed) / expected)


def _expect_differences(ones: Counter[int], others: Counter[int]) -> int:
    """Return the sum of the differences of all pairs of numbers.

    Each gap between numbers is part of the differences of the numbers on its two sides.
    """
    all_ones, all_others = ones.total(), others.total()
    below = other_below = total = 0
    for number, following in pairwise(sorted({*ones, *others})):
        below += ones[number]
        other_below += others[number]
        crossing = below * (all_others - other_below) + other_below * (all_ones - below)
        total += crossing * (following - number)
    return total


def _expect_squares(ones: Counter[int], others: Counter[int]) -> int:
    """Return the sum of the squared differences of all pairs of numbers, by moments."""
    sums = [sum(number * count for number, count in counts.items()) for counts in (ones, others)]
    squares = sum(number**2 * count for counts in (ones, others) for number, count in counts.items())
    return ones.total() * squares - 2 * sums[0] * sums[1]


def fleiss_kappa(table: Table) -> Figure:
    """Return the kappa of three or more raters (Fleiss 1971).

    Units may differ in their numbers of ratings as in Gwet (2014, Handbook of Inter-Rater Reliability): agreement is
    observed in compared units, and the shares of values are means over all units.
    """
    if reason := table.find_reason():
        return Figure(None, reason)
    if len(table.compared_raters) < 3:
        return Figure(None, TOO_FEW_RATERS)
    if len(table.values) < 2:
        return Figure(None, ONE_VALUE)
    return Figure(_beyond(table.mean_agreement, _chance(table)))


def gwet_ac1(table: Table) -> Figure:
    """Return Gwet's AC1 (Gwet 2008).

    Missing ratings are treated as in Gwet (2014, Handbook of Inter-Rater Reliability). The categories are the values
    that occur.
    """
    if reason := table.find_reason():
        return Figure(None, reason)
    if len(table.values) < 2:
        return Figure(None, ONE_VALUE)
    return Figure(_beyond(table.mean_agreement, (1 - _chance(table)) / (len(table.values) - 1)))


def percent_agreement(table: Table) -> Figure:
    """Return the mean share of equal pairs of ratings per compared unit (Fleiss 1971)."""
    reason = table.find_reason()
    return Figure(None, reason) if reason else Figure(float(table.mean_agreement))


def equal_share(table: Table) -> Figure:
    """Return the share of compared units whose ratings are all equal."""
    reason = table.find_reason()
    return Figure(None, reason) if reason else Figure(table.equal / table.compared)


def _beyond(observed: Fraction, expected: Fraction) -> float:
    return float((observed - expected) / (1 - expected))


def _chance(table: Table) -> Fraction:
    """Return the sum of the squares of the mean shares of values over all units."""
    factor = lcm(*{len(codes) for codes, _ in table.units})
    shares = [0] * len(table.values)
    for codes, number in table.units:
        share = number * (factor // len(codes))
        for code in codes:
            shares[code] += share
    return Fraction(dot(shares, shares), sum(shares) ** 2)
